/** Linear algebra in float64, beside LAPACK in PyTorch; the references are the textbook loops. */
import { linalg } from 'tilegrad';
import { gamma } from '../lib/reference-gemm.js';
import type { Operation, Values } from './operations.js';

const kUnitRoundoff = 2 ** -53;

/**
 * The matrices are n I plus elements below 1 (see `diagonal` in lib/cases.ts): by Gershgorin's theorem with
 * elements of mean zero their condition number stays below 4, which is the factor of errors in all results here.
 */
const kCondition = 4;

/** Lower triangular L with A = L L^T, by columns (Cholesky-Banachiewicz). */
function choleskyOf({ data, shape }: Values): Float64Array {
  const n = shape[0]!;
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = data[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= l[i * n + k]! * l[j * n + k]!;
      l[i * n + j] = i === j ? Math.sqrt(sum) : sum / l[j * n + j]!;
    }
  }
  return l;
}

/** X with A X = B by Gaussian elimination; without pivots, which the dominant diagonal doesn't need. */
function solutionOf({ data, shape }: Values, b: Float64Array): Float64Array {
  const n = shape[0]!;
  const cols = b.length / n;
  const a = Float64Array.from(data);
  const x = b.slice();
  for (let k = 0; k < n; k++) {
    for (let i = k + 1; i < n; i++) {
      const factor = a[i * n + k]! / a[k * n + k]!;
      for (let j = k; j < n; j++) a[i * n + j]! -= factor * a[k * n + j]!;
      for (let j = 0; j < cols; j++) x[i * cols + j]! -= factor * x[k * cols + j]!;
    }
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) {
      for (let j = 0; j < cols; j++) x[i * cols + j]! -= a[i * n + k]! * x[k * cols + j]!;
    }
    for (let j = 0; j < cols; j++) x[i * cols + j]! /= a[i * n + i]!;
  }
  return x;
}

/** The references are asked for one position after the other; the whole result is computed once. */
const known = new WeakMap<Values, Float64Array>();

function linalgOperation(
  ours: Operation['ours'],
  torch: string,
  whole: (inputs: readonly Values[]) => Float64Array,
): Operation {
  return {
    ours,
    torch,
    size: (inputs) => inputs.at(-1)!.shape.reduce((n, size) => n * size, 1),
    expected(position, inputs) {
      const first = inputs[0]!;
      const result = known.get(first) ?? whole(inputs);
      known.set(first, result);
      const largest = result.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      const bound = kCondition * gamma(3 * first.shape[0]!, kUnitRoundoff) * largest;
      return { value: result[position]!, bound };
    },
  };
}

export const factorizations = {
  cholesky: linalgOperation(
    (a) => linalg.cholesky(a),
    'torch.linalg.cholesky(a)',
    ([a]) => choleskyOf(a!),
  ),
  solve: linalgOperation(
    (a, b) => linalg.solve(a, b),
    'torch.linalg.solve(a, b)',
    ([a, b]) => solutionOf(a!, Float64Array.from(b!.data)),
  ),
  inv: linalgOperation(
    (a) => linalg.inv(a),
    'torch.linalg.inv(a)',
    ([a]) => {
      const n = a!.shape[0]!;
      return solutionOf(
        a!,
        Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0)),
      );
    },
  ),
} satisfies Record<string, Operation>;
