/** An L1 penalty makes weights zero, an L2 penalty only small. */
import { dot, ruleY } from '@observablehq/plot';
import { Generator, mseLoss, nn, optim, randn, type Tensor } from 'tilegrad';
import { fixed, printTable } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

const FEATURES = 40;
/** Features that the target depends on. */
const RELEVANT = 5;
const COUNT = 60;
const STEPS = 600;
const LR = 0.05;
const LAMBDA = 0.15;
/** What counts as nearly zero. */
const SMALL = 0.01;

interface Fit {
  name: string;
  weights: number[];
  exactlyZero: number;
  nearlyZero: number;
  /** Root of the sum of squares. */
  norm: number;
}

interface Result {
  fits: Fit[];
}

/** Adds a penalty to the loss; or changes the weights after each step. */
interface Penalty {
  name: string;
  inLoss?: (model: nn.Linear) => Tensor;
  afterStep?: (model: nn.Linear, lr: number) => void;
}

const PENALTIES: Penalty[] = [
  { name: 'none' },
  { name: 'L2', inLoss: (model) => nn.l2Penalty(model, LAMBDA) },
  { name: 'L1', inLoss: (model) => nn.l1Penalty(model, LAMBDA) },
  // The same penalty by its proximal step: w moves by lr * LAMBDA towards 0 and stops there.
  { name: 'L1, proximal', afterStep: (model, lr) => nn.proximalL1(model, lr * LAMBDA) },
];

function run({ print, draw }: RunOptions): Result {
  const generator = new Generator(13);
  const x = randn([COUNT, FEATURES], { generator });
  const strength = randn([RELEVANT, 1], { generator }).sign().mul(1.5);
  const noise = randn([COUNT, 1], { generator }).mul(0.5);
  const y = x.narrow(1, 0, RELEVANT).matmul(strength).add(noise);

  const fits = PENALTIES.map(({ name, inLoss, afterStep }): Fit => {
    const model = new nn.Linear(FEATURES, 1, { generator: new Generator(1) });
    const optimizer = new optim.SGD([...model.parameters()], { lr: LR });
    // An L1 gradient doesn't get smaller near 0: the steps have to.
    const schedule = new optim.lrScheduler.PolynomialLR(optimizer, { totalIters: STEPS });
    for (let step = 0; step < STEPS; step++) {
      const loss = mseLoss(model.forward(x), y);
      const penalised = inLoss === undefined ? loss : loss.add(inLoss(model));
      optimizer.zeroGrad();
      penalised.backward();
      optimizer.step();
      afterStep?.(model, optimizer.lr);
      schedule.step();
    }
    const weights = model.weight.flatten().toArray() as number[];
    return {
      name,
      weights,
      norm: model.weight.norm().item(),
      exactlyZero: weights.filter((w) => w === 0).length,
      nearlyZero: weights.filter((w) => Math.abs(w) < SMALL).length,
    };
  });
  print(`${FEATURES} weights, of which ${RELEVANT} matter:`);
  printTable(
    print,
    ['penalty', 'exactly 0', `below ${SMALL}`, 'L2 norm'],
    fits.map((fit) => [fit.name, fit.exactlyZero, fit.nearlyZero, fixed(fit.norm, 3)]),
  );
  const legend = fits.map(({ name }) => name);
  draw('b13-l1-l2', {
    title: 'Weights with each penalty: the first five matter',
    legend,
    plots: [
      {
        width: 680,
        x: { label: 'feature' },
        y: { label: 'weight', grid: true },
        marks: [
          ruleY([0]),
          dot(
            fits.flatMap(({ name, weights }) =>
              weights.map((weight, i) => ({ feature: i + 1, weight, name })),
            ),
            { x: 'feature', y: 'weight', fill: 'name', r: 2.5 },
          ),
        ],
      },
    ],
  });
  return { fits };
}

export const topic: Topic<Result> = {
  id: 'B13',
  title: 'L1 makes weights zero, L2 only small',
  run,
};
