/** Gradient descent on all examples, on one at a time and on mini-batches. */
import { line } from '@observablehq/plot';
import { Generator, noGrad, optim, rand, randn, randperm, type Tensor, tensor } from 'tilegrad';
import { fixed, list, printTable } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

const float64 = { dtype: 'float64' } as const;
const COUNT = 64;
const EPOCHS = 12;
const LR = 0.1;
const TRUTH = { w: 2, b: -1 };

type Gradient = [w: number, b: number];

interface Variant {
  name: string;
  batchSize: number;
  /** Steps in one epoch, and in all. */
  perEpoch: number;
  iterations: number;
  /** The loss on all examples before each epoch and after the last. */
  losses: number[];
  w: number;
  b: number;
}

interface Result {
  variants: Variant[];
  /** The gradient of the loss on all examples. */
  full: Gradient;
  /** The mean of the gradients of single examples, and of mini-batches of one epoch. */
  meanOfOnes: Gradient;
  meanOfBatches: Gradient;
  /** How far the gradient of one mini-batch is from the full one, on average. */
  spread: { batchSize: number; distance: number }[];
}

/** Makes the data and the loss of a line on some of its examples. */
function problem() {
  const generator = new Generator(5);
  const x = rand([COUNT], { generator, ...float64 })
    .mul(4)
    .sub(2);
  const noise = randn([COUNT], { generator, ...float64 }).mul(0.3);
  const y = x.mul(TRUTH.w).add(TRUTH.b).add(noise);
  const w = tensor(0, { ...float64, requiresGrad: true });
  const b = tensor(0, { ...float64, requiresGrad: true });
  const loss = (examples?: Tensor): Tensor => {
    const [some, wanted] = examples
      ? [x.indexSelect(0, examples), y.indexSelect(0, examples)]
      : [x, y];
    return some.mul(w).add(b).sub(wanted).square().mean();
  };
  const gradient = (examples?: Tensor): Gradient => {
    w.zeroGrad();
    b.zeroGrad();
    loss(examples).backward();
    return [w.grad!.item() as number, b.grad!.item() as number];
  };
  return { w, b, loss, gradient };
}

const meanOf = (gradients: readonly Gradient[]): Gradient => [
  gradients.reduce((sum, [w]) => sum + w, 0) / gradients.length,
  gradients.reduce((sum, [, b]) => sum + b, 0) / gradients.length,
];

/** All examples in a random order, cut into batches. */
function batchesOf(size: number, generator: Generator): Tensor[] {
  return randperm(COUNT, { generator }).split(size);
}

function train(name: string, batchSize: number): Variant {
  const { w, b, loss } = problem();
  const generator = new Generator(9);
  const optimizer = new optim.SGD([w, b], { lr: LR * Math.min(1, batchSize / 4) });
  const losses = [noGrad(() => loss().item() as number)];
  let iterations = 0;
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    for (const examples of batchesOf(batchSize, generator)) {
      optimizer.zeroGrad();
      loss(examples).backward();
      optimizer.step();
      iterations++;
    }
    losses.push(noGrad(() => loss().item() as number));
  }
  const [lastW, lastB] = [w.item() as number, b.item() as number];
  const perEpoch = iterations / EPOCHS;
  return { name, batchSize, perEpoch, iterations, losses, w: lastW, b: lastB };
}

function run({ print, draw }: RunOptions): Result {
  const variants = [
    train('all data', COUNT),
    train('mini-batch', 8),
    train('stochastic (one example)', 1),
  ];
  print(`${COUNT} examples; an epoch uses each of them once, an iteration is one step`);
  printTable(
    print,
    ['', 'batch', 'iterations an epoch', 'in all', 'loss before', 'after', 'w', 'b'],
    variants.map(({ name, batchSize, perEpoch, iterations, losses, w, b }) => [
      ...[name, batchSize, perEpoch, iterations],
      ...[losses[0]!, losses.at(-1)!].map((loss) => fixed(loss, 4)),
      ...[w, b].map((value) => fixed(value, 3)),
    ]),
  );

  const { gradient } = problem();
  const full = gradient();
  const generator = new Generator(11);
  const gradientsOf = (size: number): Gradient[] => batchesOf(size, generator).map(gradient);
  const meanOfOnes = meanOf(gradientsOf(1));
  const meanOfBatches = meanOf(gradientsOf(8));
  print(`gradient of all examples:            ${list(full, 6)}`);
  print(`mean of the gradients of single ones: ${list(meanOfOnes, 6)}`);
  print(`mean of those of 8 mini-batches:      ${list(meanOfBatches, 6)}`);
  const spread = [1, 4, 16, 64].map((batchSize) => {
    const distances = gradientsOf(batchSize).map(([w, b]) => Math.hypot(w - full[0], b - full[1]));
    return { batchSize, distance: distances.reduce((sum, d) => sum + d, 0) / distances.length };
  });
  print('and how far one of them is from the gradient of all, on average:');
  print(
    `  ${spread.map(({ batchSize, distance }) => `${batchSize}: ${fixed(distance, 3)}`).join(', ')}`,
  );

  draw('b05-gradient-descent', {
    title: 'The loss on all examples, epoch by epoch',
    legend: variants.map(({ name }) => name),
    plots: [
      {
        x: { label: 'epoch' },
        y: { label: 'loss', type: 'log', grid: true },
        marks: variants.map(({ name, losses }) =>
          line(losses, {
            x: (_: number, i: number) => i,
            y: (loss: number) => loss,
            stroke: () => name,
          }),
        ),
      },
    ],
  });
  return { variants, full, meanOfOnes, meanOfBatches, spread };
}

export const topic: Topic<Result> = {
  id: 'B5',
  title: 'Gradient descent on all data, on one example, on mini-batches',
  run,
};
