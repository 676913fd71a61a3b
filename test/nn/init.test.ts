import { Generator, nn, nonzero, ones, rand, randn, type Tensor, zeros } from 'tilegrad';
import { describe, expect, it, test } from 'vitest';
import { epsilon, Fixture } from '../golden.js';

/** What PyTorch asks its generator for. */
type Distribution =
  | { distribution: 'uniform'; low: number; high: number }
  | { distribution: 'normal'; mean: number; std: number };

type InitName = 'xavierUniform' | 'xavierNormal' | 'kaimingUniform' | 'kaimingNormal';

interface Content {
  cases: ({ init: InitName; shape: number[]; options: Record<string, never> } & Distribution)[];
  linear: {
    inFeatures: number;
    outFeatures: number;
    weight: Distribution;
    bias: Distribution;
  }[];
  gains: { nonlinearity: nn.init.Nonlinearity; slope: number | null; gain: number }[];
}

const { content } = new Fixture<Content>('init');

const kSeed = 7;

/** The standard random numbers that an initializer draws, moved to where PyTorch puts them. */
function expected(d: Distribution, shape: readonly number[], generator: Generator): Float32Array {
  const options = { generator };
  const [standard, scale, shift] =
    d.distribution === 'uniform'
      ? [rand(shape, options), d.high - d.low, d.low]
      : [randn(shape, options), d.std, d.mean];
  return Float32Array.from(standard.data, (v) => v * scale + shift);
}

/** Scale and shift are rounded to float32, the product and the sum are rounded too. */
function expectClose(actual: Tensor, want: Float32Array): void {
  const limit = 4 * epsilon.float32 * want.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  const values = actual.contiguous().data;
  expect(values.length).toBe(want.length);
  // One expectation for all: with one for each of 100,000 values this file took half a minute.
  const wrong = want.findIndex((v, i) => !(Math.abs(values[i]! - v) <= limit));
  expect(wrong, `element ${wrong} is ${values[wrong]}, not ${want[wrong]}`).toBe(-1);
}

describe('golden initializers', () => {
  for (const c of content.cases) {
    it(`${c.init} [${c.shape}] ${JSON.stringify(c.options)}`, () => {
      const options = { ...c.options, generator: new Generator(kSeed) };
      const target = nn.init[c.init](zeros(c.shape), options);
      expectClose(target, expected(c, c.shape, new Generator(kSeed)));
    });
  }

  for (const c of content.linear) {
    it(`Linear(${c.inFeatures}, ${c.outFeatures})`, () => {
      const layer = new nn.Linear(c.inFeatures, c.outFeatures, { generator: new Generator(kSeed) });
      const generator = new Generator(kSeed);
      expectClose(layer.weight, expected(c.weight, [c.outFeatures, c.inFeatures], generator));
      expectClose(layer.bias!, expected(c.bias, [c.outFeatures], generator));
    });
  }

  for (const { nonlinearity, slope, gain } of content.gains) {
    it(`gain of ${nonlinearity}${slope === null ? '' : ` with slope ${slope}`}`, () => {
      const own = nn.init.calculateGain(nonlinearity, ...(slope === null ? [] : [slope]));
      expect(Math.abs(own - gain)).toBeLessThanOrEqual(2 * epsilon.float64 * gain);
    });
  }
});

describe('plain initializers', () => {
  test('ones and eye, of any dtype and layout', () => {
    expect(nn.init.ones(zeros([2, 2], { dtype: 'int32' })).toArray()).toEqual([
      [1, 1],
      [1, 1],
    ]);
    const wide = nn.init.eye(ones([3, 2]).transpose());
    expect(wide.toArray()).toEqual([
      [1, 0, 0],
      [0, 1, 0],
    ]);
    expect(nn.init.eye(ones([3, 1])).toArray()).toEqual([[1], [0], [0]]);
    expect(nn.init.eye(zeros([0, 2])).shape).toEqual([0, 2]);
    const layer = new nn.Linear(2, 2);
    expect(nn.init.eye(layer.weight)).toBe(layer.weight);
    expect(layer.weight.isLeaf).toBe(true);
  });

  /** What torch.nn.init.dirac_ says, element by element. */
  function diracAt(shape: readonly number[], groups: number, place: readonly number[]): number {
    const [outputs, inputs, ...kernel] = shape as [number, number, ...number[]];
    const [i, j, ...at] = place as [number, number, ...number[]];
    const each = outputs / groups;
    const centred = at.every((k, d) => k === Math.floor(kernel[d]! / 2));
    return Number(centred && i % each === j && j < Math.min(each, inputs));
  }

  test.each([
    [[4, 2, 3], 1],
    [[4, 2, 3], 2],
    [[2, 5, 4], 1],
    [[3, 3, 3, 2], 1],
    [[4, 1, 3, 3], 4],
    [[2, 2, 1, 2, 3], 2],
    [[0, 2, 3], 1],
  ])('dirac %j in %i groups', (shape, groups) => {
    const weight = nn.init.dirac(ones(shape), { groups });
    const places = weight.numel === 0 ? [] : nonzero(ones(shape)).toArray();
    const expected = (places as number[][]).map((place) => diracAt(shape, groups, place));
    expect([...weight.data]).toEqual(expected);
  });
});

describe('random initializers', () => {
  test.each([
    [[5, 3], 'float64'],
    [[3, 5], 'float64'],
    [[4, 4], 'float32'],
    [[3, 2, 2, 2], 'float64'],
    [[6, 1, 2], 'float64'],
  ] as const)('orthogonal %j %s', (shape, dtype) => {
    const options = { gain: 1.5, generator: new Generator(kSeed) };
    const target = nn.init.orthogonal(zeros([...shape], { dtype }), options);
    const matrix = target.reshape([shape[0], -1]);
    const rows = matrix.shape[0]! <= matrix.shape[1]! ? matrix : matrix.transpose();
    const products = rows.matmul(rows.transpose()).contiguous();
    const n = rows.shape[0]!;
    const limit = 16 * n * epsilon[dtype] * 1.5 ** 2;
    for (const [i, value] of [...products.data].entries()) {
      const expected = i % (n + 1) === 0 ? 1.5 ** 2 : 0;
      expect(Math.abs(value - expected)).toBeLessThanOrEqual(limit);
    }
    const again = nn.init.orthogonal(zeros([...shape], { dtype }), {
      ...options,
      generator: new Generator(kSeed),
    });
    expect(again.toArray()).toEqual(target.toArray());
  });

  test('orthogonal matrices of both determinants, each about as often', () => {
    const generator = new Generator(kSeed);
    const count = 400;
    let positive = 0;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const [a, b, c, d] = nn.init.orthogonal(zeros([2, 2]), { generator }).data as Float32Array;
      if (a! * d! - b! * c! > 0) positive++;
      sum += a!;
    }
    // Five standard errors of a fair coin, and of the cosine of an even angle (variance 1/2).
    expect(Math.abs(positive - count / 2)).toBeLessThan(5 * Math.sqrt(count / 4));
    expect(Math.abs(sum)).toBeLessThan(5 * Math.sqrt(count / 2));
  });

  test.each([
    [0, 0],
    [0.1, 1],
    [0.5, 4],
    [1, 7],
  ])('sparse: a share of %d is %i of 7 in each column', (sparsity, zeroed) => {
    const generator = new Generator(kSeed);
    const weight = nn.init.sparse(ones([7, 50]), sparsity, { generator });
    expect(weight.eq(0).sum({ dim: 0 }).toArray()).toEqual(new Array(50).fill(zeroed));
  });

  test('sparse: zeros are anywhere, others have the standard deviation', () => {
    const generator = new Generator(kSeed);
    const [rows, cols] = [20, 5000];
    const weight = nn.init.sparse(zeros([rows, cols]), 0.25, { generator, std: 0.5 });
    const share = weight.eq(0).sum({ dim: 1 }).toArray() as number[];
    const error = 5 * Math.sqrt(cols * 0.25 * 0.75);
    for (const count of share) expect(Math.abs(count - cols / 4)).toBeLessThan(error);
    const n = 0.75 * rows * cols;
    const square = weight.square().sum().item() / n;
    // The variance of a square of a normal number is 2 sigma^4.
    expect(Math.abs(square - 0.25)).toBeLessThan(5 * Math.sqrt(2 / n) * 0.25);
    expect(Math.abs(weight.sum().item() / n)).toBeLessThan((5 * 0.5) / Math.sqrt(n));
  });

  /** Mean, variance and bounds of 10^5 numbers, within five standard errors. */
  const kernel = [100, 40, 5, 5];
  const [fanIn, fanOut] = [40 * 25, 100 * 25];
  test.each([
    ['xavierUniform', Math.sqrt(2 / (fanIn + fanOut)), (t, o) => nn.init.xavierUniform(t, o)],
    ['xavierNormal', Math.sqrt(2 / (fanIn + fanOut)), (t, o) => nn.init.xavierNormal(t, o)],
    ['kaimingUniform', Math.sqrt(2 / fanIn), (t, o) => nn.init.kaimingUniform(t, o)],
    [
      'kaimingNormal by fan-out',
      Math.sqrt(2 / fanOut),
      (t, o) => nn.init.kaimingNormal(t, { ...o, mode: 'fanOut' }),
    ],
    [
      'kaimingNormal for selu',
      3 / 4 / Math.sqrt(fanIn),
      (t, o) => nn.init.kaimingNormal(t, { ...o, nonlinearity: 'selu' }),
    ],
  ] as [string, number, (t: Tensor, options: { generator: Generator }) => Tensor][])(
    'moments of %s',
    (name, std, fill) => {
      const weight = fill(zeros(kernel), { generator: new Generator(kSeed) });
      const n = weight.numel;
      const isUniform = name.endsWith('Uniform');
      expect(Math.abs(weight.mean().item())).toBeLessThan((5 * std) / Math.sqrt(n));
      // The fourth moment of a uniform number is 9/5 of the variance's square, of a normal one 3.
      const spread = Math.sqrt((isUniform ? 0.8 : 2) / n);
      expect(Math.abs(weight.square().mean().item() / std ** 2 - 1)).toBeLessThan(5 * spread);
      const bound = Math.sqrt(3) * std * (1 + epsilon.float32);
      if (isUniform) expect(weight.abs().amax().item()).toBeLessThanOrEqual(bound);
    },
  );
});
