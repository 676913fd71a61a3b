import { Generator, nn, rand, randn, type Tensor, zeros } from 'tilegrad';
import { describe, expect, it } from 'vitest';
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
