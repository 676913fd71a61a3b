/** What bfloat16 adds to matrix products: which operands they take and of what dtype results are. */
import { TensorError } from '../../errors.js';
import { checkDType, type DType, infoOf } from '../../tensor/dtype.js';
import { Tensor } from '../../tensor/tensor.js';
import { activationBackward } from '../elementwise/activation.js';
import { checkFloating, checkTensor, type TensorLike, to } from '../operand.js';
import { checkNumbers, promote } from '../promotion.js';
import { sum } from '../reduction/reduce.js';

/** Options of {@link matmul}. */
export interface MatmulOptions {
  /**
   * The result's dtype. Default that of the operands; products of bfloat16 can also give `float32`,
   * the sums as they are before they are rounded.
   */
  outDtype?: DType;
}

/** Operands of a product: both bfloat16, or tensors of one dtype, floating or integers. */
export function promoteProduct(operation: string, a: TensorLike, b: TensorLike): [Tensor, Tensor] {
  if (a instanceof Tensor && b instanceof Tensor && a.dtype === b.dtype) {
    if (a.dtype === 'bfloat16' || infoOf(a.dtype).arithmetic) return [a, b];
  }
  const pair = promote(operation, a, b);
  checkNumbers(operation, pair[0]);
  return pair;
}

/** @throws TensorError unless it is a tensor of float32, float64 or bfloat16 */
export function checkFloatingProduct(operation: string, value: unknown): asserts value is Tensor {
  checkTensor(operation, value);
  if (value.dtype !== 'bfloat16') checkFloating(operation, value);
}

/** @throws TensorError unless it is a tensor of numbers but float16 */
export function checkProduct(operation: string, value: unknown): asserts value is Tensor {
  checkTensor(operation, value);
  if (value.dtype !== 'bfloat16') checkNumbers(operation, value);
}

/**
 * The result's dtype for operands of a dtype.
 * @throws TensorError ERR_DTYPE for a dtype that is unknown or doesn't fit
 */
export function resultDtype(
  operation: string,
  operands: DType,
  { outDtype = operands }: MatmulOptions,
): DType {
  if (outDtype === operands) return operands;
  checkDType(operation, outDtype);
  if (operands !== 'bfloat16' || outDtype !== 'float32') {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] a product of ${operands} can't give ${outDtype}` +
        (operands === 'bfloat16' ? ', only bfloat16 or float32' : ''),
    );
  }
  return outDtype;
}

/** bfloat16 widened to float32, others as they are. Not recorded: for values alone. */
export function widened(x: Tensor): Tensor {
  return x.dtype === 'bfloat16' ? to(x.detach(), 'float32') : x;
}

/** bfloat16 converted to float32, others as they are; recorded, unlike `widened`. */
function wide(x: Tensor): Tensor {
  return x.dtype === 'bfloat16' ? to(x, 'float32') : x;
}

/**
 * What `compute` makes of operands: of bfloat16 (all of them) in float32, rounded once at the end; recorded.
 */
export function inFloat32<Operands extends readonly (Tensor | null)[]>(
  operands: Operands,
  compute: (operands: Operands) => Tensor,
): Tensor {
  if (!operands.every((t) => t === null || t.dtype === 'bfloat16')) return compute(operands);
  const widened = operands.map((t) => t && wide(t)) as unknown as Operands;
  return to(compute(widened), 'bfloat16');
}

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
