/** Functions of test/operations/gamma.ts beside PyTorch, and what has exact values. */
import * as tilegrad from 'tilegrad';
import { finfo, iinfo, lgamma, type Tensor, tensor } from 'tilegrad';
import { describe, expect, it, test } from 'vitest';
import {
  type Bound,
  epsilon,
  expectGolden,
  Fixture,
  gradients,
  type StoredCase,
  toTensor,
} from '../../golden.js';

const fixture = new Fixture<{ cases: StoredCase<unknown>[] }>('gamma');
const functions = new Map<string, unknown>(Object.entries(tilegrad));
type Call = (...args: unknown[]) => Tensor;

/**
 * Errors are relative to the result and, where it is a difference, to what it is a difference of: of
 * lgamma and digamma to numbers of some 10s, near the poles to the slope there.
 */
const scales: Record<string, number> = { lgamma: 16, mvlgamma: 64, digamma: 16 };

/**
 * PyTorch's trigamma, and so digamma's gradient, cuts its series early, after 6 steps: it is off by up to
 * 2^-30 in float64. Its reflection in float32 loses the digits of pi x. Ours is held against exact
 * values below.
 */
const trigammaOff = { float32: 2 ** -14, float64: 2 ** -29 };

function call(op: string, options: unknown, inputs: Tensor[]): Tensor {
  const fn = functions.get(op) as Call;
  if (op === 'polygamma') return fn(options, ...inputs);
  if (Array.isArray(options)) return fn(...inputs, ...options);
  return options === undefined ? fn(...inputs) : fn(...inputs, options);
}

describe('golden', () => {
  for (const [index, stored] of fixture.content.cases.entries()) {
    const c = fixture.case(stored);
    it(`${index}: ${c.op} ${JSON.stringify(c.options)} ${c.dtype}`, () => {
      const inputs = c.inputs.map((one) => toTensor(one, c.dtype, true));
      const y = call(c.op, c.options, inputs);
      const unit = 4 * epsilon[c.dtype];
      const isTrigamma = c.op === 'polygamma' && c.options === 1;
      const off = isTrigamma ? trigammaOff[c.dtype] : unit;
      const bound: Bound = (_, e) => off * (Math.abs(e) + (scales[c.op] ?? 0));
      expectGolden(y, c.output, bound, 'output');
      const gradOff = c.op === 'digamma' ? trigammaOff[c.dtype] : 4 * unit;
      // Below 0 it is a difference of terms of pi^3, with the rounding of pi x in them.
      const gradScale = c.op === 'polygamma' ? Math.PI ** 3 : (scales[c.op] ?? 0);
      const gradBound: Bound = (_, e) => gradOff * (Math.abs(e) + gradScale);
      for (const [i, g] of gradients(y, c.gradOutput, c.dtype, inputs).entries()) {
        expectGolden(g, c.gradInputs[i]!, gradBound, `gradient of input ${i}`);
      }
    });
  }
});

test('lgamma of whole numbers is the logarithm of factorials', () => {
  let factorial = 1;
  for (let n = 1; n <= 18; n++) {
    const got = lgamma(tensor([n], { dtype: 'float64' })).item();
    expect(Math.abs(got - Math.log(factorial))).toBeLessThanOrEqual(
      8 * epsilon.float64 * Math.max(10, Math.log(factorial)),
    );
    factorial *= n;
  }
});

test('trigamma where it is a multiple of pi^2 (Abramowitz & Stegun 6.4.2 to 6.4.4)', () => {
  const x = tensor([1, 2, 0.5, -0.5, -1.5], { dtype: 'float64' });
  const squared = Math.PI ** 2;
  const wanted = [
    squared / 6,
    squared / 6 - 1,
    squared / 2,
    squared / 2 + 4,
    squared / 2 + 4 + 4 / 9,
  ];
  for (const [i, got] of [...tilegrad.polygamma(1, x).data].entries()) {
    expect(Math.abs(got - wanted[i]!)).toBeLessThanOrEqual(8 * epsilon.float64 * wanted[i]!);
  }
});

test('at the poles', () => {
  expect(lgamma(tensor([0, -1, -Infinity])).toArray()).toEqual([Infinity, Infinity, Infinity]);
  expect(tensor([0, -0, -1]).digamma().toArray()).toEqual([-Infinity, Infinity, Number.NaN]);
  expect(tilegrad.polygamma(1, tensor([0, -1])).toArray()).toEqual([Infinity, Infinity]);
  expect(tilegrad.polygamma(2, tensor([0, -3])).toArray()).toEqual([-Infinity, -Infinity]);
});

test('limits are those of the typed arrays', () => {
  expect(finfo('float64')).toEqual({
    dtype: 'float64',
    bits: 64,
    eps: Number.EPSILON,
    max: Number.MAX_VALUE,
    min: -Number.MAX_VALUE,
    smallestNormal: 2 ** -1022,
  });
  expect(Math.fround(finfo('float32').max)).toBe(finfo('float32').max);
  expect(Math.fround(finfo('float32').max * (1 + 2 ** -24))).toBe(Infinity);
  for (const dtype of ['uint8', 'int8', 'int32', 'int64'] as const) {
    const { min, max, bits } = iinfo(dtype);
    const ends = tensor([BigInt(min), BigInt(max)]).to(dtype);
    expect(
      Array.from(ends.dataAs(dtype) as ArrayLike<number | bigint>, (end) => BigInt(end)),
    ).toEqual([BigInt(min), BigInt(max)]);
    expect(BigInt(max) - BigInt(min)).toBe(2n ** BigInt(bits) - 1n);
  }
  expect(() => tensor([1]).dataAs('int64')).toThrow('[dataAs] the tensor is float32, not "int64"');
});
