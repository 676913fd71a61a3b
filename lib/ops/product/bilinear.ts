/** The bilinear form of two inputs, as products of matrices. */
import { TensorError } from '../../errors.js';
import { formatShape, sameShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { add } from '../elementwise/arithmetic.js';
import { expand } from '../reduction/reduce.js';
import { permute, reshape, unsqueeze } from '../shape/shape.js';
import { matmul } from './matmul.js';
import { checkProduct, inFloat32 } from './matmul_bf16.js';

function checkShapes(x1: Tensor, x2: Tensor, weight: Tensor, bias: Tensor | null): void {
  const fits =
    x1.ndim > 0 &&
    weight.ndim === 3 &&
    sameShape(x1.shape.slice(0, -1), x2.shape.slice(0, -1)) &&
    x1.ndim === x2.ndim &&
    x1.shape.at(-1) === weight.shape[1] &&
    x2.shape.at(-1) === weight.shape[2];
  if (!fits) {
    throw new TensorError(
      'ERR_SHAPE',
      `[bilinear] inputs ${formatShape(x1.shape)} and ${formatShape(x2.shape)} do not fit a weight ` +
        `[outputs, inputs 1, inputs 2] of ${formatShape(weight.shape)}`,
    );
  }
  if (bias !== null && !sameShape(bias.shape, weight.shape.slice(0, 1))) {
    throw new TensorError(
      'ERR_SHAPE',
      `[bilinear] bias ${formatShape(bias.shape)} and weight ${formatShape(weight.shape)} do not fit`,
    );
  }
}

/**
 * y_k = x1^T A_k x2 + b_k for each output k, with A_k = weight[k]: one matrix product of x1 with all
 * A_k side by side, and a product of a matrix and a vector for each pair of inputs.
 * @param x1 shape [..., inputs1], of the dtypes that matmul takes
 * @param x2 shape [..., inputs2]
 * @param weight shape [outputs, inputs1, inputs2]
 * @param bias shape [outputs], or null
 * @returns shape [..., outputs]
 * @throws TensorError ERR_SHAPE when they don't fit, ERR_DTYPE when their dtypes differ, ERR_ARGUMENT
 * @example
 * ```ts
 * bilinear(tensor([1, 2]), tensor([3]), tensor([[[1], [10]]]), tensor([0.5])); // => [63.5]
 * bilinear(tensor([1, 2]), tensor([3]), ones([1, 2, 2])); // throws ERR_SHAPE
 * ```
 */
export function bilinear(
  x1: Tensor,
  x2: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
): Tensor {
  const operands = bias === null ? [x1, x2, weight] : [x1, x2, weight, bias];
  for (const operand of operands) checkProduct('bilinear', operand);
  if (operands.some(({ dtype }) => dtype !== weight.dtype)) {
    throw new TensorError(
      'ERR_DTYPE',
      `[bilinear] the tensors are ${operands.map(({ dtype }) => dtype).join(', ')}; convert with to(...)`,
    );
  }
  checkShapes(x1, x2, weight, bias);
  return inFloat32([x1, x2, weight, bias] as const, (all) => form(...all));
}

function form(x1: Tensor, x2: Tensor, weight: Tensor, bias: Tensor | null): Tensor {
  const [outputs, inputs1, inputs2] = weight.shape as readonly [number, number, number];
  const outer = x1.shape.slice(0, -1);
  const count = outer.reduce((product, size) => product * size, 1);
  const sideBySide = reshape(permute(weight, [1, 0, 2]), [inputs1, outputs * inputs2]);
  const left = matmul(reshape(x1, [count, inputs1]), sideBySide);
  const right = unsqueeze(reshape(x2, [count, inputs2]), 2);
  const y = reshape(matmul(reshape(left, [count, outputs, inputs2]), right), [...outer, outputs]);
  return bias === null ? y : add(y, expand(bias, y.shape));
}
