import {
  type DType,
  Generator,
  linear,
  matmul,
  nn,
  ones,
  rand,
  sum,
  type Tensor,
  tensor,
  zeros,
} from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';

/** A parameter with one element, whose value tells which one it is. */
const parameter = (value: number): nn.Parameter => new nn.Parameter(tensor([value]));

class Leaf extends nn.Module {
  readonly weight: nn.Parameter;

  constructor(value: number) {
    super();
    this.weight = parameter(value);
  }

  forward(x: Tensor): Tensor {
    return x.mul(this.weight);
  }
}

class Tree extends nn.Module {
  readonly scale = parameter(1);
  readonly first = new Leaf(2);
  readonly list = [new Leaf(3), parameter(4), 'no member', null] as const;
  readonly plain = tensor([5]);
  readonly nothing: nn.Parameter | null = null;
  readonly nested = new nn.Sequential(new Leaf(6), new nn.Sequential(new nn.ReLU(), new Leaf(7)));

  forward(x: Tensor): Tensor {
    return x;
  }
}

describe('names of parameters', () => {
  test("are those of the properties, in PyTorch's order: own ones first", () => {
    const named = [...new Tree().namedParameters()].map(([name, p]) => [name, p.item()]);
    expect(named).toEqual([
      ['scale', 1],
      ['list.1', 4],
      ['first.weight', 2],
      ['list.0.weight', 3],
      ['nested.0.weight', 6],
      ['nested.1.1.weight', 7],
    ]);
    expect([...new Tree().parameters()].map((p) => p.item())).toEqual([1, 4, 2, 3, 6, 7]);
  });

  test('follow what is assigned later', () => {
    class Growing extends nn.Module {
      weight = parameter(1);
      child: nn.Module | null = null;
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    const module = new Growing();
    module.child = new Leaf(2);
    module.weight = parameter(3);
    const named = [...module.namedParameters()].map(([name, p]) => [name, p.item()]);
    expect(named).toEqual([
      ['weight', 3],
      ['child.weight', 2],
    ]);
  });

  test('name a shared parameter and a shared module once', () => {
    class Tied extends nn.Module {
      readonly encoder = new Leaf(1);
      readonly decoder = new Leaf(2);
      readonly again = this.encoder;
      readonly weight = this.decoder.weight;
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    const tied = new Tied();
    expect([...tied.namedParameters()].map(([name]) => name)).toEqual(['weight', 'encoder.weight']);
    expect(Object.keys(tied.stateDict())).toEqual(['weight', 'encoder.weight']);
    // Both uses of a shared one add to its gradient.
    sum(tied.again.forward(tied.encoder.forward(ones([1])))).backward();
    expect(tied.encoder.weight.grad?.item()).toBe(2);
  });

  test('of modules', () => {
    const tree = new Tree();
    expect([...tree.namedChildren()].map(([name]) => name)).toEqual(['first', 'list.0', 'nested']);
    expect([...tree.modules()].map((module) => module.constructor.name)).toEqual([
      ...['Tree', 'Leaf', 'Leaf', 'Sequential', 'Leaf', 'Sequential', 'ReLU', 'Leaf'],
    ]);
  });

  test('zeroGrad reaches all', () => {
    const tree = new Tree();
    for (const p of tree.parameters()) p.square().backward();
    expect([...tree.parameters()].every((p) => p.grad !== null)).toBe(true);
    tree.zeroGrad();
    expect([...tree.parameters()].every((p) => p.grad === null)).toBe(true);
  });
});

test('train and eval reach all modules and give the module back', () => {
  const tree = new Tree();
  const modes = () => [...tree.modules()].map((module) => module.training);
  expect(modes()).toEqual(new Array(8).fill(true));
  expect(tree.eval()).toBe(tree);
  expect(modes()).toEqual(new Array(8).fill(false));
  expect(tree.train()).toBe(tree);
  expect(modes()).toEqual(new Array(8).fill(true));
  tree.train(false);
  expect(modes()).toEqual(new Array(8).fill(false));
});

describe('stateDict', () => {
  test('shares memory and has no history', () => {
    const leaf = new Leaf(1);
    const state = leaf.stateDict();
    expect(state.weight?.requiresGrad).toBe(false);
    leaf.weight.data[0] = 5;
    expect(state.weight?.item()).toBe(5);
  });

  test('comes back through loadStateDict', () => {
    const from = new Tree();
    const to = new Tree();
    for (const p of to.parameters()) p.data[0] = 0;
    to.loadStateDict(from.stateDict());
    expect([...to.parameters()].map((p) => p.item())).toEqual([1, 4, 2, 3, 6, 7]);
    // Copied: the two stay apart.
    from.scale.data[0] = 9;
    expect(to.scale.item()).toBe(1);
    expect(to.scale.requiresGrad).toBe(true);
  });

  test('loads strided values into strided parameters', () => {
    const layer = new nn.Linear(3, 2);
    const weight = tensor([
      [1, 4],
      [2, 5],
      [3, 6],
    ]).transpose();
    layer.loadStateDict({ weight, bias: tensor([0, 7, 0, 8]).slice([[1, null, 2]]) });
    expect(layer.weight.toArray()).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(layer.bias?.toArray()).toEqual([7, 8]);
    expect([...layer.weight.strides]).toEqual([1, 2]);
  });

  /** A layer with known values, which must keep them through every failing load. */
  function expectUnchanged(state: object, code: Parameters<typeof expectError>[1], text: string) {
    const layer = new nn.Linear(2, 1);
    layer.weight.data.set([1, 2]);
    layer.bias?.data.set([3]);
    expectError(() => layer.loadStateDict(state as nn.StateDict), code, text);
    expect([layer.weight.toArray(), layer.bias?.toArray()]).toEqual([[[1, 2]], [3]]);
  }

  test('rejects missing and unknown names', () => {
    const weight = zeros([1, 2]);
    const bias = zeros([1]);
    expectUnchanged({ weight }, 'ERR_ARGUMENT', 'missing: bias; unknown: nothing');
    expectUnchanged({}, 'ERR_ARGUMENT', 'missing: weight, bias');
    const more = { weight, bias, extra: bias };
    expectUnchanged(more, 'ERR_ARGUMENT', 'missing: nothing; unknown: extra');
    expectUnchanged(
      { toString: weight, bias },
      'ERR_ARGUMENT',
      'missing: weight; unknown: toString',
    );
  });

  test('loads what there is when not strict', () => {
    const layer = new nn.Linear(2, 1);
    layer.bias?.data.set([3]);
    layer.loadStateDict({ weight: ones([1, 2]), extra: ones([9]) }, { strict: false });
    expect([layer.weight.toArray(), layer.bias?.toArray()]).toEqual([[[1, 1]], [3]]);
    expectError(
      () => layer.loadStateDict({}, { stricts: false } as object),
      'ERR_ARGUMENT',
      '[loadStateDict] unknown option "stricts"',
    );
  });

  test('changes nothing when one of the tensors does not fit', () => {
    const weight = zeros([1, 2]);
    expectUnchanged({ weight, bias: zeros([2]) }, 'ERR_SHAPE', 'bias has shape [1], not [2]');
    expectUnchanged({ weight, bias: zeros([]) }, 'ERR_SHAPE', 'bias');
    expectUnchanged({ weight, bias: [0] }, 'ERR_ARGUMENT', 'bias');
    expectUnchanged({ weight, bias: undefined }, 'ERR_ARGUMENT', 'bias');
    const gone = zeros([1]);
    gone.dispose();
    expectUnchanged({ weight, bias: gone }, 'ERR_DISPOSED', 'bias');
  });

  test('converts to the dtypes of the module, as copy_ does', () => {
    const norm = new nn.BatchNorm1d(2);
    const given = (values: number[], dtype: DType) => tensor(values, { dtype });
    norm.loadStateDict({
      weight: given([0.1, 1e300], 'float64'),
      bias: given([1.5, -2], 'bfloat16'),
      running_mean: given([0.25, 3], 'float16'),
      running_var: given([7, 2], 'int32'),
      num_batches_tracked: tensor(2.75, { dtype: 'float64' }),
    });
    expect(norm.weight?.toArray()).toEqual([Math.fround(0.1), Infinity]);
    expect(norm.bias?.toArray()).toEqual([1.5, -2]);
    expect(Object.values(norm.stateDict()).map((t) => [t.dtype, t.toArray()])).toEqual([
      ['float32', [Math.fround(0.1), Infinity]],
      ['float32', [1.5, -2]],
      ['float32', [0.25, 3]],
      ['float32', [7, 2]],
      ['int32', 2],
    ]);
    const half = new nn.Linear(2, 1).to('bfloat16');
    half.loadStateDict({ weight: tensor([[1 + 2 ** -9, 3]]), bias: tensor([1]) });
    expect(half.weight.toArray()).toEqual([[1, 3]]);
  });

  test('assign keeps floating dtypes', () => {
    const layer = new nn.Linear(2, 1);
    const double = ones([1, 2], { dtype: 'float64' });
    const whole = tensor([3], { dtype: 'int64' });
    layer.loadStateDict({ weight: double, bias: whole }, { assign: true });
    expect([layer.weight.dtype, layer.bias?.dtype]).toEqual(['float64', 'float32']);
    expect(layer.weight.storage).toBe(double.storage);
    expect(layer.bias?.item()).toBe(3);
  });

  test('can be loaded while gradients are recorded', () => {
    const leaf = new Leaf(1);
    leaf.loadStateDict({ weight: tensor([2], { requiresGrad: true }) });
    expect([leaf.weight.isLeaf, leaf.weight.item()]).toEqual([true, 2]);
  });
});

describe('Linear', () => {
  test("shows PyTorch's shape and lies transposed in memory", () => {
    const layer = new nn.Linear(3, 2);
    expect([...layer.weight.shape]).toEqual([2, 3]);
    expect([...layer.weight.strides]).toEqual([1, 2]);
    expect([...(layer.bias as Tensor).shape]).toEqual([2]);
    expect(layer.weight.transpose().isContiguous).toBe(true);
    // Gradients lie the same way, so that optimizers walk through both in order.
    layer
      .forward(ones([4, 3]))
      .sum()
      .backward();
    expect([...(layer.weight.grad as Tensor).strides]).toEqual([1, 2]);
  });

  test('computes x W^T + b', () => {
    const layer = new nn.Linear(3, 2, { dtype: 'float64' });
    const x = tensor(
      [
        [1, 2, 3],
        [-1, 0, 1],
      ],
      { dtype: 'float64' },
    );
    layer.loadStateDict({
      weight: tensor(
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
        { dtype: 'float64' },
      ),
      bias: tensor([10, 20], { dtype: 'float64' }),
    });
    expect(layer.forward(x).toArray()).toEqual([
      [24, 52],
      [12, 22],
    ]);
    expect(layer.forward(x.slice([0])).toArray()).toEqual([24, 52]);
    expect([...layer.forward(x.expand([5, 2, 3])).shape]).toEqual([5, 2, 2]);
    expect(layer.forward(x).toArray()).toEqual(linear(x, layer.weight, layer.bias).toArray());
    const bare = new nn.Linear(3, 2, { bias: false });
    expect(bare.bias).toBeNull();
    const y = bare.forward(ones([1, 3]));
    expect(y.toArray()).toEqual(matmul(ones([1, 3]), bare.weight.transpose()).toArray());
  });

  test('starts within 1 / sqrt(inFeatures), the same for the same seed', () => {
    const layer = new nn.Linear(16, 8, { generator: new Generator(7) });
    const again = new nn.Linear(16, 8, { generator: new Generator(7) });
    expect(layer.weight.toArray()).toEqual(again.weight.toArray());
    for (const p of layer.parameters()) {
      const largest = p.abs().max().item();
      expect(largest).toBeLessThanOrEqual(1 / 4);
      expect(largest).toBeGreaterThan(0);
    }
  });

  test('trains in float64 as in float32', () => {
    const layer = new nn.Linear(2, 2, { dtype: 'float64' });
    const model = new nn.Sequential(layer, new nn.Tanh(), new nn.Dropout(0.5), new nn.Sigmoid());
    const y = model.forward(ones([3, 2], { dtype: 'float64' }));
    expect(y.dtype).toBe('float64');
    y.sum().backward();
    expect(layer.weight.grad?.dtype).toBe('float64');
    expectError(() => model.forward(ones([3, 2])), 'ERR_DTYPE', '[linear]');
  });

  test('rejects inputs of another size', () => {
    expectError(() => new nn.Linear(3, 2).forward(ones([3, 2])), 'ERR_SHAPE', '[linear]');
    expectError(() => new nn.Linear(3, 2).forward(tensor(1)), 'ERR_SHAPE', '[linear]');
  });
});

describe('Dropout', () => {
  test('sets about p of the elements to 0 and scales the others', () => {
    const n = 100_000;
    const p = 0.3;
    const layer = new nn.Dropout(p, { generator: new Generator(1) });
    const y = layer.forward(ones([n])).data as Float32Array;
    const zerosCount = y.reduce((count, value) => count + (value === 0 ? 1 : 0), 0);
    // Five standard deviations of a binomial distribution: once in 1.7 million seeds.
    expect(Math.abs(zerosCount - n * p)).toBeLessThan(5 * Math.sqrt(n * p * (1 - p)));
    const scale = Math.fround(1 / (1 - p));
    expect(y.every((value) => value === 0 || value === scale)).toBe(true);
  });

  test('drops others every time, and the same again from the same seed', () => {
    const generator = new Generator(3);
    const layer = new nn.Dropout(0.5, { generator });
    const x = ones([1000]);
    const first = layer.forward(x).toArray();
    expect(layer.forward(x).toArray()).not.toEqual(first);
    generator.seed(3);
    expect(layer.forward(x).toArray()).toEqual(first);
  });

  test('of 0 is the identity, of 1 gives zeros', () => {
    const x = rand([100]);
    expect(new nn.Dropout(0).forward(x).toArray()).toEqual(x.toArray());
    expect(new nn.Dropout(1).forward(x).toArray()).toEqual(new Array(100).fill(0));
  });

  test('does nothing in evaluation', () => {
    const x = rand([100]);
    const model = new nn.Sequential(new nn.Dropout(0.9)).eval();
    expect(model.forward(x)).toBe(x);
  });

  test('gives the gradient the same mask', () => {
    const x = ones([1000], { requiresGrad: true });
    const y = new nn.Dropout(0.5).forward(x);
    y.sum().backward();
    expect(x.grad?.toArray()).toEqual(y.toArray());
  });
});

describe('Sequential', () => {
  test('applies its layers one after the other', () => {
    const model = new nn.Sequential(new Leaf(2), new Leaf(-3), new nn.ReLU());
    expect(model.forward(tensor([1, -1])).toArray()).toEqual([0, 6]);
    const x = ones([2]);
    expect(new nn.Sequential().forward(x)).toBe(x);
    expect(model.layers).toHaveLength(3);
  });

  test('takes modules and functions only', () => {
    const layer = tensor([1]) as unknown as nn.Module;
    expectError(() => new nn.Sequential(layer, layer), 'ERR_ARGUMENT', '[Sequential]');
  });
});

test('a Parameter takes over the memory of its values', () => {
  const values = tensor([
    [1, 2],
    [3, 4],
  ]);
  const p = new nn.Parameter(values.transpose());
  expect([p.requiresGrad, p.isLeaf]).toEqual([true, true]);
  expect(p.storage).toBe(values.storage);
  expect(p.toArray()).toEqual([
    [1, 3],
    [2, 4],
  ]);
  // The history of the values stays behind.
  const made = new nn.Parameter(p.mul(2));
  expect([made.isLeaf, made.toArray()]).toEqual([
    true,
    [
      [2, 6],
      [4, 8],
    ],
  ]);
});
