/**
 * Penalties on weights: what is added to a loss to keep them small (L2) or to bring many of them to zero
 * (L1). A bias moves a function as a whole and makes it no wilder, so of a module's parameters its biases
 * don't count unless they are asked for, and neither do the scales of normalisations and the slopes of
 * PReLU, whose neutral value isn't 0.
 */
import { noGrad } from '../autograd/mode.js';
import { TensorError } from '../errors.js';
import { abs, add, mul, square } from '../ops/elementwise/arithmetic.js';
import { softshrink } from '../ops/elementwise/piecewise.js';
import { checkFloating, copyInto } from '../ops/operand.js';
import { sum } from '../ops/reduction/reduce.js';
import { checkFlag, checkNumber, checkOptions, describe } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RMSNorm } from './layer/norm.js';
import { PReLU } from './layer/piecewise.js';
import { type AnyModule, Module } from './module/module.js';

/**
 * What a penalty is on: a module, of whose parameters the weights count, or parameters, which count all.
 */
export type Penalized = AnyModule | Tensor | Iterable<Tensor>;

/** Options of {@link l1Penalty}, {@link l2Penalty} and {@link proximalL1}. */
export interface PenaltyOptions {
  /** Whether a module's biases count too: parameters of one dimension with "bias" in their own name. Default false. */
  biases?: boolean;
  /** Whether the scales of a module's normalisations and the slopes of PReLU count too. Default false. */
  scales?: boolean;
}

/** Options of {@link elasticPenalty}. */
export interface ElasticPenaltyOptions extends PenaltyOptions {
  /** The factor of the sum of absolute values, at least 0. Default 0. */
  l1?: number;
  /** The factor of the sum of squares, at least 0. Default 0. */
  l2?: number;
}

/** Parameters with factors of their own; what a group doesn't set comes from the penalty's options. */
export interface PenaltyGroup extends ElasticPenaltyOptions {
  /** A module or parameters. */
  parameters: Penalized;
}

/** Modules whose parameter `weight` is a scale or a slope. */
const SCALING = [BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RMSNorm, PReLU];

/** "bias" as a word of a parameter's own name: bias, bias_ih_l0, in_proj_bias. */
const BIAS = /(^|_)bias(_|$)/;

/** The parameters that count, each once. */
function penalized(operation: string, from: unknown, options: PenaltyOptions): Tensor[] {
  const biases = checkFlag(operation, 'biases', options.biases, false);
  const scales = checkFlag(operation, 'scales', options.scales, false);
  if (from instanceof Module) {
    const left = new Set<Tensor>();
    for (const module of scales ? [] : (from as AnyModule).modules()) {
      if (SCALING.some((kind) => module instanceof kind)) {
        for (const [name, parameter] of module.namedParameters()) {
          if (name === 'weight') left.add(parameter);
        }
      }
    }
    const isBias = (name: string, { ndim }: Tensor) =>
      ndim === 1 && BIAS.test(name.slice(name.lastIndexOf('.') + 1));
    return [...(from as AnyModule).namedParameters()]
      .filter(([name, parameter]) => (biases || !isBias(name, parameter)) && !left.has(parameter))
      .map(([, parameter]) => parameter);
  }
  const isList =
    typeof (from as Iterable<unknown> | null | undefined)?.[Symbol.iterator] === 'function';
  const list = from instanceof Tensor ? [from] : isList ? [...(from as Iterable<unknown>)] : null;
  if (list === null) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] expected a module or parameters, not ${describe(from)}`,
    );
  }
  for (const parameter of list) checkFloating(operation, parameter);
  return [...new Set(list as Tensor[])];
}

/** The sum of the terms of all parameters. */
function total(operation: string, terms: readonly Tensor[]): Tensor {
  if (terms.length === 0) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] there are no weights here; biases and scales count with { biases: true, scales: true }`,
    );
  }
  return terms.reduce((sum, term) => add(sum, term));
}

const absolutes = (parameter: Tensor): Tensor => sum(abs(parameter));
const squares = (parameter: Tensor): Tensor => sum(square(parameter));

function checkFactor(operation: string, name: string, factor: unknown): number {
  return checkNumber(operation, name, factor, 0);
}

/**
 * factor * sum of |w| over all weights (Tibshirani 1996), a scalar to be added to a loss. Its gradient has
 * one size, so that it brings many weights near 0: a step of gradient descent jumps over it, `proximalL1`
 * sets them to 0.
 * @param of a module, whose biases and scales don't count unless asked for, or parameters
 * @param factor at least 0
 * @throws TensorError ERR_ARGUMENT without weights, ERR_DTYPE
 * @example
 * ```ts
 * const layer = new nn.Linear(2, 1);
 * nn.init.constant(layer.weight, -3);
 * nn.l1Penalty(layer, 0.1); // => 0.6
 * ```
 */
export function l1Penalty(of: Penalized, factor: number, options: PenaltyOptions = {}): Tensor {
  checkOptions('l1Penalty', options, ['biases', 'scales']);
  const scale = checkFactor('l1Penalty', 'factor', factor);
  const parameters = penalized('l1Penalty', of, options);
  return mul(total('l1Penalty', parameters.map(absolutes)), scale);
}

/**
 * factor * sum of w^2 over all weights (Hoerl & Kennard 1970), a scalar to be added to a loss. Its gradient
 * is 2 factor w: with plain gradient descent it does what a weight decay of 2 factor does.
 * @param of a module, whose biases and scales don't count unless asked for, or parameters
 * @param factor at least 0
 * @throws TensorError ERR_ARGUMENT without weights, ERR_DTYPE
 * @example
 * ```ts
 * const layer = new nn.Linear(2, 1);
 * nn.init.constant(layer.weight, -3);
 * nn.l2Penalty(layer, 0.1); // => 1.8
 * ```
 */
export function l2Penalty(of: Penalized, factor: number, options: PenaltyOptions = {}): Tensor {
  checkOptions('l2Penalty', options, ['biases', 'scales']);
  const scale = checkFactor('l2Penalty', 'factor', factor);
  const parameters = penalized('l2Penalty', of, options);
  return mul(total('l2Penalty', parameters.map(squares)), scale);
}

const ELASTIC_OPTIONS = ['l1', 'l2', 'biases', 'scales'];

/** The elastic penalty's terms of one group. */
function elasticTerms(group: PenaltyGroup): Tensor[] {
  const l1 = checkFactor('elasticPenalty', 'l1', group.l1 ?? 0);
  const l2 = checkFactor('elasticPenalty', 'l2', group.l2 ?? 0);
  return penalized('elasticPenalty', group.parameters, group).flatMap((parameter) => [
    ...(l1 > 0 ? [mul(absolutes(parameter), l1)] : []),
    ...(l2 > 0 || l1 === 0 ? [mul(squares(parameter), l2)] : []),
  ]);
}

const isGroup = (value: unknown): value is PenaltyGroup =>
  typeof value === 'object' &&
  value !== null &&
  !(value instanceof Tensor) &&
  !(value instanceof Module) &&
  Object.hasOwn(value, 'parameters');

/**
 * The elastic net (Zou & Hastie 2005): l1 * sum of |w| + l2 * sum of w^2 over all weights, a scalar to be
 * added to a loss, with factors for all of them or by groups.
 * @param of a module, whose biases and scales don't count unless asked for; parameters; or groups of
 * either, `{ parameters, l1, l2, biases, scales }`
 * @throws TensorError ERR_ARGUMENT without weights, for negative factors and unknown options, ERR_DTYPE
 * @example
 * ```ts
 * const [a, b] = [tensor([1, -2]), tensor([3])];
 * nn.elasticPenalty([a, b], { l1: 1, l2: 0.5 }); // => 13
 * nn.elasticPenalty([{ parameters: a, l1: 1 }, { parameters: b, l2: 2 }]); // => 21
 * ```
 */
export function elasticPenalty(
  of: Penalized | readonly PenaltyGroup[],
  options: ElasticPenaltyOptions = {},
): Tensor {
  checkOptions('elasticPenalty', options, ELASTIC_OPTIONS);
  const groups = Array.isArray(of) && of.length > 0 && of.every(isGroup) ? of : null;
  if (groups === null) {
    return total('elasticPenalty', elasticTerms({ ...options, parameters: of as Penalized }));
  }
  const terms = groups.flatMap((group) => {
    checkOptions('elasticPenalty', group, ['parameters', ...ELASTIC_OPTIONS]);
    return elasticTerms({ ...options, ...group });
  });
  return total('elasticPenalty', terms);
}

/**
 * Brings every weight nearer to 0 by `threshold`, and to 0 what was not further away:
 * w = sign(w) max(|w| - threshold, 0), in place. After a step of gradient descent on the loss alone, with
 * the learning rate times L1's factor for a threshold, this is a step on both (Daubechies, Defrise &
 * De Mol 2004; Parikh & Boyd 2014), with weights that are exactly 0.
 * @param of a module, whose biases and scales don't count unless asked for, or parameters
 * @param threshold at least 0
 * @throws TensorError ERR_ARGUMENT without weights, ERR_DTYPE
 * @example
 * ```ts
 * const weight = tensor([0.3, -0.05, -2]);
 * nn.proximalL1(weight, 0.1);
 * weight; // => [0.2, 0, -1.9]
 * ```
 */
export function proximalL1(of: Penalized, threshold: number, options: PenaltyOptions = {}): void {
  checkOptions('proximalL1', options, ['biases', 'scales']);
  const lambda = checkFactor('proximalL1', 'threshold', threshold);
  const parameters = penalized('proximalL1', of, options);
  if (parameters.length === 0) total('proximalL1', []);
  noGrad(() => {
    for (const parameter of parameters) copyInto(parameter, softshrink(parameter, { lambda }));
  });
}
