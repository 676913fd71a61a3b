/** The update rules, element by element in float64, against the fused steps. */
import { fromTypedArray, full, ones, optim, type Tensor, zeros } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { epsilon, type FloatType } from '../golden.js';
import { generator } from '../helpers/generator.js';

/** One element: its state by name, and how a step changes the weight. Counts from 1. */
type Element = Record<string, number>;
type Reference = (w: number, g: number, s: Element, step: number) => number;

const zero = (s: Element, name: string): number => s[name] ?? 0;

/** Steps an element's two moments; gives them with their bias corrections. */
function moments(s: Element, g: number, step: number, [beta1, beta2]: readonly [number, number]) {
  s.m = beta1 * zero(s, 'm') + (1 - beta1) * g;
  s.v = beta2 * zero(s, 'v') + (1 - beta2) * g * g;
  return { m: s.m, v: s.v, c1: 1 - beta1 ** step, c2: 1 - beta2 ** step };
}

const betas = [0.9, 0.999] as const;
const eps = 1e-8;

type Make = (params: Tensor[]) => optim.Optimizer<never>;
const cases: [name: string, make: Make, reference: Reference][] = [
  ['SGD', (p) => new optim.SGD(p, { lr: 0.1 }), (w, g) => w - 0.1 * g],
  [
    'SGD whose buffer is a mean',
    (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.9, dampening: 0.9 }),
    (w, g, s, step) => {
      s.m = step === 1 ? g : 0.9 * zero(s, 'm') + 0.1 * g;
      return w - 0.1 * s.m;
    },
  ],
  [
    'SGD in the averaging form',
    (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.9, momentumForm: 'average' }),
    (w, g, s) => {
      s.v = 0.9 * zero(s, 'v') + 0.1 * g;
      return w - 0.1 * s.v;
    },
  ],
  [
    "SGD in the averaging form with Nesterov's step, ascending",
    (p) =>
      new optim.SGD(p, {
        lr: 0.1,
        momentum: 0.9,
        momentumForm: 'average',
        nesterov: true,
        maximize: true,
      }),
    (w, g, s) => {
      s.v = 0.9 * zero(s, 'v') - 0.1 * g;
      return w - 0.1 * (0.9 * s.v - 0.1 * g);
    },
  ],
  [
    'Adam with amsgrad',
    (p) => new optim.Adam(p, { lr: 0.1, amsgrad: true, weightDecay: 0.1 }),
    (w, g, s, step) => {
      const { m, v, c1, c2 } = moments(s, g + 0.1 * w, step, betas);
      s.most = Math.max(zero(s, 'most'), v);
      return w - ((0.1 / c1) * m) / (Math.sqrt(s.most / c2) + eps);
    },
  ],
  [
    'AdamW, ascending',
    (p) => new optim.AdamW(p, { lr: 0.1, weightDecay: 0.1, maximize: true }),
    (w, g, s, step) => {
      const { m, v, c1, c2 } = moments(s, -g, step, betas);
      return w * (1 - 0.1 * 0.1) - ((0.1 / c1) * m) / (Math.sqrt(v / c2) + eps);
    },
  ],
  [
    'Adamax',
    (p) => new optim.Adamax(p, { lr: 0.1 }),
    (w, g, s, step) => {
      s.m = 0.9 * zero(s, 'm') + 0.1 * g;
      s.u = Math.max(0.999 * zero(s, 'u'), Math.abs(g) + eps);
      return w - ((0.1 / (1 - 0.9 ** step)) * s.m) / s.u;
    },
  ],
  [
    'NAdam',
    (p) => new optim.NAdam(p, { lr: 0.1 }),
    (w, g, s, step) => {
      const { m, v, c2 } = moments(s, g, step, betas);
      const momentum = (at: number): number => 0.9 * (1 - 0.5 * 0.96 ** (at * 4e-3));
      const [now, next] = [momentum(step), momentum(step + 1)];
      s.product = (s.product ?? 1) * now;
      const direction = ((1 - now) / (1 - s.product)) * g + (next / (1 - s.product * next)) * m;
      return w - (0.1 * direction) / (Math.sqrt(v / c2) + eps);
    },
  ],
  [
    'RAdam',
    (p) => new optim.RAdam(p, { lr: 0.1 }),
    (w, g, s, step) => {
      const { m, v, c1, c2 } = moments(s, g, step, betas);
      const most = 2 / (1 - 0.999) - 1;
      const rho = most - (2 * step * 0.999 ** step) / c2;
      if (rho <= 5) return w - (0.1 * m) / c1;
      const above = (rho - 4) * (rho - 2) * most;
      const rect = Math.sqrt(above / ((most - 4) * (most - 2) * rho));
      return w - ((0.1 * m) / c1) * rect * (Math.sqrt(c2) / (Math.sqrt(v) + eps));
    },
  ],
  [
    'RMSprop, centered and with momentum',
    (p) => new optim.RMSprop(p, { lr: 0.1, alpha: 0.8, centered: true, momentum: 0.5 }),
    (w, g, s) => {
      s.v = 0.8 * zero(s, 'v') + 0.2 * g * g;
      s.a = 0.8 * zero(s, 'a') + 0.2 * g;
      s.b = 0.5 * zero(s, 'b') + g / (Math.sqrt(s.v - s.a * s.a) + eps);
      return w - 0.1 * s.b;
    },
  ],
  [
    'Adagrad',
    (p) => new optim.Adagrad(p, { lr: 0.1, lrDecay: 0.5, initialAccumulatorValue: 0.25 }),
    (w, g, s, step) => {
      s.sum = (s.sum ?? 0.25) + g * g;
      return w - ((0.1 / (1 + (step - 1) * 0.5)) * g) / (Math.sqrt(s.sum) + 1e-10);
    },
  ],
  [
    'Adadelta',
    (p) => new optim.Adadelta(p, { lr: 0.5 }),
    (w, g, s) => {
      s.v = 0.9 * zero(s, 'v') + 0.1 * g * g;
      const d = (Math.sqrt(zero(s, 'u') + 1e-6) / Math.sqrt(s.v + 1e-6)) * g;
      s.u = 0.9 * zero(s, 'u') + 0.1 * d * d;
      return w - 0.5 * d;
    },
  ],
  [
    'Lion, ascending',
    (p) => new optim.Lion(p, { lr: 0.1, maximize: true }),
    (w, g, s) => {
      const m = zero(s, 'm');
      s.m = 0.99 * m - 0.01 * g;
      return w - 0.1 * Math.sign(0.9 * m - 0.1 * g);
    },
  ],
  [
    'Lion',
    (p) => new optim.Lion(p, { lr: 0.1, weightDecay: 0.1 }),
    (w, g, s) => {
      const m = zero(s, 'm');
      s.m = 0.99 * m + 0.01 * g;
      return w - 0.1 * (Math.sign(0.9 * m + 0.1 * g) + 0.1 * w);
    },
  ],
  [
    'Rprop',
    (p) => new optim.Rprop(p, { lr: 0.1, stepSizes: [0.06, 0.11] }),
    (w, g, s) => {
      const product = g * zero(s, 'g');
      const factor = product > 0 ? 1.2 : product < 0 ? 0.5 : 1;
      s.size = Math.min(Math.max((s.size ?? 0.1) * factor, 0.06), 0.11);
      s.g = product < 0 ? 0 : g;
      return w - Math.sign(s.g) * s.size;
    },
  ],
  [
    'ASGD',
    (p) => new optim.ASGD(p, { lr: 0.1, lambd: 0.1, alpha: 0.5, t0: 1 }),
    (w, g, s, step) => {
      const eta = s.eta ?? 0.1;
      s.eta = 0.1 / (1 + 0.1 * 0.1 * step) ** 0.5;
      return w * (1 - 0.1 * eta) - eta * g;
    },
  ],
];

const STEPS = 4;

/** n numbers of a type, from an element that is off its alignment to a vector by `shift`. */
function misaligned(dtype: FloatType, n: number, shift: number, draw: () => number): Tensor {
  const Values = dtype === 'float32' ? Float32Array : Float64Array;
  const array = new Values(n + shift).fill(7);
  for (let i = 0; i < n; i++) array[shift + i] = draw();
  return fromTypedArray(array.subarray(shift));
}

const numbersOf = (t: Tensor): number[] => Array.from(t.data, Number);

describe.each(['float32', 'float64'] as const)('%s', (dtype) => {
  // A step rounds some ten times, on numbers up to 4.
  const limit = STEPS * 16 * epsilon[dtype] * 4;

  test.each(cases)('%s at every length', (_, make, reference) => {
    const random = generator(5);
    // No gradient near 0, where signs and quotients hang on a rounding error.
    const draw = () => (random() < 0.5 ? -1 : 1) * (0.25 + random());
    for (let n = 0; n <= 100; n++) {
      const parameter = misaligned(dtype, n, n % 5, draw);
      parameter.requiresGrad = true;
      const want = numbersOf(parameter);
      const states = want.map((): Element => ({}));
      const optimizer = make([parameter]);
      for (let step = 1; step <= STEPS; step++) {
        const gradient = misaligned(dtype, n, (n + step) % 3, draw);
        parameter.grad = gradient;
        optimizer.step();
        for (const [i, g] of numbersOf(gradient).entries())
          want[i] = reference(want[i]!, g, states[i]!, step);
      }
      for (const [i, got] of numbersOf(parameter).entries()) {
        const error = Math.abs(got - want[i]!);
        expect(error, `${i} of ${n}: ${got} and not ${want[i]}`).toBeLessThanOrEqual(limit);
      }
    }
  });
});

test.each(cases)('%s of what is not finite stays with its element', (_, make) => {
  const special = [Number.NaN, Infinity, -Infinity, -0, 0, 5e-324, 1e300, -1e300];
  const run = (values: number[]): number[] => {
    const parameter = fromTypedArray(new Float64Array(values.length).fill(1));
    parameter.requiresGrad = true;
    const optimizer = make([parameter]);
    for (let i = 0; i < 3; i++) {
      parameter.grad = fromTypedArray(Float64Array.from(values));
      optimizer.step();
    }
    return numbersOf(parameter);
  };
  const together = run(special);
  expect(together).toEqual(special.flatMap((value) => run([value])));
  expect(run([0.5, ...special, 0.5])).toEqual([...run([0.5]), ...together, ...run([0.5])]);
});

test('a weight that is infinite stays so where no decay is asked for', () => {
  for (const [, make] of cases.filter(([name]) => /^(SGD|Adamax|NAdam|Adagrad)$/.test(name))) {
    const parameter = ones([3]).mul(Infinity).detach();
    parameter.requiresGrad = true;
    parameter.grad = ones([3]);
    make([parameter]).step();
    expect(parameter.toArray()).toEqual([Infinity, Infinity, Infinity]);
  }
});

test('the average of ASGD is the mean of the weights from t0 on', () => {
  const parameter = ones([2], { dtype: 'float64', requiresGrad: true });
  const optimizer = new optim.ASGD([parameter], { lr: 0.1, t0: 2 });
  const weights: number[] = [];
  for (let i = 1; i <= 6; i++) {
    parameter.grad = ones([2], { dtype: 'float64' }).mul(i);
    optimizer.step();
    weights.push(parameter.data[0] as number);
  }
  // Weight 1 / max(1, t - t0) is set after step t and used in the next: steps 5 and 6 average.
  const averaged = weights.slice(3);
  const mean = averaged.reduce((sum, w) => sum + w, 0) / averaged.length;
  expect(optimizer.stateDict()['state.0.ax']?.data[0]).toBeCloseTo(mean, 14);
});

test('until it averages, ASGD keeps the weights themselves', () => {
  const n = 33;
  const parameter = zeros([n], { requiresGrad: true });
  const optimizer = new optim.ASGD([parameter], { lr: 0.3, lambd: 0, t0: 100 });
  // Large weights, then small ones with digits of their own: w - ax + ax is rounded.
  for (const g of [-1e8, 1e8 / 3, 2e8 / 3, 0.1]) {
    parameter.grad = fromTypedArray(Float32Array.from({ length: n }, (_, i) => g * (1 + i / n)));
    optimizer.step();
    expect(optimizer.stateDict()['state.0.ax']?.toArray()).toEqual(parameter.toArray());
  }
});

/** As torch.lerp from one half on, by which torch.optim moves its means. */
test('a mean that takes one half of the gradient or more begins at the gradient', () => {
  const parameter = zeros([33], { requiresGrad: true });
  const optimizer = new optim.Lion([parameter], { lr: 1, betas: [0.5, 0] });
  // With m = -1, g - m is rounded to 2: halfway from g is 2^-23, whose sign counts, from m it is 0.
  for (const [g, wanted] of [
    [-1, 1],
    [1 + 2 ** -23, 0],
  ] as const) {
    parameter.grad = full([33], g);
    optimizer.step();
    expect(parameter.toArray()).toEqual(Array(33).fill(wanted));
  }
});

/** Plain descent has a loop of its own, which must have the bits of the one for all options. */
test.each(['float32', 'float64'] as const)(
  'plain SGD has the bits of ascending against -g: %s',
  (dtype) => {
    const random = generator(5);
    const special = [0, -0, Infinity, Number.NaN, 1e-42];
    for (const n of [1, 7, 8, 9, 15, 16, 17, 31, 33, 100, 1003]) {
      const Type = dtype === 'float32' ? Float32Array : Float64Array;
      const values = () =>
        new Type(n).map((_, i) => (i % 11 === 3 ? special[i % 5]! : random() * 2 - 1));
      const [w, g] = [values(), values()];
      const [down, up] = [false, true].map((maximize) => {
        const parameter = fromTypedArray(w.slice(), [n]);
        parameter.requiresGrad = true;
        parameter.grad = fromTypedArray(maximize ? g.map((x) => -x) : g, [n]);
        new optim.SGD([parameter], { lr: 0.3, maximize }).step();
        return parameter.detach().data;
      });
      expect(down).toEqual(up);
    }
  },
);
