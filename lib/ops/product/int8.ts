/** int8: exact matrix products, quantisation by channels, and the quantised linear layer's product. */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { rows, runRow } from '../../native/commands.js';
import { uninitialized } from '../../tensor/creation.js';
import {
  broadcastShapes,
  broadcastStrides,
  checkOptions,
  formatShape,
  normalizeDim,
  numel,
} from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { mul } from '../elementwise/arithmetic.js';
import { checkTensor, contiguous, to } from '../operand.js';
import { permute, reshape } from '../shape/shape.js';
import { activations, type EpilogueActivation } from './gemm.js';

/** Columns of a packed panel: kInt8Panel in native/kernels/table.h. */
const PANEL_COLUMNS = 32;

function checkDTypeIs(
  operation: string,
  name: string,
  value: unknown,
  dtype: 'int8' | 'float32',
): asserts value is Tensor {
  checkTensor(operation, value);
  if (value.dtype !== dtype) {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] ${name} must be ${dtype}, not ${value.dtype}`,
    );
  }
}

/**
 * The matrix product of int8 tensors in int32, as PyTorch's `torch._int_mm`, with its batches: matrices
 * in the last two dimensions, the dimensions before broadcast. Sums are exact while
 * 128 * 128 * k < 2^31, that is up to 131071 steps of the inner dimension; beyond they wrap around.
 * No gradient flows through it. Views are read where they are.
 * @param left shape [..., m, k]
 * @param right shape [..., k, n]
 * @returns int32, shape [..., m, n]
 * @throws TensorError ERR_DTYPE unless both are int8, ERR_SHAPE when they don't fit or have fewer than
 * two dimensions
 * @example
 * ```ts
 * const a = tensor([[1, 2]], { dtype: 'int8' });
 * const b = tensor([[3], [4]], { dtype: 'int8' });
 * int8Matmul(a, b); // => [[11]]
 * ```
 */
export function int8Matmul(left: Tensor, right: Tensor): Tensor {
  checkDTypeIs('int8Matmul', 'the left operand', left, 'int8');
  checkDTypeIs('int8Matmul', 'the right operand', right, 'int8');
  const inner = left.shape.at(-1);
  if (left.ndim < 2 || right.ndim < 2 || inner !== right.shape.at(-2)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[int8Matmul] shapes ${formatShape(left.shape)} and ${formatShape(right.shape)} do not fit`,
    );
  }
  // The native side refuses a dimension that no operand moves along.
  const stretched = left.strides.at(-1) === 0 && right.strides.at(-2) === 0;
  return multiply(stretched ? contiguous(left) : left, right);
}

function multiply(a: Tensor, b: Tensor): Tensor {
  const batchShape = broadcastShapes('int8Matmul', a.shape.slice(0, -2), b.shape.slice(0, -2));
  const [m, k] = a.shape.slice(-2) as [number, number];
  const n = b.shape.at(-1) as number;
  const c = uninitialized([...batchShape, m, n], 'int32');
  if (c.numel === 0) return c;
  const batchSteps = (x: Tensor) =>
    broadcastStrides(x.shape.slice(0, -2), x.strides.slice(0, -2), batchShape);
  const steps = [batchSteps(a), batchSteps(b), c.strides] as const;
  // The innermost batch dimension is the native side's; this walks the others.
  const walk = (dim: number, aAt: number, bAt: number, cAt: number): void => {
    const count = batchShape[dim] ?? 1;
    const [aStep, bStep, cStep] = steps.map((list) =>
      batchShape.length === 0 ? 0 : list[dim],
    ) as [number, number, number];
    if (dim >= batchShape.length - 1) {
      const strides = [aStep, ...a.strides.slice(-2), bStep, ...b.strides.slice(-2), cStep, n];
      runRow(
        rows.gemmInt8,
        [a.array, b.array, c.array],
        [aAt, bAt, cAt],
        [count, m, n, k, ...strides],
      );
      return;
    }
    for (let i = 0; i < count; i++) {
      walk(dim + 1, aAt + i * aStep, bAt + i * bStep, cAt + i * cStep);
    }
  };
  walk(0, a.offset, b.offset, c.offset);
  return c;
}

/** Options of {@link quantizePerChannel} and {@link dequantize}. */
export interface ChannelOptions {
  /** The dimension whose slices have a scale each; negative ones count from the end. Default 0. */
  axis?: number;
}

/** What `quantizePerChannel` gives: x is about values * scales. */
export interface QuantizedTensor {
  /** int8, -127 to 127, in the shape of what was quantised. */
  values: Tensor;
  /** float32, one for each channel. */
  scales: Tensor;
}

/**
 * Quantises to int8, symmetrically and with a scale for each slice along `axis`: scale =
 * max(max |x| / 127, 2^-126), values = x / scale rounded to the nearest integer, to even. So values *
 * scale differs from x by half a scale at most (and a 2^-16th of that, from roundings in float32). A
 * channel of zeros has scale 1. A channel with a NaN or an infinity has values 0 and scale NaN, so that
 * whatever is computed from it is NaN. No gradient flows.
 * @param x float32, at least one dimension
 * @throws TensorError ERR_DTYPE for another dtype, ERR_INDEX for an axis that isn't there, ERR_ARGUMENT
 * for unknown options
 * @example
 * ```ts
 * quantizePerChannel(tensor([[127, -254]])).values; // => [[64, -127]]
 * ```
 */
export function quantizePerChannel(x: Tensor, options: ChannelOptions = {}): QuantizedTensor {
  checkDTypeIs('quantizePerChannel', 'the tensor', x, 'float32');
  checkOptions('quantizePerChannel', options, ['axis']);
  const { axis: dim = 0 } = options;
  const axis = normalizeDim('quantizePerChannel', dim, x.ndim);
  // The axis first: dimensions 0 to axis - 1 move behind it, and back again.
  const order = x.shape.map((_, d) => (d === 0 ? axis : d <= axis ? d - 1 : d));
  const back = x.shape.map((_, d) => (d < axis ? d + 1 : d === axis ? 0 : d));
  const first = contiguous(permute(x.detach(), order));
  const channels = first.shape[0] as number;
  const { values, scales } = quantizeRows(first, channels);
  return { values: contiguous(permute(values, back)), scales };
}

/** Quantises the rows of a contiguous tensor seen as a matrix with that many. */
function quantizeRows(x: Tensor, count: number): QuantizedTensor {
  const values = uninitialized(x.shape, 'int8');
  const scales = uninitialized([count], 'float32');
  if (count > 0) {
    const length = x.numel / count;
    runRow(
      rows.quantizeInt8,
      [x.array, values.array, scales.array],
      [x.offset, values.offset, scales.offset],
      [count, length, length, length],
    );
  }
  return { values, scales };
}

/**
 * values * scales in float32: what `quantizePerChannel` gave, back as numbers. No gradient flows.
 * @param values int8
 * @param scales float32, shape [channels]
 * @throws TensorError ERR_DTYPE for other dtypes, ERR_SHAPE when there isn't a scale for each channel,
 * ERR_INDEX for an axis that isn't there, ERR_ARGUMENT for unknown options
 * @example
 * ```ts
 * const { values, scales } = quantizePerChannel(tensor([[1, -2]]));
 * dequantize(values, scales).shape; // => [1, 2]
 * ```
 */
export function dequantize(values: Tensor, scales: Tensor, options: ChannelOptions = {}): Tensor {
  checkDTypeIs('dequantize', 'values', values, 'int8');
  checkDTypeIs('dequantize', 'scales', scales, 'float32');
  checkOptions('dequantize', options, ['axis']);
  const { axis: dim = 0 } = options;
  const axis = normalizeDim('dequantize', dim, values.ndim);
  if (scales.ndim !== 1 || scales.shape[0] !== values.shape[axis]) {
    throw new TensorError(
      'ERR_SHAPE',
      `[dequantize] scales ${formatShape(scales.shape)} do not fit dimension ${axis} of ${formatShape(values.shape)}`,
    );
  }
  const perChannel = values.shape.map((size, d) => (d === axis ? size : 1));
  return mul(to(values, 'float32'), reshape(scales.detach(), perChannel));
}

/** A weight as the native side multiplies by it; the same for all SIMD levels. */
export interface PackedWeight {
  readonly outputs: number;
  readonly inputs: number;
  readonly panels: Tensor;
  readonly sums: Tensor;
}

/** Packs an int8 weight of shape [outputs, inputs]: later changes of the weight don't arrive here. */
export function packWeight(weight: Tensor): PackedWeight {
  const [outputs, inputs] = weight.shape as readonly [number, number];
  const dense = contiguous(weight);
  const [panels, quads] = [Math.ceil(outputs / PANEL_COLUMNS), Math.ceil(inputs / 4)];
  const packed = uninitialized([panels, quads, 4 * PANEL_COLUMNS], 'int8');
  const sums = uninitialized([panels, PANEL_COLUMNS], 'int32');
  // The product's B is the weight transposed.
  runRow(
    rows.packInt8,
    [dense.array, packed.array, sums.array],
    [dense.offset, packed.offset, sums.offset],
    [panels, quads, outputs, inputs, 1, inputs],
  );
  return { outputs, inputs, panels: packed, sums };
}

/** What a quantised linear layer multiplies by. */
export interface QuantizedWeight {
  readonly weight: PackedWeight;
  /** float32, shape [outputs]. */
  readonly scales: Tensor;
  /** float32, shape [outputs], or null. */
  readonly bias: Tensor | null;
  readonly activation: EpilogueActivation;
  /** Of leakyRelu below 0. */
  readonly negativeSlope: number;
}

/**
 * activation(x W^T + bias) in int8: each row of x is quantised with a scale of its own, the sums are
 * exact, and scales, bias and activation are applied to them in float32.
 * @param x float32, shape [..., inputs]
 * @throws TensorError ERR_DTYPE, ERR_SHAPE; from a backward pass ERR_STATE
 */
export function quantizedLinear(operation: string, x: Tensor, by: QuantizedWeight): Tensor {
  checkDTypeIs(operation, 'the input', x, 'float32');
  const { outputs, inputs } = by.weight;
  if (x.ndim === 0 || x.shape.at(-1) !== inputs) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] an input ${formatShape(x.shape)} does not end in ${inputs} features`,
    );
  }
  const lead = x.shape.slice(0, -1);
  const count = numel(lead);
  const y = uninitialized([...lead, outputs], 'float32');
  if (y.numel > 0) {
    const { values, scales } = quantizeRows(contiguous(x.detach()), count);
    multiplyQuantized(values, scales, by, y);
    values.dispose();
    scales.dispose();
  }
  if (recording(x)) {
    const refuse = () => {
      throw new TensorError(
        'ERR_STATE',
        `[${operation}] is for inference: rounding to int8 has no gradient`,
      );
    };
    attach(y, operation, [x], [refuse]);
  }
  return y;
}

function multiplyQuantized(
  values: Tensor,
  rowScales: Tensor,
  { weight, scales, bias, activation, negativeSlope }: QuantizedWeight,
  y: Tensor,
): void {
  const { outputs, inputs, panels, sums } = weight;
  const count = rowScales.numel;
  const columnScales = contiguous(scales.detach());
  const dense = bias === null ? null : contiguous(bias.detach());
  const operands = [values, rowScales, panels, sums, columnScales, dense, y];
  runRow(
    rows.linearInt8,
    operands.map((operand) => operand?.array ?? null),
    operands.map((operand) => operand?.offset ?? 0),
    [
      ...[count, outputs, inputs, panels.shape[0] as number, panels.shape[1] as number],
      ...[inputs, 1, outputs, activations.indexOf(activation), negativeSlope],
    ],
  );
}
