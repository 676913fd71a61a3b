/** Calls of the matrix product's rows: no checks, no recording. `matmul` and `linear` stand on these. */
import { TensorError } from '../../errors.js';
import {
  call,
  call3,
  isRecording,
  misalignment,
  params,
  replays,
  rows,
  runRow,
} from '../../native/commands.js';
import { simdLevel } from '../../native/settings.js';
import { infoOf } from '../../tensor/dtype.js';
import { ALIGNMENT, alignedArray } from '../../tensor/memory.js';
import { describe } from '../../tensor/shape.js';
import type { Storage } from '../../tensor/storage.js';
import type { Tensor } from '../../tensor/tensor.js';

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

/** Rows and columns of the matrices in a tensor's last two dimensions, and the steps between them. */
export const rowsOf = ({ shape }: Tensor): number => shape[shape.length - 2] as number;
export const colsOf = ({ shape }: Tensor): number => shape[shape.length - 1] as number;
const rowStepOf = ({ strides }: Tensor): number => strides[strides.length - 2] as number;
const colStepOf = ({ strides }: Tensor): number => strides[strides.length - 1] as number;

/** How a batch walks through the operands: how many matrices, and steps and first elements. */
export interface Walk {
  readonly count: number;
  readonly steps: readonly [a: number, b: number, c: number];
  readonly starts: readonly [a: number, b: number, c: number];
}

/** Not looked up in every call: V8 keeps a table of so many names as a dictionary. */
const gemmRow = rows.gemm;

/**
 * C = beta C + alpha A B for every matrix of the walk (null for the operands' first ones); C is
 * row-major and not read when beta is 0.
 */
export function gemm(
  a: Tensor,
  b: Tensor,
  c: Tensor,
  walk: Walk | null,
  alpha: number,
  beta: number,
): void {
  const cols = colsOf(b);
  params[0] = walk === null ? a.offset : walk.starts[0];
  params[1] = walk === null ? b.offset : walk.starts[1];
  params[2] = walk === null ? c.offset : walk.starts[2];
  params[3] = walk === null ? 1 : walk.count;
  params[4] = rowsOf(a);
  params[5] = cols;
  params[6] = colsOf(a);
  params[7] = walk === null ? 0 : walk.steps[0];
  params[8] = rowStepOf(a);
  params[9] = colStepOf(a);
  params[10] = walk === null ? 0 : walk.steps[1];
  params[11] = rowStepOf(b);
  params[12] = colStepOf(b);
  params[13] = walk === null ? 0 : walk.steps[2];
  params[14] = cols;
  params[15] = alpha;
  params[16] = beta;
  call3(gemmRow, a.array, b.array, c.array);
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
export function gemmFused(a: Tensor, b: Tensor, c: Tensor, finish: Finish): void {
  const { bias = null, side = null, columnSums = null } = finish;
  const { activation = 'none', negativeSlope = 0 } = finish;
  params[0] = a.offset;
  params[1] = b.offset;
  params[2] = bias === null ? 0 : bias.offset;
  params[3] = side === null ? 0 : side.offset;
  params[4] = c.offset;
  params[5] = columnSums === null ? 0 : columnSums.offset;
  params[6] = rowsOf(a);
  params[7] = colsOf(b);
  params[8] = colsOf(a);
  params[9] = rowStepOf(a);
  params[10] = colStepOf(a);
  params[11] = rowStepOf(b);
  params[12] = colStepOf(b);
  params[13] = side === null ? 0 : (side.strides[0] as number);
  params[14] = colsOf(b);
  params[15] = activations.indexOf(activation);
  params[16] = sideUses.indexOf(sideUseOf(finish));
  params[17] = negativeSlope;
  call(rows.gemmFused, [
    a.array,
    b.array,
    bias === null ? null : bias.array,
    side === null ? null : side.array,
    c.array,
    columnSums === null ? null : columnSums.array,
  ]);
}

/** What `side` is for: to be added, unless something else is said. */
function sideUseOf({ side = null, sideUse }: Finish): (typeof sideUses)[number] {
  return sideUse ?? (side === null ? 'none' : 'add');
}

export function finishNumbers(finish: Finish): [number, number, number] {
  const { activation = 'none', negativeSlope = 0 } = finish;
  return [activations.indexOf(activation), sideUses.indexOf(sideUseOf(finish)), negativeSlope];
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
export function gemmPacked(a: Tensor, b: PackedMatrix, c: Tensor, finish: Finish): void {
  const { bias = null, side = null } = finish;
  runRow(
    rows.gemmPacked,
    [
      a.array,
      b.panels,
      bias === null ? null : bias.array,
      side === null ? null : side.array,
      c.array,
    ],
    [a.offset, 0, bias === null ? 0 : bias.offset, side === null ? 0 : side.offset, c.offset],
    [
      rowsOf(a),
      b.cols,
      b.rows,
      b.count,
      b.width,
      rowStepOf(a),
      colStepOf(a),
      side === null ? 0 : (side.strides[0] as number),
      b.cols,
      ...finishNumbers(finish),
    ],
  );
}

/** The panels of a matrix; `width` is the level's (see `planOf`). */
export function pack(b: Tensor, width: number): PackedMatrix {
  const count = Math.ceil(colsOf(b) / width);
  // Kept for long: a slab's neighbours would be kept with it, so the memory is its own.
  const panels = alignedArray(b.dtype, count * width * rowsOf(b) * infoOf(b.dtype).bytes);
  runRow(
    rows.packPanels,
    [b.array, panels],
    [b.offset, 0],
    [rowsOf(b), colsOf(b), count, width, rowStepOf(b), colStepOf(b)],
  );
  return { panels, count, width, rows: rowsOf(b), cols: colsOf(b) };
}

/** In the order of `GemmPath` in ops/product/gemm_plan.h. */
const paths = ['empty', 'vector', 'stream', 'dot', 'narrow', 'direct', 'packed', 'turned'] as const;

/** How a matrix product is computed. */
export interface MatmulPlan {
  /**
   * `vector`: one row or column, the matrix streams past the vector; `stream`:
   * a few rows, past which a large right operand streams; `dot`: a few rows, or one
   * column, and the other operand is contiguous along the inner dimension; `narrow`: few columns,
   * computed transposed; `direct`: the right operand is read in place; `packed`: it is packed into panels (or
   * was before); `turned`: it is contiguous along the inner dimension and read in place, to compute the result transposed; `empty`: there is nothing to compute.
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
  /**
   * The last columns of a `direct` or `packed` product that fill no vector and are so few (up to
   * four) that they are computed apart, as a `narrow` product; 0 when all columns are computed alike.
   * Threads decide it again, each for its share of the product, where `piece` is null.
   */
  readonly narrowColumns: number;
  /**
   * Rows and columns of the result that a thread computes at a time of its share, of which threads
   * that are done take over what is left; null where each computes its own share and no more.
   */
  readonly piece: readonly [rows: number, columns: number] | null;
}

/** What the native side would do for a product of these matrices. */
export function planOf(a: Tensor, b: Tensor, packed = false): MatmulPlan {
  const Type = b.dtype === 'float64' ? Float64Array : Float32Array;
  const plan = new Type(12);
  runRow(
    rows.gemmPlan,
    [plan],
    [0],
    [
      rowsOf(a),
      colsOf(b),
      colsOf(a),
      rowStepOf(a),
      colStepOf(a),
      rowStepOf(b),
      colStepOf(b),
      packed ? 1 : 0,
      packed ? 0 : (misalignment(b.array) + b.offset * b.array.BYTES_PER_ELEMENT) % ALIGNMENT,
    ],
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
    narrowColumns: at(10),
    piece: at(11) === 0 ? null : [at(5), at(11) * at(2)],
  };
}

interface PackedWeight {
  readonly version: number;
  readonly replays: number;
  readonly offset: number;
  readonly rows: number;
  readonly cols: number;
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
 * unchanged (default true): large ones, and those that lie across the product's order. The copy takes as
 * much memory as the weight; it is dropped when the weight changes or is collected.
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
/**
 * A weight that lies as a product reads it (a layer's does) gains from packing only beyond half of a
 * second-level cache of 1 MB. Zen 5, AVX-512, packed against in place: 2 x 784 x 128 6.8 and 3.2 us, 8
 * rows 8.5 and 7.3, 32 rows 30.6 and 29.4; 16 x 784 x 512 64 and 74, 16 x 1024 x 1024 163 and 250.
 */
const PACKED_BYTES = 512 << 10;
/**
 * Beyond that, up to these rows it streams past them in place (`stream` in native/ops/product/gemm_plan.cpp),
 * up to this size: 3 x 1024 x 1024 82 us packed and 52 in place. On AVX2 packed weights are faster.
 */
const STREAMED = { level: 'avx512', rows: 4, bytes: 16 << 20 };
/** Rows from which packing is too small a part of the product to matter. */
const MAX_ROWS_FOR_PACKED = 512;

/** Whether a product of m rows with b needs no packed copy of it to be as fast. */
function isFastInPlace(b: Tensor, m: number): boolean {
  const bytes = rowsOf(b) * colsOf(b) * infoOf(b.dtype).bytes;
  if (colStepOf(b) !== 1) return bytes === 0;
  if (bytes <= PACKED_BYTES) return true;
  return m <= STREAMED.rows && bytes <= STREAMED.bytes && simdLevel() === STREAMED.level;
}

/** The packed form of an unchanged weight that earlier calls have seen too, or null. */
export function packedWeight(b: Tensor, m: number): PackedMatrix | null {
  const { storage, offset } = b;
  if (!packing || m < MIN_ROWS_FOR_PACKED || m > MAX_ROWS_FOR_PACKED || isRecording()) return null;
  // Elements that the user can write to directly may change without notice.
  if (storage.exposed || isFastInPlace(b, m)) return null;
  // Of an expanded weight a copy would hold the same values many times over.
  if (rowStepOf(b) === 0 || colStepOf(b) === 0) return null;
  const known = packedWeights.get(storage);
  if (
    known === undefined ||
    known.version !== storage.version ||
    known.replays !== replays() ||
    known.offset !== offset ||
    known.rows !== rowsOf(b) ||
    known.cols !== colsOf(b) ||
    known.rowStep !== rowStepOf(b) ||
    known.colStep !== colStepOf(b) ||
    known.level !== simdLevel()
  ) {
    packedWeights.set(storage, {
      version: storage.version,
      replays: replays(),
      offset,
      rows: rowsOf(b),
      cols: colsOf(b),
      rowStep: rowStepOf(b),
      colStep: colStepOf(b),
      level: simdLevel(),
      matrix: null,
    });
    return null;
  }
  known.matrix ??= pack(b, planOf(b, b).tile[1]);
  return known.matrix;
}
