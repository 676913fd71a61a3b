/** All families of operations. */
import { activations } from './activation.js';
import { arithmetic } from './arithmetic.js';
import { comparisons } from './compare.js';
import { classLosses } from './cross_entropy.js';
import { gathers } from './gather.js';
import { integerOperations } from './integer.js';
import { math } from './math.js';
import { memory } from './memory.js';
import { norms } from './norm.js';
import type { Family } from './operation.js';
import { optimizers } from './optimizers.js';
import { randomness } from './random.js';
import { reductions } from './reduce.js';
import { scans } from './scan.js';
import { softmaxes } from './softmax.js';
import { ternaries } from './ternary.js';

export const families: readonly Family[] = [
  activations,
  arithmetic,
  classLosses,
  comparisons,
  gathers,
  integerOperations,
  math,
  memory,
  norms,
  optimizers,
  randomness,
  reductions,
  scans,
  softmaxes,
  ternaries,
];
