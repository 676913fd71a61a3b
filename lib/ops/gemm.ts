/** Calls of the matrix product's rows: no checks, no recording. `matmul` and `linear` stand on these. */
import { TensorError } from '../errors.js';
import { isRecording, replays, rows, runRow, simdLevel } from '../native/commands.js';
import { allocate } from '../tensor/memory.js';
import { describe } from '../tensor/shape.js';
import type { Storage } from '../tensor/storage.js';
import type { Tensor } from '../tensor/tensor.js';

/** What can be applied to a product on the way out, in the order of `Activation` in kernels/table.h. */
export const activations = [
  'none',
  'relu',
  'leakyRelu',
  'sigmoid',
  'tanh',
  'gelu',
  'geluTanh',
  'silu',
] as const;
/** What a product can apply to its result while it is in registers or in cache. */
export type EpilogueActivation = (typeof activations)[number];

/** What the matrix `side` is for, in the order of `Side` in kernels/table.h. */
const sideUses = ['none', 'add', 'derivative'] as const;

/** The part of the last two dimensions of an operand: sizes and steps of one matrix. */
export interface Matrices {
  readonly tensor: Tensor;
  readonly rows: number;
  readonly cols: number;
  readonly rowStep: number;
  readonly colStep: number;
}

export function matricesOf(tensor: Tensor): Matrices {
  const { shape, strides, ndim } = tensor;
  return {
    tensor,
    rows: shape[ndim - 2] as number,
    cols: shape[ndim - 1] as number,
    rowStep: strides[ndim - 2] as number,
    colStep: strides[ndim - 1] as number,
  };
}

/** How a batch walks through the operands: how many matrices, and steps and first elements. */
export interface Walk {
  readonly count: number;
  readonly steps: readonly [a: number, b: number, c: number];
  readonly starts: readonly [a: number, b: number, c: number];
}

/** The walk of a single product. */
export function single(a: Tensor, b: Tensor, c: Tensor): Walk {
  return { count: 1, steps: [0, 0, 0], starts: [a.offset, b.offset, c.offset] };
}

/** C = beta C + alpha A B for every matrix of the walk; C is row-major and not read when beta is 0. */
export function gemm(
  a: Matrices,
  b: Matrices,
  c: Tensor,
  walk: Walk,
  alpha: number,
  beta: number,
): void {
  const [aStep, bStep, cStep] = walk.steps;
  runRow(rows.gemm, [a.tensor.array, b.tensor.array, c.array], walk.starts, [
    walk.count,
    a.rows,
    b.cols,
    a.cols,
    aStep,
    a.rowStep,
    a.colStep,
    bStep,
    b.rowStep,
    b.colStep,
    cStep,
    b.cols,
    alpha,
    beta,
  ]);
}

/** What happens around one product; see `GemmFinish` in kernels/table.h. */
export interface Finish {
  readonly bias?: Tensor | null;
  readonly activation?: EpilogueActivation;
  readonly negativeSlope?: number;
  /** Of C's shape, with unit column stride: added before the activation, or what it derives from. */
  readonly side?: Tensor | null;
  readonly sideUse?: (typeof sideUses)[number];
  /** Receives the sums of B's columns, which then have unit stride. */
  readonly columnSums?: Tensor;
}

/** C = activation(bias + A B + side), or (bias + A B) times the activation's derivative. */
export function gemmFused(a: Matrices, b: Matrices, c: Tensor, finish: Finish): void {
  const { bias = null, side = null, columnSums } = finish;
  runRow(
    rows.gemmFused,
    [
      a.tensor.array,
      b.tensor.array,
      bias === null ? null : bias.array,
      side === null ? null : side.array,
      c.array,
      columnSums === undefined ? null : columnSums.array,
    ],
    [
      a.tensor.offset,
      b.tensor.offset,
      bias === null ? 0 : bias.offset,
      side === null ? 0 : side.offset,
      c.offset,
      columnSums === undefined ? 0 : columnSums.offset,
    ],
    [
      a.rows,
      b.cols,
      a.cols,
      a.rowStep,
      a.colStep,
      b.rowStep,
      b.colStep,
      side === null ? 0 : (side.strides[0] as number),
      b.cols,
      ...finishNumbers(finish),
    ],
  );
}

export function finishNumbers({
  activation = 'none',
  side = null,
  sideUse = side === null ? 'none' : 'add',
  negativeSlope = 0,
}: Finish): [number, number, number] {
  return [activations.indexOf(activation), sideUses.indexOf(sideUse), negativeSlope];
}

/** A matrix as panels of columns, the way the tiles of one SIMD level read it. */
export interface PackedMatrix {
  readonly panels: Tensor['array'];
  readonly count: number;
  readonly width: number;
  readonly rows: number;
  readonly cols: number;
}

/** Like gemmFused, with B packed. */
export function gemmPacked(a: Matrices, b: PackedMatrix, c: Tensor, finish: Finish): void {
  const { bias = null, side = null } = finish;
  runRow(
    rows.gemmPacked,
    [
      a.tensor.array,
      b.panels,
      bias === null ? null : bias.array,
      side === null ? null : side.array,
      c.array,
    ],
    [
      a.tensor.offset,
      0,
      bias === null ? 0 : bias.offset,
      side === null ? 0 : side.offset,
      c.offset,
    ],
    [
      a.rows,
      b.cols,
      b.rows,
      b.count,
      b.width,
      a.rowStep,
      a.colStep,
      side === null ? 0 : (side.strides[0] as number),
      b.cols,
      ...finishNumbers(finish),
    ],
  );
}

/** The panels of a matrix; `width` is the level's (see `planOf`). */
export function pack(b: Matrices, width: number): PackedMatrix {
  const count = Math.ceil(b.cols / width);
  const storage = allocate(b.tensor.dtype, count * width * b.rows);
  // Kept for long: a slab's neighbours would be kept with it, so the memory is its own.
  const panels = storage.array.slice(storage.offset, storage.offset + storage.length);
  runRow(
    rows.packPanels,
    [b.tensor.array, panels],
    [b.tensor.offset, 0],
    [b.rows, b.cols, count, width, b.rowStep, b.colStep],
  );
  return { panels, count, width, rows: b.rows, cols: b.cols };
}

/** In the order of `GemmPath` in ops/gemm_plan.h. */
const paths = ['empty', 'vector', 'stream', 'dot', 'narrow', 'direct', 'packed'] as const;

/** How a matrix product is computed. */
export interface MatmulPlan {
  /**
   * `vector`: one row or column, the matrix streams past the vector; `stream`:
   * a few rows, past which a large right operand streams; `dot`: a few rows, or one
   * column, and the other operand is contiguous along the inner dimension; `narrow`: few columns,
   * computed transposed; `direct`: the right operand is read in place; `packed`: it is packed into panels (or
   * was before); `empty`: there is nothing to compute.
   */
  readonly path: (typeof paths)[number];
  /** Rows and columns of results that are kept in registers at a time. */
  readonly tile: readonly [rows: number, columns: number];
  /** Whether the right operand is packed, block by block. */
  readonly packsRight: boolean;
  /** Whether the left operand is copied, block by block. */
  readonly copiesLeft: boolean;
  /** Rows, columns and inner steps of a block. */
  readonly block: readonly [rows: number, columns: number, depth: number];
  /** As things are now: products too small to wake sleeping threads use those that are awake. */
  readonly threads: number;
  /** What the threads share. */
  readonly split: 'rows' | 'columns';
}

/** What the native side would do for a product of these matrices. */
export function planOf(a: Matrices, b: Matrices, packed = false): MatmulPlan {
  const Type = b.tensor.dtype === 'float64' ? Float64Array : Float32Array;
  const plan = new Type(10);
  runRow(
    rows.gemmPlan,
    [plan],
    [0],
    [a.rows, b.cols, a.cols, a.rowStep, a.colStep, b.rowStep, b.colStep, packed ? 1 : 0],
  );
  const at = (i: number) => plan[i] as number;
  return {
    path: paths[at(0)] as MatmulPlan['path'],
    tile: [at(1), at(2)],
    packsRight: at(3) !== 0,
    copiesLeft: at(4) !== 0,
    block: [at(5), at(6), at(7)],
    threads: at(8),
    split: at(9) !== 0 ? 'rows' : 'columns',
  };
}

interface PackedWeight {
  readonly version: number;
  readonly replays: number;
  readonly offset: number;
  readonly rowStep: number;
  readonly colStep: number;
  readonly level: string;
  /** Null until the second call with an unchanged weight: a weight that is used once isn't packed. */
  matrix: PackedMatrix | null;
}

const packedWeights = new WeakMap<Storage, PackedWeight>();
let packing = true;

/**
 * Whether `linear` outside of gradient recording keeps a packed copy of weights that it sees again
 * unchanged (default true). The copy takes as much memory as the weight; it is dropped when the
 * weight changes or is collected.
 * @throws TensorError ERR_ARGUMENT for anything but a boolean
 * @example
 * ```ts
 * setWeightPacking(false);
 * setWeightPacking(true);
 * ```
 */
export function setWeightPacking(enabled: boolean): void {
  if (typeof enabled !== 'boolean') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[setWeightPacking] takes true or false, not ${describe(enabled)}`,
    );
  }
  packing = enabled;
}

/** Rows from which a packed weight is read instead of the weight: one row streams it as it is. */
const MIN_ROWS_FOR_PACKED = 2;
/** Rows from which packing is too small a part of the product to matter. */
const MAX_ROWS_FOR_PACKED = 512;

/** The packed form of an unchanged weight that earlier calls have seen too, or null. */
export function packedWeight(b: Matrices, m: number): PackedMatrix | null {
  const { storage, offset } = b.tensor;
  if (!packing || m < MIN_ROWS_FOR_PACKED || m > MAX_ROWS_FOR_PACKED || isRecording()) return null;
  // Elements that the user can write to directly may change without notice.
  if (storage.exposed || b.rows * b.cols === 0) return null;
  const known = packedWeights.get(storage);
  if (
    known === undefined ||
    known.version !== storage.version ||
    known.replays !== replays() ||
    known.offset !== offset ||
    known.rowStep !== b.rowStep ||
    known.colStep !== b.colStep ||
    known.level !== simdLevel()
  ) {
    packedWeights.set(storage, {
      version: storage.version,
      replays: replays(),
      offset,
      rowStep: b.rowStep,
      colStep: b.colStep,
      level: simdLevel(),
      matrix: null,
    });
    return null;
  }
  known.matrix ??= pack(b, planOf(b, b).tile[1]);
  return known.matrix;
}
