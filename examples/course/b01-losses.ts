/** Losses, norms, cross entropies in all forms, and the log likelihood by gradient ascent. */
import {
  binaryCrossEntropyWithLogits,
  concat,
  crossEntropy,
  Generator,
  l1Loss,
  logsigmoid,
  mseLoss,
  nllLoss,
  nn,
  norm,
  optim,
  randn,
  type Tensor,
  tensor,
} from 'tilegrad';
import { fixed, list, printTable } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

const float64 = { dtype: 'float64' } as const;

interface Result {
  mae: number;
  mse: number;
  rmse: number;
  l1: number;
  l2: number;
  /** One value by every way to say it. */
  crossEntropies: number[];
  binary: number[];
  /** Weights and bias of logistic regression after the same number of steps. */
  ascent: number[];
  descent: number[];
  /** Mean log likelihood before and after. */
  likelihood: [before: number, after: number];
}

/** -mean(y log p + (1 - y) log(1 - p)) */
const binaryCrossEntropy = (p: Tensor, y: Tensor): Tensor =>
  y.mul(p.log()).add(y.neg().add(1).mul(p.neg().log1p())).mean().neg();

function logLikelihoodDemo() {
  const generator = new Generator(1);
  const cloud = (at: number) => randn([50, 2], { ...float64, generator }).add(at);
  const x = concat([cloud(0.7), cloud(-0.7)], 0);
  const y = tensor(
    Array.from({ length: 100 }, (_, i) => [i < 50 ? 1 : 0]),
    float64,
  );
  const train = (maximize: boolean) => {
    const neuron = new nn.Linear(2, 1, { ...float64, generator: new Generator(2) });
    const optimizer = new optim.SGD([...neuron.parameters()], { lr: 0.5, maximize });
    const values: number[] = [];
    for (let step = 0; step < 100; step++) {
      const logits = neuron.forward(x);
      // log P(y) is log sigmoid(z) where y = 1 and log(1 - sigmoid(z)) = log sigmoid(-z) where y = 0.
      const sign = y.mul(2).sub(1);
      const objective = maximize
        ? logsigmoid(logits.mul(sign)).mean()
        : binaryCrossEntropyWithLogits(logits, y);
      values.push(objective.item());
      optimizer.zeroGrad();
      objective.backward();
      optimizer.step();
    }
    const weights = [...neuron.parameters()].flatMap((p) => p.flatten().toArray() as number[]);
    return { weights, values };
  };
  return { up: train(true), down: train(false) };
}

function run({ print }: RunOptions): Result {
  const prediction = tensor([2.5, 0, 2, 8], float64);
  const truth = tensor([3, -0.5, 2, 7], float64);
  const error = prediction.sub(truth);
  const mse = mseLoss(prediction, truth);
  const facts = {
    mae: l1Loss(prediction, truth).item(),
    mse: mse.item(),
    rmse: mse.sqrt().item(),
    l1: norm(error, { p: 1 }).item(),
    l2: norm(error).item(),
  };
  print(`errors ${list(error.toArray() as number[])}`);
  printTable(
    print,
    ['MAE', 'MSE', 'RMSE', 'L1 norm', 'L2 norm'],
    [Object.values(facts).map((value) => fixed(value, 4))],
  );

  const logits = tensor(
    [
      [2, 1, -1],
      [0, 3, 0.5],
    ],
    float64,
  );
  const oneHot = tensor(
    [
      [1, 0, 0],
      [0, 0, 1],
    ],
    float64,
  );
  const p = logits.softmax(1);
  const crossEntropies = [
    oneHot.mul(p.log()).sum({ dim: 1 }).mean().neg().item(), // probabilities, by the definition
    crossEntropy(logits, [0, 2]).item(), // logits and class indices
    crossEntropy(logits, oneHot).item(), // logits and one-hot rows
    nllLoss(logits.logSoftmax(1), [0, 2]).item(), // log probabilities
  ];
  const z = tensor([2, -1, 0.5], float64);
  const y = tensor([1, 0, 0], float64);
  const binary = [
    binaryCrossEntropy(z.sigmoid(), y).item(),
    binaryCrossEntropyWithLogits(z, y).item(),
  ];
  print(
    `cross entropy of probabilities, logits with indices, logits with one-hot rows, log probabilities: ${list(crossEntropies, 6)}`,
  );
  print(`binary cross entropy of probabilities, of logits: ${list(binary, 6)}`);

  const { up, down } = logLikelihoodDemo();
  print(
    `the log likelihood goes up from ${fixed(up.values[0]!, 4)} to ${fixed(up.values.at(-1)!, 4)}`,
  );
  print(`weights by ascent on it:        ${list(up.weights, 12)}`);
  print(`weights by descent on the loss: ${list(down.weights, 12)}`);
  return {
    ...facts,
    crossEntropies,
    binary,
    ascent: up.weights,
    descent: down.weights,
    likelihood: [up.values[0]!, up.values.at(-1)!],
  };
}

export const topic: Topic<Result> = {
  id: 'B1',
  title: 'Losses and norms; the likelihood by gradient ascent',
  run,
};
