/** What reductions are made of: which dimensions they take, and how a row is called for them. */
import { TensorError } from '../../errors.js';
import { rows, runReduction, runReductionContiguous } from '../../native/commands.js';
import type { ReduceRow, SearchRow } from '../../native/interface.js';
import { fillWith, uninitialized } from '../../tensor/creation.js';
import { type DType, infoOf } from '../../tensor/dtype.js';
import { checkOptions, formatShape, normalizeDim, type Shape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkDims, checkFloating, checkTensor, contiguous, to } from '../operand.js';

/** Options of reductions over one dimension, several or all: {@link sum}, {@link mean} and others. */
export interface ReduceOptions {
  /** The dimension or dimensions to reduce; negative ones count from the end. Default all. */
  dim?: number | readonly number[];
  /** Keeps reduced dimensions with size 1. Default false. */
  keepDim?: boolean;
}

/** What a reduction works on. */
export interface Plan {
  /** Bit d is set when dimension d is reduced. */
  readonly mask: number;
  readonly outputShape: Shape;
}

const NOTHING: Shape = [];
const KNOWN = ['dim', 'keepDim'];

/** The plan of `dim` and `keepDim`; `known` are the options that the operation takes. */
export function plan(
  operation: string,
  x: Tensor,
  options: ReduceOptions | undefined,
  known: readonly string[] = KNOWN,
): Plan {
  const rank = x.ndim;
  const all = 2 ** rank - 1;
  if (options === undefined) return { mask: all, outputShape: NOTHING };
  checkOptions(operation, options, known);
  if (options.dim === undefined && !options.keepDim) return { mask: all, outputShape: NOTHING };
  if (rank === 0) {
    checkDims(operation, options.dim, 1); // PyTorch's scalars have dimension 0
    return { mask: all, outputShape: NOTHING };
  }
  let mask = 0;
  if (typeof options.dim === 'number') {
    mask = 1 << normalizeDim(operation, options.dim, rank);
  } else {
    for (const d of checkDims(operation, options.dim, rank)) mask |= 1 << d;
  }
  return { mask, outputShape: options.keepDim ? keptShape(x, mask) : droppedShape(x, mask) };
}

/** x's shape with 1 in place of the reduced dimensions: what broadcasts against x. */
export function keptShape(x: Tensor, mask: number): number[] {
  const shape = x.shape.slice();
  for (let d = 0; d < shape.length; d++) if ((mask >> d) & 1) shape[d] = 1;
  return shape;
}

function droppedShape(x: Tensor, mask: number): number[] {
  const shape: number[] = [];
  for (let d = 0; d < x.ndim; d++) if (((mask >> d) & 1) === 0) shape.push(x.shape[d] as number);
  return shape;
}

/** The dimensions of a plan. */
export function reducedDims(x: Tensor, mask: number): number[] {
  return Array.from({ length: x.ndim }, (_, d) => d).filter((d) => (mask >> d) & 1);
}

/** How many values make one result. */
export function reducedCount(x: Tensor, { mask }: Plan): number {
  let count = 1;
  for (let d = 0; d < x.ndim; d++) if ((mask >> d) & 1) count *= x.shape[d] as number;
  return count;
}

/** The native side wants every dimension to move an operand: a stretched one that is reduced doesn't. */
function movable(x: Tensor, mask: number): Tensor {
  for (let d = 0; d < x.ndim; d++) {
    if ((mask >> d) & 1 && x.strides[d] === 0) return contiguous(x);
  }
  return x;
}

/** Runs a reduction row. `identity` is the result of nothing, `number` the row's own parameter. */
export function compute(
  row: ReduceRow,
  source: Tensor,
  { mask, outputShape }: Plan,
  dtype: DType,
  identity: number,
  number?: number,
): Tensor {
  const y = uninitialized(outputShape, dtype);
  const n = source.numel;
  if (n === 0) {
    fillWith(y, identity);
  } else if (mask === 2 ** source.ndim - 1 && source.isContiguous) {
    runReductionContiguous(rows[row], source, n, y, number);
  } else {
    const x = movable(source, mask);
    runReduction(rows[row], x, x.shape, mask, [y], number);
  }
  return y;
}

/** Where the extremum of each result's values is, and unless `indicesOnly` is set also the extremum. */
export function search(
  row: SearchRow,
  source: Tensor,
  { mask, outputShape }: Plan,
  indicesOnly = false,
): { indices: Tensor; values: Tensor | null } {
  const indices = uninitialized(outputShape, 'int32');
  const values = indicesOnly ? null : uninitialized(outputShape, source.dtype);
  if (source.numel > 0) {
    const x = movable(source, mask);
    runReduction(rows[row], x, x.shape, mask, [indices, values]);
  }
  return { indices, values };
}

/** @throws TensorError ERR_SHAPE when a reduced dimension is empty */
export function checkNotEmpty(operation: string, x: Tensor, { mask }: Plan): void {
  for (let d = 0; d < x.ndim; d++) {
    if ((mask >> d) & 1 && x.shape[d] === 0) {
      throw new TensorError(
        'ERR_SHAPE',
        `[${operation}] nothing to choose from in shape ${formatShape(x.shape)}`,
      );
    }
  }
}

/** Whether it is a tensor of integers or bools; other tensors have to be float32 or float64. */
export function checkNumeric(operation: string, x: Tensor): boolean {
  checkTensor(operation, x);
  if (!infoOf(x.dtype).floating) return true;
  checkFloating(operation, x);
  return false;
}

/**
 * The values of a tensor of any dtype but int64 as float32 or float64, exactly: of int32 as float64. For
 * operations that only compare.
 */
export function comparable(x: Tensor): Tensor {
  if (infoOf(x.dtype).arithmetic) return x;
  return to(x, x.dtype === 'int32' ? 'float64' : 'float32');
}
