/** Schedules of the learning rate: what they look like, and what one of them does for a training. */
import { line } from '@observablehq/plot';
import { Generator, noGrad, optim, randn, tensor } from 'tilegrad';
import { fixed, list, printTable } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

const { lrScheduler } = optim;

const STEPS = 40;
const LR = 0.1;

interface Result {
  /** The rate at every step, by the schedule's name. */
  rates: Record<string, number[]>;
  /** The distance from the minimum after training on noisy gradients: a fixed rate, and falling ones. */
  distances: Record<string, number>;
}

type Make = (optimizer: optim.SGD) => optim.lrScheduler.LRScheduler;

/** A validation loss that stops falling after some steps. */
const metric = (step: number): number => 1 / (1 + Math.min(step, 12));

const schedules: Record<string, Make> = {
  step: (o) => new lrScheduler.StepLR(o, 10, { gamma: 0.5 }),
  exponential: (o) => new lrScheduler.ExponentialLR(o, 0.93),
  cosine: (o) => new lrScheduler.CosineAnnealingLR(o, STEPS),
  'warm-up, then cosine': (o) =>
    new lrScheduler.WarmupLR(o, 8, {
      startFactor: 0.01,
      after: new lrScheduler.CosineAnnealingLR(o, STEPS - 8),
    }),
  'on plateau': (o) => new lrScheduler.ReduceLROnPlateau(o, { factor: 0.3, patience: 5 }),
};

function ratesOf(make: Make): number[] {
  const optimizer = new optim.SGD([tensor([0], { requiresGrad: true })], { lr: LR });
  const schedule = make(optimizer);
  return Array.from({ length: STEPS }, (_, step) => {
    const { lr } = optimizer;
    schedule.step(metric(step));
    return lr;
  });
}

/** Trains on gradients with noise, as those of small batches have; gives the distance that is left. */
function distanceAfter(make: Make | null): number {
  const generator = new Generator(21);
  const w = randn([200], { generator, dtype: 'float64' });
  w.requiresGrad = true;
  const optimizer = new optim.SGD([w], { lr: 0.3 });
  const schedule = make?.(optimizer);
  for (let step = 0; step < STEPS; step++) {
    optimizer.zeroGrad();
    const noise = randn([200], { generator, dtype: 'float64' });
    w.square().mul(0.5).add(w.mul(noise)).sum().backward();
    optimizer.step();
    schedule?.step(metric(step));
  }
  return noGrad(() => w.square().mean().sqrt().item() as number);
}

function run({ print, draw }: RunOptions): Result {
  const rates = Object.fromEntries(
    Object.entries(schedules).map(([name, make]) => [name, ratesOf(make)]),
  );
  print(`rates that start from ${LR}:`);
  const shown = [0, 4, 9, 10, 19, 20, 39];
  printTable(
    print,
    ['step', ...shown.map(String)],
    Object.entries(rates).map(([name, values]) => [
      name,
      ...shown.map((step) => fixed(values[step]!, 4)),
    ]),
  );
  const distances = Object.fromEntries(
    [['fixed', null] as const, ...Object.entries(schedules)].map(([name, make]) => [
      name,
      distanceAfter(make),
    ]),
  );
  print(`distance from the minimum after ${STEPS} steps with noisy gradients:`);
  print(`  ${Object.keys(distances).join(', ')}`);
  print(`  ${list(Object.values(distances), 3)}`);
  const names = Object.keys(rates);
  draw('b09-schedules', {
    title: 'Learning rates from step to step',
    legend: names,
    plots: [
      {
        width: 640,
        x: { label: 'step' },
        y: { label: 'learning rate', grid: true },
        marks: names.map((name) =>
          line(rates[name]!, {
            x: (_: number, step: number) => step,
            y: (rate: number) => rate,
            stroke: () => name,
          }),
        ),
      },
    ],
  });
  return { rates, distances };
}

export const topic: Topic<Result> = {
  id: 'B9',
  title: 'Learning-rate schedules: step, exponential, cosine, warm-up',
  run,
};
