/** Losses but for those of classes (cross_entropy.ts), and penalties. */

import * as tilegrad from 'tilegrad';
import { type LossReduction, ones, type Tensor, tensor } from 'tilegrad';
import { type Add, dtypes, type Float, numbers, withGradients } from './bits.js';
import { type Case, one } from './gradients.js';
import { lossModules, penalties } from './loss_modules.js';
import { flag, lossOptions, numberOption, rejects } from './loss_options.js';
import { kinds, leaf, losses, type Misuse, tensorArguments, wrong, x } from './misuse.js';
import type { Family, Operation } from './operation.js';

type Options = Record<string, unknown>;

const reductions: readonly LossReduction[] = ['mean', 'sum', 'none'];

/** What factors reject; `call` takes an input of shape [2, 3]. */
const factors = (name: string, call: (options: never) => unknown, option: string): Misuse[] => [
  [() => call(wrong({ [option]: [1, 2, 3] })), 'ERR_ARGUMENT'],
  [() => call(wrong({ [option]: ones([3], { dtype: 'int32' }) })), 'ERR_DTYPE'],
  [() => call(wrong({ [option]: ones([3], { dtype: 'float64' }) })), 'ERR_DTYPE'],
  [() => call(wrong({ [option]: ones([2]) })), 'ERR_SHAPE', `[${name}]`],
  [() => call(wrong({ [option]: ones([1, 2, 3]) })), 'ERR_SHAPE', `[${name}]`],
  [() => call(wrong({ [option]: leaf })), 'ERR_ARGUMENT', 'detach'],
];

/** 1 and -1 by turns, float64. */
const signs = (shape: readonly number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  const list = Array.from({ length: size }, (_, i) => (i % 3 === 0 ? -1 : 1));
  return tensor(list, { dtype: 'float64' }).reshape([...shape]);
};

/** The second of two equal inputs, moved away from the first, so that no difference is at a bend. */
const apart = (y: Tensor): Tensor => y.mul(-0.7).add(0.05);

/** Gradients by both inputs, for each set of options, the first one with each reduction. */
const pairs = (
  call: (x: Tensor, y: Tensor, options: never) => Tensor,
  sets: readonly Options[] = [{}],
  prepare: (x: Tensor, y: Tensor) => [Tensor, Tensor] = (x, y) => [x, apart(y)],
  scalarOptions: Options = {},
): Case[] => [
  ...sets.flatMap((set, i) =>
    (i === 0 ? reductions : (['none'] as const)).map((reduction) =>
      one((x, y) => call(...prepare(x, y!), wrong({ ...set, reduction })), [2, 2], [2, 2]),
    ),
  ),
  one((x, y) => call(...prepare(x, y!), wrong(scalarOptions)), [], []),
];

/** Gradients by one input, with targets of its shape that are 1 or -1. */
const signed = (
  call: (x: Tensor, y: Tensor, options: never) => Tensor,
  sets: readonly Options[] = [{}],
): Case[] =>
  reductions.flatMap((reduction) =>
    sets.flatMap((set) =>
      [[2, 3], []].map((shape) =>
        one((x) => call(x, signs(shape), wrong({ ...set, reduction })), shape),
      ),
    ),
  );

const sigmoids = (x: Tensor, y: Tensor): [Tensor, Tensor] => [x.sigmoid(), apart(y).sigmoid()];

const weights = tensor([0.5, 2, 1.5], { dtype: 'float64' });
const two = tensor([0.5, 2], { dtype: 'float64' });

/** Rows of a pair of tensors of one shape. */
const pairRows = (
  name: string,
  call: (x: Tensor, y: Tensor, options?: never) => Tensor,
): Misuse[] => [
  ...losses((a, b) => call(a, b)),
  ...lossOptions(name, (options) => call(x, x, options)),
];

const plain: Record<string, Operation> = {
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

const classesOf = (list: number[] | number[][]): Tensor =>
  tensor(list as number[], { dtype: 'int32' });

const ofClasses: Record<string, Operation> = {
  multiMarginLoss: {
    misuse: [
      ...tensorArguments((t) => tilegrad.multiMarginLoss(t, [0, 0])),
      ...lossOptions('multiMarginLoss', (o) => tilegrad.multiMarginLoss(x, [0, 0], o)),
      ...rejects(
        'multiMarginLoss',
        (o) => tilegrad.multiMarginLoss(x, [0, 0], o),
        'margin',
        numberOption,
      ),
      ...rejects('multiMarginLoss', (o) => tilegrad.multiMarginLoss(x, [0, 0], o), 'p', [
        0,
        3,
        null,
        '1',
      ]),
      ...factors('multiMarginLoss', (o) => tilegrad.multiMarginLoss(x, [0, 0], o), 'weight'),
      ...[undefined, null, 5, 'text', {}, ['0', '1'], [0.5, 0]].map(
        (targets): Misuse => [() => tilegrad.multiMarginLoss(x, wrong(targets)), 'ERR_ARGUMENT'],
      ),
      [() => tilegrad.multiMarginLoss(x, [0, 3]), 'ERR_INDEX'],
      [() => tilegrad.multiMarginLoss(x, [0, -100]), 'ERR_INDEX'],
      [() => tilegrad.multiMarginLoss(x, [0]), 'ERR_SHAPE'],
      [() => tilegrad.multiMarginLoss(x, ones([2])), 'ERR_DTYPE'],
      [() => tilegrad.multiMarginLoss(ones([2, 3, 4]), [0, 0]), 'ERR_SHAPE'],
      [() => tilegrad.multiMarginLoss(ones([]), 0), 'ERR_SHAPE'],
      [() => tilegrad.multiMarginLoss(ones([2, 0]), [0, 0]), 'ERR_SHAPE'],
    ],
    gradients: reductions.flatMap((reduction) => [
      one((x) => tilegrad.multiMarginLoss(x.mul(0.99), [2, 0, 1], { reduction }), [3, 3]),
      one(
        (x) =>
          tilegrad.multiMarginLoss(x, [2, 0], { reduction, p: 2, margin: 0.55, weight: weights }),
        [2, 3],
      ),
      one((x) => tilegrad.multiMarginLoss(x.mul(0.99), 1, { reduction }), [4]),
    ]),
  },
  multiLabelMarginLoss: {
    misuse: [
      ...tensorArguments((t) => tilegrad.multiLabelMarginLoss(t, classesOf([[0, 1, 2]]))),
      ...kinds.map(
        (t): Misuse => [() => tilegrad.multiLabelMarginLoss(x, wrong(t)), 'ERR_ARGUMENT'],
      ),
      [() => tilegrad.multiLabelMarginLoss(x, x), 'ERR_DTYPE'],
      [() => tilegrad.multiLabelMarginLoss(x, classesOf([0, 1, 2])), 'ERR_SHAPE'],
      [
        () =>
          tilegrad.multiLabelMarginLoss(
            x,
            classesOf([
              [0, 1, -1],
              [0, 3, -1],
            ]),
          ),
        'ERR_INDEX',
        'target 3',
      ],
      ...lossOptions('multiLabelMarginLoss', (o) =>
        tilegrad.multiLabelMarginLoss(ones([1]), classesOf([0]), o),
      ),
    ],
    gradients: reductions.flatMap((reduction) => [
      one(
        (x) =>
          tilegrad.multiLabelMarginLoss(
            x.mul(0.99),
            classesOf([
              [3, 0, -1, 1],
              [1, -1, 7, 0],
            ]),
            { reduction },
          ),
        [2, 4],
      ),
      one(
        (x) => tilegrad.multiLabelMarginLoss(x.mul(0.99), classesOf([2, 1, 0]), { reduction }),
        [3],
      ),
      one((x) => tilegrad.multiLabelMarginLoss(x, classesOf([-1, 1, 0]), { reduction }), [3]),
    ]),
  },
  multiLabelSoftMarginLoss: {
    misuse: [
      ...pairRows('multiLabelSoftMarginLoss', tilegrad.multiLabelSoftMarginLoss),
      ...factors(
        'multiLabelSoftMarginLoss',
        (o) => tilegrad.multiLabelSoftMarginLoss(x, x, o),
        'weight',
      ),
      [() => tilegrad.multiLabelSoftMarginLoss(ones([]), ones([])), 'ERR_SHAPE'],
    ],
    gradients: reductions.flatMap((reduction) => [
      one(
        (x, y) =>
          tilegrad.multiLabelSoftMarginLoss(x, y!.sigmoid(), { reduction, weight: weights }),
        [2, 3],
        [2, 3],
      ),
      one((x) => tilegrad.multiLabelSoftMarginLoss(x, ones([3], { dtype: 'float64' })), [3]),
    ]),
  },
};

const far = (y: Tensor): Tensor => y.mul(0.4).sub(0.3);

const vectors: Record<string, Operation> = {
  tripletMarginLoss: {
    misuse: [
      ...losses((a, b) => tilegrad.tripletMarginLoss(a, b, x)),
      ...losses((a, b) => tilegrad.tripletMarginLoss(a, x, b)),
      ...lossOptions('tripletMarginLoss', (o) => tilegrad.tripletMarginLoss(x, x, x, o)),
      ...['margin', 'eps'].flatMap((option) =>
        rejects(
          'tripletMarginLoss',
          (o) => tilegrad.tripletMarginLoss(x, x, x, o),
          option,
          numberOption,
        ),
      ),
      ...rejects('tripletMarginLoss', (o) => tilegrad.tripletMarginLoss(x, x, x, o), 'margin', [0]),
      ...rejects('tripletMarginLoss', (o) => tilegrad.tripletMarginLoss(x, x, x, o), 'p', [
        null,
        '2',
        Number.NaN,
      ]),
      ...rejects('tripletMarginLoss', (o) => tilegrad.tripletMarginLoss(x, x, x, o), 'swap', flag),
    ],
    gradients: [
      one(
        (a, p, n) => tilegrad.tripletMarginLoss(a, apart(p!), far(n!), { swap: true }),
        [2, 2],
        [2, 2],
        [2, 2],
      ),
      one(
        (a, p, n) => tilegrad.tripletMarginLoss(a, apart(p!), far(n!), { p: 3, reduction: 'none' }),
        [3],
        [3],
        [3],
      ),
    ],
  },
  tripletMarginWithDistanceLoss: {
    misuse: [
      ...losses((a, b) => tilegrad.tripletMarginWithDistanceLoss(a, b, x)),
      ...lossOptions('tripletMarginWithDistanceLoss', (o) =>
        tilegrad.tripletMarginWithDistanceLoss(x, x, x, o),
      ),
      ...rejects(
        'tripletMarginWithDistanceLoss',
        (o) => tilegrad.tripletMarginWithDistanceLoss(x, x, x, o),
        'distanceFunction',
        [null, 5, 'cosine', () => 5],
      ),
    ],
    gradients: [
      one(
        (a, p, n) =>
          tilegrad.tripletMarginWithDistanceLoss(a, apart(p!), far(n!), {
            distanceFunction: (u, v) => u.sub(v).square().mean({ dim: -1 }),
            margin: 3,
          }),
        [2, 2],
        [2, 2],
        [2, 2],
      ),
    ],
  },
  cosineEmbeddingLoss: {
    misuse: [
      ...losses((a, b) => tilegrad.cosineEmbeddingLoss(a, b, ones([2]))),
      ...tensorArguments((t) => tilegrad.cosineEmbeddingLoss(x, x, t), { takesIntegers: true }),
      ...[[], [3], [1], [2, 1]].map(
        (shape): Misuse => [() => tilegrad.cosineEmbeddingLoss(x, x, ones(shape)), 'ERR_SHAPE'],
      ),
      [() => tilegrad.cosineEmbeddingLoss(ones([]), ones([]), ones([])), 'ERR_SHAPE'],
      ...lossOptions('cosineEmbeddingLoss', (o) =>
        tilegrad.cosineEmbeddingLoss(x, x, ones([2]), o),
      ),
      ...rejects(
        'cosineEmbeddingLoss',
        (o) => tilegrad.cosineEmbeddingLoss(x, x, ones([2]), o),
        'margin',
        numberOption,
      ),
    ],
    gradients: reductions.flatMap((reduction) => [
      one(
        (a, b) =>
          tilegrad.cosineEmbeddingLoss(a, apart(b!).cos(), signs([2]), { reduction, margin: -0.9 }),
        [2, 3],
        [2, 3],
      ),
      one((a) => tilegrad.cosineEmbeddingLoss(a, a.cos(), ones([]), { reduction }), [3]),
    ]),
  },
};

const steps = ones([4, 2, 3]);
const ctc = (options: never) => tilegrad.ctcLoss(steps, [[1], [2]], [4, 4], [1, 1], options);

const sequences: Record<string, Operation> = {
  ctcLoss: {
    misuse: [
      ...tensorArguments((t) => tilegrad.ctcLoss(t, [[1]], [1], [1])),
      ...lossOptions('ctcLoss', ctc),
      ...rejects('ctcLoss', ctc, 'blank', [null, -1, 0.5, '0', Number.NaN]),
      [() => ctc(wrong({ blank: 3 })), 'ERR_INDEX'],
      ...rejects('ctcLoss', ctc, 'zeroInfinity', flag),
      [() => tilegrad.ctcLoss(ones([3]), [1], 3, 1), 'ERR_SHAPE'],
      [() => tilegrad.ctcLoss(ones([4, 2, 3, 1]), [[1], [2]], [4, 4], [1, 1]), 'ERR_SHAPE'],
      ...[undefined, null, 'text', {}, [0.5, 1], ['1']].flatMap((value): Misuse[] => [
        [() => tilegrad.ctcLoss(steps, wrong(value), [4, 4], [1, 1]), 'ERR_ARGUMENT'],
        [() => tilegrad.ctcLoss(steps, [[1], [2]], wrong(value), [1, 1]), 'ERR_ARGUMENT'],
        [() => tilegrad.ctcLoss(steps, [[1], [2]], [4, 4], wrong(value)), 'ERR_ARGUMENT'],
      ]),
      [() => tilegrad.ctcLoss(steps, ones([2, 1]), [4, 4], [1, 1]), 'ERR_DTYPE'],
      [() => tilegrad.ctcLoss(steps, 1, [4, 4], [1, 1]), 'ERR_SHAPE'],
      [() => tilegrad.ctcLoss(steps, [[1], [2], [1]], [4, 4], [1, 1]), 'ERR_SHAPE'],
      [() => tilegrad.ctcLoss(steps, [1, 2, 1], [4, 4], [1, 1]), 'ERR_SHAPE', 'add up to 2'],
      [() => tilegrad.ctcLoss(steps, [[1], [2]], [4], [1, 1]), 'ERR_SHAPE', 'inputLengths'],
      [() => tilegrad.ctcLoss(steps, [[1], [2]], 4, [1, 1]), 'ERR_SHAPE', 'inputLengths'],
      [() => tilegrad.ctcLoss(steps, [[1], [2]], [4, 4], [1]), 'ERR_SHAPE', 'targetLengths'],
      [() => tilegrad.ctcLoss(steps, [[1], [2]], [4, 5], [1, 1]), 'ERR_ARGUMENT', 'inputLengths'],
      [() => tilegrad.ctcLoss(steps, [[1], [2]], [4, -1], [1, 1]), 'ERR_ARGUMENT', 'inputLengths'],
      [() => tilegrad.ctcLoss(steps, [[1], [2]], [4, 4], [1, 2]), 'ERR_ARGUMENT', 'targetLengths'],
      [() => tilegrad.ctcLoss(steps, [[1], [3]], [4, 4], [1, 1]), 'ERR_INDEX', 'target 3'],
      [() => tilegrad.ctcLoss(steps, [[1], [-1]], [4, 4], [1, 1]), 'ERR_INDEX', 'target -1'],
      [() => tilegrad.ctcLoss(steps, [[1], [0]], [4, 4], [1, 1]), 'ERR_INDEX', 'is the blank'],
    ],
    gradients: [
      one(
        (x) =>
          tilegrad.ctcLoss(
            x.mul(0.2),
            [
              [1, 1],
              [2, 0],
            ],
            [3, 2],
            [2, 1],
          ),
        [3, 2, 3],
      ),
      one(
        (x) =>
          tilegrad.ctcLoss(x.mul(0.2), [1, 0, 1], [2, 1], [2, 1], { blank: 2, reduction: 'none' }),
        [2, 2, 3],
      ),
      one((x) => tilegrad.ctcLoss(x.mul(0.2), [1, 2], 3, 2), [3, 3]),
      one(
        (x) =>
          tilegrad.ctcLoss(
            x,
            [
              [1, 1],
              [2, 1],
            ],
            [2, 2],
            [2, 2],
            { zeroInfinity: true },
          ),
        [2, 2, 3],
      ),
    ],
  },
};

function bits(add: Add, dtype: Float): void {
  const many = [20_011];
  const targets = () => numbers(many, dtype, 3).gt(0).to(dtype);
  const plus = () => targets().mul(2).sub(1);
  const pair = (call: (x: Tensor, y: Tensor) => Tensor) =>
    withGradients((x, y) => call(x!, y!), numbers(many, dtype), numbers(many, dtype, 4));
  add(`losses of numbers ${dtype}`, () => [
    ...pair((x, y) => tilegrad.mseLoss(x, y)),
    ...pair((x, y) => tilegrad.l1Loss(x, y)),
    ...pair((x, y) => tilegrad.huberLoss(x, y, { delta: 0.7, reduction: 'none' })),
    ...pair((x, y) => tilegrad.smoothL1Loss(x, y, { beta: 0.7 })),
    ...pair((x, y) => tilegrad.poissonNllLoss(x, y.abs(), { full: true })),
    ...pair((x, y) => tilegrad.gaussianNllLoss(x, targets(), y.abs())),
    ...pair((x, y) => tilegrad.klDivLoss(x, y.sigmoid())),
  ]);
  add(`losses of two classes ${dtype}`, () => {
    const weight = numbers(many, dtype, 5).abs();
    const logits = () => numbers(many, dtype).mul(10);
    return [
      ...withGradients((x) => tilegrad.binaryCrossEntropyWithLogits(x!, targets()), logits()),
      ...withGradients(
        (x) =>
          tilegrad.binaryCrossEntropyWithLogits(x!, targets(), {
            ...{ weight, posWeight: weight, reduction: 'none' },
          }),
        logits(),
      ),
      ...withGradients(
        (x) => tilegrad.binaryCrossEntropy(x!.sigmoid(), targets(), { weight }),
        logits(),
      ),
      ...withGradients((x) => tilegrad.sigmoidFocalLoss(x!, targets()), logits()),
      ...withGradients((x) => tilegrad.softMarginLoss(x!, plus()), logits()),
      ...withGradients((x) => tilegrad.hingeLoss(x!, plus(), { squared: true }), logits()),
      ...withGradients((x) => tilegrad.hingeEmbeddingLoss(x!, plus()), logits()),
    ];
  });
  add(`losses of vectors ${dtype}`, () => {
    const shape = [203, 17];
    const wanted = numbers([203], dtype, 6).gt(0).to(dtype).mul(2).sub(1);
    const [b, c] = [numbers(shape, dtype, 4), numbers(shape, dtype, 5)];
    const classes = Array.from({ length: 203 }, (_, i) => (7 * i) % 17);
    return [
      ...withGradients(
        (a) => tilegrad.tripletMarginLoss(a!, b, c, { swap: true }),
        numbers(shape, dtype),
      ),
      ...withGradients((a) => tilegrad.cosineEmbeddingLoss(a!, b, wanted), numbers(shape, dtype)),
      ...withGradients((a) => tilegrad.multiMarginLoss(a!, classes), numbers(shape, dtype)),
    ];
  });
  add(`ctc ${dtype}`, () => {
    const labels = Array.from({ length: 5 }, (_, n) =>
      Array.from({ length: 7 }, (_, i) => ((3 * i + n) % 5) + 1),
    );
    return withGradients(
      (x) => tilegrad.ctcLoss(x!.logSoftmax(2), labels, [31, 30, 20, 15, 31], [7, 6, 7, 1, 0]),
      numbers([31, 5, 6], dtype),
    );
  });
}

export const lossFamily: Family = {
  operations: { ...plain, ...ofClasses, ...vectors, ...sequences },
  modules: { ...lossModules, ...penalties },
  bits(add) {
    for (const dtype of dtypes) bits(add, dtype);
  },
};
