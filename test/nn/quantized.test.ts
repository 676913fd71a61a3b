import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  crossEntropy,
  Generator,
  linear as linearOf,
  loadSafetensorsSync,
  nn,
  noGrad,
  optim,
  quantizePerChannel,
  randn,
  saveSafetensorsSync,
  type Tensor,
  tensor,
} from 'tilegrad';
import { activations } from 'tilegrad/ops/product/gemm.js';
import { describe, expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';

const generator = new Generator(11);
const linear = (inputs: number, outputs: number, options = {}) =>
  new nn.Linear(inputs, outputs, { generator, ...options });
const normal = (...shape: number[]) => randn(shape, { generator });

/** The bound that QuantizedLinear's documentation states, for each element, with the roundings of float32. */
function bound(x: Tensor, layer: nn.Linear): number[][] {
  const xs = x.toArray() as number[][];
  const ws = layer.weight.toArray() as number[][];
  const scale = (row: number[]) => Math.max(...row.map(Math.abs)) / 127;
  return xs.map((row) =>
    ws.map((w) => {
      const [sx, sw] = [scale(row), scale(w)];
      const steps = row.map(
        (v, k) => (Math.abs(v) * sw + Math.abs(w[k]!) * sx) / 2 + (sx * sw) / 4,
      );
      const products = row.map((v, k) => Math.abs(v * w[k]!));
      const sum = (list: number[]) => list.reduce((a, b) => a + b, 0);
      // Half steps are rounded products themselves; the float layer's chain rounds k times, ours 4.
      return sum(steps) * (1 + 2 ** -16) + (row.length + 5) * 2 ** -24 * (sum(products) + 1);
    }),
  );
}

describe('QuantizedLinear', () => {
  test.each([
    [1, 1, 1],
    [3, 5, 7],
    [17, 33, 65],
    [40, 100, 10],
    [5, 784, 128],
  ])('%i x %i x %i is as near to the float layer as documented', (rows, inputs, outputs) => {
    for (const bias of [true, false]) {
      const layer = linear(inputs, outputs, { bias });
      const x = normal(rows, inputs);
      const want = layer.forward(x).toArray() as number[][];
      const got = nn.QuantizedLinear.from(layer).forward(x).toArray() as number[][];
      const limits = bound(x, layer);
      got.forEach((row, i) => {
        row.forEach((value, j) => {
          expect(Math.abs(value - want[i]![j]!)).toBeLessThanOrEqual(limits[i]![j]!);
        });
      });
    }
  });

  test('is exact where the numbers are whole multiples of the scales', () => {
    const layer = linear(4, 2);
    layer.loadStateDict({
      weight: tensor([
        [127, -3, 0, 64],
        [-127, 1, 2, 3],
      ]),
      bias: tensor([0.5, -0.25]),
    });
    const x = tensor([
      [127, 1, -2, 5],
      [0, 0, 0, 0],
      [-63.5, 0.5, 1, 2.5],
    ]);
    const quantized = nn.QuantizedLinear.from(layer);
    expect(quantized.forward(x).toArray()).toEqual(layer.forward(x).toArray());
    const { weight, bias } = layer;
    for (const activation of activations) {
      const options = { activation, negativeSlope: 0.3 };
      const active = nn.QuantizedLinear.from(layer, options);
      const want = linearOf(x, weight.detach(), bias!.detach(), options);
      expect(active.forward(x).toArray()).toEqual(want.toArray());
    }
    const leaky = nn.QuantizedLinear.from(layer, { activation: 'leakyRelu' });
    expect(leaky.forward(x).toArray()).toEqual(layer.forward(x).leakyRelu().toArray());
  });

  test('any number of dimensions, views, and nothing', () => {
    const layer = nn.QuantizedLinear.from(linear(6, 4));
    const x = normal(2, 3, 6);
    const y = layer.forward(x);
    expect([...y.shape]).toEqual([2, 3, 4]);
    expect(layer.forward(x.reshape([6, 6])).toArray()).toEqual(y.reshape([6, 4]).toArray());
    expect(layer.forward(x.slice([1, 2])).toArray()).toEqual((y.toArray() as number[][][])[1]![2]);
    const t = normal(6, 5);
    const dense = layer.forward(t.transpose().contiguous());
    expect(layer.forward(t.transpose()).toArray()).toEqual(dense.toArray());
    expect([...layer.forward(normal(0, 6)).shape]).toEqual([0, 4]);
  });

  test('a row with a NaN or an infinity is NaN, the others are what they were', () => {
    const layer = nn.QuantizedLinear.from(linear(20, 3));
    const x = normal(4, 20);
    const before = layer.forward(x).toArray() as number[][];
    x.data[25] = Number.NaN;
    x.data[65] = Infinity;
    const after = layer.forward(x).toArray() as number[][];
    const nan = [Number.NaN, Number.NaN, Number.NaN];
    expect(after).toEqual([before[0], nan, before[2], nan]);
  });

  test('has no gradient, and says so when one is asked for', () => {
    const layer = nn.QuantizedLinear.from(linear(3, 2));
    const x = tensor([[1, 2, 3]], { requiresGrad: true });
    const y = layer.forward(x);
    expectError(() => y.sum().backward(), 'ERR_STATE', '[QuantizedLinear] is for inference');
    expect(noGrad(() => layer.forward(x)).requiresGrad).toBe(false);
    expect(layer.forward(x.detach()).requiresGrad).toBe(false);
    expect([...layer.parameters()]).toEqual([]);
  });

  test('its state is int8 values, scales and bias; loading it takes effect at once', () => {
    const layer = linear(5, 3);
    const quantized = nn.QuantizedLinear.from(layer);
    const { values, scales } = quantizePerChannel(layer.weight);
    const state = quantized.stateDict();
    expect(Object.keys(state)).toEqual(['weight', 'weightScale', 'bias']);
    expect(state.weight!.dtype).toBe('int8');
    expect(state.weight!.toArray()).toEqual(values.toArray());
    expect(state.weightScale!.toArray()).toEqual(scales.toArray());
    expect(state.bias!.toArray()).toEqual(layer.bias!.toArray());

    const other = new nn.QuantizedLinear(5, 3);
    const x = normal(2, 5);
    expect(other.forward(x).toArray()).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
    other.loadStateDict(state);
    expect(other.forward(x).toArray()).toEqual(quantized.forward(x).toArray());
    expectError(() => other.loadStateDict(layer.stateDict()), 'ERR_ARGUMENT', 'weightScale');
    expectError(
      () => other.loadStateDict(layer.stateDict(), { strict: false }),
      'ERR_DTYPE',
      'weight is int8, not float32',
    );
  });

  test('shares no memory with the layer it was made from', () => {
    const layer = linear(3, 2);
    const quantized = nn.QuantizedLinear.from(layer);
    const x = normal(1, 3);
    const before = quantized.forward(x).toArray();
    nn.init.zeros(layer.weight);
    nn.init.zeros(layer.bias!);
    expect(quantized.forward(x).toArray()).toEqual(before);
  });
});

class Block extends nn.Module {
  readonly first = linear(4, 8);
  readonly list = [linear(8, 8), new nn.ReLU()] as const;
  readonly shared = this.first;
  readonly inner = new nn.Sequential(new nn.Tanh(), linear(8, 2));
  readonly mean = new nn.Buffer(tensor([0.5]));

  forward(x: Tensor): Tensor {
    const [middle, relu] = this.list;
    return this.inner.forward(relu.forward(middle.forward(this.first.forward(x.sub(this.mean)))));
  }
}

describe('quantizeDynamic', () => {
  test('replaces the linear layers, wherever they are, and nothing else', () => {
    const block = new Block();
    const x = normal(6, 4);
    const want = block.forward(x);
    const names = Object.keys(block.stateDict());
    expect(nn.quantizeDynamic(block)).toBe(block);
    const kinds = [...block.modules()].map((module) => module.constructor.name);
    expect(kinds.filter((kind) => kind === 'Linear')).toEqual([]);
    // The shared one stands once.
    expect(kinds.filter((kind) => kind === 'QuantizedLinear')).toHaveLength(3);
    expect(block.shared).toBe(block.first);
    expect([...block.parameters()]).toEqual([]);
    expect(Object.keys(block.stateDict()).filter((name) => !name.endsWith('Scale'))).toEqual(names);
    // Three layers of errors near 1/127 of numbers near 1.
    const difference = block.forward(x).sub(want).abs().amax().item();
    expect(difference).toBeGreaterThan(0);
    expect(difference).toBeLessThan(0.05);
  });

  test('returns the replacement of a layer, and leaves derived classes', () => {
    class Own extends nn.Linear {}
    expect(nn.quantizeDynamic(linear(2, 3)) satisfies nn.QuantizedLinear).toBeInstanceOf(
      nn.QuantizedLinear,
    );
    const own = new nn.Sequential(new Own(2, 3));
    nn.quantizeDynamic(own);
    expect(own.layers[0]).toBeInstanceOf(Own);
  });

  test('changes nothing when a layer is of another dtype', () => {
    const model = new nn.Sequential(linear(2, 3), linear(3, 2, { dtype: 'float64' }));
    expectError(() => nn.quantizeDynamic(model), 'ERR_DTYPE', '[quantizeDynamic]');
    expect(model.layers[0]).toBeInstanceOf(nn.Linear);
  });

  test('a trained classifier stays as accurate, and its state survives a file', () => {
    // Four classes of points around the corners of a square, with some overlap, in 16 dimensions.
    const count = 800;
    const own = new Generator(5);
    const mixing = randn([2, 16], { generator: own });
    const labels = Array.from({ length: count }, (_, i) => i % 4);
    const corners = tensor(labels.map((c) => [c % 2 === 0 ? -1.2 : 1.2, c < 2 ? -1.2 : 1.2]));
    const points = corners.add(randn([count, 2], { generator: own }).mul(0.5));
    const x = points.matmul(mixing).add(randn([count, 16], { generator: own }).mul(0.1));
    const make = () =>
      new nn.Sequential(
        new nn.Linear(16, 48, { generator: own }),
        new nn.ReLU(),
        new nn.Linear(48, 4, { generator: own }),
      );
    const model = make();
    const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
    const train = x.slice([[0, 600]]);
    for (let step = 0; step < 60; step++) {
      optimizer.zeroGrad();
      crossEntropy(model.forward(train), labels.slice(0, 600)).backward();
      optimizer.step();
    }
    const held = x.slice([[600, null]]);
    const classes = (net: nn.Module) =>
      noGrad(() => net.forward(held))
        .argmax({ dim: 1 })
        .toArray() as number[];
    const accuracy = (found: number[]) =>
      found.filter((c, i) => c === labels[600 + i]).length / found.length;
    const float = classes(model);
    expect(accuracy(float)).toBeGreaterThan(0.9);
    nn.quantizeDynamic(model);
    const quantized = classes(model);
    // At most 2 of 200 may differ: points that lie on a boundary between classes.
    expect(quantized.filter((c, i) => c !== float[i]).length).toBeLessThanOrEqual(2);

    const folder = mkdtempSync(join(tmpdir(), 'tilegrad-quantized-'));
    try {
      const file = join(folder, 'model.safetensors');
      saveSafetensorsSync(file, model.stateDict());
      const again = nn.quantizeDynamic(make());
      again.loadStateDict(loadSafetensorsSync(file).tensors);
      expect(again.forward(held).toArray()).toEqual(model.forward(held).toArray());
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test('buffers are saved and loaded but not learned', () => {
  const block = new Block();
  expect([...block.namedBuffers()].map(([name]) => name)).toEqual(['mean']);
  expect([...block.namedParameters()].map(([name]) => name)).not.toContain('mean');
  block.loadStateDict({ mean: tensor([2]) }, { strict: false });
  expect(block.mean.item()).toBe(2);
  expect(block.stateDict().mean!.item()).toBe(2);
});
