/** Convolutions against loops over their definition, and modules against what they are made of. */
import {
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  Generator,
  grad,
  nn,
  randn,
  type Tensor,
  zeros,
} from 'tilegrad';
import { describe, expect, it, test } from 'vitest';
import {
  epsilon,
  expectGolden,
  Fixture,
  type FloatType,
  type GoldenCase,
  gradients,
  largest,
  type StoredCase,
  toTensor,
} from '../../golden.js';

interface Geometry {
  stride: number[];
  padding: number[];
  dilation: number[];
  groups: number;
}

/** All places of an array of that shape, the last index fastest. */
function* places(shape: readonly number[]): Generator_ {
  const count = shape.reduce((a, b) => a * b, 1);
  for (let i = 0; i < count; i++) {
    const at = new Array<number>(shape.length);
    for (let d = shape.length - 1, rest = i; d >= 0; d--) {
      at[d] = rest % shape[d]!;
      rest = Math.floor(rest / shape[d]!);
    }
    yield at;
  }
}
type Generator_ = globalThis.Generator<number[]>;

/** A row-major array of float64 with its shape. */
class Grid {
  readonly data: Float64Array;
  constructor(readonly shape: readonly number[]) {
    this.data = new Float64Array(shape.reduce((a, b) => a * b, 1));
  }
  static of(t: Tensor): Grid {
    const grid = new Grid(t.shape);
    grid.data.set(Array.from(t.contiguous().data, Number));
    return grid;
  }
  index(at: readonly number[]): number {
    return at.reduce((sum, i, d) => sum * this.shape[d]! + i, 0);
  }
}

/**
 * Calls f for every product that a convolution adds up: the places of its three factors in x
 * [N, C, ...], weight [O, C / groups, ...] and y [N, O, ...].
 */
function eachProduct(
  x: Grid,
  weight: Grid,
  y: Grid,
  g: Geometry,
  f: (x: number, weight: number, y: number) => void,
): void {
  const perGroup = weight.shape[0]! / g.groups;
  for (const yAt of places(y.shape)) {
    const group = Math.floor(yAt[1]! / perGroup);
    for (const [c, ...tap] of places(weight.shape.slice(1))) {
      const at = tap.map((k, i) => yAt[2 + i]! * g.stride[i]! + k * g.dilation[i]! - g.padding[i]!);
      if (at.some((p, i) => p < 0 || p >= x.shape[2 + i]!)) continue;
      const xAt = [yAt[0]!, group * weight.shape[1]! + c!, ...at];
      f(x.index(xAt), weight.index([yAt[1]!, c!, ...tap]), y.index(yAt));
    }
  }
}

/** y, or one of the gradients, from the two others; and how many terms with what sum of magnitudes. */
function naive(x: Grid, weight: Grid, y: Grid, g: Geometry, want: 'x' | 'weight' | 'y') {
  const from = { x: [weight, y], weight: [x, y], y: [x, weight] }[want] as [Grid, Grid];
  const result = new Grid({ x, weight, y }[want].shape);
  const magnitudes = new Grid(result.shape);
  let terms = 0;
  eachProduct(x, weight, y, g, (i, j, k) => {
    const [a, b, to] = { x: [j, k, i], weight: [i, k, j], y: [i, j, k] }[want] as number[];
    const product = from[0].data[a!]! * from[1].data[b!]!;
    result.data[to!]! += product;
    magnitudes.data[to!]! += Math.abs(product);
    terms++;
  });
  return { result, magnitudes, steps: terms / Math.max(1, result.data.length) + 2 };
}

function expectNear(
  actual: Tensor,
  { result, magnitudes, steps }: ReturnType<typeof naive>,
  dtype: FloatType,
  label: string,
): void {
  expect([...actual.shape], label).toEqual([...result.shape]);
  const values = actual.contiguous().data;
  const wrong: string[] = [];
  // Half an ulp of the sum so far for each step of the chain; chains at borders are shorter, so the
  // mean is doubled and a constant added.
  const eps = epsilon[dtype] * (2 * steps + 8);
  result.data.forEach((want, i) => {
    const off = Math.abs(Number(values[i]) - want);
    if (!(off <= eps * magnitudes.data[i]!)) wrong.push(`[${i}] ${values[i]}, not ${want}`);
  });
  expect(wrong.slice(0, 5), label).toEqual([]);
}

const generator = new Generator(11);
const random = (shape: readonly number[], dtype: FloatType) => randn(shape, { dtype, generator });

const functions = {
  conv1d: { call: conv1d, rank: 1 },
  conv2d: { call: conv2d, rank: 2 },
  conv3d: { call: conv3d, rank: 3 },
} as const;

/** A convolution and the gradients of its operands, and the transposed one of the same geometry. */
function check(
  rank: 1 | 2 | 3,
  x: Tensor,
  weight: Tensor,
  options: { stride?: number; padding?: number | 'same'; dilation?: number; groups?: number },
): void {
  const dtype = x.dtype as FloatType;
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  const { call } = functions[`conv${rank}d`];
  const label = `conv${rank}d [${x.shape}] [${weight.shape}] ${JSON.stringify(options)} ${dtype}`;
  const bias = random([weight.shape[0]!], dtype);
  for (const t of [x, weight, bias]) t.requiresGrad = true;
  const y = call(x, weight, bias, options);
  const pads = weight.shape
    .slice(2)
    .map((k) => (padding === 'same' ? Math.floor(((k - 1) * dilation) / 2) : padding));
  const all = <V>(value: V) => new Array<V>(rank).fill(value);
  const geometry = { stride: all(stride), padding: pads, dilation: all(dilation), groups };
  const [xs, ws] = [Grid.of(x), Grid.of(weight)];
  const forward = naive(xs, ws, new Grid(y.shape), geometry, 'y');
  const channel = y.shape.slice(2).reduce((a, b) => a * b, 1);
  forward.result.data.forEach((_, i) => {
    const start = Number(bias.data[Math.floor(i / channel) % bias.numel]);
    forward.result.data[i]! += start;
    forward.magnitudes.data[i]! += Math.abs(start);
  });
  expectNear(y, forward, dtype, label);

  const g = random(y.shape, dtype);
  const gs = Grid.of(g);
  const [dx, dw, db] = grad(y, [x, weight, bias], { gradOutputs: g }) as Tensor[];
  expectNear(dx!, naive(xs, ws, gs, geometry, 'x'), dtype, `dx of ${label}`);
  expectNear(dw!, naive(xs, ws, gs, geometry, 'weight'), dtype, `dw of ${label}`);
  const sums = new Grid(bias.shape);
  const sizes = new Grid(bias.shape);
  gs.data.forEach((v, i) => {
    sums.data[Math.floor(i / channel) % bias.numel]! += v;
    sizes.data[Math.floor(i / channel) % bias.numel]! += Math.abs(v);
  });
  const steps = gs.data.length / Math.max(1, bias.numel);
  expectNear(db!, { result: sums, magnitudes: sizes, steps }, dtype, `db of ${label}`);
}

describe.each(['float32', 'float64'] as const)('against the definition, %s', (dtype) => {
  const r = (...shape: number[]) => random(shape, dtype);

  test('sizes around tiles and vectors', () => {
    for (const c of [1, 2, 3, 5]) {
      for (const o of [1, 2, 3, 8, 15, 17]) check(2, r(1, c, 5, 6), r(o, c, 2, 3), { padding: 1 });
    }
    for (const size of [3, 4, 7, 15, 16, 17, 31, 33, 47, 64, 67]) {
      check(1, r(2, 2, size), r(3, 2, 3), {});
      check(2, r(1, 1, 3, size), r(4, 1, 3, 3), { padding: 1 });
    }
  });

  test('strides, padding and dilation', () => {
    for (const stride of [1, 2, 3]) {
      for (const padding of [0, 1, 3]) {
        for (const dilation of [1, 2, 3]) {
          check(2, r(1, 2, 7, 9), r(3, 2, 3, 2), { stride, padding, dilation });
          check(1, r(2, 3, 11), r(4, 3, 4), { stride, padding, dilation });
        }
      }
    }
    // Kernels smaller than the stride leave inputs that nothing sees.
    check(2, r(2, 3, 9, 8), r(5, 3, 1, 1), { stride: 3 });
    check(2, r(2, 3, 9, 8), r(5, 3, 2, 1), { stride: 4, padding: 1 });
    check(1, r(1, 1, 1), r(3, 1, 3), { stride: 5, padding: 1 });
  });

  test('three axes', () => {
    check(3, r(2, 2, 3, 4, 5), r(3, 2, 2, 2, 3), { padding: 1 });
    check(3, r(1, 2, 5, 4, 5), r(4, 1, 2, 3, 2), { stride: 2, groups: 2 });
    check(3, r(1, 1, 4, 5, 5), r(3, 1, 2, 2, 2), { dilation: 2 });
  });

  test('the same size, for odd and even kernels', () => {
    for (const k of [1, 2, 3, 4]) {
      check(1, r(1, 2, 9), r(3, 2, k), { padding: 'same' });
      check(2, r(1, 2, 5, 6), r(3, 2, k, 2), { padding: 'same', dilation: 2 });
    }
  });

  test('groups, and a channel each', () => {
    check(2, r(2, 6, 5, 5), r(9, 2, 3, 3), { groups: 3, padding: 1 });
    check(2, r(2, 7, 6, 5), r(7, 1, 3, 3), { groups: 7, padding: 1 });
    check(2, r(2, 3, 6, 19), r(6, 1, 3, 3), { groups: 3, padding: 1, stride: 2 });
    check(1, r(1, 4, 40), r(4, 1, 5), { groups: 4, padding: 2 });
  });

  test('a channel each, around as many as there are lanes', () => {
    for (const channels of [3, 4, 8, 15, 16, 17, 31, 32, 33, 40]) {
      check(2, r(2, channels, 4, 5), r(channels, 1, 3, 3), { groups: channels, padding: 1 });
    }
    for (const taps of [1, 2, 4, 5, 6, 7, 10, 11]) {
      check(1, r(2, 18, 12), r(18, 1, taps), { groups: 18 });
    }
    check(2, r(1, 20, 8, 9), r(20, 1, 5, 5), { groups: 20, padding: 2 });
    check(2, r(3, 19, 7, 8), r(19, 1, 3, 2), { groups: 19, padding: 1, stride: 2, dilation: 2 });
    check(3, r(2, 6, 3, 4, 5), r(6, 1, 2, 3, 2), { groups: 6, padding: 1, stride: 2 });
    check(3, r(2, 6, 3, 4, 5), r(6, 1, 2, 3, 2), { groups: 6 });
    const groups = 5;
    check(2, r(2, 5, 6, 9).permute([0, 1, 3, 2]), r(5, 1, 3, 3), { groups });
    check(2, r(2, 6, 5, 5).permute([0, 3, 1, 2]), r(5, 1, 3, 3), { groups, padding: 1 });
    check(2, r(2, 10, 9, 40).slice([null, [0, null, 2], [1, 8], [3, 10]]), r(5, 1, 3, 3), {
      groups,
    });
    check(2, r(1, 5, 9, 9).expand([3, 5, 9, 9]), r(5, 1, 3, 3), { groups });
  });

  // Where the transpose turns its weight round in blocks of 16 rows, and the weight's gradient its
  // result in blocks of 32 rows and 64 columns.
  test('more channels than blocks of them', () => {
    for (const stride of [1, 2]) {
      check(2, r(1, 35, 3, 4), r(67, 35, 2, 2), { stride, padding: 1 });
      check(1, r(2, 34, 6), r(66, 17, 3), { stride, groups: 2 });
    }
  });

  test('one tap: a plain product', () => {
    check(2, r(2, 5, 4, 9), r(7, 5, 1, 1), {});
    check(1, r(9, 20, 3), r(2, 20, 1), {});
    check(2, r(1, 4, 4, 9), r(6, 2, 1, 1), { groups: 2 });
  });

  test('views', () => {
    check(2, r(2, 5, 6, 3).permute([0, 3, 1, 2]), r(4, 3, 3, 3), { padding: 1 });
    check(2, r(2, 5, 6, 3).permute([0, 3, 1, 2]), r(4, 3, 1, 1), {});
    check(2, r(2, 3, 5, 12).slice([null, null, null, [0, null, 2]]), r(4, 3, 3, 3), {});
    check(2, r(2, 6, 5, 8).slice([null, [0, null, 2], [1, 4], [1, 7]]), r(4, 3, 2, 3), {});
    check(2, r(1, 3, 5, 1).expand([2, 3, 5, 4]), r(4, 3, 3, 3), { padding: 1 });
    check(1, r(2, 3, 9), r(3, 3, 4).permute([2, 1, 0]), {});
  });

  test('long chains, many rows, more pixels than a block', () => {
    check(1, r(1, 70, 20), r(15, 70, 9), {});
    check(1, r(1, 1, 700), r(3, 1, 3), { padding: 1 });
    check(2, r(3, 2, 15, 15), r(30, 2, 3, 3), { padding: 1 });
  });

  test('nothing', () => {
    check(2, r(0, 2, 5, 5), r(3, 2, 3, 3), {});
    check(1, r(2, 0, 5), r(3, 0, 3), {});
    check(1, r(2, 3, 5), r(0, 3, 3), {});
    check(1, r(2, 2, 0), r(3, 2, 1), { padding: 2 });
    expect(conv1d(r(2, 0), zeros([3, 2, 2], { dtype }), null, { padding: 1 }).shape).toEqual([
      3, 1,
    ]);
  });
});

interface Options {
  /** Of a module: its positional arguments, its options and the names of its parameters. */
  sizes?: never[];
  layer?: object;
  parameters?: string[];
  /** What its call asks for. */
  outputSize?: number[];
}

const fixture = new Fixture<{ cases: StoredCase<Options>[] }>('conv');
const calls = { conv1d, conv2d, conv3d, convTranspose1d, convTranspose2d, convTranspose3d };

type Layer = new (...args: unknown[]) => nn.Module;

function runGolden({ op, options, dtype }: GoldenCase<Options>, inputs: readonly Tensor[]): Tensor {
  const [x, weight, bias = null] = inputs as [Tensor, Tensor, Tensor?];
  if (options?.sizes === undefined) {
    return calls[op as keyof typeof calls](x, weight, bias, options as object);
  }
  const Class = nn[op as 'Conv2d'] as unknown as Layer;
  const layer = new Class(...options.sizes, { ...options.layer, dtype });
  expect(Object.keys(layer.stateDict())).toEqual(options.parameters);
  const state = Object.fromEntries(options.parameters!.map((key, i) => [key, inputs[1 + i]!]));
  layer.loadStateDict(Object.fromEntries(Object.entries(state).map(([k, t]) => [k, t.detach()])));
  const { outputSize } = options;
  const call = (outputSize === undefined ? [] : [{ outputSize }]) as never as Tensor[];
  const y = layer.forward(x, ...call);
  // Its own parameters are leaves of their own: their gradients go to the given ones.
  const parameters = [...layer.parameters()];
  const own = grad(y.sum(), parameters) as Tensor[];
  expect(own.map((t) => t.shape)).toEqual(parameters.map((t) => t.shape));
  return layerOf(layer, state).forward(x, ...call);
}

/** The module with the given tensors in the place of its parameters. */
function layerOf(layer: nn.Module, state: Record<string, Tensor>): nn.Module {
  return Object.assign(Object.create(layer), state);
}

describe('golden convolutions', () => {
  for (const [index, stored] of fixture.content.cases.entries()) {
    const c = fixture.case(stored);
    it(`${index}: ${c.op} [${c.inputs[0]!.shape}] ${c.dtype}`, () => {
      const inputs = c.inputs.map((x) => toTensor(x, c.dtype, true));
      const y = runGolden(c, inputs);
      // Chains of fewer than 200 steps, of values up to 4 by 4.
      const bound = 200 * epsilon[c.dtype] * Math.max(1, largest(c.output));
      expectGolden(y, c.output, () => bound, 'output');
      for (const [i, got] of gradients(y, c.gradOutput, c.dtype, inputs).entries()) {
        const limit = 200 * epsilon[c.dtype] * Math.max(1, largest(c.gradInputs[i]!));
        expectGolden(got, c.gradInputs[i]!, () => limit, `gradient of input ${i}`);
      }
    });
  }
});

test('initial values are those of PyTorch: uniform, bounded by the fan-in', () => {
  const layer = new nn.Conv2d(8, 32, 3, { groups: 2, generator });
  const bound = 1 / Math.sqrt(4 * 9);
  for (const t of [layer.weight, layer.bias as Tensor]) {
    const values = Array.from(t.data, Number);
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(bound);
    expect(Math.max(...values)).toBeGreaterThan(0.8 * bound);
    expect(Math.min(...values)).toBeLessThan(-0.8 * bound);
  }
  const transposed = new nn.ConvTranspose1d(2, 6, 5, { bias: false, generator });
  expect(transposed.bias).toBeNull();
  expect(Math.max(...Array.from(transposed.weight.data, Math.abs))).toBeLessThan(1 / Math.sqrt(30));
});

test('a module in a Sequential learns', () => {
  const model = new nn.Sequential(new nn.Conv2d(1, 2, 3, { generator }), new nn.Tanh());
  model
    .forward(randn([2, 1, 5, 5], { generator }))
    .sum()
    .backward();
  expect([...model.parameters()].every((p) => p.grad !== null)).toBe(true);
});
