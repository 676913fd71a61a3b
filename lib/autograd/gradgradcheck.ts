/** Checks gradients of gradients against numerical differentiation. */
import { TensorError } from '../errors.js';
import { MAX_RANK } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { grad } from './grad.js';
import {
  checkArguments,
  checkOutput,
  compareWithDifferences,
  fixedWeights,
  type GradcheckOptions,
  weightedSum,
} from './gradcheck.js';
import { enableGrad } from './mode.js';
import { needsGrad } from './tape.js';

/** The elements in row-major order; none of null. */
function elements(t: Tensor | null): number[] {
  return t === null ? [] : [t.toArray()].flat(MAX_RANK as 1).map(Number);
}

/** Holds gradients that were recorded against the same ones without recording. */
function compareFirst(
  recorded: readonly (Tensor | null)[],
  plain: readonly (Tensor | null)[],
  tolerance: number,
): void {
  recorded.forEach((g, index) => {
    const expected = elements(plain[index] ?? null);
    const values = elements(g);
    const close = (a: number, b: number) =>
      Object.is(a, b) || Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b));
    const wrong = expected.findIndex((value, i) => !close(values[i] as number, value));
    if (wrong < 0 && values.length === expected.length) return;
    throw new TensorError(
      'ERR_STATE',
      `[gradgradcheck] input ${index}: a gradient is ${expected[wrong]}, and ${values[wrong]} ` +
        'when it is recorded',
    );
  });
}

/**
 * Compares second derivatives of `fn` with central differences of its gradients, for each element of
 * each input alone and of the gradient that its output is given (the `gradOutputs` of `grad`). That
 * one and the weights of the first gradients' sum are fixed, all different numbers. The differences
 * are those of gradients without `createGraph`, which have to agree with those that it records.
 * @param fn a function of the inputs without randomness, whose rules can be differentiated
 * @param inputs float64 tensors with requiresGrad; their values are changed during the check and
 * restored
 * @throws TensorError ERR_STATE naming the first input and element that differ (the gradient of the
 * output counts as one more input), ERR_DTYPE for inputs of another dtype or without requiresGrad,
 * ERR_ARGUMENT for arguments of other kinds
 * @example
 * ```ts
 * const points = tensor([1, 2], { dtype: 'float64', requiresGrad: true });
 * gradgradcheck((x) => x.square().mul(x), [points]);
 * gradgradcheck((x) => x.detach().mul(x).mul(x), [points]); // throws ERR_STATE
 * ```
 */
export function gradgradcheck(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  options: GradcheckOptions = {},
): void {
  const settings = checkArguments('gradgradcheck', fn, inputs, options);
  const output = enableGrad(() => fn(...inputs));
  checkOutput('gradgradcheck', output);
  const start = fixedWeights(output.shape, 1);
  start.requiresGrad = true;
  const first = (createGraph: boolean): (Tensor | null)[] =>
    enableGrad(() =>
      grad(fn(...inputs), inputs, { gradOutputs: start, createGraph, allowUnused: true }),
    );
  const recorded = first(true);
  compareFirst(recorded, first(false), settings.tolerance);

  const weights = inputs.map((input, i) => fixedWeights(input.shape, 3 * i + 2));
  const outputs = recorded.flatMap((g, i) =>
    g !== null && needsGrad(g) ? [{ g, weights: weights[i] as Tensor }] : [],
  );
  const variables = [...inputs, start];
  // Gradients that depend on nothing have derivatives 0.
  const second =
    outputs.length === 0
      ? variables.map(() => null)
      : grad(
          outputs.map(({ g }) => g),
          variables,
          { gradOutputs: outputs.map((o) => o.weights), allowUnused: true },
        );
  const value = () =>
    first(false).reduce(
      (sum, g, i) => (g === null ? sum : sum + weightedSum(g, weights[i] as Tensor)),
      0,
    );
  const what = 'the second derivative is';
  compareWithDifferences('gradgradcheck', what, value, variables, second, settings);
}
