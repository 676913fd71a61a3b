/** The linear layer's product, with bias, residual and activation in one pass over the result. */
import { isGradEnabled } from '../../autograd/mode.js';
import { attach, needsGrad, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { uninitialized } from '../../tensor/creation.js';
import type { DType } from '../../tensor/dtype.js';
import {
  checkNumber,
  checkOptions,
  describe,
  formatShape,
  numel,
  sameShape,
} from '../../tensor/shape.js';
import { type GradRule, Tensor } from '../../tensor/tensor.js';
import { type activationBackward, gelu, leakyRelu, silu } from '../elementwise/activation.js';
import { add } from '../elementwise/arithmetic.js';
import { contiguous, to } from '../operand.js';
import { checkNumbers, isInteger } from '../promotion.js';
import { reshape, transpose } from '../shape/shape.js';
import {
  activations,
  type EpilogueActivation,
  type Finish,
  gemmFused,
  gemmPacked,
  packedWeight,
  rowsOf,
} from './gemm.js';
import { gemmBf16, takesBf16 } from './gemm_bf16.js';
import { matmul, movable, product } from './matmul.js';
import {
  beforeActivation,
  biasGradient,
  checkFloatingProduct,
  checkProduct,
  type MatmulOptions,
  resultDtype,
  widened,
} from './matmul_bf16.js';

/** Options of {@link linear}. */
export interface LinearOptions extends MatmulOptions {
  /** Applied to the result while it is still in registers or the first-level cache. Default none. */
  activation?: EpilogueActivation;
  /** The slope of leakyRelu below 0. Default 0.01. */
  negativeSlope?: number;
  /** Added before the activation; the result's shape and the input's dtype. Default none. */
  residual?: Tensor | null;
}

type Activate = (z: Tensor, negativeSlope: number) => Tensor;

/** Activations whose gradient needs more than their output: in training they run on their own. */
const separate: Partial<Record<EpilogueActivation, Activate>> = {
  leakyRelu: (z, negativeSlope) => leakyRelu(z, { negativeSlope }),
  gelu: (z) => gelu(z),
  geluTanh: (z) => gelu(z, { approximate: 'tanh' }),
  silu: (z) => silu(z),
};

/**
 * activation(x W^T + bias + residual), in one pass over the result. The bits are those of the same
 * steps one after the other; a bias starts the chains of multiply-adds. Outside of gradient
 * recording an unchanged weight is packed when it comes a second time (see `setWeightPacking`).
 * @param x shape [..., inputs], float32, float64, bfloat16 or integers, which wrap around (without an
 * activation)
 * @param weight shape [outputs, inputs], as in PyTorch
 * @param bias shape [outputs], or null
 * @returns shape [..., outputs]. Of bfloat16 (all operands then) everything is computed in float32,
 * as by `matmul`, and rounded once at the end, unless `outDtype` is `float32`.
 * @throws TensorError ERR_SHAPE when they don't fit, ERR_DTYPE when their dtypes differ or `outDtype`
 * doesn't go with them, ERR_ARGUMENT for unknown options and activations
 * @example
 * ```ts
 * linear(tensor([[1, 2]]), tensor([[1, 1], [0, 3]]), tensor([10, 20])); // => [[13, 26]]
 * linear(tensor([[1, 2]]), eye(3)); // throws ERR_SHAPE
 * ```
 */
export function linear(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: LinearOptions = NO_OPTIONS,
): Tensor {
  if (x instanceof Tensor && isInteger(x.dtype)) return ofIntegers(x, weight, bias, options);
  checkFloatingProduct('linear', x);
  checkFloatingProduct('linear', weight);
  const { activation, negativeSlope, residual } = checkLinearOptions(options);
  const dtype = resultDtype('linear', x.dtype, options);
  checkLinear(x, weight, bias);
  const outputs = weight.shape[0] as number;
  const inputs = weight.shape[1] as number;
  const isMatrix = x.ndim === 2;
  const shape = isMatrix ? [x.shape[0] as number, outputs] : [...x.shape.slice(0, -1), outputs];
  checkResidual(residual, shape, x.dtype);
  const rows = isMatrix ? (x.shape[0] as number) : numel(x.shape.slice(0, -1));
  const input = isMatrix ? x : reshape(x, [rows, inputs]);
  const side = residual === null ? null : reshape(residual, [rows, outputs]);
  const records = recording(input, weight, bias ?? undefined) || (side !== null && recording(side));
  const alone = records ? separate[activation] : undefined;
  const finish = {
    bias: bias === null ? null : contiguous(widened(bias)),
    negativeSlope,
    side: side === null ? null : contiguous(widened(side)),
    activation: alone === undefined ? activation : 'none',
  };
  // An activation on its own works on float32, so that the result is still rounded once.
  const productDtype = alone !== undefined && dtype === 'bfloat16' ? 'float32' : dtype;
  let y = finished(input, weight, productDtype, finish, records);
  if (records) record(y, input, weight, bias, side, finish.activation);
  if (alone !== undefined) y = to(alone(y, negativeSlope), dtype);
  return isMatrix ? y : reshape(y, shape);
}

/** Integers, which wrap around, take part in the product and the sums. */
function ofIntegers(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  options: LinearOptions,
): Tensor {
  const { activation, residual } = checkLinearOptions(options);
  for (const operand of [weight, ...(bias === null ? [] : [bias])]) checkNumbers('linear', operand);
  resultDtype('linear', x.dtype, options);
  checkLinear(x, weight, bias);
  if (activation !== 'none') {
    throw new TensorError('ERR_DTYPE', `[linear] ${activation} is for floats, not ${x.dtype}`);
  }
  const y = matmul(x, transpose(weight));
  checkResidual(residual, y.shape, x.dtype);
  const terms = [bias, residual].filter((term) => term !== null);
  return terms.reduce((sum: Tensor, term) => add(sum, term), y);
}

/**
 * The product with what goes around it, not recorded.
 * @param records whether the caller records it: a weight that is learned isn't packed
 */
export function finished(
  input: Tensor,
  weight: Tensor,
  dtype: DType,
  finish: Finish,
  records: boolean,
): Tensor {
  const y = uninitialized([input.shape[0] as number, weight.shape[0] as number], dtype);
  if (y.numel === 0) return y;
  const wT = transposed(weight);
  const a = movable(input, wT);
  if (takesBf16(a, wT)) {
    gemmBf16(a, wT, y, null, finish);
    return y;
  }
  const packed = records ? null : packedWeight(wT, rowsOf(a));
  if (packed === null) gemmFused(a, wT, y, finish);
  else gemmPacked(a, packed, y, finish);
  return y;
}

function record(
  y: Tensor,
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  side: Tensor | null,
  activation: EpilogueActivation,
): void {
  /** The bias's gradient, which comes out of the weight's, and the gradient that both are made of. */
  let fromWeight: { bias: Tensor; g: Tensor } | null = null;
  const ofInput: GradRule = (g) => inputGradient(g, input, weight);
  const ofWeight: GradRule = (g) => {
    const wantsBias = bias !== null && needsGrad(bias);
    const gradients = weightGradient(g, input, weight, wantsBias);
    fromWeight = gradients.bias && { bias: gradients.bias, g };
    return gradients.weight;
  };
  const ofBias: GradRule = (g) => {
    // An earlier pass, which asked for the weight's gradient alone, may have left it.
    const known = fromWeight;
    fromWeight = null;
    const isThisPass = known?.g === g && !known.bias.storage.disposed;
    return isThisPass ? known.bias : biasGradient(g, (bias as Tensor).dtype);
  };
  // Lists of their final length: V8 makes room for 16 more when one grows.
  const inputs = bias === null ? [input, weight] : [input, weight, bias];
  const rules = bias === null ? [ofInput, ofWeight] : [ofInput, ofWeight, ofBias];
  if (side !== null) {
    inputs.push(side);
    rules.push((g) => to(g, side.dtype));
  }
  if (activation === 'none') {
    attach(y, 'linear', inputs, rules);
    return;
  }
  // The product before the activation is nowhere in memory: a node without values of its own stands
  // for it, so that the rules share one gradient.
  const before = attach(y.strided(y.shape, y.strides, y.offset), 'linear', inputs, rules);
  const known = activation as keyof typeof activationBackward;
  const rule: GradRule = (g) => beforeActivation(known, g, y);
  attach(y, activation, [before], [rule], { activation, from: y });
}

/**
 * g W; when x is nothing but the output of an activation that only this product uses, times the
 * activation's derivative, so that the activation's own rule has nothing left to do. Not for
 * bfloat16, whose outputs would have to be widened first, and not where gradients are recorded.
 */
function inputGradient(g: Tensor, input: Tensor, weight: Tensor): Tensor {
  const { node } = input;
  const { dtype } = input;
  const derivative = node?.derivative;
  const folds = node !== null && derivative !== undefined && node.uses === 1 && input.numel > 0;
  if (!folds || isGradEnabled()) return product(g, weight, dtype);
  const { from } = derivative;
  const fits = from.isContiguous && sameShape(from.shape, input.shape) && g.shape[1] !== 0;
  if (!fits || dtype === 'bfloat16') return product(g, weight, dtype);
  const result = uninitialized(input.shape, dtype);
  const a = movable(g, weight);
  const finish = {
    activation: derivative.activation as EpilogueActivation,
    side: from,
    sideUse: 'derivative',
  } as const;
  if (takesBf16(a, weight)) gemmBf16(a, weight, result, null, finish);
  else gemmFused(a, weight, result, finish);
  node.folded = true;
  return result;
}

/** g^T x, and the sums of g's columns while g is read, where the product gives them. */
export function weightGradient(
  g: Tensor,
  input: Tensor,
  weight: Tensor,
  wantsBias: boolean,
): { weight: Tensor; bias: Tensor | null } {
  const outputs = weight.shape[0] as number;
  const inputs = weight.shape[1] as number;
  const xT = transpose(input);
  const a = movable(xT, g);
  // Computed as [inputs, outputs] and seen transposed: the layout that the weight is stored in.
  const fuses = g.strides[1] === 1 && g.numel > 0 && inputs > 0 && !takesBf16(a, g);
  if (!fuses || isGradEnabled())
    return { weight: transpose(product(xT, g, weight.dtype)), bias: null };
  const result = uninitialized([inputs, outputs], g.dtype);
  const columnSums = wantsBias ? uninitialized([outputs], g.dtype) : undefined;
  gemmFused(a, g, result, columnSums ? { columnSums } : {});
  return { weight: transpose(result), bias: columnSums ?? null };
}

/** W^T as a view without history: the rules above speak of W itself. */
function transposed(weight: Tensor): Tensor {
  const { shape, strides } = weight;
  return weight.strided(
    [shape[1] as number, shape[0] as number],
    [strides[1] as number, strides[0] as number],
    weight.offset,
  );
}

/** Stands for options that weren't given, which need no check. */
const NO_OPTIONS: LinearOptions = Object.freeze({});

interface LinearSettings {
  readonly activation: EpilogueActivation;
  readonly negativeSlope: number;
  readonly residual: Tensor | null;
}

const DEFAULTS: LinearSettings = { activation: 'none', negativeSlope: 0.01, residual: null };

function checkLinearOptions(options: LinearOptions): LinearSettings {
  if (options === NO_OPTIONS) return DEFAULTS;
  checkOptions('linear', options, ['activation', 'negativeSlope', 'residual', 'outDtype']);
  const { activation = 'none', residual = null } = options;
  if (!activations.includes(activation)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[linear] unknown activation ${describe(activation)}; known are ${activations.join(', ')}`,
    );
  }
  const negativeSlope = checkNumber('linear', 'negativeSlope', options.negativeSlope ?? 0.01);
  return { activation, negativeSlope, residual };
}

function checkResidual(
  residual: Tensor | null,
  shape: readonly number[],
  dtype: Tensor['dtype'],
): void {
  if (residual === null) return;
  checkProduct('linear', residual);
  if (residual.dtype !== dtype) {
    throw new TensorError('ERR_DTYPE', `[linear] input is ${dtype}, residual ${residual.dtype}`);
  }
  if (!sameShape(residual.shape, shape)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[linear] residual ${formatShape(residual.shape)} does not have the result's shape ${formatShape(shape)}`,
    );
  }
}

function checkLinear(x: Tensor, weight: Tensor, bias: Tensor | null): void {
  if (bias !== null) checkProduct('linear', bias);
  if (x.dtype !== weight.dtype || (bias !== null && bias.dtype !== weight.dtype)) {
    throw new TensorError(
      'ERR_DTYPE',
      `[linear] input is ${x.dtype}, weight ${weight.dtype}${bias === null ? '' : `, bias ${bias.dtype}`}`,
    );
  }
  if (weight.ndim !== 2 || x.ndim === 0 || x.shape[x.ndim - 1] !== weight.shape[1]) {
    throw new TensorError(
      'ERR_SHAPE',
      `[linear] input ${formatShape(x.shape)} and weight ${formatShape(weight.shape)} do not fit: ` +
        `${x.shape.at(-1)} != ${weight.shape[1]}`,
    );
  }
  if (bias !== null) {
    if (bias.ndim !== 1 || bias.shape[0] !== weight.shape[0]) {
      throw new TensorError(
        'ERR_SHAPE',
        `[linear] bias ${formatShape(bias.shape)} and weight ${formatShape(weight.shape)} do not fit`,
      );
    }
  }
}
