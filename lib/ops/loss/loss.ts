/** What losses share: the checks of their arguments, and how losses of elements become one. */
import { noGrad } from '../../autograd/mode.js';
import { attach, needsGrad, recording } from '../../autograd/tape.js';
import { composed } from '../../autograd/tidy.js';
import { TensorError } from '../../errors.js';
import {
  broadcastShapes,
  checkOptions,
  describe,
  formatShape,
  sameShape,
} from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { mul } from '../elementwise/arithmetic.js';
import { checkFloating, checkTensor } from '../operand.js';
import { promote } from '../promotion.js';
import { mean, sum } from '../reduction/reduce.js';

/** Whether losses are averaged, added up or left alone. */
export type LossReduction = 'none' | 'mean' | 'sum';

/** Options that every loss has. */
export interface LossOptions {
  /** Default `mean`. */
  reduction?: LossReduction;
}

const REDUCTIONS: readonly unknown[] = ['none', 'mean', 'sum'] satisfies LossReduction[];

/** @throws TensorError ERR_ARGUMENT unless it is one of the three; none given means `otherwise` */
export function checkReduction(
  operation: string,
  reduction: unknown,
  otherwise: LossReduction = 'mean',
): LossReduction {
  if (reduction === undefined) return otherwise;
  if (REDUCTIONS.includes(reduction)) return reduction as LossReduction;
  throw new TensorError(
    'ERR_ARGUMENT',
    `[${operation}] reduction is none, mean or sum, not ${describe(reduction)}`,
  );
}

/**
 * The options of a loss that has no others.
 * @throws TensorError ERR_ARGUMENT for unknown options and values
 */
export function reductionOf(operation: string, options: LossOptions): LossReduction {
  checkOptions(operation, options, ['reduction']);
  return checkReduction(operation, options.reduction);
}

/** @throws TensorError ERR_SHAPE unless both have one shape */
export function checkSameShape(operation: string, a: Tensor, b: Tensor): void {
  if (!sameShape(a.shape, b.shape)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] shapes ${formatShape(a.shape)} and ${formatShape(b.shape)} differ`,
    );
  }
}

/**
 * Predictions (float32 or float64) and targets (of any dtype that meets theirs) in one dtype.
 * @throws TensorError ERR_SHAPE unless they have one shape: one that broadcasts is nearly always a
 * mistake, with a loss that looks like one. ERR_ARGUMENT, ERR_DTYPE
 */
export function checkPair(operation: string, input: Tensor, target: Tensor): [Tensor, Tensor] {
  checkFloating(operation, input);
  checkTensor(operation, target);
  checkSameShape(operation, input, target);
  return promote(operation, input, target);
}

/**
 * The factors of a loss's parts.
 * @throws TensorError ERR_ARGUMENT when gradients are asked for through them, ERR_DTYPE
 */
export function checkFactors(operation: string, name: string, factors: unknown): Tensor | null {
  if (factors === null || factors === undefined) return null;
  checkFloating(operation, factors);
  if (needsGrad(factors)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] no gradient flows to the ${name}; use ${name}.detach()`,
    );
  }
  return factors;
}

/** @throws TensorError ERR_SHAPE or ERR_DTYPE unless they broadcast to x and have its dtype */
export function checkFactorsFit(
  operation: string,
  name: string,
  factors: Tensor | null,
  x: Tensor,
): void {
  if (factors === null) return;
  if (!sameShape(broadcastShapes(operation, factors.shape, x.shape), x.shape)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] ${name} ${formatShape(factors.shape)} does not broadcast to ${formatShape(x.shape)}`,
    );
  }
  if (factors.dtype !== x.dtype) {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] input is ${x.dtype}, ${name} ${factors.dtype}`,
    );
  }
}

/** The losses themselves, their mean (NaN of nothing) or their sum. */
export function reduced(losses: Tensor, reduction: LossReduction): Tensor {
  if (reduction === 'none') return losses;
  return reduction === 'mean' ? mean(losses) : sum(losses);
}

/** An input of a loss of elements, and what the loss's gradient becomes for it. */
export type Share = readonly [input: Tensor, rule: (g: Tensor) => Tensor];

/**
 * A loss of elements as one node: the operations of `losses` aren't recorded, and each rule gets the
 * gradient of the losses, times `factor`, as a tensor that broadcasts to them. Rules are made of
 * operations that record. In a training step this saves the nodes of the single operations and a pass
 * over the gradient of the mean.
 */
export function elementLoss(
  operation: string,
  reduction: LossReduction,
  losses: () => Tensor,
  shares: readonly Share[],
  factor = 1,
): Tensor {
  let count = 1;
  const y = noGrad(() =>
    composed(() => {
      const values = losses();
      if (reduction === 'mean') count = values.numel;
      return reduced(values, reduction);
    }),
  );
  return shared(operation, y, shares, factor / count);
}

/** Records y, a loss of elements; the rules get its gradient times `scale`. */
export function shared(
  operation: string,
  y: Tensor,
  shares: readonly Share[],
  scale: number,
): Tensor {
  if (!shares.some(([input]) => recording(input))) return y;
  const inputs = shares.map(([input]) => input);
  const rules = shares.map(
    ([, rule]) =>
      (g: Tensor) =>
        rule(scale === 1 ? g : mul(g, scale)),
  );
  return attach(y, operation, inputs, rules);
}
