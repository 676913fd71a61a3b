/** Overfitting and its remedies: each lowers the gap between training and test. */
import { barX, line, ruleX } from '@observablehq/plot';
import {
  batches,
  dropout,
  Generator,
  mseLoss,
  nn,
  noGrad,
  ones,
  optim,
  randn,
  type Tensor,
} from 'tilegrad';
import { fixed, printTable } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

const EPOCHS = 120;
const BATCH = 20;
const LR = 0.003;
const HIDDEN = 64;

interface Examples {
  x: Tensor;
  y: Tensor;
}

/** What is done against overfitting; nothing by default. */
interface Remedy {
  name: string;
  /** Keeps the weights of the epoch with the least error on other examples. */
  earlyStopping?: boolean;
  /** Factors of the sum of the weights' absolute values, and of their squares, in the loss. */
  l1?: number;
  l2?: number;
  /** lambda of W := (1 - alpha lambda) W at each step. */
  weightDecay?: number;
  /** Behind each hidden layer. */
  layer?: (width: number, generator: Generator) => nn.Module;
  /** Ten times as many examples. */
  more?: boolean;
}

const REMEDIES: Remedy[] = [
  { name: 'nothing' },
  { name: 'early stopping', earlyStopping: true },
  { name: 'L1 penalty', l1: 0.03 },
  { name: 'L2 penalty', l2: 0.1 },
  { name: 'weight decay', weightDecay: 10 },
  { name: 'dropout', layer: (_, generator) => new nn.Dropout(0.5, { generator }) },
  { name: 'batch normalisation', layer: (width) => new nn.BatchNorm1d(width) },
  { name: 'more data', more: true },
];

interface Outcome {
  name: string;
  train: number;
  test: number;
}

interface Result {
  outcomes: Outcome[];
  /** Errors after each epoch without a remedy. */
  curves: { train: number[]; validation: number[] };
  stoppedAt: number;
  /** A weight and a bias of 1 after one step of weight decay without a gradient, and the formula. */
  decay: { weight: number; bias: number; formula: number };
  /** The mean of ones behind dropout, and what the values are; the same in evaluation. */
  dropout: { mean: number; values: number[]; evaluation: number[] };
}

const isWeight = ([name]: [string, nn.Parameter]): boolean => name.endsWith('weight');

/** Weights and biases apart: weight decay is for weights only. Those of normalisation count as biases. */
function parts(model: nn.Module): { weights: nn.Parameter[]; others: nn.Parameter[] } {
  const named = [...model.namedParameters()];
  const isPenalised = (entry: [string, nn.Parameter]) => isWeight(entry) && entry[1].ndim > 1;
  return {
    weights: named.filter(isPenalised).map(([, p]) => p),
    others: named.filter((entry) => !isPenalised(entry)).map(([, p]) => p),
  };
}

function train(remedy: Remedy, data: Record<'train' | 'validation' | 'test', Examples>) {
  const generator = new Generator(1);
  const layers: nn.Module[] = [];
  for (const [inputs, outputs] of [
    [10, HIDDEN],
    [HIDDEN, HIDDEN],
  ] as const) {
    layers.push(new nn.Linear(inputs, outputs, { generator }));
    const layer = remedy.layer?.(outputs, generator);
    if (layer instanceof nn.BatchNorm1d) layers.push(layer);
    layers.push(new nn.ReLU());
    if (layer instanceof nn.Dropout) layers.push(layer);
  }
  const model = new nn.Sequential(...layers, new nn.Linear(HIDDEN, 1, { generator }));
  const { weights, others } = parts(model);
  const { l1 = 0, l2 = 0, weightDecay = 0 } = remedy;
  const optimizer = new optim.AdamW(
    [
      { params: weights, weightDecay },
      { params: others, weightDecay: 0 },
    ],
    { lr: LR },
  );
  const errorOn = ({ x, y }: Examples): number => noGrad(() => mseLoss(model.forward(x), y).item());
  const curves = { train: [] as number[], validation: [] as number[] };
  let best = { error: Number.POSITIVE_INFINITY, epoch: 0, state: model.stateDict() };
  // As many steps with ten times the examples.
  const epochs = remedy.more ? EPOCHS / 10 : EPOCHS;
  for (let epoch = 0; epoch < epochs; epoch++) {
    model.train();
    for (const { x, y } of batches(data.train.x, data.train.y, {
      batchSize: BATCH,
      shuffle: true,
      epoch,
    })) {
      let loss = mseLoss(model.forward(x), y);
      // Of the weights only; biases and the scales of batch normalisation are left alone.
      if (l1 > 0) loss = loss.add(nn.l1Penalty(model, l1));
      if (l2 > 0) loss = loss.add(nn.l2Penalty(model, l2));
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
    }
    model.eval();
    curves.train.push(errorOn(data.train));
    curves.validation.push(errorOn(data.validation));
    if (remedy.earlyStopping && curves.validation.at(-1)! < best.error) {
      const state = Object.entries(model.stateDict()).map(
        ([name, t]) => [name, t.clone()] as const,
      );
      best = {
        error: curves.validation.at(-1)!,
        epoch: epoch + 1,
        state: Object.fromEntries(state),
      };
    }
  }
  if (remedy.earlyStopping) model.loadStateDict(best.state);
  return {
    outcome: { name: remedy.name, train: errorOn(data.train), test: errorOn(data.test) },
    curves,
    stoppedAt: best.epoch,
  };
}

/** One step with weight decay where the loss doesn't depend on anything. */
function decayAlone(): Result['decay'] {
  const [alpha, lambda] = [0.1, 0.5];
  const layer = new nn.Linear(1, 1, { dtype: 'float64' });
  for (const parameter of layer.parameters()) nn.init.constant(parameter, 1);
  const optimizer = new optim.SGD(
    [{ params: [layer.weight], weightDecay: lambda }, { params: [layer.bias!] }],
    { lr: alpha },
  );
  layer
    .forward(ones([1, 1], { dtype: 'float64' }))
    .mul(0)
    .sum()
    .backward();
  optimizer.step();
  return { weight: layer.weight.item(), bias: layer.bias!.item(), formula: 1 - alpha * lambda };
}

function run({ print, draw }: RunOptions): Result {
  const generator = new Generator(12);
  const slopes = randn([3, 1], { generator });
  const make = (count: number): Examples => {
    const x = randn([count, 10], { generator }); // of ten numbers, four matter
    const y = x
      .narrow(1, 0, 3)
      .matmul(slopes)
      .tanh()
      .add(
        x
          .narrow(1, 3, 1)
          .mul(x.narrow(1, 0, 1))
          .mul(0.5),
      )
      .add(randn([count, 1], { generator }).mul(0.8));
    return { x, y };
  };
  const data = { train: make(60), validation: make(60), test: make(500) };
  const more = make(600);
  const runs = REMEDIES.map((remedy) =>
    train(remedy, remedy.more ? { ...data, train: more } : data),
  );
  const outcomes = runs.map(({ outcome }) => outcome);
  const { curves } = runs[0]!;
  const { stoppedAt } = runs[1]!;
  printTable(
    print,
    ['remedy', 'training error', 'test error', 'gap'],
    outcomes.map(({ name, train, test }) => [
      name,
      fixed(train, 3),
      fixed(test, 3),
      fixed(test - train, 3),
    ]),
  );
  print(`early stopping went back to epoch ${stoppedAt} of ${EPOCHS}`);

  const decay = decayAlone();
  print(
    `weight decay without a gradient: a weight of 1 becomes ${fixed(decay.weight, 4)} = 1 - alpha lambda, a bias stays ${decay.bias}`,
  );
  const left = dropout(ones([10000]), 0.5, { generator: new Generator(3) });
  const values = [...new Set(left.toArray() as number[])].sort();
  const mean = left.mean().item();
  const evaluation = new nn.Dropout(0.5)
    .eval()
    .forward(ones([4]))
    .toArray() as number[];
  print(
    `dropout of ones: ${values.join(' or ')}, ${fixed(mean, 3)} on average; in evaluation ${evaluation.join(', ')}`,
  );

  const legend = ['training', 'test', 'validation'];
  const kinds = { train: 'training', validation: 'validation' };
  draw('b12-overfitting', {
    title: 'Overfitting and its remedies (mean squared errors)',
    legend,
    plots: [
      {
        title: 'without a remedy',
        x: { label: 'epoch' },
        y: { label: 'error', grid: true, zero: true },
        marks: [
          line(
            (['train', 'validation'] as const).flatMap((part) =>
              curves[part].map((error, i) => ({ epoch: i + 1, error, kind: kinds[part] })),
            ),
            { x: 'epoch', y: 'error', stroke: 'kind', strokeWidth: 2 },
          ),
          ruleX([stoppedAt], { stroke: '#666', strokeDasharray: '4 3' }),
        ],
      },
      {
        title: 'with each of them',
        marginLeft: 130,
        x: { label: 'error', grid: true },
        y: { label: null, domain: REMEDIES.map(({ name }) => name) },
        marks: [
          barX(outcomes, { x: 'test', y: 'name', fill: () => 'test', insetTop: 3, insetBottom: 3 }),
          barX(outcomes, {
            x: 'train',
            y: 'name',
            fill: () => 'training',
            insetTop: 8,
            insetBottom: 8,
          }),
          ruleX([0]),
        ],
      },
    ],
  });
  return { outcomes, curves, stoppedAt, decay, dropout: { mean, values, evaluation } };
}

export const topic: Topic<Result> = {
  id: 'B12',
  title: 'Overfitting and its remedies',
  run,
};
