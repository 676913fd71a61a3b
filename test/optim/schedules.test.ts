import { loadSafetensorsSync, optim, saveSafetensorsSync, tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { epsilon, Fixture } from '../golden.js';
import { expectError } from '../helpers/errors.js';
import { temporaryFile } from '../helpers/files.js';

const { lrScheduler } = optim;
type Scheduler = optim.lrScheduler.LRScheduler;
type AnyOptimizer = optim.Optimizer<never>;

/** A schedule as the fixture describes it. */
interface Spec {
  type: string;
  arguments: unknown[];
  options: object;
}

interface Case extends Spec {
  optimizer: 'SGD' | 'Adam';
  /** Of schedules made of schedules. */
  inner?: Spec[];
  milestones: number[] | number | null;
  /** What `step` takes, of schedules that take something. */
  times?: number[];
  /** The rates of the groups before the first step and after each. */
  rates: number[][];
  momenta?: number[][];
}

const { content } = new Fixture<{ metrics: number[]; cases: Case[] }>('schedules');

const lambdas: Record<string, (epoch: number) => number> = {
  inverse: (epoch) => 1 / (1 + 0.1 * epoch),
  power: (epoch) => 0.95 ** epoch,
  slower: () => 0.97,
  waves: (epoch) => 0.96 + 0.02 * (epoch % 3),
};

function named(argument: unknown): unknown {
  if (Array.isArray(argument)) return argument.map(named);
  return typeof argument === 'string' ? lambdas[argument] : argument;
}

type Make = new (...values: unknown[]) => Scheduler;

function makeOne(optimizer: AnyOptimizer, spec: Spec): Scheduler {
  const Class = lrScheduler[spec.type as keyof typeof lrScheduler] as unknown as Make;
  const hasOptions = Object.keys(spec.options).length > 0;
  const values = [optimizer, ...spec.arguments.map(named)];
  return new Class(...values, ...(hasOptions ? [spec.options] : []));
}

function makeSchedule(optimizer: AnyOptimizer, c: Case): Scheduler {
  if (c.inner === undefined) return makeOne(optimizer, c);
  const inner = c.inner.map((spec) => makeOne(optimizer, spec));
  if (c.type === 'ChainedScheduler') return new lrScheduler.ChainedScheduler(inner);
  if (c.type === 'SequentialLR')
    return new lrScheduler.SequentialLR(optimizer, inner, c.milestones as number[]);
  const [after] = inner;
  return new lrScheduler.WarmupLR(
    optimizer,
    c.milestones as number,
    after === undefined ? {} : { after },
  );
}

function makeOptimizer(kind: 'SGD' | 'Adam'): optim.SGD | optim.Adam {
  const groups = [0.1, 0.025].map((lr) => ({ params: [tensor([0], { requiresGrad: true })], lr }));
  return kind === 'SGD' ? new optim.SGD(groups, { momentum: 0.9 }) : new optim.Adam(groups);
}

/** What a case's step number i takes. */
function inputOf(c: Case, i: number): [] | [number] {
  if (c.times !== undefined) return [c.times[i]!];
  return c.type === 'ReduceLROnPlateau' ? [content.metrics[i]!] : [];
}

const momentumOf = (group: optim.ParameterGroup): number =>
  group.has('beta1') ? group.betas[0] : group.momentum;

/**
 * Both sides compute in float64 by the same formulas, but cosines and powers of two C libraries may
 * differ in the last place, and a rate is computed from the one before: a few ulp of the largest rate
 * for each step. A cosine's rates near its minimum are differences 1 + cos(x), and those of the rising
 * half grow from one of them by (tMax / pi)^2 to 4 times as much.
 */
function bound(c: Case, step: number): number {
  const rates = c.rates.flat();
  const specs = [c, ...(c.inner ?? [])].filter(({ type }) => type === 'CosineAnnealingLR');
  const tMax = Math.max(1, ...specs.map((spec) => spec.arguments[0] as number));
  return (step + 2) * 4 * epsilon.float64 * Math.max(...rates) * Math.max(1, (tMax / Math.PI) ** 2);
}

function expectClose(actual: readonly number[], expected: number[], limit: number, step: number) {
  for (const [i, want] of expected.entries()) {
    const error = Math.abs(actual[i]! - want);
    const label = `group ${i} after ${step} steps: ${actual[i]} and not ${want}`;
    expect(error, label).toBeLessThanOrEqual(limit);
  }
}

const titles = content.cases.map((c): [string, Case] => {
  const { type, arguments: list = [], options = {}, inner = [], milestones = '' } = c;
  const parts = [list, options, inner, milestones, c.times ? 'times' : ''];
  return [`${type} ${parts.map((part) => JSON.stringify(part)).join(' ')} ${c.optimizer}`, c];
});

describe('50 steps as in PyTorch', () => {
  test.each(titles)('%s', (_, c) => {
    const optimizer = makeOptimizer(c.optimizer);
    const schedule = makeSchedule(optimizer, c);
    for (const [step, rates] of c.rates.entries()) {
      if (step > 0) schedule.step(...inputOf(c, step - 1));
      expect(schedule.getLastLr()).toEqual(optimizer.groups.map(({ lr }) => lr));
      expectClose(schedule.getLastLr(), rates, bound(c, step), step);
      const momenta = c.momenta?.[step];
      if (momenta !== undefined)
        expectClose(optimizer.groups.map(momentumOf), momenta, 256 * epsilon.float64, step);
    }
  });
});

describe('goes on from a saved state to the same bits', () => {
  test.each(titles)('%s', (_, c) => {
    const run = (schedule: Scheduler, from: number, to: number): number[][] => {
      const rates: number[][] = [];
      for (let i = from; i < to; i++) {
        schedule.step(...inputOf(c, i));
        rates.push([...schedule.getLastLr(), ...schedule.optimizer.groups.map(momentumOf)]);
      }
      return rates;
    };
    for (const at of [0, 3, 27]) {
      const optimizer = makeOptimizer(c.optimizer);
      const whole = makeSchedule(optimizer, c);
      run(whole, 0, at);
      const saved = whole.stateDict();
      const states = [optimizer.stateDict(), saved] as const;
      // Whatever is loaded first, and whatever rates there were before.
      const makers = [0, 1, 2].map((order) => () => {
        const fresh = makeOptimizer(c.optimizer);
        if (order === 2) fresh.loadStateDict(states[0]);
        const schedule = makeSchedule(fresh, c);
        if (order === 0) fresh.loadStateDict(states[0]);
        run(schedule, 0, order);
        schedule.loadStateDict(states[1]);
        if (order === 1) fresh.loadStateDict(states[0]);
        return schedule;
      });
      const resumed = makers.map((make) => make());
      for (const schedule of resumed) {
        expect(schedule.lastEpoch).toBe(whole.lastEpoch);
        expect(schedule.getLastLr()).toEqual(whole.getLastLr());
      }
      const want = run(whole, at, 50);
      for (const schedule of resumed) expect(run(schedule, at, 50)).toEqual(want);
    }
  });

  test('through a file', () => {
    const make = () => {
      const optimizer = makeOptimizer('SGD');
      const after = new lrScheduler.CosineAnnealingLR(optimizer, 9);
      return new lrScheduler.WarmupLR(optimizer, 4, { after });
    };
    const [a, b] = [make(), make()];
    for (let i = 0; i < 7; i++) a.step();
    temporaryFile('schedule.safetensors', (file) => {
      saveSafetensorsSync(file, a.stateDict());
      b.loadStateDict(loadSafetensorsSync(file).tensors);
    });
    a.step();
    b.step();
    expect(b.getLastLr()).toEqual(a.getLastLr());
  });
});

describe('a state that does not fit is refused and changes nothing', () => {
  const optimizer = makeOptimizer('SGD');
  const schedule = new lrScheduler.ReduceLROnPlateau(optimizer);
  const good = schedule.stateDict();
  const load = (state: unknown) => () => schedule.loadStateDict(state as never);
  const { best: _best, ...withoutBest } = good;
  test.each([
    [null, 'ERR_ARGUMENT', '[loadStateDict]'],
    [tensor([1]), 'ERR_ARGUMENT', '[loadStateDict]'],
    [withoutBest, 'ERR_ARGUMENT', 'missing: best'],
    [{ ...good, more: tensor(1) }, 'ERR_ARGUMENT', 'unknown: more'],
    [{ ...good, best: 1 }, 'ERR_ARGUMENT', 'best'],
    [{ ...good, best: tensor([1]) }, 'ERR_SHAPE', 'best'],
    [{ ...good, best: tensor(Number.NaN) }, 'ERR_ARGUMENT', 'best'],
    [{ ...good, best: tensor(1, { dtype: 'bfloat16' }) }, 'ERR_DTYPE', 'best'],
    [{ ...good, _last_lr: tensor([1, 1, 1]) }, 'ERR_SHAPE', '_last_lr'],
  ] as const)('%#', (state, code, message) => {
    expectError(load(state), code, message);
    expect(schedule.stateDict().best?.item()).toBe(Infinity);
  });
});

test('closed forms: what the docstrings say', () => {
  const make = (): optim.SGD =>
    new optim.SGD([tensor([0], { requiresGrad: true })], { lr: 0.5, momentum: 0.9 });
  const forms: [Scheduler, (t: number) => number][] = [
    [new lrScheduler.StepLR(make(), 3), (t) => 0.5 * 0.1 ** Math.floor(t / 3)],
    [new lrScheduler.ExponentialLR(make(), 0.9), (t) => 0.5 * 0.9 ** t],
    [
      new lrScheduler.LinearLR(make(), { startFactor: 0.2, endFactor: 0.8, totalIters: 10 }),
      (t) => 0.5 * (0.2 + (0.6 * Math.min(t, 10)) / 10),
    ],
    [
      new lrScheduler.PolynomialLR(make(), { totalIters: 10, power: 2 }),
      (t) => 0.5 * (1 - Math.min(t, 10) / 10) ** 2,
    ],
    [
      new lrScheduler.CosineAnnealingLR(make(), 10, { etaMin: 0.1 }),
      (t) => 0.1 + 0.2 * (1 + Math.cos((Math.PI * t) / 10)),
    ],
  ];
  for (const [schedule, form] of forms) {
    for (let t = 0; t < 40; t++) {
      expect(schedule.getLastLr()[0]).toBeCloseTo(form(t), 13);
      schedule.step();
    }
  }
});

test('a sequence may contain a chain and another sequence, which begin anew', () => {
  const optimizer = new optim.SGD([tensor([0], { requiresGrad: true })], { lr: 1 });
  const { ConstantLR, ExponentialLR, SequentialLR, ChainedScheduler } = lrScheduler;
  const chain = new ChainedScheduler([
    new ConstantLR(optimizer, { factor: 0.5, totalIters: 2 }),
    new ExponentialLR(optimizer, 0.5),
  ]);
  const inner = new SequentialLR(
    optimizer,
    [new ExponentialLR(optimizer, 0.1), new ExponentialLR(optimizer, 0.25)],
    [2],
  );
  const schedule = new SequentialLR(
    optimizer,
    [new ExponentialLR(optimizer, 0.5), chain, inner],
    [2, 5],
  );
  const rates = Array.from({ length: 9 }, () => {
    const { lr } = optimizer;
    schedule.step();
    return lr;
  });
  const want = [1, 0.5, 0.5, 0.25, 0.25, 1, 0.1, 1, 0.25];
  for (const [i, rate] of rates.entries()) expect(rate).toBeCloseTo(want[i]!, 14);
});

test('a schedule writes the memory that recorded steps read', () => {
  const w = tensor([1], { requiresGrad: true });
  const optimizer = new optim.SGD([w], { lr: 1 });
  const { hyper } = optimizer.groups[0]!;
  new lrScheduler.ExponentialLR(optimizer, 0.5).step();
  expect(optimizer.groups[0]!.hyper).toBe(hyper);
  expect(hyper[0]).toBe(0.5);
});

test('groups that come later need a new schedule', () => {
  const optimizer = makeOptimizer('SGD');
  const schedule = new lrScheduler.ExponentialLR(optimizer, 0.5);
  optimizer.addParamGroup({ params: [tensor([0], { requiresGrad: true })], lr: 1 });
  expectError(() => schedule.step(), 'ERR_STATE', '[ExponentialLR]');
  const longer = new lrScheduler.ExponentialLR(optimizer, 0.5);
  longer.step();
  expect(longer.getLastLr()).toEqual([0.05, 0.0125, 0.5]);
});

test('one cycle ends', () => {
  const optimizer = makeOptimizer('SGD');
  const schedule = new lrScheduler.OneCycleLR(optimizer, 1, { totalSteps: 3 });
  for (let i = 0; i < 3; i++) schedule.step();
  expectError(() => schedule.step(), 'ERR_STATE', '[OneCycleLR] the cycle is over after 3 steps');
});
