import * as tilegrad from 'tilegrad';
import { grad, gradgradcheck, type Tensor, tensor } from 'tilegrad';
import { attach, recording } from 'tilegrad/autograd/tape.js';
import type { GradRule } from 'tilegrad/tensor/tensor.js';
import { describe, expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';
import { table } from '../operations/differentiable.js';
import { type Fn, input, type Layout } from '../operations/gradients.js';

/**
 * Operations that have gradients but no second derivatives, with the reason; asking for them throws
 * ERR_STATE.
 */
const exceptions: Readonly<Record<string, string>> = {};

/** float64 leaf of these numbers. */
const leaf = (values: number[] | number[][]): Tensor =>
  tensor(values as number[], { dtype: 'float64', requiresGrad: true });

/** Layouts of so many inputs: all contiguous, and different ones of which none of the first two is. */
function layoutChoices(count: number): Layout[][] {
  const others: Layout[] = ['transposed', 'every second', 'contiguous'];
  const inputs = Array.from({ length: count }, (_, i) => i);
  return [inputs.map(() => 'contiguous'), inputs.map((i) => others[i % 3]!)];
}

describe('second derivatives agree with central differences of gradients', () => {
  test.each(Object.entries(table))('%s', (name, cases) => {
    for (const { fn, shapes, around } of cases) {
      for (const choice of layoutChoices(shapes.length)) {
        const inputs = shapes.map((shape, i) => input(shape, choice[i], around));
        if (Object.hasOwn(exceptions, name)) {
          expectError(() => gradgradcheck(fn, inputs), 'ERR_STATE', `[${name}]`);
          continue;
        }
        try {
          gradgradcheck(fn, inputs);
        } catch (cause) {
          throw new Error(`${JSON.stringify(shapes)} ${choice.join(', ')}: ${cause}`, { cause });
        }
      }
    }
  });
});

describe('third derivatives', () => {
  /** The gradient of fn's weighted sum as a function, whose second derivatives are fn's third. */
  const gradientOf = (fn: Fn): Fn => {
    return (...inputs) => {
      const y = fn(...inputs);
      const gradOutputs = input(y.shape).detach();
      const gradients = grad(y, inputs, { gradOutputs, createGraph: true });
      return gradients.map((g) => g.square().sum()).reduce((a, b) => a.add(b));
    };
  };
  const classes = [2, 0, 1];
  const cases: Record<string, [Fn, ...number[][]]> = {
    tanh: [tilegrad.tanh, [2, 3]],
    sigmoid: [tilegrad.sigmoid, [2, 3]],
    silu: [tilegrad.silu, [2, 3]],
    gelu: [(x) => x.gelu(), [2, 3]],
    'gelu by tanh': [(x) => tilegrad.gelu(x, { approximate: 'tanh' }), [2, 3]],
    mish: [tilegrad.mish, [2, 3]],
    softplus: [(x) => x.softplus(), [2, 3]],
    elu: [(x) => x.elu(), [2, 3]],
    softsign: [tilegrad.softsign, [2, 3]],
    glu: [(x) => x.glu(), [2, 4]],
    pow: [(a, b) => a!.abs().add(0.5).pow(b!), [2, 2], [2]],
    atan2: [(y, x) => y!.atan2(x!), [3], [3]],
    softmax: [(x) => x.softmax(), [2, 3]],
    logSoftmax: [(x) => x.logSoftmax(), [2, 3]],
    crossEntropy: [(x) => tilegrad.crossEntropy(x, classes), [3, 4]],
    layerNorm: [(x, weight) => tilegrad.layerNorm(x!, 4, { weight: weight! }), [2, 4], [4]],
    batchNorm: [(x) => tilegrad.batchNorm(x, { training: true }), [4, 2]],
    matmul: [(a, b) => a!.matmul(b!).tanh(), [2, 3], [3, 2]],
    linear: [(x, w) => tilegrad.linear(x!, w!, null, { activation: 'sigmoid' }), [2, 3], [2, 3]],
    prod: [(x) => tilegrad.prod(x, { dim: 1 }), [2, 3]],
    cumprod: [(x) => tilegrad.cumprod(x, 1), [2, 4]],
    logcumsumexp: [(x) => tilegrad.logcumsumexp(x, 1), [2, 4]],
    norm: [(x) => tilegrad.norm(x, { dim: 1 }), [2, 3]],
    std: [(x) => tilegrad.std(x, { dim: 1 }), [2, 3]],
    embedding: [(w) => tilegrad.embedding(w, [1, 0, 1], { paddingIdx: 0 }).tanh(), [3, 2]],
  };
  test.each(Object.entries(cases))('%s', (_, [fn, ...shapes]) => {
    const inputs = shapes.map((shape) => tensorNear(shape));
    gradgradcheck(gradientOf(fn), inputs, { tolerance: 1e-6 });
  });

  /** Inputs of at most 1, where third derivatives are not large. */
  function tensorNear(shape: number[]): Tensor {
    const x = input(shape).detach().mul(0.3);
    x.requiresGrad = true;
    return x;
  }
});

describe('second derivatives at special places', () => {
  test('of products with zeros', () => {
    for (const row of [
      [2, 0, -1.5, 0.5],
      [0, 3, 0, -2],
      [0, 0, 0, 4],
    ]) {
      gradgradcheck((x) => x.prod(), [leaf(row)]);
      gradgradcheck((x) => x.cumprod(0), [leaf(row)]);
    }
  });

  test('of scatterReduce by prod with one zero, and an error for several', () => {
    const index = [0, 0, 1, 1, 0];
    const reduce = (options = {}): Fn => {
      return (x, source) => tilegrad.scatterReduce(x!, 0, index, source!, 'prod', options);
    };
    gradgradcheck(reduce(), [leaf([2, -1, 3]), leaf([0, 1.5, 2, 0, 4])]);
    gradgradcheck(reduce(), [leaf([0, 0, 0]), leaf([0.5, 1.5, 2, -1, 4])]);
    gradgradcheck(reduce({ includeSelf: false }), [leaf([0, 0, 0]), leaf([0, 1.5, 2, 0, 4])]);
    const x = leaf([2, 0, 3]);
    const y = reduce()(x, leaf([1, 1.5, 2, 0, 4]));
    const g = grad(y, x, { gradOutputs: tilegrad.onesLike(y), createGraph: true });
    expect(g.toArray()).toEqual([6, 0, 1]);
    expectError(() => grad(g.sum(), x), 'ERR_STATE', '[scatterReduce]');
  });

  test('of a norm and a standard deviation that are 0', () => {
    for (const fn of [(x: Tensor) => x.norm(), (x: Tensor) => x.std()]) {
      const x = leaf([0, 0, 0]);
      const g = grad(fn(x), x, { createGraph: true });
      expect(g.toArray()).toEqual([0, 0, 0]);
      expect(grad(g.sum(), x).toArray()).toEqual([0, 0, 0]);
    }
  });

  test('of activations far out', () => {
    const far = [-800, -40, 40, 800];
    const names = ['tanh', 'sigmoid', 'silu', 'gelu', 'softplus', 'elu', 'selu', 'tanhshrink'];
    const methods = [...names, 'mish', 'softsign', 'logsigmoid'] as const;
    const smooth: Fn[] = methods.map((name) => (x) => (x[name as 'tanh'] as () => Tensor)());
    smooth.push((x) => x.gelu({ approximate: 'tanh' }));
    for (const fn of smooth) {
      const x = leaf(far);
      const g = grad(fn(x).sum(), x, { createGraph: true });
      for (const second of grad(g.sum(), x).toArray() as number[]) {
        expect(Math.abs(second)).toBeLessThan(1e-4);
      }
    }
  });

  test('of pieces are 0, not missing', () => {
    const x = leaf([-4, -0.2, 0.3, 5]);
    for (const y of [x.relu(), x.leakyRelu(), x.hardtanh(), x.softshrink(), x.threshold(0, 1)]) {
      const g = grad(y.sum(), x, { createGraph: true });
      expect(grad(g.sum(), x).toArray()).toEqual([0, 0, 0, 0]);
    }
  });

  test('of an embedding nothing comes from the row that is not learned', () => {
    gradgradcheck((w) => tilegrad.embedding(w, [1, 0, 1, 2], { paddingIdx: 0 }), [input([3, 2])]);
    gradgradcheck((w) => tilegrad.embedding(w, [[1], [-0]], { paddingIdx: -2 }), [input([3, 2])]);
  });

  test('softplus and hardswish have other pieces', () => {
    gradgradcheck((x) => x.softplus({ beta: 2, threshold: 1 }), [leaf([-1, 0.3, 0.7, 3])]);
    gradgradcheck(tilegrad.hardswish, [leaf([-4, -2, 1, 5])]);
  });
});

describe('bfloat16', () => {
  /** Small whole numbers: every sum and product here is exact in both dtypes. */
  const whole = (shape: number[], dtype: 'float32' | 'bfloat16', first: number): Tensor => {
    const count = shape.reduce((a, b) => a * b, 1);
    const x = tensor(
      Array.from({ length: count }, (_, i) => ((i * 3 + first) % 5) - 2),
      { dtype },
    );
    const y = x.reshape(shape);
    y.requiresGrad = true;
    return y;
  };

  /** Asks for float32 where that is possible. */
  const wide = (x: Tensor): { outDtype?: 'float32' } =>
    x.dtype === 'bfloat16' ? { outDtype: 'float32' } : {};

  test.each<[string, Fn, ...number[][]]>([
    ['matmul', (a, b) => a!.matmul(b!), [2, 3], [3, 2]],
    ['matmul with batches', (a, b) => a!.matmul(b!), [2, 2, 3], [3, 2]],
    ['linear', (x, w, b) => tilegrad.linear(x!, w!, b!), [2, 3], [2, 3], [2]],
    ['outDtype', (a, b) => a!.matmul(b!, wide(a!)), [2, 3], [3, 2]],
    [
      'linear with outDtype',
      (x, w, b) => tilegrad.linear(x!, w!, b!, wide(x!)),
      [2, 3],
      [2, 3],
      [2],
    ],
    ['relu', (x, w, b) => tilegrad.linear(x!, w!, b!, { activation: 'relu' }), [2, 3], [2, 3], [2]],
    ['embedding', (w, v) => tilegrad.embedding(w!, [1, 0, 1]).matmul(v!), [3, 2], [2, 2]],
    ['max', (x, w) => x!.max({ dim: 1 }).values.matmul(w!), [3, 2], [3, 2]],
    ['sort', (x, w) => x!.sort().values.matmul(w!), [2, 3], [3, 2]],
    ['slice', (x, w) => x!.slice([[0, 2]]).matmul(w!), [3, 2], [2, 2]],
  ])('%s', (_, fn, ...shapes) => {
    const results = (['float32', 'bfloat16'] as const).map((dtype) => {
      const inputs = shapes.map((shape, i) => whole(shape, dtype, i));
      const y = fn(...inputs);
      const gradOutputs = whole([...y.shape], y.dtype as typeof dtype, 3);
      const first = grad(y, inputs, { gradOutputs, createGraph: true });
      const second = grad(first, [...inputs, gradOutputs], {
        gradOutputs: first.map((g, i) => whole([...g.shape], dtype, i + 1)),
        materializeGrads: true,
      });
      return [...first, ...second].map((g) => g.toArray());
    });
    expect(results[1]).toEqual(results[0]);
  });
});

describe('gradgradcheck', () => {
  /** x^3 with the given gradient, which is differentiated in turn. */
  const cubeWith = (rule: (x: Tensor) => GradRule): Fn => {
    return (x) => {
      const y = x.detach().square().mul(x.detach());
      if (recording(x)) attach(y, 'wrong', [x], [rule(x)]);
      return y;
    };
  };

  test('accepts the right rule', () => {
    gradgradcheck(
      cubeWith((x) => (g) => g.mul(x.square()).mul(3)),
      [input([2, 3])],
    );
  });

  test.each<[string, (x: Tensor) => GradRule]>([
    ['a gradient that is cut off from x', (x) => (g) => g.mul(x.detach().square()).mul(3)],
    ['one that is cut off in a part', (x) => (g) => g.mul(x.detach().mul(x)).mul(3)],
    ['one that is cut off from g', (x) => (g) => g.detach().mul(x.square()).mul(3)],
    ['one that is cut off from both', (x) => (g) => g.mul(x.square()).mul(3).detach()],
    [
      'another gradient where it is recorded',
      (x) => (g) => g.mul(x.square()).mul(recording(g) ? 3.1 : 3),
    ],
  ])('finds %s', (_, rule) => {
    expectError(
      () => gradgradcheck(cubeWith(rule), [input([2, 3])]),
      'ERR_STATE',
      '[gradgradcheck] input',
    );
  });

  test('puts the inputs back and leaves grad alone', () => {
    const x = input([3], 'every second');
    const before = x.toArray();
    gradgradcheck(tilegrad.tanh, [x]);
    expect(x.toArray()).toEqual(before);
    expect(x.grad).toBeNull();
  });

  test('takes a step and a tolerance', () => {
    const wrong = cubeWith((x) => (g) => g.mul(x.detach().mul(x)).mul(3));
    gradgradcheck(wrong, [input([2])], { tolerance: 2 });
    expect(() => gradgradcheck(wrong, [input([2])])).toThrow('[gradgradcheck]');
    gradgradcheck(tilegrad.exp, [leaf([1])], { step: 1e-4 });
  });

  test('wants float64 leaves that require gradients', () => {
    const single = tensor([1], { requiresGrad: true });
    expectError(() => gradgradcheck(tilegrad.exp, [single]), 'ERR_DTYPE', '[gradgradcheck]');
  });
});
