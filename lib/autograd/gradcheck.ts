/** Checks gradient rules against numerical differentiation. */
import { TensorError } from '../errors.js';
import { uninitialized } from '../tensor/creation.js';
import { checkNumber, checkOptions, describe, formatShape } from '../tensor/shape.js';
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
 * Compares the gradients of `fn` with central differences, for each element of each input alone.
 * The outputs are weighted with fixed, all different numbers, so that errors can't cancel.
 * @param fn a function of the inputs without randomness
 * @param inputs float64 tensors with requiresGrad; their values are changed during the check and
 * restored
 * @throws TensorError ERR_STATE naming the first input and element that differ, ERR_DTYPE for inputs
 * of another dtype or without requiresGrad, ERR_ARGUMENT for arguments of other kinds
 * @example
 * ```ts
 * const x = tensor([0.5, 2], { dtype: 'float64', requiresGrad: true });
 * gradcheck((t) => t.exp().mul(t), [x]); // fails when a gradient is wrong
 * ```
 */
export function gradcheck(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  options: GradcheckOptions = {},
): void {
  if (typeof fn !== 'function' || !Array.isArray(inputs)) {
    throw new TensorError('ERR_ARGUMENT', '[gradcheck] expected a function and a list of inputs');
  }
  checkOptions('gradcheck', options, ['step', 'tolerance']);
  const step = checkNumber('gradcheck', 'step', options.step ?? Math.cbrt(2 ** -52), 0);
  const bound = options.tolerance ?? 1000 * step * step;
  const tolerance = checkNumber('gradcheck', 'tolerance', bound, 0);
  for (const input of inputs) {
    if (!(input instanceof Tensor)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[gradcheck] inputs must be tensors, not ${describe(input)}`,
      );
    }
    if (input.dtype !== 'float64' || !input.leafRequiresGrad) {
      throw new TensorError(
        'ERR_DTYPE',
        '[gradcheck] inputs must be float64 leaves with requiresGrad',
      );
    }
    input.zeroGrad();
  }
  const output = fn(...inputs);
  const weights = uninitialized(output.shape, 'float64');
  const weight = weights.data;
  for (let i = 0; i < weight.length; i++) weight[i] = Math.cos(i + 1);
  backward(output, weights);

  const loss = () =>
    noGrad(() => {
      let total = 0;
      const walk = (values: unknown, at: { i: number }): void => {
        if (Array.isArray(values)) for (const item of values) walk(item, at);
        else total += (values as number) * (weight[at.i++] as number);
      };
      walk(fn(...inputs).toArray(), { i: 0 });
      return total;
    });

  inputs.forEach((input, index) => {
    const gradient = input.grad;
    const { array } = input;
    const check = (dim: number, at: number, gradientAt: number, position: number[]): void => {
      if (dim < input.ndim) {
        for (let i = 0; i < (input.shape[dim] as number); i++) {
          const next = at + i * (input.strides[dim] as number);
          check(dim + 1, next, gradientAt + i * (gradient?.strides[dim] ?? 0), [...position, i]);
        }
        return;
      }
      const value = array[at] as number;
      let numeric: number;
      try {
        array[at] = value + step;
        const above = loss();
        array[at] = value - step;
        numeric = (above - loss()) / (2 * step);
      } finally {
        array[at] = value;
      }
      const analytic = gradient === null ? 0 : (gradient.array[gradientAt] as number);
      if (!(Math.abs(numeric - analytic) <= tolerance * Math.max(1, Math.abs(numeric)))) {
        throw new TensorError(
          'ERR_STATE',
          `[gradcheck] input ${index} at ${formatShape(position)}: backward gives ${analytic}, ` +
            `central differences ${numeric}`,
        );
      }
    };
    check(0, input.offset, gradient?.offset ?? 0, []);
  });
}
