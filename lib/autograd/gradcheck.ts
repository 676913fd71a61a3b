/** Checks gradient rules against numerical differentiation. */
import { TensorError } from '../errors.js';
import { uninitialized } from '../tensor/creation.js';
import { checkNumber, checkOptions, describe, formatShape, type Shape } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { backward } from './backward.js';
import { noGrad } from './mode.js';

/** Options of {@link gradcheck}. */
export interface GradcheckOptions {
  /**
   * Step of the central differences. Default cbrt(2^-52), about 6e-6: it balances the truncation
   * error, step^2, and the rounding error, 2^-52 / step (Press et al., Numerical Recipes, 5.7).
   */
  step?: number;
  /**
   * Allowed difference relative to max(1, |gradient|). Default 1000 step^2, about 4e-8: room for
   * third derivatives and function values of that size.
   */
  tolerance?: number;
}

/**
 * The options with their defaults, after a look at all arguments of a check.
 * @throws TensorError ERR_DTYPE, ERR_ARGUMENT
 */
export function checkArguments(
  operation: string,
  fn: unknown,
  inputs: readonly unknown[],
  options: GradcheckOptions,
): Required<GradcheckOptions> {
  if (typeof fn !== 'function' || !Array.isArray(inputs)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] expected a function and a list of inputs`,
    );
  }
  checkOptions(operation, options, ['step', 'tolerance']);
  const step = checkNumber(operation, 'step', options.step ?? Math.cbrt(2 ** -52), 0);
  const bound = options.tolerance ?? 1000 * step * step;
  const tolerance = checkNumber(operation, 'tolerance', bound, 0);
  for (const input of inputs) {
    if (!(input instanceof Tensor)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${operation}] inputs must be tensors, not ${describe(input)}`,
      );
    }
    if (input.dtype !== 'float64' || !input.leafRequiresGrad) {
      throw new TensorError(
        'ERR_DTYPE',
        `[${operation}] inputs must be float64 leaves with requiresGrad`,
      );
    }
  }
  return { step, tolerance };
}

/** Fixed, all different numbers of a shape, so that errors of elements can't cancel. */
export function fixedWeights(shape: Shape, seed: number): Tensor {
  const weights = uninitialized(shape, 'float64');
  const { data } = weights;
  for (let i = 0; i < data.length; i++) data[i] = Math.cos(i + seed);
  return weights;
}

/** The sum of a tensor's elements times as many weights. */
export function weightedSum(x: Tensor, weights: Tensor): number {
  const { data } = weights;
  let total = 0;
  let at = 0;
  const walk = (values: unknown): void => {
    if (Array.isArray(values)) for (const item of values) walk(item);
    else total += (values as number) * (data[at++] as number);
  };
  walk(x.toArray());
  return total;
}

/**
 * Holds the gradients of `value` (null for zeros) against its central differences, for each element
 * of each input alone.
 * @param what where the gradients come from, for the message
 * @throws TensorError ERR_STATE naming the first input and element that differ
 */
export function compareWithDifferences(
  operation: string,
  what: string,
  value: () => number,
  inputs: readonly Tensor[],
  gradients: readonly (Tensor | null)[],
  { step, tolerance }: Required<GradcheckOptions>,
): void {
  inputs.forEach((input, index) => {
    const gradient = gradients[index] ?? null;
    const { array } = input;
    // Written to without notice, so that nobody may keep what he computes from it (packed weights).
    input.storage.expose();
    const check = (dim: number, at: number, gradientAt: number, position: number[]): void => {
      if (dim < input.ndim) {
        for (let i = 0; i < (input.shape[dim] as number); i++) {
          const next = at + i * (input.strides[dim] as number);
          check(dim + 1, next, gradientAt + i * (gradient?.strides[dim] ?? 0), [...position, i]);
        }
        return;
      }
      const before = array[at] as number;
      let numeric: number;
      try {
        array[at] = before + step;
        const above = value();
        array[at] = before - step;
        numeric = (above - value()) / (2 * step);
      } finally {
        array[at] = before;
      }
      const analytic = gradient === null ? 0 : (gradient.array[gradientAt] as number);
      if (!(Math.abs(numeric - analytic) <= tolerance * Math.max(1, Math.abs(numeric)))) {
        throw new TensorError(
          'ERR_STATE',
          `[${operation}] input ${index} at ${formatShape(position)}: ${what} ${analytic}, ` +
            `central differences ${numeric}`,
        );
      }
    };
    check(0, input.offset, gradient?.offset ?? 0, []);
  });
}

/** @throws TensorError ERR_ARGUMENT unless the function gave a tensor */
export function checkOutput(operation: string, output: unknown): void {
  if (output instanceof Tensor) return;
  throw new TensorError(
    'ERR_ARGUMENT',
    `[${operation}] the function must return a tensor, not ${describe(output)}`,
  );
}

/**
 * Compares the gradients of `fn` with central differences, for each element of each input alone.
 * The outputs are weighted with fixed, all different numbers, so that errors can't cancel.
 * @param fn a function of the inputs without randomness
 * @param inputs float64 tensors with requiresGrad; their values are changed during the check and
 * restored
 * @throws TensorError ERR_STATE naming the first input and element that differ, ERR_DTYPE for inputs
 * of another dtype or without requiresGrad, ERR_ARGUMENT for arguments of other kinds
 * @example
 * ```ts
 * gradcheck((x) => x.square(), [tensor([1, 2], { dtype: 'float64', requiresGrad: true })]);
 * gradcheck((x) => x.detach().mul(x), [tensor([3], { dtype: 'float64', requiresGrad: true })]); // throws ERR_STATE
 * ```
 */
export function gradcheck(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  options: GradcheckOptions = {},
): void {
  const settings = checkArguments('gradcheck', fn, inputs, options);
  for (const input of inputs) input.zeroGrad();
  const output = fn(...inputs);
  checkOutput('gradcheck', output);
  const weights = fixedWeights(output.shape, 1);
  backward(output, weights);
  const value = () => noGrad(() => weightedSum(fn(...inputs), weights));
  const gradients = inputs.map((input) => input.grad);
  compareWithDifferences('gradcheck', 'backward gives', value, inputs, gradients, settings);
}
