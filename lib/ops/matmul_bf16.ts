/**
 * What bfloat16 adds to matrix products: which operands they take, of what dtype the result is, and
 * which row of the table computes it.
 */
import { TensorError } from '../errors.js';
import { rows } from '../native/commands.js';
import type { Row } from '../native/interface.js';
import { checkDType, type DType } from '../tensor/dtype.js';
import { checkOptions, describe } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { activationBackward } from './elementwise.js';
import { checkFloating, checkTensor, promote, type TensorLike, to } from './operand.js';
import { sum } from './reduce.js';

export interface MatmulOptions {
  /**
   * The result's dtype. Default that of the operands; products of bfloat16 can also give `float32`,
   * the sums as they are before they are rounded.
   */
  outDtype?: DType;
}

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
 * Holds for the whole JavaScript thread. float64 and bfloat16 products don't depend on it.
 * @throws TensorError ERR_ARGUMENT for anything else
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

/** How float32 products are computed: what `setFloat32MatmulPrecision` chose last. */
export function getFloat32MatmulPrecision(): Float32MatmulPrecision {
  return float32Precision;
}

/**
 * With fewer rows than this, rounding B while it is packed costs more than the products save
 * (measured at 8 and 32 rows on 1024 columns). A fixed number, so that no CPU decides otherwise.
 */
const MIN_ROWS = 16;

/** The row that multiplies operands of these dtypes; `gemmBf16` takes the arguments of `gemm`. */
export function productRow(a: DType, b: DType, rowCount: number): Row {
  if (a === 'bfloat16' || b === 'bfloat16') return rows.gemmBf16;
  const round = a === 'float32' && float32Precision === 'medium' && rowCount >= MIN_ROWS;
  return round ? rows.gemmBf16 : rows.gemm;
}

/** Operands of a product: both bfloat16, or floating tensors of one dtype. */
export function promoteProduct(operation: string, a: TensorLike, b: TensorLike): [Tensor, Tensor] {
  if (a instanceof Tensor && b instanceof Tensor) {
    if (a.dtype === 'bfloat16' && b.dtype === 'bfloat16') return [a, b];
  }
  return promote(operation, a, b);
}

/** @throws TensorError unless it is a tensor of float32, float64 or bfloat16 */
export function checkProduct(operation: string, value: unknown): asserts value is Tensor {
  checkTensor(operation, value);
  if (value.dtype !== 'bfloat16') checkFloating(operation, value);
}

/** Stands for options that weren't given, which need no check. */
export const noMatmulOptions: MatmulOptions = Object.freeze({});

/**
 * The result's dtype for operands of a dtype.
 * @throws TensorError ERR_ARGUMENT for unknown options, ERR_DTYPE for a dtype that doesn't fit
 */
export function resultDtype(operation: string, operands: DType, options: MatmulOptions): DType {
  if (options === noMatmulOptions) return operands;
  checkOptions(operation, options, ['outDtype', ...(operation === 'linear' ? ['activation'] : [])]);
  const { outDtype = operands } = options;
  checkDType(operation, outDtype);
  if (outDtype !== operands && !(operands === 'bfloat16' && outDtype === 'float32')) {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] a product of ${operands} can't give ${outDtype}` +
        (operands === 'bfloat16' ? ', only bfloat16 or float32' : ''),
    );
  }
  return outDtype;
}

/** A linear layer's bias as the native side takes it: bfloat16 widened, others as they are. */
export function productBias(bias: Tensor): Tensor {
  return bias.dtype === 'bfloat16' ? to(bias.detach(), 'float32') : bias;
}

const wide = (x: Tensor) => (x.dtype === 'bfloat16' ? to(x, 'float32') : x);

/** The gradient of a bias from that of the product; bfloat16 is summed in float32. */
export function biasGradient(g: Tensor, bias: DType): Tensor {
  return to(sum(wide(g), { dim: 0 }), bias);
}

/** The gradient before an activation from the one after it; bfloat16 is computed in float32. */
export function beforeActivation(
  activation: keyof typeof activationBackward,
  g: Tensor,
  y: Tensor,
): Tensor {
  return to(activationBackward[activation](wide(g), wide(y)), y.dtype);
}
