/** Weighted sums along one dimension: a sparse matrix times the places of a dimension. */
import { attach, recording } from '../../autograd/tape.js';
import { rows, runRow } from '../../native/commands.js';
import { uninitialized } from '../../tensor/creation.js';
import type { DType } from '../../tensor/dtype.js';
import { numel } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { outerStep } from '../layout.js';
import { contiguous } from '../operand.js';

/** One place that a result looks at, with its factor. */
export type Tap = readonly [place: number, weight: number];

/**
 * A matrix [results, places] by its rows, and its transpose. Plain arrays: they outlive the scopes in
 * which tensors are recycled, since a gradient may ask for them at any time.
 */
export interface Resampling {
  readonly size: number;
  readonly out: number;
  /** Where the taps of each result begin, and the end. */
  readonly starts: Int32Array;
  readonly places: Int32Array;
  readonly weights: Float32Array | Float64Array;
  /** Start, end and step where each result is one place as it is, at equal distances: then it is a slice. */
  readonly slice?: readonly [start: number, end: number, step: number] | null;
  /** Made when a gradient asks for it. */
  transposed?: Resampling;
}

function pack(
  taps: readonly (readonly Tap[])[],
  size: number,
  Type: typeof Float32Array | typeof Float64Array,
): Resampling {
  const starts = new Int32Array(taps.length + 1);
  taps.forEach((list, o) => {
    starts[o + 1] = (starts[o] as number) + list.length;
  });
  const all = taps.flat();
  return {
    ...{ size, out: taps.length, starts },
    places: Int32Array.from(all, ([place]) => place),
    weights: new Type(all.map(([, weight]) => weight)),
  };
}

/** The matrix whose row o has `taps(o)`. */
export function resampling(
  size: number,
  out: number,
  dtype: DType,
  taps: (o: number) => readonly Tap[],
): Resampling {
  const lists = Array.from({ length: out }, (_, o) => taps(o));
  const matrix = pack(lists, size, dtype === 'float32' ? Float32Array : Float64Array);
  return { ...matrix, slice: sliceOf(matrix) };
}

/** The slice that a matrix takes, if it is one. */
function sliceOf({ out, places, weights }: Resampling): Resampling['slice'] {
  if (places.length !== out || weights.some((weight) => weight !== 1)) return null;
  const start = places[0] as number;
  const step = out > 1 ? (places[1] as number) - start : 1;
  if (step < 1 || places.some((place, o) => place !== start + o * step)) return null;
  return [start, start + (out - 1) * step + 1, step];
}

/** The transposed matrix: for each place the results that looked at it, in their order. */
function transposed(matrix: Resampling): Resampling {
  const { size, out, starts, places, weights } = matrix;
  const lists = Array.from({ length: size }, (): Tap[] => []);
  for (let o = 0; o < out; o++) {
    for (let k = starts[o] as number; k < (starts[o + 1] as number); k++) {
      lists[places[k] as number]?.push([o, weights[k] as number]);
    }
  }
  const Type = weights instanceof Float32Array ? Float32Array : Float64Array;
  return { ...pack(lists, out, Type), transposed: matrix };
}

/** The matrix applied along a dimension, recorded; its gradient is that of the transpose. */
export function resample(operation: string, x: Tensor, dim: number, matrix: Resampling): Tensor {
  const step = outerStep(x, dim);
  const from = step === null ? contiguous(x.detach()) : x;
  const inner = numel(x.shape.slice(dim + 1));
  const { size, out, starts, places, weights } = matrix;
  const y = uninitialized(x.shape.with(dim, out), x.dtype);
  runRow(
    rows.resample,
    [from.array, starts, places, weights, y.array],
    [from.offset, 0, 0, 0, y.offset],
    [
      ...[numel(x.shape.slice(0, dim)), size, out, inner, out + 1, places.length],
      step ?? size * inner,
    ],
  );
  if (recording(x)) {
    const rule = (g: Tensor) => {
      matrix.transposed ??= transposed(matrix);
      return resample(operation, g, dim, matrix.transposed);
    };
    attach(y, operation, [x], [rule]);
  }
  return y;
}
