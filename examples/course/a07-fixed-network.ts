/** The network of the notes whose weights are given: what it computes, layer by layer. */
import { type Tensor, tensor } from 'tilegrad';
import { list } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

/** Rows of W are neurons, as in the notes and in PyTorch: a = sigmoid(W x + b). */
const layers = [
  {
    W: tensor([
      [1, -2],
      [-1, 1],
    ]),
    b: tensor([1, 0]),
  },
  {
    W: tensor([
      [2, -1],
      [-2, -1],
    ]),
    b: tensor([0, 0]),
  },
  {
    W: tensor([
      [3, -1],
      [-1, 4],
    ]),
    b: tensor([-2, 2]),
  },
];

interface Result {
  /** For the input (1, -1), what each layer gives. */
  outputs: number[][];
  /** For (0, 0), the same. */
  atZero: number[][];
}

function run({ print }: RunOptions): Result {
  const outputsOf = (x: number[]): number[][] => {
    let a: Tensor = tensor(x);
    return layers.map(({ W, b }) => {
      a = W.matmul(a).add(b).sigmoid();
      return a.toArray() as number[];
    });
  };
  const show = (x: number[]): number[][] => {
    const outputs = outputsOf(x);
    print(`x = (${x.join(', ')})`);
    outputs.forEach((a, i) => {
      print(`  layer ${i + 1}: ${list(a)}`);
    });
    return outputs;
  };
  return { outputs: show([1, -1]), atZero: show([0, 0]) };
}

export const topic: Topic<Result> = {
  id: 'A7',
  title: 'A fixed 2-2-2-2 network of sigmoid neurons',
  run,
};
