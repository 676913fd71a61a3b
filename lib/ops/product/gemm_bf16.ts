/**
 * Calls of the bfloat16 product's row, and which products go there: those of bfloat16, and those of
 * float32 at medium precision. No checks, no recording, as in gemm.ts.
 */
import { TensorError } from '../../errors.js';
import { rows, runRow } from '../../native/commands.js';
import { describe } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { colsOf, type Finish, finishNumbers, gemm, rowsOf, type Walk } from './gemm.js';

/** How precise float32 products are: see `setFloat32MatmulPrecision`. */
export type Float32MatmulPrecision = 'highest' | 'medium';

const precisions: readonly Float32MatmulPrecision[] = ['highest', 'medium'];

let float32Precision: Float32MatmulPrecision = 'highest';

/**
 * Chooses how `matmul` and `linear` (and their gradients) multiply float32 tensors, as PyTorch's
 * function of this name:
 * - `highest` (the default): in float32.
 * - `medium`: operands of at least 16 rows on the left are rounded to bfloat16, products are exact
 *   and summed in float32. Twice as fast on CPUs with AVX512_BF16, not faster on others; everywhere
 *   the same bits. Each element is within (2 u + u^2 + k 2^-23) * sum |a| |b| of the exact product, where
 *   u = 2^-8 and the sum is over the k products of that element.
 *
 * Holds for the whole JavaScript thread. float64 and bfloat16 products don't depend on it, nor do
 * `addmm`, `baddbmm` and their gradients, and `matmulPlan` tells of the float32 product.
 * @throws TensorError ERR_ARGUMENT for anything else
 * @example
 * ```ts
 * setFloat32MatmulPrecision('highest');
 * setFloat32MatmulPrecision('fastest'); // throws ERR_ARGUMENT
 * ```
 */
export function setFloat32MatmulPrecision(precision: Float32MatmulPrecision): void {
  if (!precisions.includes(precision)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[setFloat32MatmulPrecision] known are ${precisions.join(', ')}, not ${describe(precision)}`,
    );
  }
  float32Precision = precision;
}

/**
 * How float32 products are computed: what `setFloat32MatmulPrecision` chose last.
 * @example
 * ```ts
 * getFloat32MatmulPrecision(); // => 'highest'
 * ```
 */
export function getFloat32MatmulPrecision(): Float32MatmulPrecision {
  return float32Precision;
}

/**
 * With fewer rows than this, rounding B while it is packed costs more than the products save
 * (measured at 8 and 32 rows on 1024 columns). A fixed number, so that no CPU decides otherwise.
 */
const MIN_ROWS = 16;

/** Whether the bfloat16 row multiplies these. */
export function takesBf16(a: Tensor, b: Tensor): boolean {
  if (a.dtype === 'bfloat16' || b.dtype === 'bfloat16') return true;
  return float32Precision === 'medium' && a.dtype === 'float32' && rowsOf(a) >= MIN_ROWS;
}

/**
 * C = activation(bias + A B + side), or times the activation's derivative, for every matrix of the
 * walk (null for the operands' first ones). A, B and C are float32 or bfloat16, bias and side float32.
 * There are no sums of columns.
 */
export function gemmBf16(
  a: Tensor,
  b: Tensor,
  c: Tensor,
  walk: Walk | null,
  finish: Omit<Finish, 'columnSums'>,
): void {
  const [aStep, bStep, cStep] = walk?.steps ?? [0, 0, 0];
  const [aStart, bStart, cStart] = walk?.starts ?? [a.offset, b.offset, c.offset];
  const { bias = null, side = null } = finish;
  runRow(
    rows.gemmBf16,
    [a.array, b.array, bias?.array ?? null, side?.array ?? null, c.array],
    [aStart, bStart, bias?.offset ?? 0, side?.offset ?? 0, cStart],
    [
      walk?.count ?? 1,
      rowsOf(a),
      colsOf(b),
      colsOf(a),
      aStep,
      ...a.strides.slice(-2),
      bStep,
      ...b.strides.slice(-2),
      cStep,
      colsOf(b),
      side === null ? 0 : (side.strides[0] as number),
      ...finishNumbers(finish),
    ],
  );
}

/** C = A B for every matrix of the walk, by the row that goes with the operands. */
export function multiply(a: Tensor, b: Tensor, c: Tensor, walk: Walk | null): void {
  if (takesBf16(a, b)) gemmBf16(a, b, c, walk, {});
  else gemm(a, b, c, walk, 1, 0);
}
