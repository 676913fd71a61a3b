import { differentiation, files, settings } from '../not_operations.js';

/** Functions that the walk leaves out, with the reason. */
export const left: Readonly<Record<string, readonly string[]>> = {
  'settings, modes and what tells about them': settings,
  'files, data sets and messages': files,
  'differentiation: no operations': differentiation,
  'comparisons of two tensors for tests': [...['assertClose', 'closeness']],
  'questions about dtypes: dtypes.json has all of them': [
    ...['canCast', 'finfo', 'iinfo', 'promoteTypes', 'resultType'],
  ],
  'functions that PyTorch does not have, or only as layers and methods': [
    ...[
      'dequantize',
      'exponential',
      'fromAsync',
      'fromBuffer',
      'fromTypedArray',
      'hingeLoss',
      'int8Matmul',
      'quantizePerChannel',
      'sigmoidFocalLoss',
      'truncatedNormal',
      'uniform',
    ],
  ],
};
