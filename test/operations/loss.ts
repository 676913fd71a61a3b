/** All losses but for cross entropy (cross_entropy.ts): those of vectors and sequences, and the bits of all. */
import * as tilegrad from 'tilegrad';
import { ones, type Tensor } from 'tilegrad';
import { type Add, dtypes, type Float, numbers, withGradients } from './bits.js';
import { one } from './gradients.js';
import { indexLosses } from './loss_classes.js';
import { lossModules, penalties } from './loss_modules.js';
import { numberLosses } from './loss_numbers.js';
import { flag, lossOptions, numberOption, rejects } from './loss_options.js';
import { apart, reductions, signs } from './loss_parts.js';
import { losses, type Misuse, tensorArguments, wrong, x } from './misuse.js';
import type { Family, Operation } from './operation.js';

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
  title: 'Losses',
  operations: { ...numberLosses, ...indexLosses, ...vectors, ...sequences },
  modules: { ...lossModules, ...penalties },
  bits(add) {
    for (const dtype of dtypes) bits(add, dtype);
  },
};
