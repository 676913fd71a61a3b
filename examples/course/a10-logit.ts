/** The logit, log(p / (1 - p)), inverts the sigmoid. */
import { line } from '@observablehq/plot';
import { linspace, logit, tensor } from 'tilegrad';
import { fixed } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

interface Result {
  /** logit(0.9). */
  logit: number;
  /** Largest |sigmoid(logit(p)) - p| over p in (0, 1). */
  roundTrip: number;
}

function run({ print, draw }: RunOptions): Result {
  const at = logit(tensor(0.9, { dtype: 'float64' })).item();
  const p = linspace(0.001, 0.999, 999, { dtype: 'float64' });
  const roundTrip = logit(p).sigmoid().sub(p).abs().max().item();
  print(`logit(0.9) = log(0.9 / 0.1) = ${fixed(at, 4)}`);
  print(`sigmoid(logit(p)) and p differ by ${roundTrip.toExponential(1)} at most`);

  const x = linspace(-6, 6, 61);
  const sigmoid = x.sigmoid().toArray() as number[];
  const points = (x.toArray() as number[]).map((value, i) => ({ x: value, p: sigmoid[i]! }));
  draw('a10-logit', {
    title: 'The sigmoid and its inverse',
    plots: [
      { title: 'p = sigmoid(x)', y: { grid: true }, marks: [line(points, { x: 'x', y: 'p' })] },
      { title: 'x = logit(p)', y: { grid: true }, marks: [line(points, { x: 'p', y: 'x' })] },
    ],
  });
  return { logit: at, roundTrip };
}

export const topic: Topic<Result> = { id: 'A10', title: 'The logit, inverse of the sigmoid', run };
