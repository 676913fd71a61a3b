/** Boolean functions by neurons: AND, OR, NAND and NOT by one, XOR by two layers. */
import {
  binaryCrossEntropyWithLogits,
  Generator,
  heaviside,
  nn,
  noGrad,
  optim,
  stack,
  type Tensor,
  tensor,
} from 'tilegrad';
import { descend } from './lib/fit.js';
import { printTable } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

/** All pairs of truth values. */
const PAIRS = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
];
const XOR = [0, 1, 1, 0];

/** Seeds that XOR is learned with. */
const SEEDS = Array.from({ length: 20 }, (_, i) => i);
/** Two hidden units suffice, but get stuck now and then; with eight there is a way down from everywhere. */
const HIDDEN = 8;
const STEPS = 100;

/** A neuron with a step: 1 where w . x + b > 0. */
const neuron = (x: Tensor, w: readonly number[], b: number): Tensor =>
  heaviside(x.matmul(tensor([...w])).add(b), 0);

interface Result {
  /** For all pairs (NOT: for 0 and 1), by one neuron each. */
  gates: Record<'AND' | 'OR' | 'NAND' | 'NOT', number[]>;
  /** By two layers with weights set by hand. */
  xor: number[];
  /** By learned networks, one for each seed. */
  learned: number[][];
}

function learnXor(x: Tensor, seed: number): number[] {
  const generator = new Generator(seed);
  const model = new nn.Sequential(
    new nn.Linear(2, HIDDEN, { generator }),
    new nn.Tanh(),
    new nn.Linear(HIDDEN, 1, { generator }),
  );
  const y = tensor(XOR).unsqueeze(1);
  const optimizer = new optim.Adam([...model.parameters()], { lr: 0.1 });
  descend(optimizer, STEPS, () => binaryCrossEntropyWithLogits(model.forward(x), y));
  return noGrad(() => model.forward(x).gt(0).to('int32').flatten().toArray() as number[]);
}

function run({ print }: RunOptions): Result {
  const x = tensor(PAIRS);
  const values = (t: Tensor): number[] => t.toArray() as number[];
  const or = neuron(x, [1, 1], -0.5);
  const nand = neuron(x, [-1, -1], 1.5);
  const and = neuron(x, [1, 1], -1.5);
  const not = neuron(tensor([[0], [1]]), [-1], 0.5);
  // XOR is true where OR and NAND are: a second layer on the outputs of the first.
  const xor = neuron(stack([or, nand], 1), [1, 1], -1.5);
  printTable(
    print,
    ['x1 x2', 'AND', 'OR', 'NAND', 'XOR'],
    PAIRS.map((pair, i) => [pair.join('  '), ...[and, or, nand, xor].map((t) => values(t)[i]!)]),
  );
  print(`NOT 0 = ${values(not)[0]}, NOT 1 = ${values(not)[1]}`);
  const learned = SEEDS.map((seed) => learnXor(x, seed));
  const right = learned.filter((outputs) => outputs.every((value, i) => value === XOR[i])).length;
  print(
    `XOR learned by a 2-${HIDDEN}-1 network: all four rows right for ${right} of ${SEEDS.length} seeds`,
  );
  const gates = { AND: values(and), OR: values(or), NAND: values(nand), NOT: values(not) };
  return { gates, xor: values(xor), learned };
}

export const topic: Topic<Result> = {
  id: 'A6',
  title: 'Boolean functions by one neuron, XOR by two layers',
  run,
};
