/** The number of views tomorrow from those of the past days, by linear regression. */
import { line } from '@observablehq/plot';
import { Generator, nn, noGrad, optim, type Tensor } from 'tilegrad';
import { descend } from './lib/fit.js';
import { viewsByDay, windows } from './lib/series.js';
import { fixed, printTable } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

/** Three years to learn from, and the year after them. The first 56 days are only looked back at. */
const LONGEST = 56;
const TRAIN_END = LONGEST + 3 * 365;
const TEST_END = TRAIN_END + 365;

const PAST_DAYS = [1, 7, 28, 56];
const STEPS = 300;

/** The mean absolute error, as in the notes: how many views the prediction is away. */
const criterion = new nn.L1Loss();
const mae = (prediction: Tensor, y: Tensor): Tensor => criterion.forward(prediction.squeeze(1), y);

interface Result {
  days: number[];
  /** Mean absolute errors in thousands of views, for each number of days. */
  train: number[];
  test: number[];
}

function run({ print, draw }: RunOptions): Result {
  const series = viewsByDay(TEST_END, 7);
  const { mean, std } = { mean: series.mean().item(), std: series.std().item() };
  const scaled = series.sub(mean).div(std);
  const curves: { day: number; views: number; kind: string }[] = [];

  const errors = PAST_DAYS.map((past) => {
    const train = windows(scaled, past, LONGEST, TRAIN_END);
    const test = windows(scaled, past, TRAIN_END, TEST_END);
    const model = new nn.Linear(past, 1, { generator: new Generator(1) });
    const optimizer = new optim.Adam([...model.parameters()], { lr: 0.02 });
    // The absolute error's gradient doesn't get smaller near the minimum: the steps have to.
    const schedule = new optim.lrScheduler.MultiStepLR(optimizer, [STEPS], { gamma: 0.1 });
    const lossOf = () => mae(model.forward(train.x), train.y);
    descend(optimizer, STEPS + STEPS / 3, lossOf, schedule);
    return noGrad(() => {
      const prediction = model.forward(test.x);
      const shown = prediction
        .squeeze(1)
        .mul(std)
        .add(mean)
        .slice([[0, 28]]);
      for (const [day, views] of (shown.toArray() as number[]).entries()) {
        if (past === 1 || past === 28) curves.push({ day, views, kind: kindOf(past) });
      }
      return {
        train: lossOf().item() * std,
        test: mae(prediction, test.y).item() * std,
      };
    });
  });

  print('y = b + w1 x1 + ... + wk xk, where xj are the views j days ago (in thousands):');
  printTable(
    print,
    ['days', 'loss, 3 years', 'loss, next year'],
    PAST_DAYS.map((past, i) => [past, fixed(errors[i]!.train, 3), fixed(errors[i]!.test, 3)]),
  );
  const real = series.slice([[TRAIN_END, TRAIN_END + 28]]).toArray() as number[];
  curves.push(...real.map((views, day) => ({ day, views, kind: 'what came' })));
  draw('a01-linear-regression', {
    title: 'Views a day, and what was predicted',
    legend: ['what came', kindOf(1), kindOf(28)],
    plots: [
      {
        width: 640,
        x: { label: 'day' },
        y: { label: 'views (thousands)', grid: true },
        marks: [line(curves, { x: 'day', y: 'views', stroke: 'kind' })],
      },
    ],
  });
  return {
    days: PAST_DAYS,
    train: errors.map(({ train }) => train),
    test: errors.map(({ test }) => test),
  };
}

const kindOf = (past: number): string =>
  past === 1 ? 'predicted from 1 day' : `predicted from ${past} days`;

export const topic: Topic<Result> = {
  id: 'A1',
  title: 'Linear regression on 1, 7, 28 and 56 past days',
  run,
};
