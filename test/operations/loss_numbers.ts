/** Losses of two tensors of one shape, element by element. */
import * as tilegrad from 'tilegrad';
import { type LossReduction, ones } from 'tilegrad';
import { one } from './gradients.js';
import { flag, lossOptions, numberOption, rejects } from './loss_options.js';
import {
  apart,
  factors,
  pairRows,
  pairs,
  reductions,
  sigmoids,
  signed,
  signs,
  two,
} from './loss_parts.js';
import { losses, type Misuse, tensorArguments, x } from './misuse.js';
import type { Operation } from './operation.js';

export const numberLosses: Record<string, Operation> = {
  l1Loss: {
    misuse: pairRows('l1Loss', tilegrad.l1Loss),
    gradients: pairs(tilegrad.l1Loss),
  },
  mseLoss: {
    misuse: pairRows('mseLoss', tilegrad.mseLoss),
    gradients: pairs(tilegrad.mseLoss),
  },
  huberLoss: {
    misuse: [
      ...pairRows('huberLoss', tilegrad.huberLoss),
      ...rejects('huberLoss', (o) => tilegrad.huberLoss(x, x, o), 'delta', [
        ...numberOption,
        0,
        -1,
      ]),
    ],
    gradients: pairs(tilegrad.huberLoss, [{}, { delta: 0.4 }]),
  },
  smoothL1Loss: {
    misuse: [
      ...pairRows('smoothL1Loss', tilegrad.smoothL1Loss),
      ...rejects('smoothL1Loss', (o) => tilegrad.smoothL1Loss(x, x, o), 'beta', [
        ...numberOption,
        -1,
      ]),
    ],
    gradients: pairs(tilegrad.smoothL1Loss, [{}, { beta: 0.4 }, { beta: 0 }]),
  },
  binaryCrossEntropy: {
    misuse: [
      ...pairRows('binaryCrossEntropy', tilegrad.binaryCrossEntropy),
      ...factors('binaryCrossEntropy', (o) => tilegrad.binaryCrossEntropy(x, x, o), 'weight'),
      [() => tilegrad.binaryCrossEntropy(x.mul(1.5), x), 'ERR_ARGUMENT', 'from 1.5 to 1.5'],
      [() => tilegrad.binaryCrossEntropy(x.mul(-0.5), x), 'ERR_ARGUMENT'],
      [() => tilegrad.binaryCrossEntropy(x.mul(Number.NaN), x), 'ERR_ARGUMENT'],
    ],
    gradients: pairs(tilegrad.binaryCrossEntropy, [{}, { weight: two }], sigmoids),
  },
  binaryCrossEntropyWithLogits: {
    misuse: [
      ...pairRows('binaryCrossEntropyWithLogits', tilegrad.binaryCrossEntropyWithLogits),
      ...['weight', 'posWeight'].flatMap((option) =>
        factors(
          'binaryCrossEntropyWithLogits',
          (o) => tilegrad.binaryCrossEntropyWithLogits(x, x, o),
          option,
        ),
      ),
    ],
    gradients: pairs(tilegrad.binaryCrossEntropyWithLogits, [
      {},
      { weight: two },
      { posWeight: two },
      { weight: two.add(1), posWeight: two },
    ]),
  },
  sigmoidFocalLoss: {
    misuse: [
      ...pairRows('sigmoidFocalLoss', tilegrad.sigmoidFocalLoss),
      ...rejects('sigmoidFocalLoss', (o) => tilegrad.sigmoidFocalLoss(x, x, o), 'alpha', [
        ...numberOption,
        -0.5,
        1.1,
      ]),
      ...rejects('sigmoidFocalLoss', (o) => tilegrad.sigmoidFocalLoss(x, x, o), 'gamma', [
        ...numberOption,
        -0.5,
      ]),
    ],
    gradients: pairs(
      tilegrad.sigmoidFocalLoss,
      [{}, { alpha: -1, gamma: 1 }, { gamma: 0 }, { gamma: 0.5 }],
      (x, y) => [x, apart(y).sigmoid()],
    ),
  },
  klDivLoss: {
    misuse: [
      ...pairRows('klDivLoss', tilegrad.klDivLoss),
      ...rejects('klDivLoss', (o) => tilegrad.klDivLoss(x, x, o), 'logTarget', flag),
      [() => tilegrad.klDivLoss(ones([]), ones([]), { reduction: 'batchmean' }), 'ERR_SHAPE'],
    ],
    gradients: [
      ...pairs(tilegrad.klDivLoss, [{}], (x, y) => [x, apart(y).sigmoid()]),
      ...pairs(tilegrad.klDivLoss, [{ logTarget: true }], undefined, { logTarget: true }),
      one(
        (x, y) => tilegrad.klDivLoss(x, y!.sigmoid(), { reduction: 'batchmean' }),
        [2, 3],
        [2, 3],
      ),
    ],
  },
  poissonNllLoss: {
    misuse: [
      ...pairRows('poissonNllLoss', tilegrad.poissonNllLoss),
      ...['logInput', 'full'].flatMap((option) =>
        rejects('poissonNllLoss', (o) => tilegrad.poissonNllLoss(x, x, o), option, flag),
      ),
      ...rejects('poissonNllLoss', (o) => tilegrad.poissonNllLoss(x, x, o), 'eps', [
        ...numberOption,
        -1,
      ]),
    ],
    gradients: [
      ...pairs(tilegrad.poissonNllLoss, [{}, { full: true }], (x, y) => [x, y.sigmoid().mul(3)]),
      ...pairs(tilegrad.poissonNllLoss, [{ logInput: false, eps: 0.1 }], (x, y) => [
        x.square(),
        apart(y),
      ]),
    ],
  },
  gaussianNllLoss: {
    misuse: [
      ...losses((a, b) => tilegrad.gaussianNllLoss(a, b, 1)),
      ...lossOptions('gaussianNllLoss', (o) => tilegrad.gaussianNllLoss(x, x, 1, o)),
      ...rejects('gaussianNllLoss', (o) => tilegrad.gaussianNllLoss(x, x, 1, o), 'full', flag),
      ...rejects('gaussianNllLoss', (o) => tilegrad.gaussianNllLoss(x, x, 1, o), 'eps', [
        ...numberOption,
        0,
        -1,
      ]),
      ...tensorArguments((t) => tilegrad.gaussianNllLoss(x, x, t), { takesNumbers: true }),
      ...[-1, Number.NaN, Infinity].map(
        (variance): Misuse => [() => tilegrad.gaussianNllLoss(x, x, variance), 'ERR_ARGUMENT'],
      ),
      [() => tilegrad.gaussianNllLoss(x, x, x.neg()), 'ERR_ARGUMENT', 'negative'],
      ...[[3], [1, 1], [2, 2], [1, 2, 3], []].map(
        (shape): Misuse => [() => tilegrad.gaussianNllLoss(x, x, ones(shape)), 'ERR_SHAPE'],
      ),
    ],
    gradients: [
      ...[[2, 2], [2], [2, 1]].map((shape, i) =>
        one(
          (x, y, v) =>
            tilegrad.gaussianNllLoss(x, apart(y!), v!.square().add(0.5), {
              reduction: reductions[i] as LossReduction,
              full: true,
            }),
          [2, 2],
          [2, 2],
          shape,
        ),
      ),
      one((x) => tilegrad.gaussianNllLoss(x, x.mul(2), 1.5), [4]),
      one((x, v) => tilegrad.gaussianNllLoss(x, x.mul(2), v!.square()), [4], []),
    ],
  },
  hingeEmbeddingLoss: {
    misuse: [
      ...pairRows('hingeEmbeddingLoss', tilegrad.hingeEmbeddingLoss),
      ...rejects(
        'hingeEmbeddingLoss',
        (o) => tilegrad.hingeEmbeddingLoss(x, x, o),
        'margin',
        numberOption,
      ),
    ],
    gradients: signed(tilegrad.hingeEmbeddingLoss, [{}, { margin: 0.25 }]),
  },
  hingeLoss: {
    misuse: [
      ...pairRows('hingeLoss', tilegrad.hingeLoss),
      ...rejects('hingeLoss', (o) => tilegrad.hingeLoss(x, x, o), 'squared', flag),
    ],
    gradients: signed((x, y, o) => tilegrad.hingeLoss(x.mul(0.99), y, o), [{}, { squared: true }]),
  },
  softMarginLoss: {
    misuse: pairRows('softMarginLoss', tilegrad.softMarginLoss),
    gradients: [
      ...signed(tilegrad.softMarginLoss),
      one((x, y) => tilegrad.softMarginLoss(x, y!), [2, 3], [2, 3]),
    ],
  },
  marginRankingLoss: {
    misuse: [
      ...losses((a, b) => tilegrad.marginRankingLoss(a, b, x)),
      ...tensorArguments((t) => tilegrad.marginRankingLoss(x, x, t), { takesIntegers: true }),
      [() => tilegrad.marginRankingLoss(x, x, ones([3])), 'ERR_SHAPE'],
      ...lossOptions('marginRankingLoss', (o) => tilegrad.marginRankingLoss(x, x, x, o)),
      ...rejects(
        'marginRankingLoss',
        (o) => tilegrad.marginRankingLoss(x, x, x, o),
        'margin',
        numberOption,
      ),
    ],
    gradients: pairs(
      (x, y, options) => tilegrad.marginRankingLoss(x, y, signs(x.shape), options),
      [{}, { margin: 0.5123 }],
    ),
  },
};
