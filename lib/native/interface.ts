/** What the addon exports (native/addon/addon.cpp). */

/**
 * The arrays that commands take as operands; a Uint16Array holds the bits of bfloat16, an Int16Array
 * those of float16.
 */
export type OperandArray =
  | Float32Array
  | Float64Array
  | Int32Array
  | BigInt64Array
  | Int16Array
  | Int8Array
  | Uint8Array
  | Uint16Array
  | Uint32Array;

/** One row of the table of operations: its number, by which it is called. */
export type Row = number;

/** The rows by the shape of their arguments; `test/native/table.test.ts` holds them against the addon. */
export const rowNames = {
  /** Of floats and integers. */
  numberUnary: ['neg', 'abs', 'sign', 'square'],
  numberBinary: ['add', 'sub', 'mul', 'maximum', 'minimum', 'floorDivide', 'remainder'],
  /** Of integers only, bools among them as bytes. */
  integerUnary: ['bitwiseNot'],
  integerBinary: [
    'bitwiseAnd',
    'bitwiseOr',
    'bitwiseXor',
    'bitwiseLeftShift',
    'bitwiseRightShift',
    'gcd',
  ],
  /** Of floats only. */
  unary: [
    'copy',
    'sqrt',
    'reciprocal',
    'nanToZero',
    'notNan',
    'exp',
    'log',
    'log1p',
    'rsqrt',
    'exp2',
    'expm1',
    'log2',
    'log10',
    'sin',
    'cos',
    'tan',
    'asin',
    'acos',
    'atan',
    'sinh',
    'cosh',
    'erfc',
    'floor',
    'ceil',
    'round',
    'trunc',
    'tanh',
    'sigmoid',
    'erf',
    'erfinv',
    'asinh',
    'acosh',
    'atanh',
    'lgamma',
    'digamma',
    'trigamma',
    'frac',
    'relu',
    'gelu',
    'geluTanh',
    'silu',
    'mish',
    'softsign',
    'tanhshrink',
    'hardsigmoid',
    'hardswish',
  ],
  unaryWith: [
    'softplus',
    'elu',
    'leakyRelu',
    'hardtanh',
    'softshrink',
    'hardshrink',
    'threshold',
    'nanToNum',
    'logit',
  ],
  binary: [
    'div',
    'pow',
    'fmod',
    'atan2',
    'hypot',
    'copysign',
    'nextafter',
    'powBaseSlope',
    'powExponentSlope',
    'atan2Slope',
    'squaredDifference',
    'greaterShare',
    'prelu',
    'preluSlope',
    'preluWeight',
    'glu',
  ],
  binaryWith: ['logaddexp', 'floatPower', 'isclose', 'logical'],
  derivative: [
    'reluBackward',
    'tanhBackward',
    'sigmoidBackward',
    'geluBackward',
    'geluTanhBackward',
    'siluBackward',
    'mishBackward',
    'softsignBackward',
    'tanhshrinkBackward',
    'hardsigmoidBackward',
    'hardswishBackward',
    'softplusBackward',
    'eluBackward',
    'leakyReluBackward',
    'hardtanhBackward',
    'shrinkBackward',
    'thresholdBackward',
    'logitBackward',
  ],
  compare: ['eq', 'ne', 'lt', 'le'],
  predicate: ['isnan', 'isinf', 'isfinite', 'signbit'],
  ternary: ['lerp', 'addcmul', 'addcdiv', 'clamp', 'clampBackward', 'huber', 'huberBackward'],
  reduce: [
    'sum',
    'mean',
    'prod',
    'max',
    'min',
    'nansum',
    'logsumexp',
    'variance',
    'norm',
    'intSum',
    'intProd',
    'intMax',
    'intMin',
    'countNonzero',
    'any',
    'all',
  ],
  search: ['argmax', 'argmin'],
  scan: ['cumsum', 'cumprod', 'logcumsumexp', 'cummax', 'cummin', 'cumprodBackward'],
  softmax: ['softmax', 'logSoftmax'],
  softmaxBackward: ['softmaxBackward', 'logSoftmaxBackward'],
  other: [
    'recurrent',
    'recurrentBackward',
    'addAtIndices',
    'attention',
    'attentionBackward',
    'cast',
    'castBool',
    'copyInTurns',
    'conv',
    'convInput',
    'convWeight',
    'cosines',
    'cosinesBackward',
    'dot',
    'errors',
    'fill',
    'steps',
    'triangle',
    'cutTriangle',
    'gemm',
    'gemmFused',
    'gemmPacked',
    'packPanels',
    'gemmPlan',
    'gemmBf16',
    'fmaPeak',
    'gemmInt8',
    'packInt8',
    'linearInt8',
    'quantizeInt8',
    'gluBackward',
    'crossEntropy',
    'crossEntropyBackward',
    'groupNorm',
    'groupNormBackward',
    'batchNorm',
    'batchNormBackward',
    'linalgCholesky',
    'linalgEigh',
    'linalgHouseholder',
    'linalgLeastSquares',
    'linalgLu',
    'linalgPermute',
    'linalgParity',
    'linalgQr',
    'linalgSvd',
    'linalgTriangular',
    'gradNorms',
    'totalNorm',
    'scaleGrads',
    'clampGrads',
  ],
  optimizer: [
    'uniform',
    'normal',
    'exponential',
    'bernoulli',
    'dropout',
    'dropoutBackward',
    'randint',
    'truncatedNormal',
    'randperm',
    'multinomial',
    'poisson',
    'maxPool',
    'avgPool',
    'maxPoolBackward',
    'avgPoolBackward',
    'resample',
    'fold',
    'shortening',
    'cross',
    'distances',
    'distanceSigns',
    'ctcLoss',
    'ctcLossBackward',
    'multilabelMargin',
    'pad',
    'sgd',
    'adam',
    'where',
    'adamax',
    'nadam',
    'radam',
    'rmsprop',
    'adagrad',
    'adadelta',
    'lion',
    'rprop',
    'asgd',
    'gather',
    'locate',
    'scatter',
    'scatterReduce',
    'divideByCount',
    'sort',
    'mode',
    'kth',
    'histogram',
    'countUnique',
    'unique',
    'uniqueRows',
    'searchSorted',
    'countSelected',
    'nonzero',
    'maskedSelect',
    'maskedScatter',
    'maskedFill',
  ],
} as const;

export type BinaryWithRow = (typeof rowNames.binaryWith)[number];
export type DerivativeRow = (typeof rowNames.derivative)[number];
export type NumberUnaryRow = (typeof rowNames.numberUnary)[number];
export type NumberBinaryRow = (typeof rowNames.numberBinary)[number];
export type IntegerUnaryRow = (typeof rowNames.integerUnary)[number];
export type IntegerBinaryRow = (typeof rowNames.integerBinary)[number];
/** Rows that floats may go to. */
export type UnaryRow = (typeof rowNames.unary | typeof rowNames.unaryWith)[number] | NumberUnaryRow;
export type BinaryRow =
  | (typeof rowNames.binary | typeof rowNames.derivative)[number]
  | NumberBinaryRow;
export type CompareRow = (typeof rowNames.compare)[number];
export type PredicateRow = (typeof rowNames.predicate)[number];
export type TernaryRow = (typeof rowNames.ternary)[number];
export type ReduceRow = (typeof rowNames.reduce)[number];
export type OptimizerRow = (typeof rowNames.optimizer)[number];
export type SearchRow = (typeof rowNames.search)[number];
export type ScanRow = (typeof rowNames.scan)[number];
export type RowName = (typeof rowNames)[keyof typeof rowNames][number];

/** A recorded list of commands. */
export interface NativeProgram {
  readonly __program: unique symbol;
}

export interface NativeBinding {
  readonly rows: Readonly<Record<RowName, Row>>;
  /**
   * Runs the row whose number is in the parameter block, with operands in the order of its signature and
   * null for an absent one; or with each array once, if the block says where the operands lie.
   */
  call(...operands: (OperandArray | null)[]): void;
  readonly signatures: Readonly<Record<RowName, string>>;
  /** Gives this environment's parameter block; returns the one in use (the first that was given). */
  attach(params: Float64Array): Float64Array;
  simdLevel(): string;
  setSimdLevel(name: string): void;
  simdLevels(): string[];
  /** Whether bfloat16 products use the CPU's instruction for them; otherwise they are widened. */
  bf16Instruction(): boolean;
  /** Turns the instruction off, or on again where there is one. For tests. */
  allowBf16Instruction(allow: boolean): void;
  /** Whether the level's dot product instruction for bytes is used (VNNI, or that of Armv8.2). */
  dotProduct(): boolean;
  /** Forbids it or allows it again; asking for it where the CPU has none is an error. */
  setDotProduct(wanted: boolean): void;
  numThreads(): number;
  setNumThreads(count: number): void;
  /** Bytes from the last 64-byte boundary to the array's first element. */
  misalignment(array: OperandArray): number;
  /** A list of weak references: `watch` and the others below take its number. */
  newWeakList(): number;
  /** Takes a weak reference to an array; returns the number of its slot. */
  watch(list: number, array: OperandArray): number;
  /** Frees the slot of an array that may still be alive. */
  unwatch(list: number, slot: number): void;
  /**
   * Frees the slots of arrays that the garbage collector found dead and writes their numbers, as many
   * as there is room for. Returns how many, or -1 when nothing was collected since it last found all.
   */
  collect(list: number, dead: Int32Array): number;
  /** Makes V8 look whether young array buffers, of which this is one, are too many; detaches it. */
  collectYoung(buffer: ArrayBuffer): void;
  beginRecord(): void;
  endRecord(): NativeProgram;
  abandonRecord(): void;
  replay(program: NativeProgram): void;
}
