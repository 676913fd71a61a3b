import { Generator, matmul, nn, ones, optim, randn, type Tensor, tanh, tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { epsilon, expectGolden, Fixture, type FloatType, largest, toTensor } from '../golden.js';
import { expectError } from '../helpers/errors.js';

interface Case {
  kind: 'rosenbrock' | 'network';
  dtype: FloatType;
  options: optim.LBFGSOptions;
  start: number[];
  data: number[];
  steps: { loss: number; parameters: number[]; evaluations: number; iterations: number }[];
  /** What the state is after the second step. */
  state: Record<string, number>;
}

const fixture = new Fixture<{ cases: Case[] }>('lbfgs');

/**
 * Each iteration takes differences of gradients and divides by them, so a rounding error grows: by up to
 * a factor of ten in each of some ten iterations here, before the curvature is known.
 */
const GROWTH = 2 ** 14;

function lossOf(c: Case, parameters: readonly Tensor[], data: readonly Tensor[]): Tensor {
  const [a, b] = parameters as [Tensor, Tensor];
  if (c.kind === 'rosenbrock') {
    const inner = a.neg().add(1).square();
    return b.sub(a.mul(a)).square().mul(100).add(inner).sum();
  }
  const [x, y] = data as [Tensor, Tensor];
  const loss = matmul(tanh(matmul(x, a)), b)
    .sub(y)
    .square()
    .mean();
  return c.options.maximize ? loss.neg() : loss;
}

/** The optimizer of a case with the closure for its steps. */
function setUp(c: Case, start = c.start) {
  const parameters = start.map((i) => toTensor(fixture.tensor(i), c.dtype, true));
  const data = c.data.map((i) => toTensor(fixture.tensor(i), c.dtype));
  const optimizer = new optim.LBFGS(parameters, c.options);
  const closure = (): Tensor => {
    optimizer.zeroGrad();
    const loss = lossOf(c, parameters, data);
    loss.backward();
    return loss;
  };
  return { parameters, optimizer, closure };
}

const titles = fixture.content.cases.map((c): [string, Case] => [
  `${c.kind} ${JSON.stringify(c.options)} ${c.dtype}`,
  c,
]);

describe('steps as in PyTorch', () => {
  const check = (c: Case, step: number, parameters: Tensor[], loss: Tensor): void => {
    const want = c.steps[step]!;
    const limit = GROWTH * epsilon[c.dtype];
    expect(Math.abs(Number(loss.item()) - want.loss)).toBeLessThanOrEqual(
      limit * Math.max(1, Math.abs(want.loss)),
    );
    for (const [i, stored] of want.parameters.entries()) {
      const golden = fixture.tensor(stored);
      const bound = limit * Math.max(1, largest(golden));
      expectGolden(parameters[i]!, golden, () => bound, `parameter ${i} after step ${step}`);
    }
  };

  test.each(titles)('%s', (_, c) => {
    const { parameters, optimizer, closure } = setUp(c);
    let calls = 0;
    for (const [step, want] of c.steps.entries()) {
      const loss = optimizer.step(() => {
        calls++;
        return closure();
      });
      check(c, step, parameters, loss);
      expect(calls).toBe(want.evaluations);
      expect(optimizer.stateDict()['state.0.n_iter']?.item()).toBe(want.iterations);
      expect(optimizer.stateDict()['state.0.func_evals']?.item()).toBe(want.evaluations);
    }
  });

  test.each(titles.filter(([, c]) => Object.keys(c.state).length > 0))(
    'go on from its state: %s',
    (_, c) => {
      const { parameters, optimizer, closure } = setUp(c, c.steps[1]!.parameters);
      optimizer.loadStateDict(
        Object.fromEntries(
          Object.entries(c.state).map(([name, i]) => [name, toTensor(fixture.tensor(i), c.dtype)]),
        ),
      );
      check(c, 2, parameters, optimizer.step(closure));
    },
  );
});

test('goes on from a saved state to the same bits, whatever layout parameters have', () => {
  const make = () => {
    const generator = new Generator(4);
    const model = new nn.Sequential(
      new nn.Linear(5, 6, { generator }),
      new nn.Tanh(),
      new nn.Linear(6, 2, { generator }),
    );
    const x = randn([12, 5], { generator });
    const optimizer = new optim.LBFGS(model.parameters(), {
      lineSearchFn: 'strong_wolfe',
      maxIter: 4,
    });
    const step = () =>
      optimizer.step(() => {
        optimizer.zeroGrad();
        const loss = model.forward(x).sub(1).square().mean();
        loss.backward();
        return loss.item() as number;
      });
    return { model, optimizer, step };
  };
  const [a, b] = [make(), make()];
  const first = a.step();
  a.step();
  b.model.loadStateDict(a.model.stateDict());
  b.optimizer.loadStateDict(a.optimizer.stateDict());
  for (let i = 0; i < 2; i++) expect(b.step()).toBe(a.step());
  const last = a.step();
  expect(b.step()).toBe(last);
  expect(last).toBeLessThan(first / 10);
  const bits = (model: nn.Sequential) => Object.values(model.stateDict()).map((t) => t.toArray());
  expect(bits(b.model)).toEqual(bits(a.model));
});

test('a parameter without a gradient stays, a flat loss ends the step at once', () => {
  const [w, other] = [ones([2], { requiresGrad: true }), ones([1], { requiresGrad: true })];
  const optimizer = new optim.LBFGS([w, other]);
  let calls = 0;
  const closure = (): number => {
    calls++;
    optimizer.zeroGrad();
    const loss = w.square().sum();
    loss.backward();
    return loss.item() as number;
  };
  optimizer.step(closure);
  expect(other.item()).toBe(1);
  expect(w.square().sum().item()).toBeLessThan(1e-12);
  calls = 0;
  optimizer.step(closure);
  expect(calls).toBe(1);
});

describe('what does not fit is refused and changes nothing', () => {
  const w = ones([2], { requiresGrad: true });
  const optimizer = new optim.LBFGS([w]);
  optimizer.step(() => {
    optimizer.zeroGrad();
    const loss = w
      .square()
      .mul(tensor([1, 3]))
      .sum();
    loss.backward();
    return loss;
  });
  const good = optimizer.stateDict();
  const { 'state.0.d': _d, ...withoutDirection } = good;
  test.each([
    [null, 'ERR_ARGUMENT', '[loadStateDict]'],
    [withoutDirection, 'ERR_ARGUMENT', 'missing: state.0.d'],
    [{ ...good, 'state.0.more': tensor(1) }, 'ERR_ARGUMENT', 'unknown: state.0.more'],
    [{ ...good, 'state.0.d': ones([3]) }, 'ERR_SHAPE', 'state.0.d'],
    [{ ...good, 'param_groups.0.lr': tensor(Number.NaN) }, 'ERR_ARGUMENT', 'finite'],
  ] as const)('%#', (state, code, message) => {
    expectError(() => optimizer.loadStateDict(state as never), code, message);
    expect(Object.keys(optimizer.stateDict())).toEqual(Object.keys(good));
  });
});
