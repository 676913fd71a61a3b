/** All families of operations. */
import { arithmetic } from './arithmetic.js';
import { comparisons } from './compare.js';
import { integerOperations } from './integer.js';
import type { Family } from './operation.js';
import { softmaxes } from './softmax.js';
import { ternaries } from './ternary.js';

export const families: readonly Family[] = [
  arithmetic,
  comparisons,
  integerOperations,
  softmaxes,
  ternaries,
];
