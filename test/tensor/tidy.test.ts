import {
  add,
  backward,
  batches,
  emptyCache,
  fromTypedArray,
  grad,
  keep,
  linspace,
  memory,
  nn,
  ones,
  optim,
  randn,
  sinc,
  sum,
  type Tensor,
  tensor,
  tidy,
  zeros,
} from 'tilegrad';
import { beforeEach, describe, expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';

const pooled = () => memory().pooledBytes;
const isGone = (t: Tensor | undefined) => t?.storage.disposed;

beforeEach(emptyCache);

describe('tidy', () => {
  test('gives back at once what is not returned, and keeps what is, nested as it may be', () => {
    const made: Tensor[] = [];
    const make = (value: number) => {
      const t = ones([10]).mul(value);
      made.push(t);
      return t;
    };
    const result = tidy(() => {
      for (let i = 0; i < 10; i++) make(i);
      const [a, b, c, d, e, f] = made as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
      return {
        list: [a, [b]],
        map: new Map<string, unknown>([['c', c]]),
        set: new Set([d]),
        view: e.reshape([2, 5]).slice([0]),
        object: { f, text: 'text', nothing: null, data: new Float32Array(2), n: 5 },
      };
    });
    expect(made.map(isGone)).toEqual([...Array(6).fill(false), ...Array(4).fill(true)]);
    expect(result.view.toArray()).toEqual([4, 4, 4, 4, 4]);
    expect(result.object.f.toArray()).toEqual(Array(10).fill(5));
    // A line of 64 bytes each: the ones of every round, and four products. Factors are remembered.
    expect(pooled()).toBe(14 * 64);
    expect(made[0]?.storage.scope).toBeNull();
  });

  test('hands the memory to the next tensors', () => {
    const inside = tidy(() => ones([100]).array.buffer);
    expect(zeros([100]).array.buffer).toBe(inside);
  });

  test('returns anything, also a value that contains itself', () => {
    const circle: { self?: unknown; t?: Tensor } = {};
    circle.self = circle;
    const same = tidy(() => {
      circle.t = ones([2]);
      return circle;
    });
    expect(same).toBe(circle);
    expect(circle.t?.toArray()).toEqual([1, 1]);
    expect(tidy(() => 5)).toBe(5);
    expect(tidy(() => null)).toBeNull();
    expect(tidy(() => undefined)).toBeUndefined();
  });

  test('finds tensors in large values', () => {
    const large = tidy(() => ({
      numbers: Array(300_000).fill(0),
      ...Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [`k${i}`, i])),
      last: ones([1]),
    }));
    expect(large.last.item()).toBe(1);
  });

  test('leaves alone what was made outside and memory of the user', () => {
    const outside = ones([3]);
    const array = new Float32Array(3);
    const view = tidy(() => {
      fromTypedArray(array);
      outside.mul(2);
      return outside.slice([[0, 2]]);
    });
    expect(view.toArray()).toEqual([1, 1]);
    expect(outside.toArray()).toEqual([1, 1, 1]);
    expect([...array]).toEqual([0, 0, 0]);
  });

  test('does not reuse elements that somebody has as a typed array', () => {
    const data = tidy(() => ones([100]).mul(7).data);
    const others = Array.from({ length: 20 }, () => zeros([100]));
    expect(others).toHaveLength(20);
    expect(data.every((value) => value === 7)).toBe(true);
  });

  test('gives everything back when fn throws', () => {
    let inside: Tensor | undefined;
    let deeper: Tensor | undefined;
    expect(() =>
      tidy(() => {
        inside = ones([3]);
        tidy(() => {
          deeper = ones([3]);
          throw new Error('out');
        });
      }),
    ).toThrow('out');
    expect([inside, deeper].map(isGone)).toEqual([true, true]);
    expectError(() => inside?.sum(), 'ERR_DISPOSED', 'tidy()');
    // The scopes are closed: what is made now is nobody's.
    expect(ones([1]).storage.scope).toBeNull();
  });

  test('nests: results of an inner one belong to the outer one', () => {
    let inner: Tensor | undefined;
    let lost: Tensor | undefined;
    const result = tidy(() => {
      inner = tidy(() => {
        lost = ones([3]);
        return lost.mul(2);
      });
      expect(isGone(lost)).toBe(true);
      expect(isGone(inner)).toBe(false);
      return inner.add(1);
    });
    expect(isGone(inner)).toBe(true);
    expect(result.toArray()).toEqual([3, 3, 3]);
  });

  test('refuses functions that go on after they return', async () => {
    let ran = false;
    expectError(
      () =>
        tidy(async () => {
          ran = true;
        }),
      'ERR_ARGUMENT',
      '[tidy] the function must not be async',
    );
    expectError(
      () =>
        tidy(function* () {
          yield 1;
        }),
      'ERR_ARGUMENT',
      'generator',
    );
    expect(ran).toBe(false);
    // A promise that comes from elsewhere: its tensors stay valid, and its failure is not reported twice.
    let inside: Tensor | undefined;
    const later = async () => {
      inside = ones([2]);
      await null;
      throw new Error(String(inside.sum().item()));
    };
    expectError(() => tidy(() => later()), 'ERR_ARGUMENT', 'await');
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(inside?.toArray()).toEqual([1, 1]);
    expectError(() => tidy(5 as never), 'ERR_ARGUMENT', '[tidy] expected a function, not 5');
  });
});

describe('tidy and gradients', () => {
  test('a result that has a graph can run backward later, whatever its rules hold', () => {
    const reference = (run: <R>(fn: () => R) => R) => {
      const x = tensor(
        [
          [1, 2, 3],
          [3, 1, 0],
        ],
        { requiresGrad: true, dtype: 'float64' },
      );
      const norm = new nn.LayerNorm(3, { dtype: 'float64' });
      const { loss } = run(() => {
        const hidden = norm.forward(x.square()).softmax().mul(x.exp());
        const picked = hidden.sort().values.cumsum(0);
        return { loss: picked.mul(hidden.gt(0.5).to('float64')).mean() };
      });
      // Whatever was given back would be overwritten by these.
      for (let i = 0; i < 50; i++) ones([i % 7], { dtype: 'float64' }).mul(99);
      loss.backward();
      return x.grad?.toArray();
    };
    expect(reference(tidy)).toEqual(reference((fn) => fn()));
  });

  test('a result whose backward has run keeps only itself', () => {
    const x = ones([4], { requiresGrad: true });
    let hidden: Tensor | undefined;
    const loss = tidy(() => {
      hidden = x.mul(3);
      const mean = hidden.square().mean();
      mean.backward();
      return mean;
    });
    expect(isGone(hidden)).toBe(true);
    expect(loss.item()).toBe(9);
    expect(x.grad?.toArray()).toEqual([4.5, 4.5, 4.5, 4.5]);
  });

  test('a detached result keeps nothing else', () => {
    const x = ones([5], { requiresGrad: true });
    let hidden: Tensor | undefined;
    const loss = tidy(() => {
      hidden = x.mul(3);
      return hidden.mean().detach();
    });
    expect(isGone(hidden)).toBe(true);
    expect(loss.item()).toBe(3);
  });

  test('a result from before keeps nothing of this scope', () => {
    const x = ones([5], { requiresGrad: true });
    const before = x.mul(3);
    let inside: Tensor | undefined;
    const result = tidy(() => {
      inside = ones([5]);
      return before;
    });
    expect(isGone(inside)).toBe(true);
    result.sum().backward();
    expect(x.grad?.toArray()).toEqual([3, 3, 3, 3, 3]);
  });

  test('gradients live as long as their leaves', () => {
    const outer = ones([3], { requiresGrad: true });
    let gradient: Tensor | null | undefined;
    const kept = tidy(() => {
      const inner = ones([3], { requiresGrad: true });
      const returned = ones([3], { requiresGrad: true });
      add(inner.mul(2), outer.mul(3)).mul(returned).sum().backward();
      gradient = inner.grad;
      expect(gradient?.toArray()).toEqual([2, 2, 2]);
      return returned;
    });
    expect(isGone(gradient as Tensor)).toBe(true);
    expect(outer.grad?.toArray()).toEqual([3, 3, 3]);
    expect(kept.grad?.toArray()).toEqual([5, 5, 5]);
  });

  test('a gradient that is assigned lives as long as its leaf', () => {
    const outer = ones([2], { requiresGrad: true });
    tidy(() => {
      outer.grad = ones([2]).mul(4);
    });
    expect(outer.grad?.toArray()).toEqual([4, 4]);
  });

  test('grad() gives values of the scope; a gradient with a graph keeps what it needs', () => {
    const x = tensor([2], { requiresGrad: true });
    let lost: Tensor | undefined;
    const first = tidy(() => {
      lost = grad(x.mul(x).sum(), x);
      return grad(x.mul(x).mul(x).sum(), x, { createGraph: true });
    });
    expect(lost?.storage.disposed).toBe(false); // the returned graph might hold it
    expect(grad(first.sum(), x).toArray()).toEqual([12]);
    tidy(() => {
      lost = grad(x.mul(x).sum(), x);
    });
    expect(isGone(lost)).toBe(true);
    // Recorded gradients of leaves hold a graph too.
    tidy(() => {
      backward(x.mul(x).mul(x).sum(), undefined, { createGraph: true });
    });
    const second = x.grad as Tensor;
    expect(grad(second.sum(), x).toArray()).toEqual([12]);
  });

  test('a tidy inside a backward pass, and a pass inside a tidy inside a pass', () => {
    // A rule that runs a pass of its own, as checkpointing does, is stood in for by its parts.
    const x = ones([4], { requiresGrad: true });
    const total = tidy(() =>
      tidy(() => {
        const y = x.mul(2).square().sum();
        const [g] = grad([y], [x]);
        return (g as Tensor).mul(2);
      }).sum(),
    );
    expect(total.item()).toBe(64);
    expect(x.grad).toBeNull();
  });
});

describe('what tidy keeps besides results', () => {
  test('parameters, buffers, optimizer state: training in tidy is training without', () => {
    const train = (run: <R>(fn: () => R) => R): unknown => {
      const x = ones([6, 4]).mul(tensor([1, 2, 3, 4]));
      // Made inside and not returned.
      let made: { model: nn.Sequential; optimizer: optim.Adam } | undefined;
      run(() => {
        const model = new nn.Sequential(
          new nn.Linear(4, 3),
          new nn.BatchNorm1d(3),
          new nn.Linear(3, 1),
        );
        for (const [i, p] of [...model.parameters()].entries()) nn.init.constant(p, 0.5 + i / 10);
        made = { model, optimizer: new optim.Adam(model.parameters(), { lr: 0.1 }) };
      });
      const { model, optimizer } = made as NonNullable<typeof made>;
      for (let i = 0; i < 50; i++) ones([i]).mul(99); // over what was given back
      const losses = [];
      for (let i = 0; i < 5; i++) {
        losses.push(
          run(() => {
            optimizer.zeroGrad();
            const rows = x.mul(i + 1).add(tensor([[1], [2], [5], [3], [0], [9]]));
            const loss = model.forward(rows).square().mean();
            loss.backward();
            nn.utils.clipGradNorm(model.parameters(), 0.5);
            optimizer.step();
            return loss.item();
          }),
        );
      }
      return {
        losses,
        state: Object.entries(model.stateDict()).map(([k, t]) => [k, t.toArray()]),
      };
    };
    expect(train(tidy)).toEqual(train((fn) => fn()));
  });

  test('every step of a loop uses the memory of the one before', () => {
    const model = new nn.Sequential(new nn.Linear(8, 16), new nn.Tanh(), new nn.Linear(16, 1));
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.01 });
    const x = randn([32, 8]);
    const step = () =>
      tidy(() => {
        optimizer.zeroGrad();
        const loss = model.forward(x).square().mean();
        loss.backward();
        optimizer.step();
      });
    step();
    step();
    const bytes = pooled();
    for (let i = 0; i < 500; i++) step();
    expect(pooled()).toBe(bytes);
  });

  test('batches made outside serve loops inside', () => {
    const x = randn([10, 2]);
    const totals = tidy(() =>
      [...batches(x, x, { batchSize: 5 })].map((batch) => sum(batch.x).item()),
    );
    expect(totals).toHaveLength(2);
  });
});

describe('keep', () => {
  test('takes tensors out of all scopes', () => {
    let inside: Tensor | undefined;
    let pair: readonly Tensor[] = [];
    tidy(() => {
      tidy(() => {
        inside = keep(ones([2]));
        pair = keep({ pair: [ones([1]), ones([1])] }).pair;
      });
    });
    expect(inside?.toArray()).toEqual([1, 1]);
    expect(pair.map((t) => t.item())).toEqual([1, 1]);
  });

  test('of a tensor with a graph keeps the graph', () => {
    const x = tensor([3], { requiresGrad: true });
    let y: Tensor | undefined;
    let after: Tensor | undefined;
    tidy(() => {
      y = keep(x.exp().mul(x).sum());
      after = ones([5]);
    });
    expect(isGone(after)).toBe(true);
    y?.backward();
    expect(x.grad?.item()).toBeCloseTo(4 * Math.exp(3), 4);
  });

  test('is harmless outside of tidy, and says what it takes', () => {
    const x = ones([2]);
    expect(keep(x)).toBe(x);
    expectError(() => keep(5), 'ERR_ARGUMENT', '[keep] expected a tensor, not 5');
    expectError(() => keep([]), 'ERR_ARGUMENT', '[keep]');
    x.dispose();
    expectError(() => keep(x), 'ERR_DISPOSED', 'disposed');
  });
});

describe('memory', () => {
  test('counts live bytes, also of shared and adopted memory, and those of the pool', () => {
    // So large that what the collector frees in between doesn't matter.
    const length = 2 ** 24;
    const bytes = 4 * length;
    const expectGrown = (before: number, expected: number) => {
      const grown = memory().liveBytes - before;
      expect(grown).toBeGreaterThan(expected - bytes / 2);
      expect(grown).toBeLessThan(expected + bytes / 2);
    };
    const { liveBytes } = memory();
    const x = ones([length]);
    expectGrown(liveBytes, bytes);
    x.dispose();
    expectGrown(liveBytes, 0);
    expect(memory().pooledBytes).toBe(bytes);
    emptyCache();
    expect(memory().pooledBytes).toBe(0);
    const before = memory().liveBytes; // the collector has what was in the pool
    const own = fromTypedArray(new Float32Array(length));
    const shared = ones([length], { shared: true });
    expect(own.numel + shared.numel).toBe(2 * length);
    const grown = memory().liveBytes - before;
    // It may have freed that by now.
    expect(grown).toBeGreaterThan(bytes - bytes / 2);
    expect(grown).toBeLessThan(2 * bytes + bytes / 2);
  });
});

describe('operations made of others', () => {
  test('give back what they make on the way, but no operand and no result', () => {
    const x = randn([1000]);
    const y = sinc(x);
    expect(pooled()).toBeGreaterThan(0);
    expect([x, y].map(isGone)).toEqual([false, false]);
    const quotients = x.mul(Math.PI).sin().div(x.mul(Math.PI));
    expect(y.sub(quotients).toArray()).toEqual(Array(1000).fill(expect.closeTo(0, 5)));
  });

  test('keep it for the gradient while one is recorded', () => {
    const x = linspace(0.5, 3, 1000, { requiresGrad: true });
    const y = sum(sinc(x));
    expect(pooled()).toBe(0);
    y.backward();
    expect(pooled()).toBeGreaterThan(0);
    const slope = (v: number) =>
      Math.cos(Math.PI * v) / v - Math.sin(Math.PI * v) / (Math.PI * v * v);
    const expected = Array.from(x.data, (v) => expect.closeTo(slope(v), 5));
    expect(x.grad?.toArray()).toEqual(expected);
  });
});
