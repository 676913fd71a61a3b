import * as tilegrad from 'tilegrad';
import { gradcheck, type Tensor, tensor } from 'tilegrad';
import { attach, recording } from 'tilegrad/autograd/tape.js';
import type { GradRule } from 'tilegrad/tensor/tensor.js';
import { describe, expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';
import { others, table } from '../operations/differentiable.js';
import { type Case, type Fn, input, type Layout, layouts } from '../operations/gradients.js';

test('every function of the library stands in the table or has no gradient', () => {
  const functions = Object.entries(tilegrad).filter(
    ([name, value]) => typeof value === 'function' && /^[a-z]/.test(name),
  );
  const names = functions.map(([name]) => name).filter((name) => !others.has(name));
  expect(Object.keys(table).sort()).toEqual(names.sort());
});

/** Each choice of a layout for each input; scalars have only one. */
function layoutChoices(shapes: Case['shapes']): Layout[][] {
  return shapes.reduce<Layout[][]>(
    (choices, shape) =>
      (shape.length === 0 ? layouts.slice(0, 1) : layouts).flatMap((layout) =>
        choices.map((choice) => [...choice, layout]),
      ),
    [[]],
  );
}

describe('gradients agree with central differences', () => {
  test.each(Object.entries(table))('%s', (_, cases) => {
    for (const { fn, shapes, around } of cases) {
      for (const choice of layoutChoices(shapes)) {
        const inputs = shapes.map((shape, i) => input(shape, choice[i], around));
        expect(inputs.map((x) => [...x.shape])).toEqual(shapes);
        try {
          gradcheck(fn, inputs);
        } catch (error) {
          throw new Error(`${JSON.stringify(shapes)} ${choice.join(', ')}`, { cause: error });
        }
      }
    }
  });
});

describe('gradcheck', () => {
  /** x^2 with the given rule for its gradient. */
  const squareWith = (rule: (x: Tensor) => GradRule): Fn => {
    return (x) => {
      const y = x.detach().square();
      if (recording(x)) attach(y, 'wrong', [x], [rule(x)]);
      return y;
    };
  };

  test('accepts the right rule', () => {
    gradcheck(
      squareWith((x) => (g) => g.mul(x).mul(2)),
      [input([2, 3])],
    );
  });

  test.each<[string, (x: Tensor) => GradRule]>([
    ['another factor', (x) => (g) => g.mul(x).mul(3)],
    ['another sign', (x) => (g) => g.mul(x).mul(-2)],
    ['the gradient left out', (x) => () => x.mul(2)],
    ['zeros', () => (g) => g.mul(0)],
    ['NaN', () => (g) => g.mul(Number.NaN)],
    ['an error of a millionth', (x) => (g) => g.mul(x).mul(2 + 2e-6)],
    [
      'one wrong element',
      (x) => (g) => {
        const result = g.mul(x).mul(2);
        result.data[4] = 0;
        return result;
      },
    ],
    ['another order of the elements', (x) => (g) => g.mul(x).mul(2).reshape([3, 2]).transpose()],
  ])('finds %s', (_, rule) => {
    expectError(
      () => gradcheck(squareWith(rule), [input([2, 3])]),
      'ERR_STATE',
      '[gradcheck] input 0 at',
    );
  });

  test('finds a gradient that does not arrive', () => {
    const cut: Fn = (x, y) => x.detach().mul(y);
    expectError(() => gradcheck(cut, [input([2]), input([2])]), 'ERR_STATE', 'input 0 at [0]');
    expectError(
      () => gradcheck((x, y) => y.detach().mul(x), [input([2]), input([2])]),
      'ERR_STATE',
      'input 1 at [0]',
    );
  });

  test('puts the inputs back, also when it fails and when the function throws', () => {
    const x = input([3], 'every second');
    const before = x.toArray();
    gradcheck(tilegrad.tanh, [x]);
    expect(x.toArray()).toEqual(before);
    expect(() =>
      gradcheck(
        squareWith(() => (g) => g),
        [x],
      ),
    ).toThrow('[gradcheck]');
    expect(x.toArray()).toEqual(before);
    let calls = 0;
    const failing: Fn = (t) => {
      if (++calls > 3) throw new Error('third');
      return t.mul(2);
    };
    expect(() => gradcheck(failing, [x])).toThrow('third');
    expect(x.toArray()).toEqual(before);
  });

  test('takes a step and a tolerance', () => {
    const wrong = squareWith((x) => (g) => g.mul(x).mul(2.1));
    gradcheck(wrong, [input([2])], { tolerance: 0.2 });
    expect(() => gradcheck(wrong, [input([2])])).toThrow('[gradcheck]');
    gradcheck(tilegrad.exp, [tensor([1], { dtype: 'float64', requiresGrad: true })], {
      step: 1e-4,
    });
  });

  test('wants float64 leaves that require gradients', () => {
    const single = tensor([1], { requiresGrad: true });
    expectError(() => gradcheck(tilegrad.exp, [single]), 'ERR_DTYPE', '[gradcheck]');
    const constant = tensor([1], { dtype: 'float64' });
    expectError(() => gradcheck(tilegrad.exp, [constant]), 'ERR_DTYPE', '[gradcheck]');
    expectError(() => gradcheck(tilegrad.exp, [input([1]).mul(2)]), 'ERR_DTYPE', '[gradcheck]');
  });
});
