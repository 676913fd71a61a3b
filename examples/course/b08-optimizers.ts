/** Adagrad, RMSprop, Adam and the others: their paths down one valley, and three of them by hand. */
import { line } from '@observablehq/plot';
import { optim, type Tensor } from 'tilegrad';
import { fixed, printTable } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';
import { descend, lossAt, type Point, type Valley } from './lib/valley.js';

const valley: Valley = { curvatures: [0.2, 8], start: [-3, 1], steps: 20 };

interface Path {
  name: string;
  /** The weights before each step and after the last. */
  path: Point[];
  loss: number;
}

interface Result {
  paths: Path[];
  /** The largest difference from the formulas written out in numbers, by name. */
  byHand: Record<string, number>;
}

type Make = (params: Tensor[]) => { step(): void; zeroGrad(): void };

/** Options as the fixture of PyTorch's paths has them. */
const optimizers: [name: string, make: Make][] = [
  ['SGD', (p) => new optim.SGD(p, { lr: 0.1 })],
  ['SGD with momentum', (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.9 })],
  ['Adagrad', (p) => new optim.Adagrad(p, { lr: 0.5 })],
  ['RMSprop', (p) => new optim.RMSprop(p, { lr: 0.1, alpha: 0.9 })],
  ['Adadelta', (p) => new optim.Adadelta(p, { lr: 10 })],
  ['Adam', (p) => new optim.Adam(p, { lr: 0.3 })],
  ['AdamW', (p) => new optim.AdamW(p, { lr: 0.3, weightDecay: 0.1 })],
  ['Adamax', (p) => new optim.Adamax(p, { lr: 0.3 })],
  ['NAdam', (p) => new optim.NAdam(p, { lr: 0.3 })],
  ['RAdam', (p) => new optim.RAdam(p, { lr: 0.3 })],
  ['Rprop', (p) => new optim.Rprop(p, { lr: 0.1 })],
  ['ASGD', (p) => new optim.ASGD(p, { lr: 0.1 })],
];

/** A rule for one weight: what a step takes away, at steps from 1. */
type Rule = (g: number, step: number) => number;

const rules: Record<string, () => Rule> = {
  Adagrad: () => {
    let sum = 0;
    return (g) => {
      sum += g * g;
      return (0.5 * g) / (Math.sqrt(sum) + 1e-10);
    };
  },
  RMSprop: () => {
    let mean = 0;
    return (g) => {
      mean = 0.9 * mean + 0.1 * g * g;
      return (0.1 * g) / (Math.sqrt(mean) + 1e-8);
    };
  },
  Adam: () => {
    let [m, v] = [0, 0];
    return (g, step) => {
      m = 0.9 * m + 0.1 * g;
      v = 0.999 * v + 0.001 * g * g;
      const [unbiasedM, unbiasedV] = [m / (1 - 0.9 ** step), v / (1 - 0.999 ** step)];
      return (0.3 * unbiasedM) / (Math.sqrt(unbiasedV) + 1e-8);
    };
  },
};

function byFormula(rule: () => Rule): Point[] {
  const own = [rule(), rule()] as const;
  const path: Point[] = [[...valley.start]];
  for (let step = 1; step <= valley.steps; step++) {
    const [a, b] = path.at(-1)!;
    path.push([
      a - own[0](valley.curvatures[0] * a, step),
      b - own[1](valley.curvatures[1] * b, step),
    ]);
  }
  return path;
}

function run({ print, draw }: RunOptions): Result {
  const paths = optimizers.map(([name, make]): Path => {
    const path = descend(valley, make);
    return { name, path, loss: lossAt(valley, path.at(-1)!) };
  });
  print(
    `${valley.steps} steps from (${valley.start.join(', ')}), loss ${fixed(lossAt(valley, [...valley.start]), 2)}`,
  );
  printTable(
    print,
    ['', 'w1', 'w2', 'loss'],
    paths.map(({ name, path, loss }) => [
      ...[name, ...path.at(-1)!.map((value) => fixed(value, 4))],
      loss.toExponential(2),
    ]),
  );
  const byHand = Object.fromEntries(
    Object.entries(rules).map(([name, rule]) => {
      const { path } = paths.find((one) => one.name === name)!;
      const written = byFormula(rule);
      const differences = path.flatMap((w, k) => w.map((x, i) => Math.abs(x - written[k]![i]!)));
      return [name, Math.max(...differences)];
    }),
  );
  for (const [name, difference] of Object.entries(byHand))
    print(`${name} written out in numbers differs by ${difference.toExponential(0)}`);
  const shown = ['SGD', 'SGD with momentum', 'Adagrad', 'RMSprop', 'Adam'];
  draw('b08-optimizers', {
    title: `${valley.steps} steps down a long valley`,
    legend: shown,
    plots: [
      {
        width: 640,
        x: { label: 'w1' },
        y: { label: 'w2' },
        marks: paths
          .filter(({ name }) => shown.includes(name))
          .map(({ name, path }) =>
            line(path, { x: '0', y: '1', stroke: () => name, marker: 'dot' }),
          ),
      },
    ],
  });
  return { paths, byHand };
}

export const topic: Topic<Result> = {
  id: 'B8',
  title: 'Adagrad, RMSprop, Adam and their family',
  run,
};
