/** What the computations of same-bits.test.ts are made of: see operation.ts. */
import { Generator, randn, type Tensor } from 'tilegrad';

export const dtypes = ['float32', 'float64'] as const;
export type Float = (typeof dtypes)[number];

export interface Computation {
  name: string;
  run: () => Tensor[];
}

/** Takes a computation into the comparison. */
export type Add = (name: string, run: () => Tensor[]) => void;

const cache = new Map<string, Tensor>();

/** Input with the same bits in every run, made once; a view of it without a history. */
export function cached(key: string, make: () => Tensor): Tensor {
  const found = cache.get(key) ?? make();
  cache.set(key, found);
  return found.detach();
}

export function numbers(shape: readonly number[], dtype: Float, seed = 1): Tensor {
  const generator = new Generator(seed);
  return cached(`${shape} ${dtype} ${seed}`, () => randn(shape, { dtype, generator }));
}

/** Everything that kernels treat apart, among random numbers. */
export function hostile(length: number, dtype: Float): Tensor {
  const special = [
    ...[0, -0, Number.NaN, Infinity, -Infinity, 1, -1, 0.5, 20, -20, 90, -90, 700, -700, 1e10],
    ...[2 ** -126, 2 ** -130, -(2 ** -149), 2 ** -1022, 5e-324, 3e38, -1.7e308, 2 ** 24],
  ];
  return cached(`hostile ${length} ${dtype}`, () => {
    const t = numbers([length], dtype).mul(3);
    const { data } = t;
    for (let i = 0; i < length; i += 7) data[i] = special[(i / 7) % special.length] as number;
    return t;
  });
}

/** Results and, through them, the gradients of the inputs for an uneven gradient. */
export function withGradients(fn: (...inputs: Tensor[]) => Tensor, ...inputs: Tensor[]): Tensor[] {
  for (const x of inputs) {
    x.requiresGrad = true;
    x.zeroGrad();
  }
  const y = fn(...inputs);
  y.backward(numbers(y.shape, y.dtype as Float, 2));
  return [y, ...inputs.map((x) => x.grad as Tensor)];
}

/** Enough of float32 for two threads where an operation is light: then a share is 256 KB. */
export const MANY = 140_003;
export const lengths = [1, 7, 33, 1003, MANY];
