/** All families of operations. */
import { activations } from './activation.js';
import { arithmetic } from './arithmetic.js';
import { autograd } from './autograd.js';
import { comparisons } from './compare.js';
import { classLosses } from './cross_entropy.js';
import { dtypeOperations } from './dtypes.js';
import { gathers } from './gather.js';
import { indexings } from './indexing.js';
import { integerOperations } from './integer.js';
import { linearAlgebra } from './linalg.js';
import { math } from './math.js';
import { norms } from './norm.js';
import { numerics } from './numerics.js';
import type { Family } from './operation.js';
import { optimizers } from './optimizers.js';
import { tensorProducts } from './products.js';
import { randomness } from './random.js';
import { reductions } from './reduce.js';
import { scans } from './scan.js';
import { softmaxes } from './softmax.js';
import { specialFunctions } from './special.js';
import { ternaries } from './ternary.js';

export const families: readonly Family[] = [
  activations,
  arithmetic,
  autograd,
  classLosses,
  comparisons,
  dtypeOperations,
  gathers,
  indexings,
  integerOperations,
  linearAlgebra,
  math,
  norms,
  numerics,
  optimizers,
  randomness,
  reductions,
  scans,
  softmaxes,
  specialFunctions,
  tensorProducts,
  ternaries,
];
