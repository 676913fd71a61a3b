/** Sex from hair length, height and weight for a class of 60: weights by hand, then learned. */
import {
  binaryCrossEntropyWithLogits,
  concat,
  Generator,
  nn,
  noGrad,
  optim,
  randn,
  randperm,
  type Tensor,
  tensor,
} from 'tilegrad';
import { descend } from './lib/fit.js';
import { fixed, list, printTable } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

const COUNT = 60;
const TRAIN = 40;

/** Means and standard deviations of hair (cm), height (cm) and weight (kg); made, not measured. */
const WOMEN = { mean: [32, 166, 62], std: [14, 6.5, 9] };
const MEN = { mean: [9, 179, 79], std: [8, 7, 11] };

/** What one might guess: long hair says woman, tall and heavy say man; 0 is undecided. */
const BY_HAND = { weight: [0.08, -0.02, -0.02], bias: 2.5 };

interface Scores {
  /** Share of the examples that are right. */
  accuracy: number;
  /** Cross entropy. */
  loss: number;
}

interface Result {
  byHand: { train: Scores; test: Scores };
  learned: { train: Scores; test: Scores };
}

/** One half women (label 1), one half men (label 0), in a random order. */
function makeClass(generator: Generator): { x: Tensor; y: Tensor } {
  const people = [WOMEN, MEN].map(({ mean, std }) =>
    randn([COUNT / 2, 3], { generator })
      .mul(tensor(std))
      .add(tensor(mean)),
  );
  const women = Array.from({ length: COUNT }, (_, i) => (i < COUNT / 2 ? 1 : 0));
  const order = randperm(COUNT, { generator });
  const x = concat(people, 0).clamp({ min: 0.5 });
  return { x: x.indexSelect(0, order), y: tensor(women).unsqueeze(1).indexSelect(0, order) };
}

function run({ print }: RunOptions): Result {
  const { x, y } = makeClass(new Generator(8));
  const parts = {
    train: { x: x.slice([[0, TRAIN]]), y: y.slice([[0, TRAIN]]) },
    test: { x: x.slice([[TRAIN, COUNT]]), y: y.slice([[TRAIN, COUNT]]) },
  };
  const score = (neuron: nn.Linear, part: 'train' | 'test'): Scores =>
    noGrad(() => {
      const logits = neuron.forward(parts[part].x);
      return {
        accuracy: logits.gt(0).eq(parts[part].y.gt(0.5)).to('float32').mean().item(),
        loss: binaryCrossEntropyWithLogits(logits, parts[part].y).item(),
      };
    });
  const both = (neuron: nn.Linear) => ({
    train: score(neuron, 'train'),
    test: score(neuron, 'test'),
  });

  const neuron = new nn.Linear(3, 1);
  neuron.loadStateDict({ weight: tensor([BY_HAND.weight]), bias: tensor([BY_HAND.bias]) });
  const byHand = both(neuron);

  // Learned on standardised features, so that one learning rate suits them all; what was learned is
  // then written in terms of centimetres and kilograms.
  const { std, mean } = parts.train.x.stdMean({ dim: 0 });
  const standard = parts.train.x.sub(mean).div(std);
  const learner = new nn.Linear(3, 1, { generator: new Generator(1) });
  const optimizer = new optim.SGD([...learner.parameters()], { lr: 0.5 });
  descend(optimizer, 300, () =>
    binaryCrossEntropyWithLogits(learner.forward(standard), parts.train.y),
  );
  noGrad(() => {
    const weight = learner.weight.div(std);
    neuron.loadStateDict({ weight, bias: learner.bias!.sub(weight.matmul(mean)) });
  });
  const learned = both(neuron);

  const row = (name: string, { train, test }: Result['learned']) => [
    name,
    `${Math.round(train.accuracy * TRAIN)} of ${TRAIN}`,
    `${Math.round(test.accuracy * (COUNT - TRAIN))} of ${COUNT - TRAIN}`,
    fixed(train.loss, 3),
    fixed(test.loss, 3),
  ];
  printTable(
    print,
    ['weights', 'train right', 'test right', 'train loss', 'test loss'],
    [row('by hand', byHand), row('learned', learned)],
  );
  print(
    `P(woman) = sigmoid(w . (hair, height, weight) + b), by hand w = ${list(BY_HAND.weight)}, b = ${BY_HAND.bias}`,
  );
  const [w, b] = [neuron.weight, neuron.bias!].map((t) => t.flatten().toArray() as number[]);
  print(`learned w = ${list(w!, 3)}, b = ${fixed(b![0]!)}`);
  return { byHand, learned };
}

export const topic: Topic<Result> = {
  id: 'A8',
  title: 'Sex from hair length, height and weight: by hand, then learned',
  run,
};
