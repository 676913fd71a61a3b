import { add, enableGrad, grad, linear, ones, optim, type Tensor, tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';

const leaf = (data: Parameters<typeof tensor>[0]): Tensor => tensor(data, { requiresGrad: true });

describe('registerHook', () => {
  test('sees the whole gradient of a result and of a leaf, once', () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    const seen: unknown[] = [];
    y.registerHook((g) => {
      seen.push(['y', g.toArray()]);
    });
    x.registerHook((g) => {
      seen.push(['x', g.toArray()]);
    });
    add(y.mul(3), y.mul(4)).add(x).sum().backward();
    expect(seen).toEqual([
      ['y', [7, 7]],
      ['x', [15, 15]],
    ]);
  });

  test('replaces the gradient; several run in their order', () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    y.registerHook((g) => g.add(1));
    y.registerHook((g) => g.mul(10));
    x.registerHook((g) => g.neg());
    y.sum().backward();
    expect(x.grad?.toArray()).toEqual([-40, -40]);
  });

  test('is removed, also while it runs', () => {
    const x = leaf([1]);
    let calls = 0;
    const handle = x.registerHook(() => {
      calls++;
      handle.remove();
    });
    x.mul(2).backward();
    x.mul(2).backward();
    handle.remove();
    expect(calls).toBe(1);
    expect(x.grad?.toArray()).toEqual([4]);
  });

  test('keeps what it gets and what it makes after the pass', () => {
    const x = leaf([1, 2]);
    const kept: Tensor[] = [];
    const y = x.mul(2);
    y.registerHook((g) => {
      kept.push(g, g.mul(5), g.reshape([2, 1]));
    });
    y.square().sum().backward();
    for (let i = 0; i < 20; i++) x.mul(i).square().sum().backward();
    expect(kept.map((t) => t.toArray())).toEqual([
      [4, 8],
      [20, 40],
      [[4], [8]],
    ]);
  });

  test('runs as soon as the gradient is complete', () => {
    const order: string[] = [];
    const note = (name: string) => () => void order.push(name);
    const [a, b] = [leaf([1]), leaf([1])];
    const first = a.mul(2);
    const second = first.mul(b);
    a.registerHook(note('a'));
    b.registerHook(note('b'));
    first.registerHook(note('first'));
    second.registerHook(note('second'));
    second.backward();
    expect(order).toEqual(['second', 'b', 'first', 'a']);
  });

  test('works for grad, before the gradient is given', () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    y.registerHook((g) => g.mul(10));
    x.registerHook((g) => g.mul(100));
    const [gy, gx] = grad(y.sum(), [y, x]);
    expect([gy?.toArray(), gx?.toArray()]).toEqual([
      [10, 10],
      [2000, 2000],
    ]);
    expect(x.grad).toBeNull();
  });

  test('of a root, leaf or result', () => {
    const x = leaf(3);
    x.registerHook((g) => g.mul(2));
    x.backward();
    expect(x.grad?.item()).toBe(2);
    const y = x.mul(2);
    y.registerHook((g) => g.mul(5));
    y.backward();
    expect(x.grad?.item()).toBe(2 + 20);
  });

  test('takes part in recorded gradients', () => {
    const x = leaf([2]);
    const y = x.square();
    y.registerHook((g) => g.mul(x));
    const g = grad(y.sum(), x, { createGraph: true });
    expect(g.toArray()).toEqual([8]); // 2 x * x
    expect(grad(g.sum(), x).toArray()).toEqual([8]); // 4 x
  });

  test('a hooked activation gets its own gradient, not one with its derivative', () => {
    for (const watch of ['hook', 'retain', 'target'] as const) {
      const x = leaf([[0.5, -0.25]]);
      const [w, v] = [
        leaf([
          [1, 2],
          [3, -4],
        ]),
        leaf([[0.5, 0.25]]),
      ];
      const h = linear(x, w, null, { activation: 'tanh' });
      const seen: Tensor[] = [];
      const y = linear(h, v);
      if (watch === 'hook') h.registerHook((g) => void seen.push(g));
      if (watch === 'retain') h.retainGrad();
      const [g] = watch === 'target' ? grad(y.sum(), [h], { retainGraph: true }) : [null];
      y.sum().backward();
      expect((g ?? seen[0] ?? h.grad)?.toArray()).toEqual([[0.5, 0.25]]);
      const plain = leaf([[0.5, -0.25]]);
      linear(linear(plain, w, null, { activation: 'tanh' }), v)
        .sum()
        .backward();
      expect(x.grad?.toArray()).toEqual(plain.grad?.toArray());
    }
  });

  test('that throws or returns something else leaves nothing behind', () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    const z = add(y.mul(3), y);
    const failing = y.registerHook(() => {
      throw new Error('from the hook');
    });
    expect(() => z.sum().backward(undefined, { retainGraph: true })).toThrow('from the hook');
    expect(x.grad).toBeNull();
    failing.remove();
    const wrong = (value: unknown): void => {
      const handle = y.registerHook(() => value as Tensor);
      const code = value instanceof Object && 'dtype' in value ? 'ERR' : 'ERR_ARGUMENT';
      try {
        z.sum().backward(undefined, { retainGraph: true });
        expect.unreachable();
      } catch (error) {
        expect((error as { code: string }).code).toContain(code);
      }
      handle.remove();
    };
    wrong(5);
    wrong(ones([3]));
    wrong(ones([2], { dtype: 'float64' }));
    z.sum().backward();
    expect(x.grad?.toArray()).toEqual([8, 8]);
  });

  test('a pass inside a hook, through the same graph and others', () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    const side = leaf([5]);
    const inner: unknown[] = [];
    const h = y.square();
    h.registerHook(() => {
      enableGrad(() => {
        inner.push(grad(y.sum(), x, { retainGraph: true }).toArray());
        side.mul(3).backward();
      });
      inner.push(side.grad?.toArray());
    });
    const kept: Tensor[] = [];
    y.registerHook((g) => void kept.push(g));
    // y has a part of its gradient already when the hook of h runs.
    const z = add(h, y.mul(1));
    z.sum().backward();
    expect(inner).toEqual([[2, 2], [3]]);
    expect(x.grad?.toArray()).toEqual([2 * (2 * 2 + 1), 2 * (2 * 4 + 1)]);
    expect(kept.length).toBe(2);
    expect(kept.at(-1)?.toArray()).toEqual([5, 9]);
  });
});

test('a pass inside a hook that frees what the pass outside still needs', () => {
  const x = leaf([1, 2]);
  const y = x.mul(2);
  const z = y.square();
  const handle = z.registerHook(() => {
    enableGrad(() => y.sum()).backward();
  });
  expectError(() => z.sum().backward(), 'ERR_STATE', 'behind mul was freed');
  expect(x.grad?.toArray()).toEqual([2, 2]);
  handle.remove();
  // The node of the hook itself.
  const u = x.square();
  const once = u.registerHook(() => {
    once.remove();
    enableGrad(() => u.sum()).backward();
  });
  expectError(() => u.mul(3).sum().backward(), 'ERR_STATE', 'behind square was freed');
});

describe('retainGrad', () => {
  test('keeps the gradient after the hooks, summed over passes', () => {
    const x = leaf([1, 2]);
    const y = x.mul(2).retainGrad();
    y.registerHook((g) => g.mul(10));
    expect([y.retainsGrad, y.isLeaf, x.retainsGrad]).toEqual([true, false, false]);
    const loss = y.sum();
    loss.backward(undefined, { retainGraph: true });
    expect(y.grad?.toArray()).toEqual([10, 10]);
    loss.backward();
    expect(y.grad?.toArray()).toEqual([20, 20]);
    y.grad = null;
    expect(y.grad).toBeNull();
  });

  test('does nothing to a leaf, and needs something that requires gradients', () => {
    const x = leaf([1]);
    expect(x.retainGrad()).toBe(x);
    expectError(() => ones([1]).retainGrad(), 'ERR_STATE', '[retainGrad]');
  });

  test('is memory of its own', () => {
    const x = leaf([1, 2]);
    const y = x.reshape([2]).retainGrad();
    y.sum().backward();
    x.sum().backward();
    expect([x.grad?.toArray(), y.grad?.toArray()]).toEqual([
      [2, 2],
      [1, 1],
    ]);
  });
});

describe('registerPostAccumulateGradHook', () => {
  test('is called with the leaf when grad has changed, before the pass goes on', () => {
    const order: string[] = [];
    const [a, b] = [leaf([1]), leaf([1])];
    const first = a.mul(2);
    b.registerPostAccumulateGradHook((t) => {
      expect(t).toBe(b);
      order.push(`b ${String(t.grad?.toArray())}`);
    });
    b.registerHook(() => void order.push('hook of b'));
    first.registerHook(() => void order.push('first'));
    a.registerPostAccumulateGradHook(() => void order.push(`a ${String(a.grad?.toArray())}`));
    first.mul(b).backward();
    expect(order).toEqual(['hook of b', 'b 2', 'first', 'a 2']);
    grad(a.mul(2), a);
    expect(order.length).toBe(4);
  });

  test('an optimizer can step there', () => {
    const w = leaf([
      [1, 2],
      [3, 4],
    ]);
    const v = leaf([[1, 1]]);
    const plain = [w.clone(), v.clone()].map((t) => t.detach().requiresGrad_());
    const x = tensor([[1, -1]]);
    const loss = (a: Tensor, b: Tensor): Tensor => linear(linear(x, a), b).sum();
    loss(plain[0]!, plain[1]!).backward();
    new optim.SGD(plain, { lr: 0.5 }).step();
    for (const t of [w, v]) {
      const optimizer = new optim.SGD([t], { lr: 0.5 });
      t.registerPostAccumulateGradHook((leaf) => {
        optimizer.step();
        leaf.zeroGrad();
      });
    }
    loss(w, v).backward();
    expect([w.toArray(), v.toArray()]).toEqual(plain.map((t) => t.toArray()));
    expect([w.grad, v.grad]).toEqual([null, null]);
  });

  test("may do anything with the leaf's gradient while others wait for the same one", () => {
    const [a, b] = [leaf([1, 2]), leaf([3, 4])];
    b.registerPostAccumulateGradHook((t) => {
      t.zeroGrad();
      // Takes the memory that was given back.
      ones([2]).mul(7);
    });
    a.mul(2).add(b).square().sum().backward();
    expect([a.grad?.toArray(), b.grad]).toEqual([[20, 32], null]);
  });

  test('is for leaves', () => {
    const y = leaf([1]).mul(2);
    expectError(
      () => y.registerPostAccumulateGradHook(() => {}),
      'ERR_STATE',
      '[registerPostAccumulateGradHook]',
    );
    expectError(() => ones([1]).registerHook(() => {}), 'ERR_STATE', '[registerHook]');
    expectError(() => y.registerHook(5 as never), 'ERR_ARGUMENT', '[registerHook]');
  });
});
