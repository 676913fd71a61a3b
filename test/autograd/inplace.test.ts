/** A tensor that a gradient rule needs, changed between forward and backward. */
import {
  add,
  grad,
  linear,
  matmul,
  mul,
  nn,
  noGrad,
  ones,
  optim,
  type Tensor,
  TensorError,
  tensor,
  zeros,
} from 'tilegrad';
import { copyInto } from 'tilegrad/ops/operand.js';
import { describe, expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';
import { type Case, input, one } from '../operations/gradients.js';
import { families } from '../operations/index.js';

/** Writes other numbers over a tensor's elements, as an optimizer's step does. */
const change = (t: Tensor): void => copyInto(t, t.detach().mul(1.25).add(0.375));

const leaf = (data: Parameters<typeof tensor>[0]): Tensor => tensor(data, { requiresGrad: true });

const cases: Record<string, readonly Case[]> = {
  matmul: [
    one((a, b) => matmul(a!, b!), [2, 3], [3, 4]),
    one((a, b) => matmul(a!, b!), [2, 2, 3], [3, 2]),
  ],
  linear: (['none', 'relu', 'tanh', 'gelu', 'silu'] as const).flatMap((activation) => [
    one((x, w, b) => linear(x!, w!, b!, { activation }), [3, 4], [2, 4], [2]),
    one((x, w, v) => linear(linear(x!, w!, null, { activation }), v!), [3, 4], [2, 4], [3, 2]),
  ]),
  reshape: [one((x) => x!.reshape([3, 2]), [2, 3])],
  slice: [one((x) => x!.slice([null, [0, 2]]), [2, 3])],
};
for (const { operations } of families) {
  for (const [name, { gradients }] of Object.entries(operations)) {
    if (gradients !== 'none') cases[name] = gradients;
  }
}

/** The gradients of a case after `meddle` has had the inputs and the result; null where backward refused. */
function gradients(
  { fn, shapes, around }: Case,
  meddle: (inputs: Tensor[], y: Tensor) => void,
): unknown {
  const inputs = shapes.map((shape) => input(shape, 'contiguous', around));
  const y = fn(...inputs);
  const g = noGrad(() => y.detach().mul(0.5).add(0.25));
  meddle(inputs, y);
  try {
    y.backward(g);
  } catch (error) {
    if (!(error instanceof TensorError) || !error.message.includes('changed in place')) throw error;
    return null;
  }
  return inputs.map((x) => x.grad?.toArray());
}

test.each(Object.entries(cases))('%s refuses or gives the gradients of before', (_, list) => {
  for (const each of list) {
    const expected = gradients(each, () => {});
    each.shapes.forEach((_, i) => {
      const after = gradients(each, (inputs) => change(inputs[i] as Tensor));
      if (after !== null) expect(after).toEqual(expected);
    });
    // A result that is a view would change its input too, which is the case above.
    const after = gradients(each, (_, y) => change(y));
    if (after !== null) expect(after).toEqual(expected);
  }
});

describe('operations complain about what they need', () => {
  test.each<[string, (x: Tensor, y: Tensor) => Tensor, boolean, boolean, boolean]>([
    ['add', add, false, false, false],
    ['sub', (x, y) => x.sub(y), false, false, false],
    ['mul', mul, true, true, false],
    ['div', (x, y) => x.div(y), true, true, false],
    ['exp', (x) => x.exp(), false, false, true],
    ['relu', (x) => x.relu(), false, false, true],
    ['log', (x) => x.log(), true, false, false],
    ['matmul', (x, y) => x.matmul(y.transpose()), true, true, false],
    ['sum', (x) => x.sum(), false, false, false],
  ])('%s', (name, fn, first, second, result) => {
    const refuses = (pick: (x: Tensor, y: Tensor, z: Tensor) => Tensor): boolean => {
      const [x, y] = [leaf([[1, 2]]), leaf([[3, 4]])];
      const z = fn(x, y);
      change(pick(x, y, z));
      try {
        z.backward(ones(z.shape));
        return false;
      } catch (error) {
        expect((error as Error).message).toContain(
          `[backward] one of the tensors that ${name} needs was changed in place after ${name}`,
        );
        return true;
      }
    };
    expect([refuses((x) => x), refuses((_, y) => y), refuses((_, __, z) => z)]).toEqual([
      first,
      second,
      result,
    ]);
  });

  test('only for the gradients that are asked for', () => {
    const x = tensor([1, 2]);
    const w = leaf([3, 4]);
    const y = x.mul(w).sum();
    change(w); // the gradient of w needs x alone
    y.backward();
    expect(w.grad?.toArray()).toEqual([1, 2]);
    const z = leaf([1, 2]).mul(w).sum();
    change(w);
    expect(grad(z, w).toArray()).toEqual([1, 2]);
  });

  test('says which input it was', () => {
    const x = leaf([1, 2]);
    const w = leaf([3, 4]);
    const y = x.mul(w).sum();
    change(w);
    expectError(() => y.backward(), 'ERR_STATE', 'its input 1');
    const z = x.exp();
    change(z);
    expectError(() => z.sum().backward(), 'ERR_STATE', 'its result');
  });
});

test("an optimizer's step between forward and backward", () => {
  const model = new nn.Linear(2, 2);
  const x = leaf([[1, 2]]);
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
  model.forward(x).sum().backward();
  const loss = model.forward(x).sum();
  optimizer.step();
  expectError(() => loss.backward(), 'ERR_STATE', 'linear needs was changed in place');
  // Nothing is left of the failed pass.
  model.forward(x).sum().backward();
});

test('views and the tensor behind them are one memory', () => {
  const x = leaf([1, 2, 3, 4]);
  const y = x
    .mul(tensor([1, 1, 1, 1]))
    .square()
    .sum();
  const c = tensor([1, 2]);
  const z = x.slice([[0, 2]]).mul(c);
  change(c.reshape([2, 1]));
  expectError(() => z.sum().backward(), 'ERR_STATE', 'mul');
  y.backward();
});

test('what was changed before the operation, or back in the same values, is no matter of values', () => {
  const c = tensor([1, 2]);
  change(c);
  const x = leaf([1, 2]);
  x.mul(c).sum().backward();
  expect(x.grad?.toArray()).toEqual(c.toArray());
  const y = x.mul(c).sum();
  copyInto(c, c.clone());
  expectError(() => y.backward(), 'ERR_STATE', 'mul');
});

test('a gradient to start with may have changed at any time', () => {
  const g = zeros([2]);
  const x = leaf([1, 2]);
  const y = x.square().exp();
  change(g);
  change(g);
  const [fromGrad] = grad(y, [x], { gradOutputs: g, retainGraph: true });
  y.backward(g, { retainGraph: true });
  expect(x.grad?.toArray()).toEqual(fromGrad?.toArray());
  const again = grad(y, x, { gradOutputs: g, createGraph: true });
  expect(again.toArray()).toEqual(fromGrad?.toArray());
});

test('between a pass and one through its gradients', () => {
  const x = leaf([1, 2]);
  const w = leaf([3, 4]);
  const g = grad(x.mul(x).mul(w).sum(), x, { createGraph: true });
  change(w); // g was computed from w, but the gradient of g by x needs only what was made of it
  expect(grad(g.sum(), x, { retainGraph: true }).toArray()).toEqual([6, 8]);
  change(x);
  expectError(() => grad(g.sum(), w), 'ERR_STATE', 'changed in place');
});

test('a gradient with a graph is not added to in place', () => {
  const x = leaf([1, 2]);
  x.square().mul(x).sum().backward(undefined, { createGraph: true });
  const first = x.grad as Tensor;
  x.sum().backward();
  expect(first.toArray()).toEqual([3, 12]);
  expect(x.grad?.toArray()).toEqual([4, 13]);
  expect(grad(first.sum(), x).toArray()).toEqual([6, 12]);
});
