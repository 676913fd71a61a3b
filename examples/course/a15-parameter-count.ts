/** A 64 x 64 x 3 picture flattened to 12288 inputs of a 3-2-1 network: how many parameters it has. */
import { nn, noGrad, rand } from 'tilegrad';
import type { RunOptions, Topic } from './lib/topic.js';

const SIDE = 64;
const COLORS = 3;

interface Result {
  inputs: number;
  /** All that the network learns. */
  parameters: number;
  /** 3n + 3 + 2 * 3 + 2 + 2 + 1. */
  formula: number;
  /** What it says of a picture. */
  output: number;
}

function run({ print }: RunOptions): Result {
  const picture = rand([SIDE, SIDE, COLORS]);
  const x = picture.flatten();
  const n = x.numel;
  const model = new nn.Sequential(
    new nn.Linear(n, 3),
    new nn.Sigmoid(),
    new nn.Linear(3, 2),
    new nn.Sigmoid(),
    new nn.Linear(2, 1),
    new nn.Sigmoid(),
  );
  const summary = nn.summary(model, [n]);
  const parameters = summary.totalParameters;
  const formula = 3 * n + 3 + 2 * 3 + 2 + 2 + 1;
  print(`a picture of ${picture.shape.join(' x ')} is ${n} inputs`);
  for (const line of String(summary).split('\n')) print(line);
  print(`3n + 3 + 2 * 3 + 2 + 2 + 1 = 3n + 14 = ${formula}`);
  return { inputs: n, parameters, formula, output: noGrad(() => model.forward(x)).item() };
}

export const topic: Topic<Result> = {
  id: 'A15',
  title: 'How many parameters a network on a 64 x 64 color picture has',
  run,
};
