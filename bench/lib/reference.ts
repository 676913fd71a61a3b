/**
 * What the results must be: computed plainly in float64, with a bound on what may differ. The bounds
 * are those of rounding error analysis (Higham, "Accuracy and Stability of Numerical Algorithms",
 * 2002): a sum of k products in any order has an error of at most gamma(k) * sum of |products|,
 * gamma(k) = k u / (1 - k u), where u is 2^-24 in float32. Products are in reference-gemm.ts.
 */
import { broadcast, type Operation, operations, type Values } from '../ops/operations.js';
import type { Case, InferCase, OpsCase, OpsInput } from './cases.js';
import { batchOf, layers, numbersOf, samplePositions, uniform } from './inputs.js';
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

/** The numbers of an input in row-major order. */
function valuesOf(input: OpsInput, i: number): Values {
  const { shape } = input;
  const stored = numbersOf(input, i);
  if (!input.transposed) return { data: stored, shape };
  const [rows, cols] = shape as [number, number];
  const data = stored.map((_, p) => stored[(p % cols) * rows + Math.floor(p / cols)]!);
  return { data, shape };
}

// Random numbers have no reference; a normal one beyond this comes once in 10^15.
const kFarOut = 8;

function ops(c: OpsCase): Expected[] | null {
  const operation: Operation = operations[c.op];
  const { expected } = operation;
  // Gradients have no references of their own; those of random numbers none at all.
  if (expected === 'float64' || (c.backward && expected !== null)) return null;
  const inputs = c.inputs.map(valuesOf);
  const size = operation.size?.(inputs) ?? broadcast(inputs).reduce((x, y) => x * y, 1);
  return samplePositions(size).map(
    (position) => expected?.(position, inputs) ?? { value: 0, bound: kFarOut },
  );
}

/**
 * The expected values of a case, in the order in which contenders give theirs; null for training,
 * optimizer steps and gradients, which are held against the same computation in float64 (see `differenceFromFloat64`).
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
    case 'network':
    case 'steps':
      return null;
  }
}

// Rounding errors grow as training goes on, by a factor that no simple analysis gives; 20 steps
// multiply them by far less than 2^14, while a wrong gradient or update shows in the first digits.
const kFloat64Tolerance = 2 ** 14 * kUnitRoundoff;

/** What is wrong with float32 values beside the same computation in float64, or null. */
export function differenceFromFloat64(
  values: readonly number[],
  float64: readonly number[],
): string | null {
  for (const [i, want] of float64.entries()) {
    const got = values[i];
    if (
      got === undefined ||
      !(Math.abs(got - want) <= kFloat64Tolerance * Math.max(1, Math.abs(want)))
    ) {
      return `value ${i} is ${got}, in float64 ${want}`;
    }
  }
  return null;
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
