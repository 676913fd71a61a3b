/** Transposed convolution: the gradient of a convolution's input as an operation of its own. */
import { TensorError } from '../../errors.js';
import { checkCount, checkOptions, formatShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { squeeze } from '../shape/shape.js';
import { checkGroups, checkOperands, checkPerAxis, type PerAxis } from './conv.js';
import { convolveTransposed, sizesOf } from './conv_product.js';

/** Options of {@link convTranspose1d}, {@link convTranspose2d} and {@link convTranspose3d}. */
export interface ConvTransposeOptions {
  /** How far inputs are apart in the result. Default 1. */
  stride?: PerAxis;
  /** How many elements are taken away from both ends of each axis of the result. Default 0. */
  padding?: PerAxis;
  /** How many elements are added behind each axis: less than stride or dilation. Default 0. */
  outputPadding?: PerAxis;
  /** In how many groups channels are dealt, of which each sees only its own. Default 1. */
  groups?: number;
  /** How far the kernel's elements are apart. Default 1. */
  dilation?: PerAxis;
}

function convTranspose(
  operation: string,
  rank: number,
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  options: ConvTransposeOptions,
): Tensor {
  const known = ['stride', 'padding', 'outputPadding', 'groups', 'dilation'];
  checkOptions(operation, options, known);
  const groups = checkCount(operation, 'groups', options.groups ?? 1);
  const stride = checkPerAxis(operation, 'stride', options.stride ?? 1, rank, 1);
  const padding = checkPerAxis(operation, 'padding', options.padding ?? 0, rank, 0);
  const dilation = checkPerAxis(operation, 'dilation', options.dilation ?? 1, rank, 1);
  const extra = checkPerAxis(operation, 'outputPadding', options.outputPadding ?? 0, rank, 0);
  const { x, single } = checkOperands(operation, rank, input, weight, bias, () => ({
    inputs: weight.shape[0] as number,
    outputs: groups * (weight.shape[1] as number),
  }));
  checkGroups(operation, weight, groups);
  const kernel = sizesOf(weight);
  const sizes = sizesOf(x).map((size, i) => {
    const [step, apart, more] = [stride[i], dilation[i], extra[i]] as [number, number, number];
    if (more >= Math.max(step, apart)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${operation}] outputPadding ${more} must be less than stride ${step} or dilation ${apart}`,
      );
    }
    const reach = (size - 1) * step + ((kernel[i] as number) - 1) * apart + 1;
    const result = reach - 2 * (padding[i] as number) + more;
    if (size === 0 || result < 1) {
      throw new TensorError(
        'ERR_SHAPE',
        `[${operation}] padding ${padding[i]} leaves nothing of input ${formatShape(input.shape)}`,
      );
    }
    return result;
  });
  const y = convolveTransposed(
    operation,
    x,
    weight,
    bias,
    { groups, stride, padding, dilation },
    sizes,
  );
  return single ? squeeze(y, 0) : y;
}

/**
 * The transpose of {@link conv1d} along one axis: each x[n, c, i] times weight[c, o, k] is added to
 * y[n, o, stride i + dilation k - padding] (Zeiler et al., "Deconvolutional networks", 2010). It is what
 * gives the gradient of conv1d's input, and has conv1d for a gradient of its own.
 * @param x shape [N, C, L] or [C, L], float32 or float64
 * @param weight shape [C, O / groups, K]
 * @param bias shape [O], or null
 * @returns shape [N, O, (L - 1) stride - 2 padding + dilation (K - 1) + outputPadding + 1], or without N
 * @throws TensorError ERR_SHAPE when they don't fit, ERR_DTYPE when their dtypes differ or aren't
 * float32 or float64, ERR_ARGUMENT for unknown options and wrong values
 * @example
 * ```ts
 * convTranspose1d(tensor([[1, 2]]), tensor([[[1, 10]]])); // => [[1, 12, 20]]
 * convTranspose1d(tensor([[1, 2]]), tensor([[[1, 10]]]), null, { stride: 2 }); // => [[1, 10, 2, 20]]
 * ```
 */
export function convTranspose1d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: ConvTransposeOptions = {},
): Tensor {
  return convTranspose('convTranspose1d', 1, x, weight, bias, options);
}

/**
 * The same along two axes (see {@link convTranspose1d}).
 * @param x shape [N, C, H, W] or [C, H, W], float32 or float64
 * @param weight shape [C, O / groups, KH, KW]
 * @param bias shape [O], or null
 * @returns shape [N, O, H', W'], or without N
 * @throws TensorError as convTranspose1d
 * @example
 * ```ts
 * convTranspose2d(tensor([[[2]]]), tensor([[[[1, 2], [3, 4]]]])); // => [[[2, 4], [6, 8]]]
 * ```
 */
export function convTranspose2d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: ConvTransposeOptions = {},
): Tensor {
  return convTranspose('convTranspose2d', 2, x, weight, bias, options);
}

/**
 * The same along three axes (see {@link convTranspose1d}).
 * @param x shape [N, C, D, H, W] or [C, D, H, W], float32 or float64
 * @param weight shape [C, O / groups, KD, KH, KW]
 * @param bias shape [O], or null
 * @returns shape [N, O, D', H', W'], or without N
 * @throws TensorError as convTranspose1d
 * @example
 * ```ts
 * convTranspose3d(tensor([[[[2]]]]), tensor([[[[[1, 2], [3, 4]]]]])); // => [[[[2, 4], [6, 8]]]]
 * ```
 */
export function convTranspose3d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: ConvTransposeOptions = {},
): Tensor {
  return convTranspose('convTranspose3d', 3, x, weight, bias, options);
}
