/** How much a layer multiplies, from the shapes of its weights and of what goes in and out. */
import { numel, type Shape } from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';

/** The first tensor in a value: itself, or in lists and the properties of objects. */
export function firstTensor(value: unknown, seen = new Set<object>()): Tensor | null {
  if (value instanceof Tensor) return value;
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return null;
  if (seen.has(value)) return null;
  seen.add(value);
  for (const item of Object.values(value)) {
    const found = firstTensor(item, seen);
    if (found !== null) return found;
  }
  return null;
}

/**
 * Multiplications of a convolution by a weight [outputs, inputs / groups, ...kernel], or, transposed,
 * [inputs, outputs / groups, ...kernel]. Each value on the weight's first side meets all the weights that
 * belong to its channel. Both kinds are told apart by the channels, and where these are equal by the
 * side whose values are fewer: a transposed convolution makes pictures larger, the other one smaller.
 */
function convolution(weight: Shape, input: Tensor | null, output: Tensor): number {
  const channelDim = (x: Tensor): number => x.ndim - (weight.length - 1);
  const channels = weight[0] as number;
  const perValue = numel(weight.slice(1));
  const toOutputs = output.shape[channelDim(output)] === channels;
  if (input === null || input.shape[channelDim(input)] !== channels) {
    return output.numel * perValue;
  }
  const isTransposed = !toOutputs || input.numel < output.numel;
  return (isTransposed ? input.numel : output.numel) * perValue;
}

/**
 * Multiplications, each with an addition, of a module's own parameters in one call. A weight of three and
 * more dimensions is that of a convolution; matrices are multiplied once for each vector that comes out;
 * what is added or scaled by vectors doesn't count.
 */
export function multiplyAddsOf(
  parameters: Iterable<Tensor>,
  inputs: readonly unknown[],
  output: unknown,
): number {
  const y = firstTensor(output);
  if (y === null) return 0;
  let total = 0;
  for (const { shape, ndim, numel: count } of parameters) {
    if (ndim === 2) total += numel(y.shape.slice(0, -1)) * count;
    if (ndim >= 3) total += convolution(shape, firstTensor(inputs), y);
  }
  return total;
}
