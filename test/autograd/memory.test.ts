/** What a graph keeps alive, and for how long. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  checkpoint,
  customFunction,
  type FunctionContext,
  grad,
  type Tensor,
  tensor,
} from 'tilegrad';
import { expect, test } from 'vitest';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const leaf = (data: Parameters<typeof tensor>[0]): Tensor => tensor(data, { requiresGrad: true });

/** Weak references are cleared between turns of the event loop. */
async function alive(refs: readonly WeakRef<object>[]): Promise<boolean[]> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  return refs.map((ref) => ref.deref() !== undefined);
}

/** A loss with everything between it and x. */
function build(x: Tensor): { loss: Tensor; refs: WeakRef<object>[] } {
  const a = x.exp();
  const b = a.mul(a);
  const c = b.tanh();
  return { loss: c.sum(), refs: [a, b, c, a.storage, c.storage].map((t) => new WeakRef(t)) };
}

test('a graph lives as long as its result, and not after backward', async () => {
  const x = leaf([1, 2]);
  const { loss, refs } = build(x);
  expect(await alive(refs)).toEqual([true, true, true, true, true]);
  loss.backward(undefined, { retainGraph: true });
  expect(await alive(refs)).toEqual([true, true, true, true, true]);
  loss.backward();
  expect(await alive(refs)).toEqual([false, false, false, false, false]);
  expect(loss.gradFn).toBe('sum');
});

test('grad frees it too, and what it did not go through stays', async () => {
  const x = leaf([1, 2]);
  const y = x.mul(2);
  const { loss, refs } = build(y);
  const g = grad(loss, y);
  expect(await alive(refs)).toEqual([false, false, false, false, false]);
  y.backward(g);
  expect(x.grad).not.toBeNull();
});

test('a result that is dropped takes its graph along', async () => {
  const refs = (() => build(leaf([1, 2])).refs)();
  expect(await alive(refs)).toEqual([false, false, false, false, false]);
});

test('behind a gradient that a rule does not give the graph is freed as well', async () => {
  const cut = customFunction({
    name: 'cut',
    forward: (_: FunctionContext, x: Tensor) => x.mul(1),
    backward: () => null,
  });
  const { loss, refs } = build(leaf([1, 2]));
  const end = cut(loss);
  end.backward();
  expect(await alive(refs)).toEqual([false, false, false, false, false]);
});

test('nodes are freed as soon as they were visited', () => {
  // WeakRefs last until the end of the turn, so a registry of what was collected is no help: the
  // nodes themselves are looked at.
  const x = leaf([1, 2]);
  const seen: unknown[] = [];
  const probe = customFunction({
    name: 'probe',
    forward: (_: FunctionContext, t: Tensor) => t.mul(1),
    backward(_, g) {
      seen.push([later.node?.rules, later.node?.inputs.length, before.node?.inputs.length]);
      return g;
    },
  });
  const before = x.exp();
  const later = probe(before).square();
  later.sum().backward();
  expect(seen).toEqual([[null, 0, 1]]);
});

test('in the middle of a pass what was visited is collected', async () => {
  const seen: boolean[][] = [];
  const refs: WeakRef<object>[] = [];
  const probe = customFunction({
    name: 'probe',
    forward: (_: FunctionContext, t: Tensor) => t.mul(1),
    backward(_, g) {
      collect();
      seen.push(refs.map((ref) => ref.deref() !== undefined));
      return g;
    },
  });
  const x = leaf([1, 2]);
  const loss = (() => {
    const before = x.exp();
    const a = probe(before).exp();
    const b = a.mul(a);
    const c = b.tanh();
    refs.push(...[before, a, a.storage, b.storage, c].map((t) => new WeakRef<object>(t)));
    return c.sum();
  })();
  // What a reference was made to lives until the end of the turn.
  await new Promise((resolve) => setImmediate(resolve));
  loss.backward();
  expect(seen).toEqual([[true, false, false, false, false]]);
});

test('custom functions and checkpoints keep nothing afterwards', async () => {
  const refs: WeakRef<object>[] = [];
  const fn = customFunction({
    name: 'fn',
    forward(ctx, x: Tensor): [Tensor, Tensor] {
      const kept = x.exp();
      refs.push(new WeakRef(kept));
      ctx.saveForBackward(kept);
      return [kept.mul(2), kept.mul(3)];
    },
    backward: (ctx, a, b) => a.add(b).mul(ctx.savedTensors[0] as Tensor),
  });
  const x = leaf([1, 2]);
  const [loss, other] = (() => {
    const [a, b] = fn(x);
    refs.push(new WeakRef(a), new WeakRef(b));
    const y = checkpoint((t) => {
      const inner = t.exp();
      refs.push(new WeakRef(inner));
      return inner.sin();
    }, a.mul(b));
    return [y.sum(), y] as const;
  })();
  // What is inside of the checkpoint is gone at once.
  expect((await alive(refs)).slice(-1)).toEqual([false]);
  loss.backward();
  expect(await alive(refs)).toEqual([false, false, false, false, false]);
  expect(other.gradFn).toBe('checkpoint');
});

test('a graph of 100,000 nodes', () => {
  const x = leaf([1]);
  let y: Tensor = x;
  for (let i = 0; i < 100_000; i++) y = y.neg();
  expect(grad(y, x, { retainGraph: true }).toArray()).toEqual([1]);
  y.backward();
  expect(x.grad?.toArray()).toEqual([1]);
});
