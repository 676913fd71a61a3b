/** Activations of straight pieces, each with its gradient rule. relu and leakyRelu are in activation.ts. */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { checkNumber, checkOptions, formatShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloating, to } from '../operand.js';
import { checkGenerator, type Generator, uniform } from '../random/random.js';
import { sumTo } from '../reduction/reduce.js';
import { reshape } from '../shape/shape.js';
import { leakyRelu } from './activation.js';
import { abs, div, mul } from './arithmetic.js';
import { gt, lt } from './compare.js';
import { activation, computeBinary, defineMethods } from './elementwise.js';
import { where } from './ternary.js';

/**
 * min(max(x, 0), 6) (Krizhevsky 2010); the gradient at 0 and 6 is 0.
 * @example
 * ```ts
 * relu6(tensor([-1, 2, 7])); // => [0, 2, 6]
 * ```
 */
export function relu6(x: Tensor): Tensor {
  return activation('relu6', x, ['hardtanh', [0, 6]], ['hardtanhBackward'], null);
}

/**
 * x where x > 0, weight * x elsewhere, with a learned weight (He, Zhang, Ren & Sun 2015): one for all
 * elements or one for each channel, which dimension 1 of x counts.
 * @param x float32 or float64, any shape; the result has its shape and dtype
 * @param weight one element, or as many as x has channels, in one dimension; x's dtype
 * @throws TensorError ERR_ARGUMENT unless both are tensors, ERR_DTYPE for other dtypes and two
 * different ones, ERR_SHAPE for a weight that doesn't fit
 * @example
 * ```ts
 * prelu(tensor([-4, 2]), tensor(0.25)); // => [-1, 2]
 * ```
 */
export function prelu(x: Tensor, weight: Tensor): Tensor {
  checkFloating('prelu', x);
  checkFloating('prelu', weight);
  if (x.dtype !== weight.dtype) {
    throw new TensorError('ERR_DTYPE', `[prelu] x is ${x.dtype}, the weight ${weight.dtype}`);
  }
  const channels = x.shape[1] ?? 1;
  if (weight.ndim > 1 || (weight.numel !== 1 && weight.numel !== channels)) {
    const shapes = `a weight of shape ${formatShape(weight.shape)} for ${formatShape(x.shape)}`;
    throw new TensorError(
      'ERR_SHAPE',
      `[prelu] ${shapes}: it has one element, or one for each of the ${channels} channels`,
    );
  }
  const shape = weight.numel === 1 ? [] : [channels, ...x.shape.slice(2).map(() => 1)];
  const slope = reshape(weight, shape);
  const y = computeBinary('prelu', x, slope);
  if (recording(x, slope)) {
    attach(
      y,
      'prelu',
      [x, slope],
      [(g) => mul(g, preluSlope(x, slope)), (g) => sumTo(preluWeight(g, x), shape)],
    );
  }
  return y;
}

/** 1 where x > 0, the weight elsewhere. */
function preluSlope(x: Tensor, weight: Tensor): Tensor {
  return recording(x, weight) ? where(gt(x, 0), 1, weight) : computeBinary('preluSlope', x, weight);
}

/** 0 where x > 0, g x elsewhere. */
function preluWeight(g: Tensor, x: Tensor): Tensor {
  return recording(g, x) ? where(gt(x, 0), 0, mul(g, x)) : computeBinary('preluWeight', g, x);
}

/** Options of {@link hardtanh}. */
export interface HardtanhOptions {
  /** The smallest result. Default -1. */
  minVal?: number;
  /** The largest result. Default 1. */
  maxVal?: number;
}

/** @throws TensorError ERR_ARGUMENT for unknown options and unless both are finite, in this order */
export function hardtanhRange(operation: string, options: HardtanhOptions): [number, number] {
  checkOptions(operation, options, ['minVal', 'maxVal']);
  const low = checkNumber(operation, 'minVal', options.minVal ?? -1);
  const high = checkNumber(operation, 'maxVal', options.maxVal ?? 1);
  if (low > high) {
    throw new TensorError('ERR_ARGUMENT', `[${operation}] minVal ${low} is above maxVal ${high}`);
  }
  return [low, high];
}

/**
 * min(max(x, minVal), maxVal); the gradient at both ends and beyond is 0.
 * @param x float32 or float64, any shape; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, for unknown options, numbers that are not
 * finite and minVal > maxVal; ERR_DTYPE for other dtypes
 * @example
 * ```ts
 * hardtanh(tensor([-3, 0.5, 3])); // => [-1, 0.5, 1]
 * ```
 */
export function hardtanh(x: Tensor, options: HardtanhOptions = {}): Tensor {
  checkFloating('hardtanh', x);
  return activation(
    'hardtanh',
    x,
    ['hardtanh', hardtanhRange('hardtanh', options)],
    ['hardtanhBackward'],
    null,
  );
}

/**
 * min(max(x + 3, 0), 6) / 6 (Howard et al. 2019); the gradient at -3 and 3 is 0.
 * @example
 * ```ts
 * hardsigmoid(tensor([-3, 0, 3])); // => [0, 0.5, 1]
 * ```
 */
export function hardsigmoid(x: Tensor): Tensor {
  return activation('hardsigmoid', x, ['hardsigmoid'], ['hardsigmoidBackward'], null);
}

/**
 * x hardsigmoid(x) (Howard et al., "Searching for MobileNetV3", 2019). NaN for -infinity.
 * @example
 * ```ts
 * hardswish(tensor([-3, 0, 3])); // => [0, 0, 3]
 * ```
 */
export function hardswish(x: Tensor): Tensor {
  return activation('hardswish', x, ['hardswish'], ['hardswishBackward'], (from) =>
    div(to(lt(abs(from), 3), from.dtype), 3),
  );
}

/** Options of {@link hardshrink} and {@link softshrink}. */
export interface ShrinkOptions {
  /** Half of the width of what becomes 0. Default 0.5. */
  lambda?: number;
}

/** @throws TensorError ERR_ARGUMENT for unknown options and unless lambda is finite and >= low */
export function lambdaOf(operation: string, options: ShrinkOptions, low: number): number {
  checkOptions(operation, options, ['lambda']);
  return checkNumber(operation, 'lambda', options.lambda ?? 0.5, low);
}

/**
 * x - lambda where x > lambda, x + lambda where x < -lambda, 0 between (Donoho & Johnstone 1994).
 * @param x float32 or float64, any shape; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, for unknown options and unless lambda is
 * finite and not negative; ERR_DTYPE for other dtypes
 * @example
 * ```ts
 * softshrink(tensor([-1, 0.3, 2])); // => [-0.5, 0, 1.5]
 * ```
 */
export function softshrink(x: Tensor, options: ShrinkOptions = {}): Tensor {
  checkFloating('softshrink', x);
  const lambda = lambdaOf('softshrink', options, 0);
  return activation('softshrink', x, ['softshrink', [lambda]], ['shrinkBackward'], null);
}

/**
 * 0 where -lambda <= x <= lambda, x elsewhere; nothing is 0 for a negative lambda.
 * @param x float32 or float64, any shape; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, for unknown options and unless lambda is a
 * finite number; ERR_DTYPE for other dtypes
 * @example
 * ```ts
 * hardshrink(tensor([-1, 0.3, 2])); // => [-1, 0, 2]
 * ```
 */
export function hardshrink(x: Tensor, options: ShrinkOptions = {}): Tensor {
  checkFloating('hardshrink', x);
  const lambda = lambdaOf('hardshrink', options, -Infinity);
  return activation('hardshrink', x, ['hardshrink', [lambda]], ['shrinkBackward'], null);
}

/**
 * x where x > limit, `value` elsewhere; NaN stays.
 * @param x float32 or float64, any shape; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor and both are finite numbers; ERR_DTYPE for
 * other dtypes
 * @example
 * ```ts
 * threshold(tensor([-1, 0.5, 2]), 1, 9); // => [9, 9, 2]
 * ```
 */
export function threshold(x: Tensor, limit: number, value: number): Tensor {
  checkFloating('threshold', x);
  checkThreshold('threshold', limit, value);
  return activation(
    'threshold',
    x,
    ['threshold', [limit, value]],
    ['thresholdBackward', [limit]],
    null,
  );
}

/** @throws TensorError ERR_ARGUMENT unless both are finite numbers */
export function checkThreshold(operation: string, limit: unknown, value: unknown): void {
  checkNumber(operation, 'threshold', limit);
  checkNumber(operation, 'value', value);
}

const plain = { relu6, hardsigmoid, hardswish };
/** Options of {@link rrelu}. */
export interface RreluOptions {
  /** The least slope. Default 1 / 8. */
  lower?: number;
  /** The greatest slope. Default 1 / 3. */
  upper?: number;
  /** Whether slopes are drawn; otherwise all are the mean of the two. Default false. */
  training?: boolean;
  /** The stream to draw from; default the one that `manualSeed` seeds. */
  generator?: Generator;
}

/** @throws TensorError ERR_ARGUMENT unless lower <= upper, both finite */
export function slopesOf(operation: string, { lower = 1 / 8, upper = 1 / 3 }: RreluOptions) {
  checkNumber(operation, 'lower', lower);
  checkNumber(operation, 'upper', upper);
  if (lower > upper) {
    throw new TensorError('ERR_ARGUMENT', `[${operation}] lower ${lower} is above upper ${upper}`);
  }
  return [lower, upper] as const;
}

/**
 * x where x > 0, slope * x elsewhere: in training every element has a slope of its own, uniform from
 * `lower` to `upper` (Xu, Wang, Chen & Li 2015), otherwise it is (lower + upper) / 2.
 * @param x float32 or float64, any shape; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, for unknown options and unless
 * lower <= upper, both finite; ERR_DTYPE for other dtypes
 * @example
 * ```ts
 * rrelu(tensor([-4, 2]), { lower: 0.2, upper: 0.3 }); // => [-1, 2]
 * ```
 */
export function rrelu(x: Tensor, options: RreluOptions = {}): Tensor {
  checkFloating('rrelu', x);
  checkOptions('rrelu', options, ['lower', 'upper', 'training', 'generator']);
  const [lower, upper] = slopesOf('rrelu', options);
  const generator = checkGenerator('rrelu', options.generator);
  if (options.training !== true) return leakyRelu(x, { negativeSlope: (lower + upper) / 2 });
  const slopes = uniform(lower, upper, x.shape, { dtype: x.dtype, generator });
  return mul(x, where(gt(x, 0), 1, slopes));
}

defineMethods({ ...plain, prelu, hardtanh, softshrink, hardshrink, threshold });

type PlainMethods = { [K in keyof typeof plain]: () => Tensor };

declare module '../../tensor/tensor.js' {
  interface Tensor extends PlainMethods {
    /** x where x > 0, weight * x elsewhere: see the function `prelu`. */
    prelu(weight: Tensor): Tensor;
    /** min(max(x, minVal), maxVal): see the function `hardtanh`. */
    hardtanh(options?: HardtanhOptions): Tensor;
    /** x moved towards 0 by lambda: see the function `softshrink`. */
    softshrink(options?: ShrinkOptions): Tensor;
    /** 0 where |x| <= lambda, x elsewhere: see the function `hardshrink`. */
    hardshrink(options?: ShrinkOptions): Tensor;
    /** x where x > limit, `value` elsewhere: see the function `threshold`. */
    threshold(limit: number, value: number): Tensor;
  }
}
