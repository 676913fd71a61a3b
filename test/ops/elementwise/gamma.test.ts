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

/**
 * x, a float32, with lgamma, digamma and trigamma of it: computed to 60 digits with mpmath, by the series
 * and by reflection. Among them are the neighbours of zeros.
 */
const exact: readonly (readonly [number, number, number, number])[] = [
  [1.0000000031710769e-30, 69.07755278665029, -9.999999968289232e29, 9.999999936578462e59],
  [0.0010000000474974513, 6.907178837859066, -1000.5755244342832, 1000001.5475382999],
  [0.10000000149011612, 2.252712636201601, -10.423754789263684, 101.43329616778679],
  [0.5, 0.5723649429247001, -1.9635100260214235, 4.934802200544679],
  [0.9999999403953552, 3.440473758723674e-8, -0.5772157629472479, 1.6449342101445874],
  [1.0000001192092896, -6.880945764253472e-8, -0.5772154688101285, 1.6449337802555737],
  [1.100000023841858, -0.049872451362944395, -0.4237549062385626, 1.4332991064121579],
  [1.4616321325302124, -0.12148629053584953, -1.203605254910667e-8, 0.9676722564619307],
  [1.5, -0.12078223763524522, 0.03648997397857652, 0.9348022005446793],
  [1.9999998807907104, -5.0399815637755424e-8, 0.42278425821633236, 0.6449341150223497],
  [2.000000238418579, 1.0079965877070314e-7, 0.42278448886271947, 0.644933970500001],
  [2.5, 0.2846828704729192, 0.7031566406452432, 0.49035775610023485],
  [3.75, 1.486815578593417, 1.1825373886117962, 0.3053398526902531],
  [9.999899864196777, 12.801601999554567, 2.251742058095826, 0.10516744217741718],
  [10, 12.801827480081469, 2.251752589066721, 0.10516633568168575],
  [33.29999923706055, 82.6037209186398, 3.4904672152616945, 0.030485444804331185],
  [100000, 1051287.7089736569, 11.512920464961896, 1.0000050000166667e-5],
  [1.0000000200408773e20, 4.5051702782797425e21, 46.051701879921794, 9.99999979959123e-21],
  [-1.000000013351432e-10, 23.025850916646746, 9999999865.908466, 9.999999732971366e19],
  [-0.30000001192092896, 1.4648400256649878, 2.113309613396139, 13.945159461485094],
  [-0.5040830969810486, 1.2654376221109007, -7.931084781744489e-7, 8.93979870239764],
  [-1.5734984874725342, 0.8339552096562831, -1.4226449024506777e-7, 9.941513839236682],
  [-2.4570248126983643, -1.1287842529645816e-7, 1.515602724349865, 9.716641272611417],
  [-2.747682571411133, -1.4418167987778365e-7, -1.9143487432766417, 19.150369870478773],
  [-5.5, -4.517832174007741, 1.792911330399933, 9.7033198653394],
  [-30.25, -74.02239745035548, 6.567526705172748, 19.706691341963047],
  [-1000.5, -5914.437701116852, 6.908754820898672, 9.868605400173442],
];

const kernels = [
  ['lgamma', lgamma],
  ['digamma', tilegrad.digamma],
  ['trigamma', (x: Tensor) => tilegrad.polygamma(1, x)],
] as const;

test.each(kernels)('float32 %s is within 0.51 ulp, also beside its zeros', (name, fn) => {
  const column = kernels.findIndex(([own]) => own === name) + 1;
  const y = fn(tensor(exact.map(([x]) => x))).data;
  for (const [i, row] of exact.entries()) {
    const want = row[column]!;
    const ulp = 2 ** (Math.floor(Math.log2(Math.abs(want))) - 23);
    if (Math.abs(want) > 2 ** 128) expect(y[i]).toBe(want > 0 ? Infinity : -Infinity);
    else expect(Math.abs(y[i]! - want) / ulp, `${name}(${row[0]})`).toBeLessThanOrEqual(0.51);
  }
});

test.each(kernels)('float64 %s is within a few roundings', (name, fn) => {
  const column = kernels.findIndex(([own]) => own === name) + 1;
  const y = fn(
    tensor(
      exact.map(([x]) => x),
      { dtype: 'float64' },
    ),
  ).data;
  for (const [i, row] of exact.entries()) {
    // At a zero the terms are of the size of 1, and below 0 of the reflection's.
    const scale = name === 'trigamma' ? 0 : row[0] < 0 ? 4 : 1;
    const bound = 4 * epsilon.float64 * Math.max(Math.abs(row[column]!), scale);
    expect(Math.abs(y[i]! - row[column]!), `${name}(${row[0]})`).toBeLessThanOrEqual(bound);
  }
});

test.each(kernels)('%s of a value does not depend on where it stands', (_, fn) => {
  for (const dtype of ['float32', 'float64'] as const) {
    const all = tensor(
      Array.from({ length: 600 }, (_, i) => exact[(i * 5) % exact.length]![0]),
      { dtype },
    );
    const alone = exact.map(([x]) => fn(tensor([x], { dtype })).item());
    const wanted = Array.from({ length: 600 }, (_, i) => alone[(i * 5) % exact.length]);
    for (const n of [0, 1, 7, 8, 9, 31, 100, 255, 256, 257, 590]) {
      for (const start of [0, 3]) {
        const part = all.slice([[start, start + n]]);
        expect(fn(part).toArray()).toEqual(wanted.slice(start, start + n));
      }
    }
    const strided = all.slice([[1, 600, 3]]);
    expect(fn(strided).toArray()).toEqual(wanted.filter((_, i) => i % 3 === 1));
  }
});

test('of denormal and of huge numbers', () => {
  const x = tensor([5e-324, -5e-324, 1e-310, 1e306, Infinity], { dtype: 'float64' });
  const logs = [744.4400719213812, 744.4400719213812, -Math.log(1e-310)];
  const y = lgamma(x).data;
  for (const [i, want] of logs.entries()) {
    expect(Math.abs(y[i]! - want)).toBeLessThanOrEqual(2 * epsilon.float64 * want);
  }
  expect([...y.slice(3)]).toEqual([Infinity, Infinity]);
  expect([...x.digamma().data.slice(4)]).toEqual([Infinity]);
  expect([...tilegrad.polygamma(1, x).data]).toEqual([Infinity, Infinity, Infinity, 1e-306, 0]);
  expect(lgamma(tensor([Number.NaN])).item()).toBeNaN();
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
