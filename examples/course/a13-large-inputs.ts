/** A 3-3-2 network on inputs as large as 86, with softmax at the end. */
import { Generator, nn, noGrad, tensor } from 'tilegrad';
import { list } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

const X = [22, 35, 86];
const SEEDS = [1, 2, 3, 4, 5];

interface Result {
  /** Two probabilities for each network. */
  probabilities: number[][];
  /** The same with weights a thousand times as large, where e^x alone is infinite. */
  extreme: number[][];
}

function run({ print }: RunOptions): Result {
  const outputs = (seed: number, factor: number): number[] => {
    const generator = new Generator(seed);
    const model = new nn.Sequential(
      new nn.Linear(3, 3, { generator }),
      new nn.ReLU(),
      new nn.Linear(3, 2, { generator }),
      new nn.Softmax(-1),
    );
    for (const parameter of model.parameters()) {
      nn.init.normal(parameter, 0, factor, generator); // random weights, not small ones
    }
    return noGrad(() => model.forward(tensor(X))).toArray() as number[];
  };
  const probabilities = SEEDS.map((seed) => outputs(seed, 1));
  const extreme = SEEDS.map((seed) => outputs(seed, 1000));
  print(`x = (${X.join(', ')}); random weights from N(0, 1), then from N(0, 1000^2):`);
  for (const [i, seed] of SEEDS.entries()) {
    print(`  seed ${seed}: ${list(probabilities[i]!, 6)}    ${list(extreme[i]!, 6)}`);
  }
  return { probabilities, extreme };
}

export const topic: Topic<Result> = {
  id: 'A13',
  title: 'A 3-3-2 network with softmax on large inputs',
  run,
};
