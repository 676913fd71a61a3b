/** Losses whose targets are classes, but for cross entropy (cross_entropy.ts). */
import * as tilegrad from 'tilegrad';
import { ones, type Tensor, tensor } from 'tilegrad';
import { one } from './gradients.js';
import { lossOptions, numberOption, rejects } from './loss_options.js';
import { factors, pairRows, reductions, weights } from './loss_parts.js';
import { kinds, type Misuse, tensorArguments, wrong, x } from './misuse.js';
import type { Operation } from './operation.js';

const classesOf = (list: number[] | number[][]): Tensor =>
  tensor(list as number[], { dtype: 'int32' });

export const indexLosses: Record<string, Operation> = {
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
  multilabelMarginLoss: {
    misuse: [
      ...tensorArguments((t) => tilegrad.multilabelMarginLoss(t, classesOf([[0, 1, 2]]))),
      ...kinds.map(
        (t): Misuse => [() => tilegrad.multilabelMarginLoss(x, wrong(t)), 'ERR_ARGUMENT'],
      ),
      [() => tilegrad.multilabelMarginLoss(x, x), 'ERR_DTYPE'],
      [() => tilegrad.multilabelMarginLoss(x, classesOf([0, 1, 2])), 'ERR_SHAPE'],
      [
        () =>
          tilegrad.multilabelMarginLoss(
            x,
            classesOf([
              [0, 1, -1],
              [0, 3, -1],
            ]),
          ),
        'ERR_INDEX',
        'target 3',
      ],
      ...lossOptions('multilabelMarginLoss', (o) =>
        tilegrad.multilabelMarginLoss(ones([1]), classesOf([0]), o),
      ),
    ],
    gradients: reductions.flatMap((reduction) => [
      one(
        (x) =>
          tilegrad.multilabelMarginLoss(
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
        (x) => tilegrad.multilabelMarginLoss(x.mul(0.99), classesOf([2, 1, 0]), { reduction }),
        [3],
      ),
      one((x) => tilegrad.multilabelMarginLoss(x, classesOf([-1, 1, 0]), { reduction }), [3]),
    ]),
  },
  multilabelSoftMarginLoss: {
    misuse: [
      ...pairRows('multilabelSoftMarginLoss', tilegrad.multilabelSoftMarginLoss),
      ...factors(
        'multilabelSoftMarginLoss',
        (o) => tilegrad.multilabelSoftMarginLoss(x, x, o),
        'weight',
      ),
      [() => tilegrad.multilabelSoftMarginLoss(ones([]), ones([])), 'ERR_SHAPE'],
    ],
    gradients: reductions.flatMap((reduction) => [
      one(
        (x, y) =>
          tilegrad.multilabelSoftMarginLoss(x, y!.sigmoid(), { reduction, weight: weights }),
        [2, 3],
        [2, 3],
      ),
      one((x) => tilegrad.multilabelSoftMarginLoss(x, ones([3], { dtype: 'float64' })), [3]),
    ]),
  },
};
