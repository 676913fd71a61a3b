/** What the addon exports (native/addon/addon.cpp). */

/** The arrays that commands take as operands; a Uint16Array holds the bits of bfloat16. */
export type OperandArray =
  | Float32Array
  | Float64Array
  | Int32Array
  | Int8Array
  | Uint8Array
  | Uint16Array
  | Uint32Array;

/** One row of the table of operations: operands in the order of its signature, null for an absent one. */
export type Row = (...operands: (OperandArray | null)[]) => void;

/** The rows by the shape of their arguments; `test/native/table.test.ts` holds them against the addon. */
export const rowNames = {
  unary: [
    'copy',
    'neg',
    'abs',
    'sign',
    'square',
    'sqrt',
    'reciprocal',
    'exp',
    'log',
    'log1p',
    'tanh',
    'sigmoid',
    'softplus',
    'erf',
    'relu',
    'gelu',
    'geluTanh',
    'silu',
  ],
  binary: [
    'add',
    'sub',
    'mul',
    'div',
    'maximum',
    'minimum',
    'greaterShare',
    'leakyRelu',
    'leakySlope',
    'reluBackward',
    'tanhBackward',
    'sigmoidBackward',
    'geluBackward',
    'geluTanhBackward',
    'siluBackward',
  ],
  reduce: ['sum', 'mean', 'max', 'min', 'argmax'],
  softmax: ['softmax', 'logSoftmax'],
  softmaxBackward: ['softmaxBackward', 'logSoftmaxBackward'],
  random: ['uniform', 'normal'],
  other: [
    'cast',
    'castBool',
    'fill',
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
    'crossEntropy',
    'crossEntropyBackward',
    'groupNorm',
    'groupNormBackward',
    'batchNorm',
    'batchNormBackward',
    'dropoutMask',
    'sgd',
    'sgdMomentum',
    'adam',
  ],
} as const;

export type UnaryRow = (typeof rowNames.unary)[number];
export type BinaryRow = (typeof rowNames.binary)[number];
export type ReduceRow = (typeof rowNames.reduce)[number];
export type RowName = (typeof rowNames)[keyof typeof rowNames][number];

/** A recorded list of commands. */
export interface NativeProgram {
  readonly __program: unique symbol;
}

export interface NativeBinding {
  readonly rows: Readonly<Record<RowName, Row>>;
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
  beginRecord(): void;
  endRecord(): NativeProgram;
  abandonRecord(): void;
  replay(program: NativeProgram): void;
}
