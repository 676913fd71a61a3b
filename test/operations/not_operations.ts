/** Public functions that compute nothing of their own: lists of what has no goldens leave them out. */

/** Settings, modes and what tells about them. */
export const settings: readonly string[] = [
  'detectAnomaly',
  'einsumPath',
  'emptyCache',
  'enableGrad',
  'getFloat32MatmulPrecision',
  'getNumThreads',
  'inferenceMode',
  'isAnomalyEnabled',
  'isGradEnabled',
  'isInferenceModeEnabled',
  'keep',
  'manualSeed',
  'matmulPlan',
  'memory',
  'noGrad',
  'setDetectAnomaly',
  'setFloat32MatmulPrecision',
  'setGradEnabled',
  'setNumThreads',
  'setPrintOptions',
  'setSimdLevel',
  'setWeightPacking',
  'simdLevel',
  'simdLevels',
  'tidy',
];

/** Files, data sets and messages. */
export const files: readonly string[] = [
  'batches',
  'fromMessage',
  'kFold',
  'loadMnist',
  'loadMnistSync',
  'loadSafetensors',
  'loadSafetensorsSync',
  'parseIdx',
  'randomSplit',
  'readIdx',
  'readIdxSync',
  'saveSafetensors',
  'saveSafetensorsSync',
  'shareMemory',
  'toMessage',
  'trainTestSplit',
];

/** What differentiates functions that are given to it. */
export const differentiation: readonly string[] = [
  'backward',
  'checkpoint',
  'checkpointSequential',
  'customFunction',
  'grad',
  'gradcheck',
  'gradgradcheck',
  'hessian',
  'hvp',
  'jacobian',
  'jvp',
  'vhp',
  'vjp',
];
