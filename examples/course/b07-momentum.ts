/** Momentum in two forms and Nesterov's step, against their formulas. */
import { line } from '@observablehq/plot';
import { optim } from 'tilegrad';
import { fixed, printTable } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';
import { descend, lossAt, type Point, type Valley } from './lib/valley.js';

const LR = 0.02;
const BETA = 0.9;
const valley: Valley = { curvatures: [1, 30], start: [-4, 1.5], steps: 60 };

interface Form {
  name: string;
  options: optim.SGDOptions;
  /** The weights before each step and after the last, by the optimizer and by the formula. */
  path: Point[];
  byHand: Point[];
  /** The loss after the last step. */
  loss: number;
}

interface Result {
  forms: Form[];
  /** The largest difference between the averaging form and PyTorch's with a rate of lr (1 - beta). */
  betweenForms: number;
}

/** The same as an optimizer does, by numbers: how the buffer and the direction come from the gradient, at steps from 0. */
function byFormula(
  lr: number,
  buffer: (v: number, g: number, step: number) => number,
  direction: (v: number, g: number) => number,
): Point[] {
  const v: Point = [0, 0];
  const path: Point[] = [[...valley.start]];
  for (let step = 0; step < valley.steps; step++) {
    const w: Point = [...path.at(-1)!];
    for (const i of [0, 1] as const) {
      const g = valley.curvatures[i] * w[i];
      v[i] = buffer(v[i], g, step);
      w[i] -= lr * direction(v[i], g);
    }
    path.push(w);
  }
  return path;
}

function run({ print, draw }: RunOptions): Result {
  const sum = (m: number, g: number) => BETA * m + g;
  const mean = (v: number, g: number) => BETA * v + (1 - BETA) * g;
  const isMean = { momentumForm: 'average' } as const;
  // A mean is smaller by 1 - beta than a sum, so it takes a larger rate.
  const larger = LR / (1 - BETA);
  const cases: [name: string, options: optim.SGDOptions, byHand: Point[]][] = [
    [
      'no momentum',
      { lr: LR },
      byFormula(
        LR,
        (_, g) => g,
        (v) => v,
      ),
    ],
    ['m = beta m + g (PyTorch)', { lr: LR, momentum: BETA }, byFormula(LR, sum, (m) => m)],
    [
      'v = beta v + (1 - beta) g',
      { lr: larger, momentum: BETA, ...isMean },
      byFormula(larger, mean, (v) => v),
    ],
    [
      "PyTorch's form with dampening = beta",
      { lr: larger, momentum: BETA, dampening: BETA },
      byFormula(
        larger,
        (m, g, step) => (step === 0 ? g : mean(m, g)),
        (m) => m,
      ),
    ],
    [
      "Nesterov, PyTorch's form",
      { lr: LR, momentum: BETA, nesterov: true },
      byFormula(LR, sum, (m, g) => g + BETA * m),
    ],
    [
      'Nesterov, averaging form',
      { lr: larger, momentum: BETA, nesterov: true, ...isMean },
      byFormula(larger, mean, (v, g) => (1 - BETA) * g + BETA * v),
    ],
  ];
  const forms = cases.map(([name, options, byHand]): Form => {
    const path = descend(valley, (params) => new optim.SGD(params, options));
    return { name, options, path, byHand, loss: lossAt(valley, path.at(-1)!) };
  });
  print(
    `${valley.steps} steps from (${valley.start.join(', ')}) in a valley of curvatures ${valley.curvatures.join(' and ')}`,
  );
  printTable(
    print,
    ['', 'rate', 'w1', 'w2', 'loss', 'difference from the formula'],
    forms.map(({ name, options, path, byHand, loss }) => [
      ...[name, fixed(options.lr!, 2), ...path.at(-1)!.map((value) => fixed(value, 5))],
      loss.toExponential(2),
      distance(path, byHand).toExponential(0),
    ]),
  );
  const betweenForms = distance(forms[1]!.path, forms[2]!.path);
  print(
    "the averaging form with the rate lr / (1 - beta) takes the steps of PyTorch's form with lr; " +
      'with dampening = beta only the first value of the buffer differs, g and not (1 - beta) g',
  );
  const shown = [0, 1, 3, 4].map((i) => forms[i]!);
  draw('b07-momentum', {
    title: 'Paths down a long valley',
    legend: shown.map(({ name }) => name),
    plots: shown.map(({ name, path }) => ({
      title: name,
      width: 300,
      height: 240,
      x: { label: 'w1', domain: [-4.5, 3] },
      y: { label: 'w2', domain: [-2, 2] },
      marks: [line(path, { x: '0', y: '1', stroke: () => name, marker: 'dot', clip: true })],
    })),
  });
  return { forms, betweenForms };
}

/** The largest difference between two paths' numbers. */
function distance(a: readonly Point[], b: readonly Point[]): number {
  return Math.max(...a.flatMap((w, k) => w.map((value, i) => Math.abs(value - b[k]![i]!))));
}

export const topic: Topic<Result> = {
  id: 'B7',
  title: 'Momentum as a sum and as a running mean, and Nesterov',
  run,
};
