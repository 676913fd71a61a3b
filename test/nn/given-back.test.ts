/**
 * Layers made of others give the memory of what passes between them back when the graph is freed
 * (`insideLayer`), and keep whatever somebody else may hold.
 */
import {
  checkpoint,
  customFunction,
  emptyCache,
  enableGrad,
  grad,
  keep,
  manualSeed,
  memory,
  nn,
  noGrad,
  ones,
  randn,
  relu,
  type Tensor,
  tensor,
  tidy,
} from 'tilegrad';
import { withoutRecycling } from 'tilegrad/tensor/memory.js';
import { beforeEach, describe, expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';

const NAN = Number.NaN;
/** Float32 elements of a hidden layer here: more than a slab has, so that each is an array buffer. */
const HIDDEN = [64, 128] as const;
const BYTES = HIDDEN[0] * HIDDEN[1] * 4;

beforeEach(() => {
  emptyCache();
  manualSeed(3);
});

/** Spoils all memory that was given back. */
function spoil(): void {
  const taken: Tensor[] = [];
  for (let before = -1; memory().pooledBytes !== before; ) {
    before = memory().pooledBytes;
    for (const size of [16, 64, 256, 1024, 2048, 4096, 8192, 16384]) {
      for (const dtype of ['float32', 'int32'] as const) {
        taken.push(ones([size], { dtype }).mul(dtype === 'int32' ? -1 : NAN));
      }
    }
  }
}

const mlp = (...between: nn.Layer[]) =>
  new nn.Sequential(new nn.Linear(16, 128), ...between, new nn.Linear(128, 4));

/** What of a layer of the user's can be held: its input and its output. */
class Keeping extends nn.Module {
  readonly seen: { input: Tensor; output: Tensor }[] = [];

  forward(input: Tensor): Tensor {
    const output = input.mul(2);
    this.seen.push({ input, output });
    return output;
  }
}

describe('memory', () => {
  test('goes back when backward has freed the graph, and not before', () => {
    const model = mlp(relu, new nn.Tanh());
    const loss = model.forward(randn([64, 16])).sum();
    expect(memory().pooledBytes).toBe(0);
    loss.backward();
    // What the two activations and the first layer made, and gradients.
    expect(memory().pooledBytes).toBeGreaterThanOrEqual(3 * BYTES);
  });

  test('goes back at once when nothing is recorded', () => {
    const model = mlp(relu, new nn.Tanh());
    noGrad(() => model.forward(randn([64, 16])));
    expect(memory().pooledBytes).toBe(3 * BYTES);
  });

  test('stays while the graph is retained', () => {
    const model = mlp(relu);
    const loss = model.forward(randn([64, 16])).sum();
    loss.backward(null, { retainGraph: true });
    spoil();
    const first = keep(model.at(0).parameters().next().value as Tensor).grad?.clone() as Tensor;
    model.zeroGrad();
    loss.backward();
    expect((model.at(0) as nn.Linear).weight.grad?.equal(first)).toBe(true);
  });

  test('of a forward pass in tidy goes back after backward', () => {
    const w = randn([16, 128], { requiresGrad: true });
    const x = randn([64, 16]);
    let hidden = x;
    const loss = tidy(() => {
      hidden = x.matmul(w).tanh();
      return hidden.square().sum();
    });
    expect(hidden.storage.disposed).toBe(false);
    loss.backward();
    expectError(() => hidden.sum(), 'ERR_DISPOSED', 'tidy');
    expect(loss.item()).toBeGreaterThan(0);
  });

  test('of scopes inside of each other goes back once', () => {
    const w = randn([16, 128], { requiresGrad: true });
    const x = randn([64, 16]);
    const made: Tensor[] = [];
    const loss = tidy(() => {
      const outer = x.matmul(w);
      const inner = tidy(() => {
        const square = outer.square();
        made.push(outer, square);
        return square.tanh();
      });
      made.push(inner);
      return inner.sum();
    });
    loss.backward();
    expect(made.every(({ storage }) => storage.disposed)).toBe(true);
    // Three arrays of that size are free, and one more that the pass used: none is there twice.
    const free = new Set<unknown>();
    const before = memory().pooledBytes;
    const taken = Array.from({ length: 16 }, () => ones(HIDDEN));
    for (const { storage } of taken) free.add(storage.array);
    expect(free.size).toBe(16);
    expect(memory().pooledBytes).toBeLessThan(before);
  });

  test('a recorded program keeps it', () => {
    const model = mlp(relu);
    withoutRecycling(() =>
      model
        .forward(randn([64, 16]))
        .sum()
        .backward(),
    );
    expect(memory().pooledBytes).toBe(0);
  });
});

describe('what others may hold stays', () => {
  /** Trains one step through the layers and spoils the memory that was given back. */
  function step(model: nn.Module, x = randn([64, 16])): void {
    model.forward(x).sum().backward();
    spoil();
  }

  test('inputs and outputs of a layer of the user’s', () => {
    const keeping = new Keeping();
    step(mlp(relu, keeping, new nn.Tanh()));
    const { input, output } = keeping.seen[0] as { input: Tensor; output: Tensor };
    expect(output.equal(input.mul(2))).toBe(true);
    expect(input.isfinite().all().item()).toBe(1);
  });

  test('what a function of the user’s sees', () => {
    let seen: Tensor | null = null;
    step(
      mlp(relu, (x) => {
        seen = x;
        return x.mul(2);
      }),
    );
    expect((seen as unknown as Tensor).isfinite().all().item()).toBe(1);
  });

  test('what a subclass or a forward of its own sees', () => {
    const seen: Tensor[] = [];
    class Watched extends nn.Linear {
      override forward(x: Tensor): Tensor {
        const y = super.forward(x);
        seen.push(x, y);
        return y;
      }
    }
    const tanh = new nn.Tanh();
    tanh.forward = (x) => {
      const y = x.tanh();
      seen.push(x, y);
      return y;
    };
    step(mlp(new Watched(128, 128), relu, tanh));
    expect(seen).toHaveLength(4);
    for (const t of seen) expect(t.isfinite().all().item()).toBe(1);
  });

  test('what hooks see, also inside of layers', () => {
    const seen: Tensor[] = [];
    const layer = new nn.TransformerEncoderLayer(16, 2, { dimFeedforward: 128, dropout: 0 });
    const record = (_: unknown, inputs: readonly unknown[], output: unknown): void => {
      seen.push(inputs[0] as Tensor, output as Tensor);
    };
    layer.linear2.registerForwardHook(record);
    layer.norm1.registerForwardHook(record);
    const model = new nn.Sequential(
      new nn.Linear(16, 16),
      layer as nn.Module,
      new nn.Linear(16, 4),
    );
    model.at(0).registerForwardHook(record);
    step(model, randn([8, 8, 16]));
    expect(seen).toHaveLength(6);
    for (const t of seen) expect(t.isfinite().all().item()).toBe(1);
  });

  test('what a backward hook and a hook of a tensor see', () => {
    const seen: Tensor[] = [];
    const model = mlp(relu, new nn.Tanh());
    model.at(2).registerFullBackwardHook((_, inputs, outputs) => {
      seen.push(inputs[0] as Tensor, outputs[0] as Tensor);
    });
    step(model);
    for (const t of seen) expect(t.isfinite().all().item()).toBe(1);
  });

  test('what a graph needs that grows out of the first one', () => {
    const model = mlp(new nn.Tanh());
    const x = randn([64, 16], { requiresGrad: true });
    const y = model.forward(x);
    const v = ones([64, 4], { requiresGrad: true }).mul(1);
    const g = grad(y, x, { gradOutputs: v, createGraph: true, retainGraph: true }) as Tensor;
    const expected = g.clone();
    y.sum().backward();
    spoil();
    // g is linear in v, and its factors lie in what passed between the layers.
    const derivative = grad(g, v, { gradOutputs: ones([64, 16]) }) as Tensor;
    expect(derivative.sum().item()).toBeCloseTo(expected.sum().item(), 3);
  });

  test('what the rest of a graph needs after grad went through a part', () => {
    const w1 = randn([16, 128], { requiresGrad: true });
    const w2 = randn([16, 128], { requiresGrad: true });
    const x = randn([64, 16]);
    const [a, b] = tidy(() => {
      const left = x.matmul(w1).tanh();
      const right = x.matmul(w2).tanh();
      return [left.square().sum(), right.mul(left).sum()] as const;
    });
    grad(a, w1, { retainGraph: true });
    spoil();
    b.backward();
    expect(w2.grad?.isfinite().all().item()).toBe(1);
  });

  test('what a function of the user’s keeps for its gradient', () => {
    const double = customFunction<[Tensor], Tensor>({
      name: 'double',
      forward(ctx, x) {
        ctx.saveForBackward(x);
        return x.mul(2);
      },
      backward(ctx, g) {
        expect(ctx.savedTensors[0]?.isfinite().all().item()).toBe(1);
        return [(g as Tensor).mul(2)];
      },
    });
    step(mlp(relu, (x) => double(x)));
  });

  test('a gradient that lies in memory of the forward pass', () => {
    const product = customFunction<[Tensor, Tensor], Tensor>({
      name: 'product',
      forward(ctx, a, b) {
        ctx.saveForBackward(b);
        return a.mul(b);
      },
      // For a gradient of ones.
      backward: (ctx) => [ctx.savedTensors[0] as Tensor, null],
    });
    const leaf = ones(HIDDEN, { requiresGrad: true });
    let expected: Tensor | null = null;
    const loss = tidy(() => {
      const factor = randn(HIDDEN);
      expected = keep(factor.clone());
      return product(leaf, factor).sum();
    });
    loss.backward();
    spoil();
    expect(leaf.grad?.equal(expected as unknown as Tensor)).toBe(true);
  });

  test('what a graph inside of a freed one needs', () => {
    const [w1, w2] = [ones(HIDDEN, { requiresGrad: true }), ones(HIDDEN, { requiresGrad: true })];
    const [a, b] = tidy(() => {
      const factor = randn(HIDDEN);
      return [w1.mul(2).sum(), tidy(() => w2.mul(factor).sum())] as const;
    });
    a.backward();
    spoil();
    b.backward();
    expect(w2.grad?.isfinite().all().item()).toBe(1);
  });

  test('what a function of the user’s needs that is named as one of ours', () => {
    const scaled = customFunction<[Tensor, Tensor], Tensor>({
      name: 'add',
      forward(ctx, x, factor) {
        ctx.saveForBackward(factor);
        return x.mul(factor);
      },
      backward: (ctx, g) => [(g as Tensor).mul(ctx.savedTensors[0] as Tensor), null],
    });
    const [w1, w2] = [ones(HIDDEN, { requiresGrad: true }), ones(HIDDEN, { requiresGrad: true })];
    const [a, b] = tidy(() => [w1.mul(2).sum(), scaled(w2, randn(HIDDEN))] as const);
    a.backward();
    spoil();
    b.backward(ones(HIDDEN));
    expect(w2.grad?.isfinite().all().item()).toBe(1);
  });

  test('a graph that a hook made of what was inside of tidy', () => {
    const w = randn([16, 128], { requiresGrad: true });
    const x = randn([64, 16]);
    const made = tidy(() => {
      const h = x.matmul(w);
      let inHook: Tensor | null = null;
      w.registerHook(() => {
        inHook = enableGrad(() => h.square().mul(w.sum()));
      });
      h.sum().backward(null, { retainGraph: true });
      return inHook as unknown as Tensor;
    });
    spoil();
    made.sum().backward();
    expect(w.grad?.isfinite().all().item()).toBe(1);
  });

  test('a checkpoint around layers gives the same gradients', () => {
    const model = mlp(relu, new nn.Tanh());
    const x = randn([64, 16], { requiresGrad: true });
    model.forward(x).sum().backward();
    const expected = x.grad?.clone() as Tensor;
    x.zeroGrad();
    spoil();
    const y = checkpoint((t: Tensor) => model.forward(t), x) as Tensor;
    spoil();
    y.sum().backward();
    expect(x.grad?.equal(expected)).toBe(true);
  });
});

/** One of each kind of layer, with an input of it; those that several classes share stand once. */
const layers: Readonly<Record<string, () => readonly [nn.AnyModule, readonly unknown[]]>> = {
  MultiheadAttention: () => {
    const x = randn([6, 3, 8], { requiresGrad: true });
    return [new nn.MultiheadAttention(8, 2), [x, x, x]];
  },
  TransformerEncoder: () => [
    new nn.TransformerEncoder(new nn.TransformerEncoderLayer(8, 2, { dropout: 0 }), 2),
    [randn([6, 3, 8])],
  ],
  Transformer: () => [
    new nn.Transformer(8, 2, { numEncoderLayers: 1, numDecoderLayers: 1, dropout: 0 }),
    [randn([6, 3, 8]), randn([5, 3, 8])],
  ],
  LSTM: () => [new nn.LSTM(8, 16, { numLayers: 2, bidirectional: true }), [randn([6, 3, 8])]],
  GRU: () => [new nn.GRU(8, 16), [randn([6, 3, 8])]],
  packed: () => [new nn.RNN(8, 16), [nn.utils.rnn.packPaddedSequence(randn([6, 3, 8]), [6, 4, 1])]],
  CNN: () => [
    new nn.Sequential(
      new nn.Conv2d(2, 8, 3, { padding: 1 }),
      new nn.BatchNorm2d(8),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Conv2d(8, 8, 3, { groups: 8 }),
      new nn.GroupNorm(2, 8),
      new nn.SiLU(),
      new nn.Upsample({ scaleFactor: 2, mode: 'bilinear' }),
      new nn.ReflectionPad2d(1),
      new nn.ConvTranspose2d(8, 4, 2, { stride: 2 }),
      new nn.InstanceNorm2d(4),
      new nn.PReLU(),
      new nn.AvgPool2d(2),
      new nn.AdaptiveAvgPool2d([2, 2]),
      new nn.Flatten(),
      new nn.LayerNorm(16),
      new nn.Unflatten(1, [4, 4]),
      new nn.Softmax(-1),
    ),
    [randn([3, 2, 12, 12])],
  ],
  words: () => [
    new nn.Sequential(
      new nn.Embedding(10, 8),
      new nn.SinusoidalPositionalEncoding(8),
      new nn.RMSNorm(8),
      new nn.GELU(),
      new nn.Linear(8, 8, { bias: false }),
      new nn.LogSoftmax(-1),
    ),
    [
      tensor(
        [
          [1, 2, 3, 9],
          [4, 5, 6, 1],
        ],
        { dtype: 'int32' },
      ),
    ],
  ],
};

/** All tensors of a result, one after the other. */
function tensorsOf(result: unknown): Tensor[] {
  if (result instanceof nn.utils.rnn.PackedSequence) return [result.data];
  if (Array.isArray(result)) return result.flatMap(tensorsOf);
  return result === null ? [] : [result as Tensor];
}

test.each(Object.keys(layers))('%s computes the same with spoiled memory', (name) => {
  const run = (use: (fn: () => void) => void): number[][] => {
    manualSeed(7);
    const [layer, inputs] = (layers[name] as () => readonly [nn.AnyModule, readonly unknown[]])();
    const values: number[][] = [];
    use(() => {
      for (let i = 0; i < 2; i++) {
        const results = tensorsOf(
          (layer as nn.Module<readonly unknown[], unknown>).forward(...inputs),
        );
        spoil();
        const loss = results.map((t) => t.square().sum()).reduce((a, b) => a.add(b));
        loss.backward();
        spoil();
        values.push(...results.map((t) => [...(t.contiguous().data as Float32Array)]));
      }
      for (const p of layer.parameters()) {
        if (p.grad !== null) values.push([...(p.grad.contiguous().data as Float32Array)]);
      }
    });
    return values;
  };
  const expected = run(withoutRecycling);
  expect(expected.flat().every(Number.isFinite)).toBe(true);
  expect(run((fn) => fn())).toEqual(expected);
});
