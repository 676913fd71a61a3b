import type { Difference } from './difference.js';
import { storage, whole } from './reasons.js';

const products = ['matmul', 'mm', 'bmm', 'mv', 'dot', 'inner', 'outer', 'kron', 'tensordot'];
const chains = ['multiDot', 'chainMatmul', 'einsum', 'linear', 'bilinear'];
const sums = ['addmm', 'baddbmm', 'addbmm', 'addmv', 'addr'];

export const differences: readonly Difference[] = [
  {
    reason: `${storage}: float16 takes part in no product`,
    kind: 'refuses',
    functions: [...products, ...chains, ...sums],
    when: ({ results }) => results.includes('float16'),
  },
  {
    reason: 'operands of different dtypes meet as in arithmetic',
    kind: 'computes',
    functions: ['matmul'],
    when: ({ dtypes }) => dtypes.length === 1,
  },
  {
    reason:
      'bools are refused by products of vectors and matrices; PyTorch takes them where none goes through its own',
    kind: 'refuses',
    functions: ['addr'],
    when: ({ dtypes }) => dtypes.includes('bool'),
  },
  {
    reason: whole,
    kind: 'refuses',
    functions: ['addmm'],
    when: ({ dtypes: [dtype = ''], args }) =>
      dtype.includes('int') && (args.at(-1) as { beta?: number }).beta === 0.5,
  },
];
