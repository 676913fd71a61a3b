/** Random tensors and dropout against PyTorch's arithmetic and against Philox one word at a time. */
import {
  alphaDropout,
  bernoulli,
  type DType,
  dropout,
  exponential,
  featureDropout,
  Generator,
  manualSeed,
  multinomial,
  nn,
  normal,
  ones,
  poisson,
  rand,
  randint,
  randintLike,
  randLike,
  randn,
  randnLike,
  randperm,
  type Tensor,
  tensor,
  truncatedNormal,
  uniform,
  zeros,
} from 'tilegrad';
import { record, replay } from 'tilegrad/native/commands.js';
import { withoutRecycling } from 'tilegrad/tensor/memory.js';
import { describe, expect, it, test } from 'vitest';
import {
  epsilon,
  exact,
  expectGolden,
  Fixture,
  type FloatType,
  gradients,
  largest,
  type StoredCase,
  toTensor,
} from '../../golden.js';
import { philox, streamUnits, streamWords } from '../../helpers/philox.js';
import { input } from '../../operations/gradients.js';

type Options = Record<string, number> & { replacement?: boolean };

interface StoredDistribution {
  op: string;
  dtype: FloatType;
  seed: number;
  options: Options;
  inputs?: number[];
  output: number;
}

const fixture = new Fixture<{
  distributions: StoredDistribution[];
  integers: StoredDistribution[];
  dropouts: StoredCase<{ p: number }>[];
}>('random');

const floats = ['float32', 'float64'] as const;

describe('golden distributions', () => {
  test.each(fixture.content.distributions)('$op $dtype of seed $seed: $options', (c) => {
    const { op, dtype, options: o } = c;
    const golden = fixture.tensor(c.output);
    const options = { dtype, generator: new Generator(c.seed) };
    const { shape } = golden;
    const eps = epsilon[dtype];
    const draws: Record<string, () => [Tensor, number]> = {
      uniform: () => [
        uniform(o.low!, o.high!, shape, options),
        2 * eps * Math.max(Math.abs(o.low!), Math.abs(o.high!), o.high! - o.low!),
      ],
      // The radius is below 9; four roundings of it and of the sine, and the sum's.
      normal: () => [
        normal(o.mean!, o.std!, shape, options),
        eps * (4 * 9 * o.std! + 2 * Math.abs(o.mean!)),
      ],
      // u = 0 is half a step instead of 0.
      exponential: () => [exponential(o.rate!, shape, options), 4 * eps * largest(golden) + eps],
      bernoulli: () => [bernoulli(o.p!, shape, options), 0],
      // Probabilities have an error of some units, which the inverse enlarges by 1 / density: up to
      // 1 / 0.002 for these numbers, none of which is beyond 3.2 standard deviations.
      truncatedNormal: () => [
        truncatedNormal(shape, { ...o, ...options }),
        2000 * epsilon.float64 * o.std! + 2 * eps * largest(golden),
      ],
    };
    const [actual, limit] = draws[op]!();
    expect(actual.dtype).toBe(dtype);
    expectGolden(actual, golden, () => limit, op);
  });

  test.each(fixture.content.integers)('$op of seed $seed: $options', (c) => {
    const o = c.options;
    const golden = fixture.tensor(c.output);
    const generator = new Generator(c.seed);
    const draws: Record<string, () => Tensor> = {
      randint: () => randint(o.low!, o.high!, golden.shape, { generator }),
      randperm: () => randperm(o.n!, { generator }),
      multinomial: () =>
        multinomial(toTensor(fixture.tensor(c.inputs![0]!), 'float32'), o.numSamples!, {
          replacement: o.replacement === true,
          generator,
        }),
    };
    const actual = draws[c.op]!();
    expect(actual.dtype).toBe('int32');
    expectGolden(actual, golden, exact, c.op);
  });
});

/** The same values lying otherwise in memory, as views through which gradients flow to a leaf. */
const layouts: Record<string, (x: Tensor) => Tensor> = {
  contiguous: (x) => x,
  transposed: (x) => {
    const dims = x.shape.map((_, d) => x.ndim - 1 - d);
    return x.permute(dims).contiguous().permute(dims);
  },
  'every second': (x) => {
    if (x.ndim === 0) return x;
    const wide = zeros([...x.shape, 2], { dtype: x.dtype }).add(x.unsqueeze(-1));
    return wide.slice([...x.shape.map(() => null), [1, 2]]).squeeze(-1);
  },
};

describe('golden dropout', () => {
  const drops = { dropout, alphaDropout, featureDropout };
  for (const [index, stored] of fixture.content.dropouts.entries()) {
    const c = fixture.case(stored);
    const { p } = c.options!;
    it.each(Object.entries(layouts))(
      `${index}: ${c.op} [${c.inputs[0]!.shape}] ${c.dtype} p = ${p}, %s`,
      (_, layout) => {
        const x = toTensor(c.inputs[0]!, c.dtype, true);
        const drop = drops[c.op as keyof typeof drops];
        const y = drop(layout(x), p, { generator: new Generator(5) });
        // Factors up to 4, rounded twice, and a sum with a constant below 4.
        const bound = (i: number): number =>
          8 * epsilon[c.dtype] * (4 * Math.abs(c.inputs[0]!.data[i]!) + 4);
        expectGolden(y, c.output, bound, 'output');
        if (y === x) return;
        const [grad] = gradients(y, c.gradOutput, c.dtype, [x]);
        const limit = 8 * epsilon[c.dtype] * 4;
        expectGolden(grad!, c.gradInputs[0]!, () => limit, 'gradient');
      },
    );
  }
});

// From the files of Random123 (kat_vectors, philox4x32 10), which come with the paper.
test('the reference generator gives the known answers', () => {
  const ones32 = 0xffffffff;
  expect(philox([0, 0, 0, 0], [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  expect(philox([ones32, ones32, ones32, ones32], [ones32, ones32])).toEqual([
    0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd,
  ]);
  expect(
    philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]),
  ).toEqual([0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]);
});

const SEED = 2 ** 45 + 12345;

function generatorAt(position: number): Generator {
  const generator = new Generator(SEED);
  generator.state[2] = position % 2 ** 32;
  generator.state[3] = Math.floor(position / 2 ** 32);
  return generator;
}

const positionOf = ({ state }: Generator): number => state[2]! + 2 ** 32 * state[3]!;

describe.each(floats)('%s values are those of the stream', (dtype) => {
  const per = dtype === 'float32' ? 4 : 2;
  // The second position makes the low word carry inside a block.
  test.each([0, 2 ** 32 - 7])('from position %i, for sizes 0 to 100 and some more', (first) => {
    const all = streamUnits(SEED, 1100, dtype, first);
    for (const n of [...Array(101).keys(), 127, 128, 129, 1023, 1024, 1025, 1100]) {
      const generator = generatorAt(first);
      expect(Array.from(rand([n], { dtype, generator }).data)).toEqual(all.slice(0, n));
      expect(positionOf(generator)).toBe(first + Math.ceil(n / per));
    }
  });

  test('dropout of any size and place in memory multiplies by the mask', () => {
    const p = 0.4;
    const round = dtype === 'float32' ? Math.fround : (v: number): number => v;
    const scale = round(1 / (1 - p));
    const units = streamUnits(SEED, 1100, dtype);
    const whole = randn([1200], { dtype, generator: new Generator(1) });
    for (const n of [...Array(101).keys(), 512, 513, 1024, 1025, 1100]) {
      const offset = n % 17;
      const x = whole.slice([[offset, offset + n]]);
      const y = dropout(x, p, { generator: generatorAt(0) });
      const expected = Array.from(x.contiguous().data, (v, i) =>
        round(v * (units[i]! < round(p) ? 0 : scale)),
      );
      expect(Array.from(y.data)).toEqual(expected);
    }
  });

  test('a large strided input is read in row-major order, by any thread', () => {
    const x = randn([301, 403], { dtype, generator: new Generator(1) });
    const options = () => ({ generator: generatorAt(9) });
    const expected = dropout(x.transpose().contiguous(), 0.4, options()).data;
    expect(dropout(x.transpose(), 0.4, options()).data).toEqual(expected);
    const p = rand([301, 403], { dtype, generator: new Generator(2) });
    const drawn = bernoulli(p.transpose().contiguous(), options()).data;
    expect(bernoulli(p.transpose(), options()).data).toEqual(drawn);
    expect(p.bernoulli(options()).data).toEqual(bernoulli(p, options()).data);
  });

  test('the backward pass draws the mask of its own forward pass again', () => {
    const x = randn([1003], { dtype, generator: new Generator(1) });
    x.requiresGrad = true;
    const generator = new Generator(8);
    const plain = dropout(x, 0.5, { generator });
    const alpha = alphaDropout(x, 0.5, { generator });
    rand([100], { generator }); // the stream goes on before the backward passes
    plain.backward(ones([1003], { dtype }));
    const factors = x.grad!.clone();
    expect(new Set(factors.data)).toEqual(new Set([0, 2]));
    expect(Array.from(plain.data)).toEqual(Array.from(x.detach().mul(factors).data));
    x.zeroGrad();
    alpha.backward(ones([1003], { dtype }));
    const slopes = Array.from(x.grad!.data);
    const dropped = new Set(slopes.map((slope, i) => (slope === 0 ? alpha.data[i] : undefined)));
    dropped.delete(undefined);
    expect(dropped.size).toBe(1); // one value for everything that was dropped
    expect([...dropped][0]).toBeLessThan(-0.5);
    const others = slopes.filter((slope) => slope !== 0);
    expect(new Set(others).size).toBe(1);
    expect(Math.abs(others.length - 1003 / 2)).toBeLessThan(5 * Math.sqrt(1003 / 4));
  });
});

test('randint takes upper and lower halves from words 16 apart', () => {
  const words = streamWords(SEED, 64);
  const drawn = randint(-(2 ** 31), 2 ** 31, [32], { generator: generatorAt(0) });
  const expected = [...words.slice(0, 16), ...words.slice(32, 48)].map((w) => w - 2 ** 31);
  expect(Array.from(drawn.data)).toEqual(expected);
});

test('a call takes whole positions, so that draws of whole positions continue each other', () => {
  const whole = randn([96], { generator: new Generator(3) }).data;
  const generator = new Generator(3);
  const parts = [32, 4, 60].flatMap((n) => Array.from(randn([n], { generator }).data));
  expect(parts).toEqual(Array.from(whole));
});

test('functions that take a shape or a dtype from a tensor', () => {
  const x = zeros([3, 1, 2], { dtype: 'float64' });
  const at = () => ({ generator: new Generator(4) });
  expect(randLike(x, at()).toArray()).toEqual(
    rand([3, 1, 2], { dtype: 'float64', ...at() }).toArray(),
  );
  expect(randnLike(x, at()).toArray()).toEqual(
    randn([3, 1, 2], { dtype: 'float64', ...at() }).toArray(),
  );
  expect(randLike(x, { dtype: 'float32' }).dtype).toBe('float32');
  expect(randintLike(zeros([4], { dtype: 'uint8' }), 0, 256).dtype).toBe('uint8');
  expect(randintLike(x, 0, 9, at()).toArray()).toEqual(
    randint(0, 9, [3, 1, 2], { dtype: 'float64', ...at() }).toArray(),
  );
  expect(randn([2], { requiresGrad: true }).requiresGrad).toBe(true);
});

test.each(['bool', 'uint8', 'int8', 'int32', 'bfloat16', 'float32', 'float64'] as DType[])(
  'whole numbers as %s',
  (dtype) => {
    const options = () => ({ generator: new Generator(5) });
    const drawn = randint(0, 2, [50], { dtype, ...options() });
    expect(drawn.dtype).toBe(dtype);
    expect(drawn.to('int32').toArray()).toEqual(randint(0, 2, [50], options()).toArray());
    expect(randperm(2, { dtype, ...options() }).dtype).toBe(dtype);
  },
);

test('normal with tensors broadcasts, keeps their dtype and records nothing', () => {
  const mean = tensor([[-100], [100]], { dtype: 'float64', requiresGrad: true });
  const std = tensor([0, 1, 2]);
  const y = normal(mean, std, { generator: new Generator(6) });
  const z = randn([2, 3], { dtype: 'float64', generator: new Generator(6) });
  expect(y.toArray()).toEqual(z.mul(std).add(mean.detach()).toArray());
  expect([y.dtype, y.requiresGrad]).toEqual(['float64', false]);
  expect(normal(1, zeros([3]), {}).toArray()).toEqual([1, 1, 1]);
  expect(normal(tensor([2, 3]), 0).toArray()).toEqual([2, 3]);
});

test('bernoulli at the ends of its range', () => {
  const p = tensor([0, 1, 0, 1]);
  expect(bernoulli(p).toArray()).toEqual([0, 1, 0, 1]);
  expect(bernoulli(1, [2, 2]).toArray()).toEqual([
    [1, 1],
    [1, 1],
  ]);
  expect(bernoulli(0, []).item()).toBe(0);
  expect(bernoulli(zeros([0, 2])).shape).toEqual([0, 2]);
  const stretched = tensor([0, 1]).expand([3, 2]);
  expect(bernoulli(stretched).toArray()).toEqual([
    [0, 1],
    [0, 1],
    [0, 1],
  ]);
});

test('an exponential number is never 0, not even where the uniform one is', () => {
  // The first zero of this seed's stream, found by drawing 24 million numbers.
  const generator = () => {
    const at = new Generator(7);
    at.state[2] = 6107189;
    return { generator: at };
  };
  expect(rand([4], generator()).toArray()).toContain(0);
  const zero = (rand([4], generator()).toArray() as number[]).indexOf(0);
  expect(exponential(1, [4], generator()).data[zero]).toBe(2 ** -25);
  expect(exponential(0.5, [4], generator()).data[zero]).toBe(2 ** -24);
  expect(Math.abs(randn([4], generator()).data[zero]!)).toBe(0);
});

test('poisson of small rates inverts the distribution function at the stream of float64', () => {
  const units = streamUnits(21, 300, 'float64');
  const rates = Float64Array.from({ length: 300 }, (_, i) => (i % 100) / 10.1);
  const expected = Array.from(rates, (rate, i) => {
    let [k, p] = [0, Math.exp(-rate)];
    for (let left = units[i]! - p; left >= 0; left -= p) p *= rate / ++k;
    return k;
  });
  const drawn = poisson(tensor(rates), { generator: new Generator(21) });
  expect(Array.from(drawn.data)).toEqual(expected);
  expect(poisson(zeros([2, 3])).toArray()).toEqual(zeros([2, 3]).toArray());
  expect(poisson(zeros([0, 3])).shape).toEqual([0, 3]);
  const strided = tensor(rates).reshape([20, 15]).transpose();
  const inOrder = poisson(strided.contiguous(), { generator: new Generator(21) });
  expect(poisson(strided, { generator: new Generator(21) }).toArray()).toEqual(inOrder.toArray());
});

test('truncatedNormal far out and between infinite bounds', () => {
  const generator = new Generator(8);
  const beyond = truncatedNormal([100], { a: 50, b: 60, generator });
  expect(beyond.toArray()).toEqual(Array(100).fill(50));
  const tail = truncatedNormal([1000], { a: 8, b: Infinity, dtype: 'float64', generator });
  expect(tail.amin().item()).toBeGreaterThanOrEqual(8);
  // The mean excess over a bound t far out is 1/t - 2/t^3..., here 0.1213 with a deviation of 0.12.
  expect(Math.abs(tail.mean().item() - 8.1213)).toBeLessThan((5 * 0.12) / Math.sqrt(1000));
  const all = truncatedNormal([1000], { a: -Infinity, b: Infinity, dtype: 'float64', generator });
  expect(Math.abs(all.mean().item())).toBeLessThan(5 / Math.sqrt(1000));
});

test('nn.init.truncNormal fills any layout and returns its target', () => {
  const target = zeros([4, 6]).transpose();
  const options = { mean: 1, std: 2, a: 0, b: 1.5 };
  expect(nn.init.truncNormal(target, { ...options, generator: new Generator(9) })).toBe(target);
  const expected = truncatedNormal([6, 4], { ...options, generator: new Generator(9) });
  expect(target.toArray()).toEqual(expected.toArray());
});

describe('multinomial', () => {
  test('gives rows of their own, and a vector for a vector', () => {
    const rows = multinomial(
      tensor([
        [0, 1],
        [1, 0],
        [0, 3],
      ] as never),
      4,
      { replacement: true },
    );
    expect(rows.toArray()).toEqual([
      [1, 1, 1, 1],
      [0, 0, 0, 0],
      [1, 1, 1, 1],
    ]);
    expect(tensor([0, 0, 5]).multinomial(1).toArray()).toEqual([2]);
    expect(multinomial(zeros([0, 3]), 2).shape).toEqual([0, 2]);
    const wide = tensor([[1, 0, 0, 1]]).slice([null, [1, null, 2]]);
    expect(multinomial(wide, 1).toArray()).toEqual([[1]]);
  });

  test('without replacement takes every class with a weight before any other, tiny ones too', () => {
    const weights = tensor([0, 5e-324, 0, 1e308, 1], { dtype: 'float64' });
    for (let seed = 0; seed < 50; seed++) {
      const chosen = multinomial(weights, 3, { generator: new Generator(seed) }).toArray();
      expect([...(chosen as number[])].sort()).toEqual([1, 3, 4]);
      expect((chosen as number[])[2]).toBe(1);
    }
  });
});

describe('modules', () => {
  const x = input([4, 3, 2, 5]);
  test.each([
    ['Dropout', new nn.Dropout(0.5, { generator: new Generator(1) }), dropout],
    ['Dropout2d', new nn.Dropout2d(0.5, { generator: new Generator(1) }), featureDropout],
    ['AlphaDropout', new nn.AlphaDropout(0.5, { generator: new Generator(1) }), alphaDropout],
  ] as const)('%s does in training what its function does, and nothing otherwise', (_, m, f) => {
    expect(m.forward(x).toArray()).toEqual(f(x, 0.5, { generator: new Generator(1) }).toArray());
    m.eval();
    expect(m.forward(x)).toBe(x);
    expect(f(x, 0)).toBe(x);
  });

  test('Dropout2d drops whole channels', () => {
    manualSeed(1);
    const sums = new nn.Dropout2d(0.5).forward(ones([50, 20, 3, 3])).sum({ dim: [2, 3] });
    expect(new Set(sums.data)).toEqual(new Set([0, 18]));
  });
});

test('a recorded program draws on: other masks each time, the backward pass the same ones', () => {
  const generator = new Generator(10);
  const x = ones([500], { requiresGrad: true });
  const seen = new Set<string>();
  withoutRecycling(() => {
    let y: Tensor | undefined;
    let order: Tensor | undefined;
    const program = record(() => {
      x.zeroGrad();
      y = dropout(x, 0.5, { generator });
      y.backward(ones([500]));
      order = randperm(10, { generator });
    });
    for (let i = 0; i < 5; i++) {
      expect(Array.from(x.grad!.data)).toEqual(Array.from(y!.data));
      seen.add(`${y!.data} ${order!.data}`);
      replay(program);
    }
    // As the same calls without a program.
    const eager = new Generator(10);
    let last: Tensor | undefined;
    for (let i = 0; i < 6; i++) {
      last = dropout(ones([500]), 0.5, { generator: eager });
      randperm(10, { generator: eager });
    }
    expect(Array.from(y!.data)).toEqual(Array.from(last!.data));
    expect(Array.from(generator.state)).toEqual(Array.from(eager.state));
  });
  expect(seen.size).toBe(5);
});
