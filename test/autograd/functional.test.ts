/** Functional derivatives and hooks against PyTorch. */
import {
  add,
  backward,
  grad,
  hessian,
  hvp,
  jacobian,
  jvp,
  ones,
  type Tensor,
  type Tensors,
  tensor,
  vhp,
  vjp,
} from 'tilegrad';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { epsilon, expectGolden, Fixture, type FloatType, largest, toTensor } from '../golden.js';
import { expectError } from '../helpers/errors.js';

type Nested = number | Nested[];

interface Row {
  fn: string;
  dtype: FloatType;
  inputs: Nested;
  u: Nested;
  v: Nested;
  output: Nested;
  vjp: Nested;
  jvp: Nested;
  jacobian: Nested;
  hessian?: Nested;
  hvp?: Nested;
  vhp?: Nested;
}

const fixture = new Fixture<{ cases: Row[]; events: { label: string; value: number }[] }>(
  'autograd',
);

const functions: Record<string, (x: Tensor, y: Tensor) => Tensor | Tensor[]> = {
  one: (x) => x.exp().mul(x.sin()).sum({ dim: -1 }).mul(x.square().sum()),
  two: (x, y) => x.mul(y).sin().mul(y.exp()).add(x.square().div(y.exp())),
  several: (x, y) => [x.mul(y).sum(), x.exp().sub(y.mul(y).mul(x))],
  unused: (x) => x.square().mul(x),
  scalar: (x, y) => x.mul(y).exp().mul(x.square()).sum().add(y.sin().sum()),
};

/** A nested list with its ends replaced. */
function map<R>(nested: unknown, end: (at: never) => R): R | R[] {
  return Array.isArray(nested) ? (nested.map((n) => map(n, end)) as R[]) : end(nested as never);
}

function expectNested(actual: unknown, expected: Nested, dtype: FloatType, label: string): void {
  if (Array.isArray(expected)) {
    expect((actual as unknown[]).length, label).toBe(expected.length);
    expected.forEach((e, i) => {
      expectNested((actual as unknown[])[i], e, dtype, `${label}[${i}]`);
    });
    return;
  }
  const golden = fixture.tensor(expected);
  expect((actual as Tensor).dtype).toBe(dtype);
  // A few dozen roundings of numbers of this size, on both sides.
  expectGolden(actual as Tensor, golden, () => 64 * epsilon[dtype] * largest(golden), label);
}

describe.each(fixture.content.cases.map((row) => [`${row.fn} ${row.dtype}`, row] as const))(
  '%s',
  (_, row) => {
    const fn = functions[row.fn] as (...x: Tensor[]) => Tensor;
    const read = (nested: Nested): Tensors =>
      map(nested, (at) => toTensor(fixture.tensor(at), row.dtype));
    const inputs = read(row.inputs) as Tensor;

    test('vjp and jvp', () => {
      const [output, left] = vjp(fn, inputs, read(row.u));
      expectNested(output, row.output, row.dtype, 'output');
      expectNested(left, row.vjp, row.dtype, 'vjp');
      const [again, right] = jvp(fn, inputs, read(row.v));
      expectNested(again, row.output, row.dtype, 'output');
      expectNested(right, row.jvp, row.dtype, 'jvp');
    });

    test('jacobian', () => {
      expectNested(jacobian(fn, inputs), row.jacobian, row.dtype, 'jacobian');
    });

    const { hessian: second, hvp: right, vhp: left } = row;
    if (second !== undefined && right !== undefined && left !== undefined) {
      test('hessian, hvp and vhp', () => {
        expectNested(hessian(fn, inputs), second, row.dtype, 'hessian');
        expectNested(hvp(fn, inputs, read(row.v))[1], right, row.dtype, 'hvp');
        expectNested(vhp(fn, inputs, read(row.v))[1], left, row.dtype, 'vhp');
      });
    }
  },
);

test('hooks are called in the order of PyTorch, with its gradients', () => {
  const events: [string, unknown][] = [];
  const note = (label: string) => (g: Tensor) => void events.push([label, g.toArray()]);
  const noted = (label: string, factor: number) => (g: Tensor) => {
    events.push([label, g.toArray()]);
    return g.mul(factor);
  };
  const x = tensor([1, 2], { requiresGrad: true });
  const w = tensor([3, -1], { requiresGrad: true });
  const y = x.mul(w);
  const z = y.mul(y).add(x);
  y.retainGrad();
  y.registerHook(noted('y 1', 2));
  y.registerHook(noted('y 2', 3));
  z.registerHook(note('z'));
  x.registerHook(noted('x', 10));
  w.registerHook(note('w'));
  w.registerPostAccumulateGradHook((t) => note('w after')(t.grad!));
  x.registerPostAccumulateGradHook((t) => note('x after')(t.grad as Tensor));
  for (let i = 0; i < 2; i++) z.sum().backward(undefined, { retainGraph: true });
  note('y grad')(y.grad as Tensor);
  x.zeroGrad();
  note('grad y')(grad(z.sum(), y, { retainGraph: true }));
  note('grad x')(grad(z.sum(), x, { retainGraph: true }));
  backward([z, y], [tensor([1, 2]), tensor([3, 4])], { inputs: [y, x] });
  note('last y')(y.grad as Tensor);
  note('last x')(x.grad as Tensor);
  note('last w')(w.grad as Tensor);
  expect(events).toEqual(
    fixture.content.events.map(({ label, value }) => [label, fixture.tensor(value).data]),
  );
});

describe('functional derivatives', () => {
  const x = tensor([1, 2], { requiresGrad: true });

  test('leave the inputs and their graphs alone', () => {
    const h = x.mul(2);
    const [output, product] = vjp((t) => t.square(), h, ones([2]));
    expect([output.requiresGrad, product.requiresGrad]).toEqual([false, false]);
    expect(jacobian((t) => t.square(), h).requiresGrad).toBe(false);
    expect(hessian((t) => t.square().sum(), h).requiresGrad).toBe(false);
    expect([x.grad, h.grad]).toEqual([null, null]);
    expect(grad(h.sum(), x).toArray()).toEqual([2, 2]);
  });

  test('can be differentiated with createGraph', () => {
    const options = { createGraph: true };
    const cube = (t: Tensor): Tensor => t.square().mul(t);
    const v = tensor([1, 10]);
    const sums = [
      vjp(cube, x, v, options)[1],
      jvp(cube, x, v, options)[1],
      jacobian(cube, x, options),
      hessian((t) => cube(t).sum(), x, options),
      hvp((t) => cube(t).sum(), x, v, options)[1],
      vhp((t) => cube(t).sum(), x, v, options)[1],
    ].map((t) => grad(t.sum(), x).toArray());
    expect(sums).toEqual([
      [6, 120],
      [6, 120],
      [6, 12],
      [6, 6],
      [6, 60],
      [6, 60],
    ]);
  });

  test('of functions that do not depend on an input are zeros', () => {
    const constant = (): Tensor => tensor([1, 2, 3]);
    expect(jacobian(constant, x).toArray()).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
    expect(vjp(constant, x, ones([3]))[1].toArray()).toEqual([0, 0]);
    expect(jvp(constant, x, ones([2]))[1].toArray()).toEqual([0, 0, 0]);
    expect(hessian((t) => t.sum(), x).toArray()).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(jacobian((t) => t, x).toArray()).toEqual([
      [1, 0],
      [0, 1],
    ]);
    expect(jacobian((t) => t.slice([[0, 0]]), x).shape).toEqual([0, 2]);
  });

  test('take 1 for v where there is one element', () => {
    expect(vjp((t) => t.square().sum(), x)[1].toArray()).toEqual([2, 4]);
    expect(jvp((t) => t.mul(tensor([1, 2])), tensor([3]))[1].toArray()).toEqual([1, 2]);
    expect(hvp((t) => t.square().mul(t), tensor(2))[1].item()).toBe(12);
  });

  test('have the form of their arguments', () => {
    const both = (a: Tensor, b: Tensor): [Tensor, Tensor] => [a.mul(b), add(a, b)];
    const list = jacobian(both, [x, x]);
    expectTypeOf(list).toEqualTypeOf<Tensor[][]>();
    expect(list.map((row) => row.map((t) => t.toArray()))).toEqual([
      [
        [
          [1, 0],
          [0, 2],
        ],
        [
          [1, 0],
          [0, 2],
        ],
      ],
      [
        [
          [1, 0],
          [0, 1],
        ],
        [
          [1, 0],
          [0, 1],
        ],
      ],
    ]);
    expectTypeOf(jacobian((t: Tensor) => t.exp(), x)).toEqualTypeOf<Tensor>();
    expectTypeOf(jacobian((a: Tensor) => a.exp(), [x])).toEqualTypeOf<Tensor[]>();
    expectTypeOf(hessian((a: Tensor) => a.sum(), [x])).toEqualTypeOf<Tensor[][]>();
    expect(
      hessian((a, b) => a.mul(b).sum(), [x, x])
        .flat()
        .map((t) => t.toArray()),
    ).toEqual([
      [
        [0, 0],
        [0, 0],
      ],
      [
        [1, 0],
        [0, 1],
      ],
      [
        [1, 0],
        [0, 1],
      ],
      [
        [0, 0],
        [0, 0],
      ],
    ]);
  });

  test('reject what does not fit', () => {
    const square = (t: Tensor): Tensor => t.square();
    expectError(() => vjp(square, x), 'ERR_ARGUMENT', '[vjp] v may be left out');
    expectError(() => vjp(square, x, ones([3])), 'ERR_SHAPE', '[vjp]');
    expectError(() => jvp(square, x, ones([2], { dtype: 'float64' })), 'ERR_DTYPE', '[jvp]');
    expectError(() => jvp(square, x, [ones([2]), ones([2])]), 'ERR_ARGUMENT', '[jvp]');
    expectError(() => hessian(square, x), 'ERR_SHAPE', '[hessian]');
    expectError(() => hvp(square, x, ones([2])), 'ERR_SHAPE', '[hvp]');
  });
});

describe('backward of several tensors', () => {
  test('adds up what each sends', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const y = x.mul(2);
    backward([y.sum(), y.square()], [null, tensor([1, 10])]);
    expect(x.grad?.toArray()).toEqual([2 + 8, 2 + 160]);
    x.zeroGrad();
    backward([x, x.mul(3)], [ones([2]), ones([2])]);
    expect(x.grad?.toArray()).toEqual([4, 4]);
  });

  test('only for the given inputs', () => {
    const [x, w] = [1, 2].map((n) => tensor([n, n], { requiresGrad: true })) as [Tensor, Tensor];
    const y = x.mul(w);
    const z = y.mul(w);
    z.sum().backward(null, { inputs: w, retainGraph: true });
    expect([x.grad, w.grad?.toArray()]).toEqual([null, [4, 4]]);
    z.sum().backward(null, { inputs: [y, x] });
    expect([x.grad?.toArray(), y.grad?.toArray(), w.grad?.toArray()]).toEqual([
      [4, 4],
      [2, 2],
      [4, 4],
    ]);
    const unused = tensor([1], { requiresGrad: true });
    x.sum().backward(null, { inputs: unused });
    expect(unused.grad).toBeNull();
  });
});

describe('grad', () => {
  test('by a target whose own graph was freed', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const y = x.mul(2);
    y.sum().backward();
    const z = y.square().sum();
    expect(grad(z, y, { retainGraph: true }).toArray()).toEqual([4, 8]);
    // x may lie behind y or not: that can't be known any more.
    expectError(() => grad(z, [y, x], { retainGraph: true }), 'ERR_STATE', 'mul was freed');
    expectError(
      () => grad(z, [y, x], { allowUnused: true }) as unknown,
      'ERR_STATE',
      'mul was freed',
    );
  });

  test('by a target frees nothing behind it', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const y = x.square();
    const gy = grad(y.exp().sum(), y);
    expect(grad(y, x, { gradOutputs: gy }).toArray()).toEqual(
      x.square().exp().mul(x).mul(2).toArray(),
    );
  });

  test('two leaves with one recorded gradient have memory of their own', () => {
    const [a, b] = [1, 2].map((n) => tensor([n], { requiresGrad: true })) as [Tensor, Tensor];
    const g = ones([1]);
    add(a, b).backward(g, { createGraph: true });
    a.backward();
    b.backward();
    expect([a.grad, b.grad, g].map((t) => t?.toArray())).toEqual([[2], [2], [1]]);
  });

  test('gives memory that later passes leave alone, one for each input', () => {
    const [a, b] = [1, 2].map((n) => tensor([n, n], { requiresGrad: true })) as [Tensor, Tensor];
    const y = add(a, b).square();
    const [ga, gb] = grad(y.sum(), [a, b]);
    expect(ga?.storage).not.toBe(gb?.storage);
    for (let i = 0; i < 20; i++) grad(a.mul(i).square().sum(), a);
    expect([ga?.toArray(), gb?.toArray()]).toEqual([
      [6, 6],
      [6, 6],
    ]);
  });
});
