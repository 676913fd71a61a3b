/** All combinations of the elements of vectors. */
import { composed } from '../../autograd/tidy.js';
import { TensorError } from '../../errors.js';
import { onesLike } from '../../tensor/creation.js';
import {
  checkCount,
  checkOptions,
  checkShape,
  describe,
  formatShape,
  MAX_RANK,
} from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';
import { indexSelect } from '../indexing/gather.js';
import { checkTensor, contiguous, to } from '../operand.js';
import { checkNumbers } from '../promotion.js';
import { expand } from '../reduction/reduce.js';
import { cumprod } from '../reduction/scan.js';
import { movedim } from './axes.js';
import { flip } from './flip.js';
import { checkTensors, concat, stack } from './join.js';
import { reshape, unsqueeze } from './shape.js';

/** Options of {@link meshgrid}. */
export interface MeshgridOptions {
  /**
   * `ij` (default): the first vector runs along dimension 0, the second along 1. `xy`: these two are
   * exchanged, so that the first runs along the columns.
   */
  indexing?: 'ij' | 'xy';
}

/** @throws TensorError ERR_SHAPE unless all are vectors or scalars */
function checkVectors(operation: string, tensors: readonly Tensor[], scalars: boolean): void {
  for (const t of tensors) {
    if (t.ndim > 1 || (t.ndim === 0 && !scalars)) {
      throw new TensorError(
        'ERR_SHAPE',
        `[${operation}] takes vectors, not shape ${formatShape(t.shape)}`,
      );
    }
  }
}

/**
 * The coordinates of a grid: for each vector a tensor of the grid's shape with its element at each point,
 * as a view of it.
 * @param tensors vectors; scalars count as vectors of one element
 * @throws TensorError ERR_ARGUMENT for anything but a list of tensors and for unknown options, ERR_SHAPE
 * @example
 * ```ts
 * meshgrid([tensor([1, 2]), tensor([3, 4, 5])])[0]; // => [[1, 1, 1], [2, 2, 2]]
 * meshgrid([tensor([1, 2]), tensor([3, 4, 5])], { indexing: 'xy' })[0]; // => [[1, 2], [1, 2], [1, 2]]
 * ```
 */
export function meshgrid(tensors: readonly Tensor[], options: MeshgridOptions = {}): Tensor[] {
  checkTensors('meshgrid', tensors);
  checkOptions('meshgrid', options, ['indexing']);
  const { indexing = 'ij' } = options;
  if (indexing !== 'ij' && indexing !== 'xy') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[meshgrid] indexing is 'ij' or 'xy', not ${describe(indexing)}`,
    );
  }
  checkVectors('meshgrid', tensors, true);
  const grids = grid('meshgrid', tensors);
  return indexing === 'ij' || tensors.length < 2 ? grids : grids.map((t) => t.transpose(0, 1));
}

function grid(operation: string, tensors: readonly Tensor[]): Tensor[] {
  const shape = checkShape(
    operation,
    tensors.map((t) => t.numel),
  );
  return tensors.map((t, i) => {
    const own = shape.map((_, d) => (d === i ? t.numel : 1));
    return expand(reshape(t, own), shape);
  });
}

/**
 * The Cartesian product of vectors: each row has one element of each, in the order of nested loops of
 * which the last is innermost. One vector alone gives itself.
 * @throws TensorError ERR_ARGUMENT for anything but a list of tensors, ERR_SHAPE for other than vectors
 * @example
 * ```ts
 * cartesianProd([tensor([1, 2]), tensor([3, 4])]); // => [[1, 3], [1, 4], [2, 3], [2, 4]]
 * ```
 */
export function cartesianProd(tensors: readonly Tensor[]): Tensor {
  checkTensors('cartesianProd', tensors);
  checkVectors('cartesianProd', tensors, false);
  if (tensors.length === 1) return tensors[0] as Tensor;
  const grids = grid('cartesianProd', tensors);
  // Stretched vectors are read as they lie, where there is a dimension left for stacking them.
  if (tensors.length < MAX_RANK) {
    return reshape(stack(grids, -1), [(grids[0] as Tensor).numel, tensors.length]);
  }
  const columns = grids.map((t) => reshape(t, [t.numel]));
  return stack(columns, 1);
}

/** Options of {@link combinations}. */
export interface CombinationsOptions {
  /** Whether an element can be chosen more than once. Default false. */
  withReplacement?: boolean;
}

/**
 * All choices of r elements of a vector, one in each row, as Python's itertools.combinations orders them.
 * @param r whole number >= 0, default 2
 * @throws TensorError ERR_SHAPE for other than a vector, ERR_ARGUMENT
 * @example
 * ```ts
 * combinations(tensor([1, 2, 3])); // => [[1, 2], [1, 3], [2, 3]]
 * combinations(tensor([1, 2]), 2, { withReplacement: true }); // => [[1, 1], [1, 2], [2, 2]]
 * ```
 */
export function combinations(x: Tensor, r = 2, options: CombinationsOptions = {}): Tensor {
  checkTensor('combinations', x);
  checkVectors('combinations', [x], false);
  checkOptions('combinations', options, ['withReplacement']);
  checkCount('combinations', 'r', r, 0);
  if (r === 0) return x.slice([[0, 0]]);
  const places = choices(x.numel, r, options.withReplacement ?? false);
  return reshape(indexSelect(x, 0, places), [places.length / r, r]);
}

/** The places 0 .. n - 1 chosen r at a time, row after row. */
function choices(n: number, r: number, again: boolean): Int32Array {
  // Rows in which places repeat are those without, of n + r - 1 places, place k being moved k down.
  const kinds = again ? n + r - 1 : n;
  if (n === 0 || kinds < r) return new Int32Array(0);
  let count = 1;
  for (let k = 1; k <= r; k++) count = (count * (kinds - r + k)) / k;
  const places = new Int32Array(count * r);
  for (let k = 0; k < r; k++) places[k] = again ? 0 : k;
  for (let at = r; at < places.length; at += r) {
    const before = at - r;
    // The last place that is not as large as it can be grows; those behind begin there again.
    let k = r - 1;
    while (places[before + k] === (again ? n - 1 : n - r + k)) k--;
    for (let i = 0; i < k; i++) places[at + i] = places[before + i] as number;
    const first = (places[before + k] as number) + 1;
    for (let i = k; i < r; i++) places[at + i] = again ? first : first + i - k;
  }
  return places;
}

/** Options of {@link vander}. */
export interface VanderOptions {
  /** How many columns. Default as many as there are elements. */
  n?: number;
  /** Whether powers grow from left to right. Default false. */
  increasing?: boolean;
}

/**
 * A Vandermonde matrix: in each row the powers of an element, x^(n - 1) ... x, 1, or in growing order.
 * They are cumulative products, as in PyTorch.
 * @param x float32, float64, or integers and bools (which give int64), vectors of shape [.., m]; the result has shape
 * [.., m, n]
 * @throws TensorError ERR_SHAPE for a scalar, ERR_DTYPE, ERR_ARGUMENT
 * @example
 * ```ts
 * vander(tensor([1, 2, 3])); // => [[1, 1, 1], [4, 2, 1], [9, 3, 1]]
 * vander(tensor([2, 3]), { n: 3, increasing: true }); // => [[1, 2, 4], [1, 3, 9]]
 * ```
 */
export function vander(x: Tensor, options: VanderOptions = {}): Tensor {
  if (x instanceof Tensor && x.dtype === 'bool') return vander(to(x, 'int64'), options);
  checkNumbers('vander', x);
  checkOptions('vander', options, ['n', 'increasing']);
  if (x.ndim === 0) throw new TensorError('ERR_SHAPE', '[vander] takes vectors, not a scalar');
  const { n = x.shape.at(-1) as number, increasing = false } = options;
  checkCount('vander', 'n', n, 0);
  if (n === 0) return expand(unsqueeze(x, -1), checkShape('vander', [...x.shape, 0]));
  // Powers first: scans go down columns many times as fast as along lines.
  return composed(() => {
    const base = unsqueeze(x, 0);
    const powers = cumprod(concat([onesLike(base), expand(base, [n - 1, ...x.shape])], 0), 0);
    return contiguous(movedim(increasing ? powers : flip(powers, 0), 0, -1));
  });
}
