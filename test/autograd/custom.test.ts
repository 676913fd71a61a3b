import {
  add,
  customFunction,
  enableGrad,
  type FunctionContext,
  grad,
  gradcheck,
  inferenceMode,
  noGrad,
  ones,
  type Tensor,
  tensor,
  zeros,
} from 'tilegrad';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { expectError } from '../helpers/errors.js';
import { input } from '../operations/gradients.js';

const leaf = (data: Parameters<typeof tensor>[0]): Tensor => tensor(data, { requiresGrad: true });

const cube = customFunction({
  name: 'cube',
  forward(ctx, x: Tensor) {
    ctx.saveForBackward(x);
    return x.mul(x).mul(x);
  },
  backward(ctx, g) {
    const [x] = ctx.savedTensors as [Tensor];
    return g.mul(x.square()).mul(3);
  },
});

/** Two results, an argument that is no tensor, state. */
const sumAndScaled = customFunction({
  name: 'sumAndScaled',
  state: () => ({ factor: 0 }),
  forward(ctx, a: Tensor, b: Tensor, factor: number): [Tensor, Tensor] {
    ctx.state.factor = factor;
    return [a.add(b), a.mul(factor)];
  },
  backward(ctx, gSum, gScaled) {
    return [gSum.add(gScaled.mul(ctx.state.factor)), gSum, null];
  },
});

describe('a custom function', () => {
  test('has its own gradient', () => {
    const x = leaf([1, 2]);
    const y = cube(x);
    expect([y.gradFn, y.requiresGrad]).toEqual(['cube', true]);
    y.sum().backward();
    expect(x.grad?.toArray()).toEqual([3, 12]);
    gradcheck(cube, [input([2, 3])]);
  });

  test('is differentiated as often as its backward can be', () => {
    const x = leaf([1, 2]);
    const first = grad(cube(x).sum(), x, { createGraph: true });
    const second = grad(first.sum(), x, { createGraph: true });
    expect(second.toArray()).toEqual([6, 12]);
    expect(grad(second.sum(), x).toArray()).toEqual([6, 6]);
  });

  test('saves a result, through which a second pass goes', () => {
    const exp = customFunction({
      name: 'myExp',
      forward(ctx, x: Tensor) {
        const y = x.exp();
        ctx.saveForBackward(y);
        return y;
      },
      backward: (ctx, g) => g.mul(ctx.savedTensors[0] as Tensor),
    });
    const x = leaf([0, 1]);
    const first = grad(exp(x).sum(), x, { createGraph: true });
    expect(grad(first.sum(), x).toArray()).toEqual(x.exp().toArray());
  });

  test('with several results: both, one alone, and as targets', () => {
    const [a, b] = [leaf([1, 2]), leaf([3, 4])];
    const [s, t] = sumAndScaled(a, b, 5);
    expectTypeOf(sumAndScaled).returns.toEqualTypeOf<[Tensor, Tensor]>();
    add(s, t.mul(2)).sum().backward(undefined, { retainGraph: true });
    expect([a.grad?.toArray(), b.grad?.toArray()]).toEqual([
      [11, 11],
      [1, 1],
    ]);
    // Nothing of the last pass is left for a result that this one doesn't reach.
    const [ga, gb] = grad(t.sum(), [a, b], { retainGraph: true });
    expect([ga?.toArray(), gb?.toArray()]).toEqual([
      [5, 5],
      [0, 0],
    ]);
    const [gs, gt] = grad(s.mul(t).sum(), [s, t]);
    expect([gs?.toArray(), gt?.toArray()]).toEqual([t.toArray(), s.toArray()]);
    gradcheck(
      (u, v) => {
        const [p, q] = sumAndScaled(u, v, -2);
        return p.mul(q);
      },
      [input([3]), input([3])],
    );
  });

  test('several results twice', () => {
    const [a, b] = [leaf([1, 2]), leaf([3, 4])];
    const [s, t] = sumAndScaled(a, b, 5);
    const [g] = grad(s.mul(t).sum(), [a, b], { createGraph: true });
    // (a + b) 5 a: 10 a + 5 b, and its derivatives
    expect(g?.toArray()).toEqual([25, 40]);
    expect(grad(g!.sum(), [a, b]).map((x) => x.toArray())).toEqual([
      [10, 10],
      [5, 5],
    ]);
  });

  test('says what it needs', () => {
    const seen: (readonly boolean[])[] = [];
    const probe = customFunction({
      name: 'probe',
      forward(ctx, a: Tensor, _text: string, b: Tensor) {
        seen.push(ctx.needsInputGrad);
        return a.add(b);
      },
      backward: (_, g) => [g, null, g],
    });
    const x = leaf([1]);
    const constant = tensor([1]);
    probe(x, 'text', constant);
    probe(constant, 'text', x);
    noGrad(() => probe(x, 'text', x));
    expect(seen).toEqual([
      [true, false, false],
      [false, false, true],
      [false, false, false],
    ]);
    expect(probe(constant, '', constant).requiresGrad).toBe(false);
  });

  test('without a gradient for an argument, and results without one', () => {
    const ranks = customFunction({
      name: 'ranks',
      forward(ctx, x: Tensor, y: Tensor): [Tensor, Tensor, Tensor] {
        const rounded = x.round();
        ctx.markNonDifferentiable(rounded);
        return [x.mul(y), x.argsort(), rounded];
      },
      backward(_, g, gIndices, gRounded) {
        expect([gIndices.toArray(), gRounded.toArray()]).toEqual([
          [0, 0],
          [0, 0],
        ]);
        return [g, null];
      },
    });
    const [x, y] = [leaf([1, 2]), leaf([3, 4])];
    const [z, indices, rounded] = ranks(x, y);
    expect([z, indices, rounded].map((t) => t.requiresGrad)).toEqual([true, false, false]);
    z.sum().backward();
    expect([x.grad?.toArray(), y.grad]).toEqual([[1, 1], null]);
  });

  test('gets null where nothing arrived if it asks for that', () => {
    const seen: (Tensor | null)[] = [];
    const fn = customFunction({
      name: 'fn',
      forward(ctx, x: Tensor): [Tensor, Tensor] {
        ctx.setMaterializeGrads(false);
        return [x.mul(1), x.mul(2)];
      },
      backward(_, g, h) {
        seen.push(g, h);
        return g;
      },
    });
    const x = leaf([1]);
    fn(x)[0].backward();
    expect(seen.map((g) => g === null)).toEqual([false, true]);
  });

  test('that returns its argument, a result twice, or a parameter, gives new tensors', () => {
    const parameter = leaf([7]);
    const fn = customFunction({
      name: 'fn',
      forward: (_: FunctionContext, x: Tensor): [Tensor, Tensor, Tensor] => [x, x, parameter],
      backward: (_, a, b, c) => a.add(b).add(c),
    });
    const x = leaf([1]);
    const [a, b, c] = fn(x);
    expect(new Set([x, a, b, c, parameter]).size).toBe(5);
    add(a.mul(2), b.mul(3)).add(c).backward();
    expect([x.isLeaf, x.grad?.toArray(), parameter.grad]).toEqual([true, [6], null]);
  });

  test('keeps what it gets and makes in backward, and may go through graphs there', () => {
    const kept: Tensor[] = [];
    const simple = customFunction({
      name: 'simple',
      forward: (_: FunctionContext, x: Tensor) => x.mul(2),
      backward(_, g) {
        const y = leaf([1, 2]);
        // Recording is off in here, as in the rest of the pass.
        expect(y.mul(2).requiresGrad).toBe(false);
        const inner = enableGrad(() => grad(y.square().sum(), y));
        kept.push(g, g.mul(7), inner);
        return g.mul(2);
      },
    });
    const x = leaf([1, 2]);
    simple(x.mul(3)).sum().backward();
    for (let i = 0; i < 10; i++) x.mul(i).square().sum().backward();
    expect(kept.map((t) => t.toArray())).toEqual([
      [1, 1],
      [7, 7],
      [2, 4],
    ]);
  });

  test('notices a saved tensor that was changed', () => {
    const x = leaf([1, 2]);
    const y = cube(x).sum();
    noGrad(() => x.storage.version++);
    expectError(() => y.backward(), 'ERR_STATE', 'that cube needs was changed in place');
  });

  test('reports what is wrong with its gradients', () => {
    const returning = (value: unknown) => {
      const fn = customFunction({
        name: 'wrong',
        forward: (_: FunctionContext, x: Tensor, _n: number) => x.mul(1),
        backward: () => value as Tensor,
      });
      return () =>
        fn(leaf([1, 2]), 1)
          .sum()
          .backward();
    };
    expectError(returning([ones([2])]), 'ERR_ARGUMENT', '1 gradients for 2 arguments');
    expectError(returning([ones([2]), null, ones([2])]), 'ERR_ARGUMENT', '3 gradients');
    expectError(returning([ones([2]), ones([2])]), 'ERR_ARGUMENT', 'argument 1');
    expectError(returning(['text', null]), 'ERR_ARGUMENT', '[wrong]');
    expectError(returning([ones([3]), null]), 'ERR_STATE', '[wrong]');
    expectError(returning([ones([2], { dtype: 'float64' }), null]), 'ERR_STATE', '[wrong]');
    returning([ones([2]), null, null])();
    const noTensor = customFunction({
      name: 'noTensor',
      forward: (_: FunctionContext, _x: Tensor) => 5 as never as Tensor,
      backward: (_, g) => g,
    });
    expectError(() => noTensor(leaf([1])), 'ERR_ARGUMENT', '[noTensor]');
  });

  test('does not save inference tensors', () => {
    const c = inferenceMode(() => ones([2]));
    const scale = customFunction({
      name: 'scale',
      forward(ctx, x: Tensor, factor: Tensor) {
        ctx.saveForBackward(factor);
        return x.mul(factor);
      },
      backward: (ctx, g) => [g.mul(ctx.savedTensors[0] as Tensor), null],
    });
    expectError(() => scale(leaf([1, 2]), c), 'ERR_STATE', 'inferenceMode');
    expect(scale(zeros([2]), c).toArray()).toEqual([0, 0]);
  });
});
