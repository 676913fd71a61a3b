/** Parts and folds of data sets. */
import { kFold, ones, randomSplit, StandardScaler, tensor, trainTestSplit } from 'tilegrad';
import { integers, kinds, type Misuse, optionsOf, tensorArguments, wrong, x } from './misuse.js';
import type { Family } from './operation.js';

/** What is no list of lengths that add up to 6. */
const lengths = [undefined, null, 5, 'text', [], [3, 2], [7, -1], [0.5, 0.4], [Number.NaN], ['6']];

const scaler = new StandardScaler(x);

export const dataSplits: Family = {
  title: 'Splits of data',
  operations: {
    randomSplit: {
      misuse: [
        ...tensorArguments((t) => randomSplit(t, [1, 1]), { takesIntegers: true }),
        ...tensorArguments((t) => randomSplit([x, t], [1, 1]), { takesIntegers: true }),
        ...lengths.map(
          (list): Misuse => [() => randomSplit(ones([6]), wrong(list)), 'ERR_ARGUMENT'],
        ),
        ...optionsOf('randomSplit', (options) => randomSplit(x, [1, 1], options)),
        [() => randomSplit([], [1]), 'ERR_ARGUMENT'],
        [() => randomSplit([x, ones([3])], [1, 1]), 'ERR_SHAPE'],
        [() => randomSplit(tensor(1), [1]), 'ERR_SHAPE'],
        [() => randomSplit(x, [1, 1], { seed: wrong('1') }), 'ERR_ARGUMENT'],
      ],
      gradients: 'none',
    },
    trainTestSplit: {
      misuse: [
        ...tensorArguments((t) => trainTestSplit(t), { takesIntegers: true }),
        ...optionsOf('trainTestSplit', (options) => trainTestSplit(x, options)),
        ...[0, 1.5, 2, -0.5, Number.NaN, '1'].map(
          (testSize): Misuse => [
            () => trainTestSplit(x, { testSize: wrong(testSize) }),
            'ERR_ARGUMENT',
          ],
        ),
        [() => trainTestSplit([x, ones([3])]), 'ERR_SHAPE'],
        [() => trainTestSplit(x, { seed: 0.5 }), 'ERR_ARGUMENT'],
      ],
      gradients: 'none',
    },
    kFold: {
      misuse: [
        ...kinds
          .filter((count) => count !== 5)
          .map((count): Misuse => [() => kFold(wrong(count)), 'ERR_ARGUMENT']),
        ...optionsOf('kFold', (options) => kFold(5, options)),
        ...[0, 1, 6, 2.5, '2'].map(
          (folds): Misuse => [() => kFold(5, { folds: wrong(folds) }), 'ERR_ARGUMENT'],
        ),
        [() => kFold(5, { seed: 0.5 }), 'ERR_ARGUMENT'],
      ],
      gradients: 'none',
    },
    StandardScaler: {
      misuse: [
        ...tensorArguments((t) => new StandardScaler(t).mean),
        ...tensorArguments((t) => scaler.transform(t)),
        ...tensorArguments((t) => scaler.inverseTransform(t)),
        [() => new StandardScaler(ones([0, 2])), 'ERR_SHAPE'],
        [() => new StandardScaler(tensor(1)), 'ERR_SHAPE'],
        [() => scaler.transform(ones([2, 2])), 'ERR_SHAPE'],
        [() => scaler.inverseTransform(ones([3])), 'ERR_SHAPE'],
        [() => scaler.transform(integers), 'ERR_DTYPE'],
      ],
      gradients: 'none',
    },
  },
};
