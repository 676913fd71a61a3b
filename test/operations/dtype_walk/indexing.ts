import { type Difference, isHalf, isWhole, type Walked } from './difference.js';
import { indices, storage, unfit, whole } from './reasons.js';

const alphaOf = ({ args }: Walked): number => (args.at(-1) as { alpha?: number }).alpha ?? 1;

const accumulates = ({ args }: Walked): boolean =>
  (args.at(-1) as { accumulate?: boolean }).accumulate === true;

export const differences: readonly Difference[] = [
  { reason: indices, kind: 'dtype', functions: ['nonzero', 'argwhere', 'oneHot'] },
  {
    reason: 'all integers are taken for indices',
    kind: 'computes',
    functions: ['oneHot'],
    when: ({ dtypes: [dtype = ''] }) => isWhole(dtype) && dtype !== 'bool',
  },
  {
    reason: storage,
    kind: 'refuses',
    functions: ['indexAdd', 'scatterAdd', 'scatterReduce'],
    when: ({ results }) => results.some(isHalf),
  },
  {
    reason: storage,
    kind: 'refuses',
    functions: ['indexPut', 'put'],
    when: (walked) => walked.results.some(isHalf) && accumulates(walked),
  },
  {
    reason: whole,
    kind: 'refuses',
    functions: ['indexAdd'],
    when: (walked) => {
      const [dtype = ''] = walked.dtypes;
      const alpha = alphaOf(walked);
      return isWhole(dtype) && !Number.isInteger(dtype === 'bool' ? 1 / alpha : alpha);
    },
  },
  {
    reason: unfit,
    kind: 'refuses',
    functions: ['indexFill'],
    when: ({ dtypes: [dtype = ''], args: [, , , value] }) =>
      typeof value === 'number' && (dtype === 'bool' ? value !== 1 : value < 0 && isWhole(dtype)),
  },
];
