/** Products of chains of matrices in the order that takes the fewest multiplications. */
import { composed } from '../../autograd/tidy.js';
import { TensorError } from '../../errors.js';
import { describe } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { squeeze, unsqueeze } from '../shape/shape.js';
import { matmul } from './matmul.js';
import { checkProduct } from './matmul_bf16.js';
import { checkInner, checkRank } from './products.js';

/**
 * Where to cut a chain of matrices, the i-th of sizes[i] rows: cut[i][j] is the last matrix of the left
 * part of matrices i to j. (T. H. Cormen et al., "Introduction to Algorithms", the chapter on dynamic
 * programming: matrix-chain multiplication.)
 */
function chainCuts(sizes: readonly number[]): number[][] {
  const n = sizes.length - 1;
  const cost = Array.from({ length: n }, () => new Array<number>(n).fill(0));
  const cut = Array.from({ length: n }, () => new Array<number>(n).fill(0));
  const at = (table: number[][], i: number, j: number) => table[i]?.[j] as number;
  for (let length = 2; length <= n; length++) {
    for (let i = 0; i + length <= n; i++) {
      const j = i + length - 1;
      let best = Infinity;
      for (let k = i; k < j; k++) {
        const edges = (sizes[i] as number) * (sizes[k + 1] as number) * (sizes[j + 1] as number);
        const total = at(cost, i, k) + at(cost, k + 1, j) + edges;
        if (total < best) {
          best = total;
          (cut[i] as number[])[j] = k;
        }
      }
      (cost[i] as number[])[j] = best;
    }
  }
  return cut;
}

/** The same for three matrices, without tables. */
function ofThree(a: Tensor, b: Tensor, c: Tensor): Tensor {
  const [m, inner] = a.shape as [number, number];
  const [next, n] = c.shape as [number, number];
  const leftFirst = m * next * (inner + n) < inner * n * (next + m);
  return composed(() => (leftFirst ? matmul(matmul(a, b), c) : matmul(a, matmul(b, c))));
}

/**
 * The product of matrices in the order that takes the fewest multiplications (`torch.linalg.multi_dot`).
 * The first may be a vector, then it is a row, and the last one a vector, then it is a column; such a
 * dimension isn't in the result. Another order rounds differently.
 * @param tensors at least two: shapes [m, k1], [k1, k2] ... [k, n], of dtypes that matmul takes
 * @throws TensorError ERR_SHAPE when neighbours don't fit or have another number of dimensions, ERR_DTYPE,
 * ERR_ARGUMENT for fewer than two
 * @example
 * ```ts
 * multiDot([tensor([1, 2]), tensor([[1, 0], [0, 1]]), tensor([3, 4])]); // => 11
 * ```
 */
export function multiDot(tensors: readonly Tensor[]): Tensor {
  if (!Array.isArray(tensors) || tensors.length < 2) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[multiDot] takes a list of at least two tensors, not ${describe(tensors)}`,
    );
  }
  const last = tensors.length - 1;
  // Array.from meets missing items too.
  const matrices = Array.from(tensors as readonly Tensor[], (t, i) => {
    checkProduct('multiDot', t);
    if (t.ndim === 1 && i === 0) return unsqueeze(t, 0);
    if (t.ndim === 1 && i === last) return unsqueeze(t, 1);
    checkRank('multiDot', `tensor ${i}`, t, 2);
    return t;
  });
  for (let i = 0; i < last; i++) {
    checkInner('multiDot', matrices[i] as Tensor, matrices[i + 1] as Tensor);
  }
  if (last === 2 && tensors[0]?.ndim === 2 && tensors[2]?.ndim === 2) {
    return ofThree(...(matrices as [Tensor, Tensor, Tensor]));
  }
  const sizes = matrices.map(({ shape }) => shape[0] as number);
  const cut = chainCuts([...sizes, (matrices[last] as Tensor).shape[1] as number]);
  const multiply = (i: number, j: number): Tensor => {
    if (i === j) return matrices[i] as Tensor;
    const k = cut[i]?.[j] as number;
    return matmul(multiply(i, k), multiply(k + 1, j));
  };
  return composed(() => {
    let y = multiply(0, last);
    if (tensors[last]?.ndim === 1) y = squeeze(y, 1);
    return tensors[0]?.ndim === 1 ? squeeze(y, 0) : y;
  });
}

/**
 * `multiDot` of matrices that are given one by one, as `torch.chain_matmul`; one matrix is the result.
 * @throws TensorError as multiDot, and ERR_SHAPE for vectors
 * @example
 * ```ts
 * chainMatmul(tensor([[1, 2]]), tensor([[1, 0], [0, 1]]), tensor([[3], [4]])); // => [[11]]
 * ```
 */
export function chainMatmul(...matrices: Tensor[]): Tensor {
  if (matrices.length === 0) {
    throw new TensorError('ERR_ARGUMENT', '[chainMatmul] takes at least one matrix');
  }
  matrices.forEach((matrix, i) => {
    checkProduct('chainMatmul', matrix);
    checkRank('chainMatmul', `matrix ${i}`, matrix, 2);
    if (i > 0) checkInner('chainMatmul', matrices[i - 1] as Tensor, matrix);
  });
  return matrices.length === 1 ? (matrices[0] as Tensor) : multiDot(matrices);
}
