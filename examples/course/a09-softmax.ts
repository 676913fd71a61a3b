/** Softmax of 1 to 9: from scores to probabilities. */
import { arange } from 'tilegrad';
import { list } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

interface Result {
  probabilities: number[];
  sum: number;
  /** Of the same scores, each 1000 more. */
  shifted: number[];
}

function run({ print }: RunOptions): Result {
  const scores = arange(1, 10);
  const probabilities = scores.softmax(0);
  const byHand = scores.exp().div(scores.exp().sum());
  const shifted = scores.add(1000).softmax(0);
  const numbers = probabilities.toArray() as number[];
  const sum = probabilities.sum().item();
  print(`softmax of 1 to 9: ${list(numbers, 3)}`);
  print(`e^x / sum e^x:     ${list(byHand.toArray() as number[], 3)}`);
  print(
    `they add up to ${sum.toFixed(6)}; scores of 1001 to 1009 give the same and don't overflow`,
  );
  return { probabilities: numbers, sum, shifted: shifted.toArray() as number[] };
}

export const topic: Topic<Result> = { id: 'A9', title: 'Softmax of 1 to 9', run };
