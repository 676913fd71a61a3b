/** All families of operations. */
import { activations } from './activation.js';
import { arithmetic } from './arithmetic.js';
import { attentions } from './attention.js';
import { autograd } from './autograd.js';
import { comparisons } from './compare.js';
import { convolutions } from './conv.js';
import { creations } from './creation.js';
import { classLosses } from './cross_entropy.js';
import { dataSplits } from './data_split.js';
import { dtypeOperations } from './dtypes.js';
import { files } from './files.js';
import { gammaFunctions } from './gamma.js';
import { gathers } from './gather.js';
import { indexings } from './indexing.js';
import { integerOperations } from './integer.js';
import { joins } from './join.js';
import { linearAlgebra } from './linalg.js';
import { lossFamily } from './loss.js';
import { math } from './math.js';
import { matrixProducts } from './matmul.js';
import { memory } from './memory.js';
import { modules } from './modules.js';
import { norms } from './norm.js';
import { numerics } from './numerics.js';
import type { Family } from './operation.js';
import { optimizers } from './optimizers.js';
import { partViews } from './parts.js';
import { pools } from './pool.js';
import { tensorProducts } from './products.js';
import { quantized } from './quantize.js';
import { randomness } from './random.js';
import { recurrent } from './recurrent.js';
import { reductions } from './reduce.js';
import { scans } from './scan.js';
import { schedules } from './schedules.js';
import { settings } from './settings.js';
import { shapeViews } from './shape.js';
import { softmaxes } from './softmax.js';
import { specialFunctions } from './special.js';
import { ternaries } from './ternary.js';
import { volumes } from './volumes.js';

export const families: readonly Family[] = [
  activations,
  arithmetic,
  attentions,
  autograd,
  classLosses,
  comparisons,
  convolutions,
  dataSplits,
  creations,
  dtypeOperations,
  files,
  gammaFunctions,
  gathers,
  indexings,
  integerOperations,
  linearAlgebra,
  joins,
  lossFamily,
  math,
  matrixProducts,
  memory,
  modules,
  norms,
  numerics,
  optimizers,
  partViews,
  pools,
  quantized,
  randomness,
  recurrent,
  reductions,
  scans,
  schedules,
  settings,
  shapeViews,
  softmaxes,
  specialFunctions,
  tensorProducts,
  ternaries,
  volumes,
];
