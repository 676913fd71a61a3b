/**
 * What the results must be: computed plainly in float64, with a bound on what may differ. The bounds
 * are those of rounding error analysis (Higham, "Accuracy and Stability of Numerical Algorithms",
 * 2002): a sum of k products in any order has an error of at most gamma(k) * sum of |products|,
 * gamma(k) = k u / (1 - k u), where u is 2^-24 in float32. Products are in reference-gemm.ts.
 */
import type { Case, InferCase, OpsCase } from './cases.js';
import { batchOf, layers, samplePositions, uniform } from './inputs.js';
import { type Expected, gamma, product, sampled } from './reference-gemm.js';

const kUnitRoundoff = 2 ** -24;

/** One example through the network, with a bound on the error that every value carries. */
function forward(dims: readonly number[], x: Float32Array): Expected[] {
  let values: Expected[] = Array.from(x, (value) => ({ value, bound: 0 }));
  layers(dims).forEach(({ weight, bias }, l) => {
    const inputs = values;
    const last = l === dims.length - 2;
    values = Array.from(bias, (b, j) => {
      let value = b;
      let size = Math.abs(b);
      let inherited = 0;
      for (let p = 0; p < inputs.length; p++) {
        const w = weight[j * inputs.length + p]!;
        const input = inputs[p]!;
        value += w * input.value;
        size += Math.abs(w) * (Math.abs(input.value) + input.bound);
        inherited += Math.abs(w) * input.bound;
      }
      // ReLU makes no error larger.
      return {
        value: last ? value : Math.max(value, 0),
        bound: inherited + gamma(inputs.length + 1, kUnitRoundoff) * size,
      };
    });
  });
  return values;
}

function infer({ dims, batch }: InferCase): Expected[] {
  const inputs = dims[0]!;
  const outputs = dims.at(-1)!;
  const x = batchOf(batch, inputs);
  const rows = new Map<number, Expected[]>();
  return samplePositions(batch * outputs).map((position) => {
    const row = Math.floor(position / outputs);
    let y = rows.get(row);
    if (y === undefined) {
      y = forward(dims, x.subarray(row * inputs, (row + 1) * inputs));
      rows.set(row, y);
    }
    return y[position % outputs]!;
  });
}

/** erf for |z| <= 1 by its Taylor series: 20 terms leave less than 1 / (20! * 41) < 1e-19. */
function erf(z: number): number {
  let sum = 0;
  let power = z; // z^(2n+1) (-1)^n / n!
  for (let n = 0; n < 20; n++) {
    sum += power / (2 * n + 1);
    power *= (-z * z) / (n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const elementwise: Record<Exclude<OpsCase['op'], 'softmax'>, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  relu: (a) => Math.max(a, 0),
  exp: Math.exp,
  tanh: Math.tanh,
  sigmoid: (a) => 1 / (1 + Math.exp(-a)),
  gelu: (a) => (a * (1 + erf(a * Math.SQRT1_2))) / 2,
};

// Vector mathematics of a few units in the last place, on values near 1 (the inputs are in [-1, 1)).
const kElementwiseBound = 8 * kUnitRoundoff;

function ops(c: OpsCase): Expected[] {
  const n = c.shape.reduce((x, y) => x * y, 1);
  const a = uniform(n, 1);
  if (c.op !== 'softmax') {
    const b = uniform(n, 2);
    const f = elementwise[c.op];
    return samplePositions(n).map((i) => {
      const value = f(a[i]!, b[i]!);
      return { value, bound: kElementwiseBound * Math.max(1, Math.abs(value)) };
    });
  }
  const cols = c.shape.at(-1)!;
  return samplePositions(n).map((i) => {
    const row = a.subarray(i - (i % cols), i - (i % cols) + cols);
    const value = Math.exp(a[i]!) / row.reduce((sum, x) => sum + Math.exp(x), 0);
    // The sum's error and those of two exponentials, all relative.
    return { value, bound: (gamma(cols, kUnitRoundoff) + 2 * kElementwiseBound) * value };
  });
}

/**
 * The expected values of a case, in the order in which contenders give theirs; null for training,
 * whose result is held against the same training in float64 (see `trainingAgrees`).
 */
export function reference(c: Case): Expected[] | null {
  switch (c.kind) {
    case 'gemm':
      return product(c);
    case 'infer':
      return infer(c);
    case 'ops':
      return ops(c);
    case 'overhead': {
      const { size } = c;
      if (c.op === 'matmul') {
        return sampled({ m: size, k: size, n: size, dtype: 'float32', layout: 'NN' });
      }
      const a = uniform(size ** 2, 1);
      const b = uniform(size ** 2, 2);
      return samplePositions(size ** 2).map((i) => {
        const value = a[i]! + b[i]!;
        return { value, bound: kUnitRoundoff * Math.abs(value) };
      });
    }
    case 'train':
      return null;
  }
}

// Rounding errors grow as training goes on, by a factor that no simple analysis gives; 20 steps
// multiply them by far less than 2^14, while a wrong gradient or update shows in the first digits.
const kLossTolerance = 2 ** 14 * kUnitRoundoff;

/** Whether a float32 loss after the warm-up agrees with the same training in float64. */
export function trainingAgrees(loss: number, float64Loss: number): boolean {
  return Math.abs(loss - float64Loss) <= kLossTolerance * Math.max(1, Math.abs(float64Loss));
}

/** What is wrong with the checked values of a contender, or null. */
export function disagreement(
  check: readonly number[],
  expected: readonly Expected[],
): string | null {
  if (check.length !== expected.length) return `${check.length} values, not ${expected.length}`;
  for (const [i, { value, bound }] of expected.entries()) {
    if (!(Math.abs(check[i]! - value) <= bound)) {
      return `value ${i} is ${check[i]}, expected ${value} within ${bound}`;
    }
  }
  return null;
}
