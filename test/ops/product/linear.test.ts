/** What `linear` does in one pass has the bits of the same steps one after the other. */
import {
  add,
  clone,
  type DType,
  Generator,
  gelu,
  leakyRelu,
  linear,
  nn,
  noGrad,
  optim,
  randn,
  relu,
  setNumThreads,
  setSimdLevel,
  setWeightPacking,
  sigmoid,
  silu,
  sum,
  type Tensor,
  tanh,
  transpose,
} from 'tilegrad';
import { record, replay } from 'tilegrad/native/commands.js';
import { afterEach, describe, expect, it } from 'vitest';
import { restoreSettings, settings } from '../../helpers/settings.js';

const activations = {
  none: (x: Tensor) => x,
  relu,
  leakyRelu: (x: Tensor) => leakyRelu(x, { negativeSlope: 0.2 }),
  sigmoid,
  tanh,
  gelu: (x: Tensor) => gelu(x),
  geluTanh: (x: Tensor) => gelu(x, { approximate: 'tanh' }),
  silu,
} as const;
const names = Object.keys(activations) as (keyof typeof activations)[];

/** The bits, so that NaN and the zeros of both signs count. */
const bits = (t: Tensor) => {
  const { buffer, byteOffset, byteLength } = t.contiguous().data;
  return Buffer.from(buffer, byteOffset, byteLength).toString('hex');
};

restoreSettings();

/** At every level, with one thread and two, of float32 and of float64. */
function everywhere(run: (dtype: DType) => void): void {
  for (const [level, threads] of settings) {
    setSimdLevel(level);
    setNumThreads(threads);
    for (const dtype of ['float32', 'float64'] as const) run(dtype);
  }
}

/** A weight as layers keep it: transposed in memory. */
const weightOf = (outputs: number, inputs: number, dtype: DType = 'float32') =>
  transpose(randn([inputs, outputs], { dtype }));

// One for each path of the product: a row, few rows, narrow, blocks.
const shapes = [
  [1, 40, 70],
  [5, 33, 65],
  [64, 50, 3],
  [40, 300, 100],
] as const;

describe.each(shapes)('%i x %i -> %i', (batch, inputs, outputs) => {
  it.each(names)('%s: fused and separate are the same bits', (activation) => {
    everywhere((dtype) => {
      const x = randn([batch, inputs], { dtype });
      const w = weightOf(outputs, inputs, dtype);
      const b = randn([outputs], { dtype });
      const r = randn([batch, outputs], { dtype });
      const options = { activation, negativeSlope: 0.2 };
      const separate = activations[activation](linear(x, w, b));
      expect(bits(linear(x, w, b, options))).toBe(bits(separate));
      const added = activations[activation](add(linear(x, w, b), r));
      expect(bits(linear(x, w, b, { ...options, residual: r }))).toBe(bits(added));
    });
  });

  it.each(names)('%s: gradients through the next product are the same bits', (activation) => {
    everywhere((dtype) => {
      const run = (between: (t: Tensor) => Tensor, fused: boolean): string[] => {
        const leaves = [x, w, b, v].map((t) => {
          const leaf = t.detach();
          leaf.requiresGrad = true;
          return leaf;
        }) as [Tensor, Tensor, Tensor, Tensor];
        const [lx, lw, lb, lv] = leaves;
        const hidden = fused
          ? linear(lx, lw, lb, { activation, negativeSlope: 0.2 })
          : activations[activation](linear(lx, lw, lb));
        linear(between(hidden), lv).backward(g);
        return leaves.map((leaf) => bits(leaf.grad as Tensor));
      };
      const x = randn([batch, inputs], { dtype });
      const w = weightOf(outputs, inputs, dtype);
      const b = randn([outputs], { dtype });
      const v = weightOf(9, outputs, dtype);
      const g = randn([batch, 9], { dtype });
      // A clone in between leaves the derivative and the column sums to the rules of their own nodes.
      const want = run(clone, false);
      expect(run((t) => t, false)).toEqual(want);
      expect(run((t) => t, true)).toEqual(want);
    });
  });
});

it('an activation with two users keeps its own rule, and a kept graph can be used again', () => {
  const x = randn([4, 6], { requiresGrad: true });
  const w = weightOf(5, 6);
  const v = weightOf(3, 5);
  const y = relu(linear(x, w));
  const once = sum(linear(y, v));
  const twice = add(once, sum(y));
  twice.backward(undefined, { retainGraph: true });
  const first = bits(x.grad as Tensor);
  x.zeroGrad();
  twice.backward();
  expect(bits(x.grad as Tensor)).toBe(first);

  const z = sum(linear(relu(linear(x, w)), v));
  x.zeroGrad();
  z.backward(undefined, { retainGraph: true });
  const folded = bits(x.grad as Tensor);
  x.zeroGrad();
  z.backward();
  expect(bits(x.grad as Tensor)).toBe(folded);
});

it("the bias's gradient out of the weight's has the bits of a sum", () => {
  everywhere((dtype) => {
    for (const [batch, inputs, outputs] of [...shapes, [700, 20, 130]] as const) {
      const w = weightOf(outputs, inputs, dtype);
      w.requiresGrad = true;
      const b = randn([outputs], { dtype, requiresGrad: true });
      const g = randn([batch, outputs], { dtype });
      linear(randn([batch, inputs], { dtype }), w, b).backward(g);
      expect(bits(b.grad as Tensor)).toBe(bits(sum(g, { dim: 0 })));
    }
  });
});

describe('packed weights', () => {
  afterEach(() => setWeightPacking(true));
  // Beyond half of the second-level cache: smaller weights are read where they are.
  const [inputs, outputs] = [300, 480] as const;
  const x = randn([8, inputs]);

  it('give the same bits, at the first call and later', () => {
    const layer = new nn.Linear(inputs, outputs);
    setWeightPacking(false);
    const want = noGrad(() => bits(layer.forward(x)));
    setWeightPacking(true);
    for (let i = 0; i < 4; i++) expect(noGrad(() => bits(layer.forward(x)))).toBe(want);
  });

  it('are not made of an expanded weight, whose values take no memory of their own', () => {
    for (const weight of [randn([1, inputs]), randn([outputs, 1])]) {
      const expanded = weight.expand([outputs, inputs]);
      const want = noGrad(() => bits(linear(x, expanded.contiguous())));
      for (let i = 0; i < 3; i++) expect(noGrad(() => bits(linear(x, expanded)))).toBe(want);
    }
  });

  it('are not taken for those of another view of the same memory', () => {
    const memory = randn([(outputs + 100) * (inputs + 50) + 7]);
    const views = [
      memory.asStrided([outputs, inputs], [inputs + 50, 1]),
      memory.asStrided([outputs + 100, inputs], [inputs + 50, 1]),
      memory.asStrided([outputs, inputs + 50], [inputs + 50, 1]),
      memory.asStrided([outputs, inputs], [inputs, 1]),
      memory.asStrided([outputs, inputs], [1, outputs]),
      memory.asStrided([outputs, inputs], [1, outputs + 100]),
      memory.asStrided([outputs, inputs], [inputs + 50, 1], 7),
    ];
    const products = (weight: Tensor) => {
      const part = randn([8, weight.shape[1]!], { generator: new Generator(2) });
      return noGrad(() => bits(linear(part, weight)));
    };
    setWeightPacking(false);
    const want = views.map(products);
    setWeightPacking(true);
    for (const first of views.keys()) {
      for (const second of views.keys()) {
        for (const k of [first, first, first, second, second, second])
          expect({ first, second, right: products(views[k]!) === want[k] }).toEqual({
            first,
            second,
            right: true,
          });
      }
    }
  });

  /** What changes the weight, and the result of the layer afterwards without packing. */
  const changes: Record<string, (layer: nn.Linear) => void> = {
    'an optimizer step': (layer) => {
      linear(x, layer.weight).backward(randn([8, outputs]));
      new optim.SGD([layer.weight], { lr: 0.1 }).step();
    },
    loadStateDict: (layer) => layer.loadStateDict(new nn.Linear(inputs, outputs).stateDict()),
    'an initializer': (layer) => void nn.init.constant(layer.weight, 0.5),
    'the user, in data': (layer) => {
      const data = layer.weight.transpose().data;
      noGrad(() => layer.forward(x));
      noGrad(() => layer.forward(x));
      data.fill(0.25);
    },
    'a replayed program': (layer) => {
      const optimizer = new optim.SGD([layer.weight], { lr: 0.1 });
      linear(x, layer.weight).backward(randn([8, outputs]));
      const program = record(() => optimizer.step());
      noGrad(() => layer.forward(x));
      noGrad(() => layer.forward(x));
      replay(program);
    },
  };

  it.each(Object.keys(changes))('are dropped after %s', (name) => {
    const layer = new nn.Linear(inputs, outputs);
    const before = noGrad(() => [layer.forward(x), layer.forward(x), layer.forward(x)].map(bits));
    expect(new Set(before).size).toBe(1);
    changes[name]!(layer);
    const after = noGrad(() => [layer.forward(x), layer.forward(x), layer.forward(x)].map(bits));
    setWeightPacking(false);
    const want = noGrad(() => bits(layer.forward(x)));
    expect(want).not.toBe(before[0]);
    expect(after).toEqual([want, want, want]);
  });
});
