import * as tilegrad from 'tilegrad';
import {
  binaryCrossEntropyWithLogits,
  gradcheck,
  linear,
  matmul,
  mseLoss,
  type Tensor,
  tensor,
} from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { attach, recording } from '../../lib/autograd/tape.js';
import type { GradRule } from '../../lib/tensor/tensor.js';
import { expectError } from '../helpers/errors.js';
import {
  type Case,
  type Fn,
  input,
  type Layout,
  layouts,
  one,
  perElement,
  unary,
} from '../operations/gradients.js';
import { families } from '../operations/index.js';

const product: Fn = (a, b) => matmul(a!, b!);

/** For every differentiable function of the library: the calls that are checked. */
const table: Record<string, readonly Case[]> = {
  sqrt: unary(tilegrad.sqrt, 20),
  reciprocal: unary(tilegrad.reciprocal, 20),
  expand: [
    one((x) => tilegrad.expand(x, [2, 3, 4]), [3, 1]),
    one((x) => tilegrad.expand(x, [2, 2]), []),
    one((x) => tilegrad.expand(x, [0, 2]), [2]),
    one((x) => tilegrad.expand(x, [2, 3]), [2, 3]),
  ],
  reshape: [
    one((x) => tilegrad.reshape(x, [3, -1]), [2, 3]),
    one((x) => tilegrad.reshape(x, []), [1, 1]),
    one((x) => tilegrad.reshape(x, [0]), [2, 0]),
  ],
  flatten: [one((x) => tilegrad.flatten(x, 1), [2, 3, 2]), one((x) => tilegrad.flatten(x), [])],
  permute: [one((x) => tilegrad.permute(x, [2, 0, 1]), [2, 3, 4])],
  transpose: [one((x) => tilegrad.transpose(x), [2, 3]), one((x) => tilegrad.transpose(x), [0, 3])],
  unsqueeze: [one((x) => tilegrad.unsqueeze(x, 1), [2, 3])],
  squeeze: [
    one((x) => tilegrad.squeeze(x), [1, 3, 1]),
    one((x) => tilegrad.squeeze(x, 0), [1, 3, 1]),
    one((x) => tilegrad.squeeze(x), [1, 1]),
  ],
  slice: [
    one((x) => tilegrad.slice(x, [[0, null, 2], -1]), [5, 3]),
    one((x) => tilegrad.slice(x, [1, 2]), [2, 3]),
    one((x) => tilegrad.slice(x, [[2, 1]]), [3]),
  ],
  contiguous: unary(tilegrad.contiguous),
  clone: unary((x) => tilegrad.clone(x)),
  // To float32 and back would check its rounding; what there is to check in float64 is nothing.
  to: unary((x) => tilegrad.to(x, 'float64')),
  matmul: [
    one(product, [3], [3]),
    one(product, [2, 3], [3]),
    one(product, [3], [3, 2]),
    one(product, [2, 3], [3, 4]),
    one(product, [2, 2, 3], [3, 2]),
    one(product, [2, 3], [2, 3, 2]),
    one(product, [2, 1, 2, 3], [2, 3, 2]),
    one(product, [3], [2, 3, 2]),
    one(product, [2, 0], [0, 3]),
    one(product, [0, 2], [2, 3]),
    one((a, b) => matmul(a.expand([2, 3]), b.expand([3, 2])), [2, 1], [1, 2]),
  ],
  addmm: [
    one((c, a, b) => tilegrad.addmm(c, a, b), [2, 4], [2, 3], [3, 4]),
    one((c, a, b) => tilegrad.addmm(c, a, b, { alpha: -0.5, beta: 2 }), [4], [2, 3], [3, 4]),
    one((c, a, b) => tilegrad.addmm(c, a, b, { beta: 0 }), [2, 1], [2, 3], [3, 4]),
    one((c, a, b) => tilegrad.addmm(c, a, b), [2, 0], [2, 3], [3, 0]),
  ],
  baddbmm: [
    one((c, a, b) => tilegrad.baddbmm(c, a, b), [2, 2, 4], [2, 2, 3], [2, 3, 4]),
    one((c, a, b) => tilegrad.baddbmm(c, a, b, { alpha: 3, beta: 0.5 }), [4], [2, 2, 3], [2, 3, 4]),
  ],
  linear: (
    ['none', 'relu', 'leakyRelu', 'sigmoid', 'tanh', 'gelu', 'geluTanh', 'silu'] as const
  ).flatMap((activation) => [
    one(
      (x, w, b, residual) => linear(x, w, b, { activation, residual, negativeSlope: 0.3 }),
      [3, 4],
      [2, 4],
      [2],
      [3, 2],
    ),
    // A second product takes the activation's derivative into its own.
    one((x, w, v) => linear(linear(x, w, null, { activation }), v), [3, 4], [2, 4], [3, 2]),
    one((x, w, b) => linear(x, w, b, { activation }), [3, 4], [2, 4], [2]),
    one((x, w) => linear(x, w, null, { activation }), [3, 4], [2, 4]),
    one((x, w, b) => linear(x, w, b, { activation }), [4], [2, 4], [2]),
    one((x, w, b) => linear(x, w, b, { activation }), [2, 2, 3], [3, 3], [3]),
    one((x, w, b) => linear(x, w, b, { activation }), [0, 3], [2, 3], [2]),
    one((x, w) => linear(x.expand([2, 3]), w.expand([2, 3]), null, { activation }), [2, 1], [2, 1]),
  ]),
  mseLoss: perElement(mseLoss),
  binaryCrossEntropyWithLogits: perElement(binaryCrossEntropyWithLogits),
};

/** Functions of the library that have no gradient. */
const others = new Set([
  ...['backward', 'grad', 'gradcheck', 'noGrad', 'enableGrad', 'isGradEnabled'],
  ...['tensor', 'fromTypedArray', 'zeros', 'ones', 'full', 'empty', 'eye', 'arange', 'zerosLike'],
  ...['onesLike', 'batches', 'parseIdx', 'readIdx', 'readIdxSync', 'loadMnist'],
  ...['loadMnistSync', 'loadSafetensors', 'loadSafetensorsSync', 'saveSafetensors'],
  ...['saveSafetensorsSync', 'getNumThreads', 'setNumThreads', 'simdLevel', 'simdLevels'],
  ...['setSimdLevel', 'setWeightPacking', 'matmulPlan', 'Tensor', 'TensorError'],
  ...[
    'emptyCache',
    'memory',
    'getFloat32MatmulPrecision',
    'setFloat32MatmulPrecision',
    'int8Matmul',
  ],
  ...['quantizePerChannel', 'dequantize'],
]);

for (const { operations } of families) {
  for (const [name, { gradients }] of Object.entries(operations)) {
    if (gradients === 'none') others.add(name);
    else table[name] = gradients;
  }
}

test('every function of the library stands in the table or has no gradient', () => {
  const functions = Object.entries(tilegrad).filter(([, value]) => typeof value === 'function');
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
