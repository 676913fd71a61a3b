/**
 * The gradients of normalisations of operations that record: what the fused backward rows compute, in a
 * form that can be differentiated again.
 */
import type { Shape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { add, mul, rsqrt, square, sub } from '../elementwise/arithmetic.js';
import { mean, sum } from '../reduction/reduce.js';
import { reshape } from '../shape/shape.js';

/** How a normalisation sees its input. */
export interface Statistics {
  /** The input's shape with dimensions taken together. */
  readonly shape: Shape;
  /** Dimensions of it that mean and variance are over. */
  readonly over: readonly number[];
  /** Dimensions of it that weight and bias have. */
  readonly weights: readonly number[];
  readonly eps: number;
  /** Whether a mean is subtracted. */
  readonly centered: boolean;
  /** Mean and 1 / sqrt(variance + eps), where they are constants. */
  readonly fixed?: readonly [mean: Tensor, rstd: Tensor];
}

/**
 * The gradient of operand i of the input x, weight and bias. With r = 1 / sqrt(variance + eps),
 * z = (x - mean) r and d = g weight, that of the input is r (d - mean(d) - z mean(d z)); without
 * mean(d) where none is subtracted, and r d where mean and r are constants.
 */
export function recordedGradient(
  gradient: Tensor,
  operands: readonly [x: Tensor, weight: Tensor | null, bias: Tensor | null],
  i: number,
  { shape, over, weights, eps, centered, fixed }: Statistics,
): Tensor {
  const [input, weight] = operands;
  const target = (operands[i] as Tensor).shape;
  const [x, g] = [reshape(input, shape), reshape(gradient, shape)];
  const others = shape.map((_, d) => d).filter((d) => !weights.includes(d));
  if (i === 2) return reshape(sum(g, { dim: others }), target);
  const average = (t: Tensor) => mean(t, { dim: over, keepDim: true });
  const difference = centered ? sub(x, fixed ? fixed[0] : average(x)) : x;
  const r = fixed ? fixed[1] : rsqrt(add(average(square(difference)), eps));
  const z = mul(difference, r);
  if (i === 1) return reshape(sum(mul(g, z), { dim: others }), target);
  const ofWeight = shape.map((size, d) => (weights.includes(d) ? size : 1));
  const d = weight === null ? g : mul(g, reshape(weight, ofWeight));
  if (fixed) return reshape(mul(d, r), target);
  const direct = centered ? sub(d, average(d)) : d;
  return reshape(mul(sub(direct, mul(z, average(mul(d, z)))), r), target);
}
