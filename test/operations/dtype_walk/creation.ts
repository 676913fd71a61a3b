import { type Difference, isHalf, type Walked } from './difference.js';
import { indices } from './reasons.js';

/** The dtype that a call asks for, or that of its tensor. */
const dtypeOf = ({ args, dtypes: [dtype = ''] }: Walked): string => {
  const last = args.at(-1);
  const asked = typeof last === 'object' ? (last as { dtype?: string } | null)?.dtype : undefined;
  return asked ?? dtype;
};

const random = [
  ...['rand', 'randLike', 'randn', 'randnLike', 'normal', 'uniform_', 'normal_'],
  ...['bernoulli', 'poisson', 'multinomial'],
];

export const differences: readonly Difference[] = [
  {
    reason: 'numbers make float32 unless another dtype is asked for',
    kind: 'dtype',
    functions: ['full', 'tensor'],
    when: (walked) => dtypeOf(walked) === '' && walked.results[0] === 'int64',
  },
  {
    reason: indices,
    kind: 'dtype',
    functions: ['trilIndices', 'triuIndices', 'randint', 'randperm'],
    when: (walked) => dtypeOf(walked) === '',
  },
  {
    reason: indices,
    kind: 'dtype',
    functions: ['multinomial'],
    when: (walked) => !isHalf(dtypeOf(walked)),
  },
  {
    reason: 'numbers become elements as in `to`, which takes the nearer end, and 0 for NaN',
    kind: 'computes',
    functions: ['full', 'fullLike', 'tensor'],
  },
  {
    reason: 'negative numbers become 0 in uint8, as in `to`; PyTorch takes them modulo 256',
    kind: 'values',
    functions: ['full', 'fullLike', 'arange', 'linspace'],
    when: (walked) =>
      dtypeOf(walked) === 'uint8' &&
      walked.args.slice(0, 2).some((n) => typeof n === 'number' && n < -0.5),
  },
  {
    reason: 'places of integers are cut, not the step, which PyTorch makes 0',
    kind: 'values',
    functions: ['arange'],
    when: (walked) => walked.args[2] === 0.5 && dtypeOf(walked).includes('int'),
  },
  {
    reason: 'there are no steps of bools, also where one or none is asked for',
    kind: 'refuses',
    functions: ['linspace'],
    when: (walked) => dtypeOf(walked) === 'bool',
  },
  {
    reason: 'indices may be asked for in any dtype',
    kind: 'computes',
    functions: ['trilIndices', 'triuIndices'],
  },
  {
    reason: 'random numbers are drawn in float32 and float64',
    kind: 'refuses',
    functions: random,
    when: (walked) => isHalf(dtypeOf(walked)),
  },
];
