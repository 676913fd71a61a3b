import fc from 'fast-check';
import { einsum, emptyCache, grad, memory, noGrad, randn, type Tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { epsilon } from '../../golden.js';

/** An equation with letters only (repeated indices too), its output and the sizes of its indices. */
interface Sum {
  readonly terms: readonly string[];
  readonly output: string;
  readonly sizes: Readonly<Record<string, number>>;
  /** For each operand the dimensions that have size 1 instead. */
  readonly stretched: readonly (readonly boolean[])[];
}

const letters = ['a', 'b', 'c', 'd', 'e'];

const sums: fc.Arbitrary<Sum> = fc
  .record({
    terms: fc.array(fc.array(fc.constantFrom(...letters), { maxLength: 4 }), {
      minLength: 1,
      maxLength: 4,
    }),
    order: fc.shuffledSubarray(letters),
    sizes: fc.tuple(...letters.map(() => fc.integer({ min: 0, max: 4 }))),
    stretched: fc.array(fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), {
      minLength: 4,
      maxLength: 4,
    }),
  })
  .map(({ terms, order, sizes, stretched }) => ({
    terms: terms.map((term) => term.join('')),
    output: order.filter((letter) => terms.some((term) => term.includes(letter))).join(''),
    sizes: Object.fromEntries(letters.map((letter, i) => [letter, sizes[i]!])),
    // A repeated index has one size in an operand, and one operand has the size itself.
    stretched: terms.map((term, i) =>
      term.map((letter, d) => {
        const owner = terms.findIndex((other) => other.includes(letter));
        const repeated = term.filter((other) => other === letter).length > 1;
        return (
          owner !== i && !repeated && stretched[i]![d]! && sizes[letters.indexOf(letter)] !== 0
        );
      }),
    ),
  }));

const product = (list: readonly number[]) => list.reduce((a, b) => a * b, 1);

/** All combinations of indices, one loop. */
function naive(
  s: Sum,
  operands: readonly Tensor[],
): { shape: number[]; values: number[]; size: number } {
  const all = [...new Set([...s.output, ...s.terms.join('')])];
  const shape = [...s.output].map((letter) => s.sizes[letter]!);
  const values = new Array<number>(product(shape)).fill(0);
  const flat = operands.map((x) => Array.from(x.contiguous().data, Number));
  let size = 0;
  const total = product(all.map((letter) => s.sizes[letter]!));
  for (let n = 0; n < total; n++) {
    const at: Record<string, number> = {};
    let rest = n;
    for (const letter of all) {
      at[letter] = rest % s.sizes[letter]!;
      rest = Math.floor(rest / s.sizes[letter]!);
    }
    const term = s.terms.reduce((value, labels, k) => {
      const x = operands[k]!;
      const place = [...labels].reduce(
        (sum, letter, d) => sum * x.shape[d]! + (x.shape[d] === 1 ? 0 : at[letter]!),
        0,
      );
      return value * flat[k]![place]!;
    }, 1);
    const target = [...s.output].reduce((sum, letter) => sum * s.sizes[letter]! + at[letter]!, 0);
    values[target] = values[target]! + term;
    size = Math.max(size, Math.abs(term));
  }
  return { shape, values, size: size * Math.max(1, total / Math.max(1, values.length)) };
}

const operandsOf = (s: Sum, dtype: 'float32' | 'float64', layout: number): Tensor[] =>
  s.terms.map((term, i) => {
    const shape = [...term].map((letter, d) => (s.stretched[i]![d] ? 1 : s.sizes[letter]!));
    if (layout === 0) return randn(shape, { dtype });
    if (layout === 1) {
      const order = shape.map((_, d) => shape.length - 1 - d);
      return randn(shape.toReversed(), { dtype }).permute(order);
    }
    return randn(
      shape.map((n) => 2 * n + 1),
      { dtype },
    ).slice(shape.map((n) => [1, 1 + 2 * n, 2]));
  });

const equationOf = (s: Sum) => `${s.terms.join(',')}->${s.output}`;

describe('einsum agrees with a loop over all indices', () => {
  test.each(['float32', 'float64'] as const)('%s', (dtype) => {
    fc.assert(
      fc.property(
        sums,
        fc.integer({ min: 0, max: 2 }),
        fc.constantFrom('auto' as const, 'greedy' as const),
        (s, layout, path) => {
          const operands = operandsOf(s, dtype, layout);
          const want = naive(s, operands);
          const y = einsum(equationOf(s), operands, { path });
          expect(y.shape).toEqual(want.shape);
          const limit = 8 * epsilon[dtype] * want.size;
          const values = Array.from(y.contiguous().data, Number);
          const wrong = values.filter((v, i) => !(Math.abs(v - want.values[i]!) <= limit));
          expect(wrong, equationOf(s)).toEqual([]);
        },
      ),
      { numRuns: 400 },
    );
  });

  test('and so do its gradients: each is an einsum of the others', () => {
    fc.assert(
      fc.property(sums, fc.integer({ min: 0, max: 2 }), (s, layout) => {
        const operands = operandsOf(s, 'float64', layout);
        for (const x of operands) x.requiresGrad = true;
        const y = einsum(equationOf(s), operands);
        const g = randn(y.shape, { dtype: 'float64' });
        const got = grad(y, operands, { gradOutputs: g });
        // sum(g y) is linear in each operand: its slope in a direction is sum(g y(direction)).
        operands.forEach((x, i) => {
          const direction = randn(x.shape, { dtype: 'float64' });
          const others = operands.map((other, k) => (k === i ? direction : other.detach()));
          const want = naive(s, others);
          const flat = Array.from(g.data, Number);
          const slope = want.values.reduce((sum, v, k) => sum + v * flat[k]!, 0);
          const limit = 1e-12 * (1 + want.size * 8 * flat.length);
          const found = got[i]!.mul(direction).sum().item();
          expect(Math.abs(found - slope), equationOf(s)).toBeLessThanOrEqual(limit);
        });
      }),
      { numRuns: 200 },
    );
  });
});

test('copies and products on the way go back at once', () => {
  const a = randn([16, 32, 24]);
  const b = randn([32, 16, 24]);
  const c = randn([24, 40]);
  emptyCache();
  const y = noGrad(() => einsum('ijk,jil,lm->km', a, b, c));
  // Of the two products the first, and a copy of an operand, whose summed dimensions come in another order.
  expect(memory().pooledBytes).toBeGreaterThanOrEqual(4 * (16 * 32 * 24 + 24 * 24));
  expect(y.shape).toEqual([24, 40]);
});
