/**
 * Going to places of one dimension that an index names: the calls of the native rows behind
 * gathering and scattering, without recording (native/ops/indexing/indexed.h has their geometry).
 */
import { TensorError } from '../../errors.js';
import { type Operand, rows, runGeometry } from '../../native/commands.js';
import { uninitialized, zeros } from '../../tensor/creation.js';
import { type DType, isHalf } from '../../tensor/dtype.js';
import { MAX_RANK, type Shape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { contiguous, to } from '../operand.js';

/** Loops over an index, and how a table moves with them. */
export interface Places {
  /** The table's dimension. */
  readonly dim: number;
  /** The loops; values have this shape. */
  readonly shape: Shape;
  readonly index: Tensor;
  readonly indexStrides: readonly number[];
  /** Whether negative indices count from the end. */
  readonly wraps: boolean;
  /** The steps of a table along the loops: 0 where they name the place. */
  along(table: Tensor): number[];
}

/** The table's own dimensions are the loops; along `dim` the index says where. */
function inPlaceOf(dim: number) {
  return (table: Tensor): number[] => table.strides.map((stride, d) => (d === dim ? 0 : stride));
}

/** An index for each element, as in gather. */
export function perElement(dim: number, index: Tensor): Places {
  // A stretched index would leave a loop along which nothing moves.
  const whole = index.strides[dim] === 0 ? contiguous(index) : index;
  const { shape, strides } = whole;
  return { dim, shape, index: whole, indexStrides: strides, wraps: false, along: inPlaceOf(dim) };
}

const ofVector = inPlaceOf(0);

/** A list of places of a vector, in which negative ones count from the end, as in take. */
export function fromEitherEnd(index: Tensor): Places {
  const whole = index.strides[0] === 0 ? contiguous(index) : index;
  const { shape, strides } = whole;
  return { dim: 0, shape, index: whole, indexStrides: strides, wraps: true, along: ofVector };
}

/** An index for each slice of a table of that shape, as in indexSelect. */
export function perSlice(dim: number, index: Tensor, tableShape: Shape): Places {
  const whole = index.strides[0] === 0 ? contiguous(index) : index;
  const step = whole.strides[0] as number;
  return {
    dim,
    shape: tableShape.with(dim, whole.shape[0] as number),
    index: whole,
    indexStrides: tableShape.map((_, d) => (d === dim ? step : 0)),
    wraps: false,
    along: inPlaceOf(dim),
  };
}

/** An index for each row of a table [rows, columns], as in embedding. */
export function perRow(index: Tensor, columns: number): Places {
  const whole = index.strides.includes(0) ? contiguous(index) : index;
  return {
    dim: 0,
    shape: [...index.shape, columns],
    index: whole,
    indexStrides: [...whole.strides, 0],
    wraps: false,
    along: (table) => [...index.shape.map(() => 0), table.strides[1] as number],
  };
}

/** The error for the first index, in row-major order, that is outside a dimension. */
export function outside(
  operation: string,
  { dim, index, wraps }: Pick<Places, 'dim' | 'index' | 'wraps'>,
  size: number,
): TensorError {
  const least = wraps ? -size : 0;
  const wrong = contiguous(index).data.find((value) => value < least || value >= size);
  if (wraps) {
    return new TensorError(
      'ERR_INDEX',
      `[${operation}] index ${wrong} is outside dimension ${dim} of size ${size}`,
    );
  }
  const hint = Number(wrong) < 0 ? '; negative ones do not count from the end' : '';
  return new TensorError(
    'ERR_INDEX',
    `[${operation}] index ${wrong} is outside a dimension of size ${size}${hint}`,
  );
}

/**
 * Runs an indexed row. Nothing is written when an index is outside the table's dimension.
 * @throws TensorError ERR_INDEX naming the first such index
 */
function run(
  operation: string,
  row: 'gather' | 'scatter' | 'scatterReduce',
  table: Tensor,
  places: Places,
  values: Operand,
  numbers: readonly number[],
): void {
  const { shape, index, indexStrides } = places;
  const size = table.shape[places.dim] as number;
  if (shape.includes(0)) return;
  // Where a dimension is empty the native side has nothing to do, and doesn't look at the indices.
  if (size === 0) throw outside(operation, places, size);
  const tableStrides = places.along(table);
  const operands = [
    { array: table.array, offset: table.offset, strides: tableStrides },
    { array: index.array, offset: index.offset, strides: indexStrides },
    values,
  ];
  const ends = [table.strides[places.dim] as number, 0, 0];
  try {
    if (shape.length < MAX_RANK) {
      const all = operands.map(({ array, offset, strides }, k) => ({
        array,
        offset,
        strides: [...strides, ends[k] as number],
      }));
      runGeometry(rows[row], [...shape, size], all, numbers);
      return;
    }
    // The table's dimension takes one of the eight: the first loop runs here.
    for (let i = 0; i < (shape[0] as number); i++) {
      const slices = operands.map(({ array, offset, strides }, k) => ({
        array,
        offset: offset + i * (strides[0] as number),
        strides: [...strides.slice(1), ends[k] as number],
      }));
      runGeometry(rows[row], [...shape.slice(1), size], slices, numbers);
    }
  } catch (error) {
    const isIndex = error instanceof TensorError && error.code === 'ERR_INDEX';
    throw isIndex ? outside(operation, places, size) : error;
  }
}

const WRAPPING = [1];
const NOT_WRAPPING = [0];

/** The number of gathering and scattering rows. */
const wrapping = ({ wraps }: Places): readonly number[] => (wraps ? WRAPPING : NOT_WRAPPING);

/** The elements of a table at its places. */
export function gatherAt(operation: string, table: Tensor, places: Places): Tensor {
  const { dim, shape } = places;
  const isStretched = table.strides[dim] === 0 && table.shape[dim] !== 1;
  const source = isStretched ? contiguous(table.detach()) : table;
  const y = uninitialized(shape, table.dtype);
  run(operation, 'gather', source, places, y, wrapping(places));
  return y;
}

/** Overwrites the table's elements at its places; the last value stays where several meet. */
export function scatterAt(operation: string, table: Tensor, places: Places, values: Operand): void {
  run(operation, 'scatter', table, places, values, wrapping(places));
}

/** How values meet at a place: the numbers are those of the native row. */
export const reductions = { sum: 0, prod: 1, amax: 2, amin: 3 } as const;

/** A bool is a byte of 0 or 1: sums of truth values are a logical or, products an and. */
const OF_BOOLS = { sum: 'amax', prod: 'amin', amax: 'amax', amin: 'amin' } as const;

/** Reduces values into the table at its places; values whose index is `skip` are left out. */
export function reduceAt(
  operation: string,
  kind: keyof typeof reductions,
  table: Tensor,
  places: Places,
  values: Operand,
  skip = -1,
): void {
  const reduction = reductions[table.dtype === 'bool' ? OF_BOOLS[kind] : kind];
  run(operation, 'scatterReduce', table, places, values, [reduction, skip, Number(places.wraps)]);
}

/**
 * Values added up at their places of a table of zeros, in the order of the index: the gradient of
 * `gatherAt`. Floats of 16 bits are summed in float32.
 */
export function addedUp(
  operation: string,
  shape: Shape,
  dtype: DType,
  places: Places,
  values: Tensor,
  skip = -1,
): Tensor {
  if (isHalf(dtype)) {
    const wide = to(values, 'float32');
    return to(addedUp(operation, shape, 'float32', places, wide, skip), dtype);
  }
  const y = zeros(shape, { dtype });
  reduceAt(operation, 'sum', y, places, values, skip);
  return y;
}
