/** Deep against shallow with the same number of parameters; deeper until the test error rises. */
import { dot, line } from '@observablehq/plot';
import { Generator, mseLoss, noGrad, optim, rand, randn, type Tensor } from 'tilegrad';
import { descend } from './lib/fit.js';
import { mlp, parameterCount } from './lib/mlp.js';
import { fixed, printTable } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

/** Units in each of three hidden layers. */
const DEEP = [6, 10, 16];
const DEPTHS = [0, 1, 2, 3, 4, 5];
/** Units of each hidden layer where the depth changes. */
const WIDTH = 12;
const STEPS = 400;

/** A network's mean squared errors: means over some starting values. */
interface Errors {
  parameters: number;
  train: number;
  test: number;
}

interface Result {
  /** With three hidden layers, and with one that has as many parameters. */
  deep: Errors[];
  shallow: Errors[];
  /** By number of hidden layers, on few and noisy examples. */
  byDepth: (Errors & { depth: number })[];
}

interface Examples {
  x: Tensor;
  y: Tensor;
}

function errorsOf(
  widths: readonly number[],
  train: Examples,
  test: Examples,
  seeds: number,
): Errors {
  const runs = Array.from({ length: seeds }, (_, seed) => {
    const model = mlp(widths, new Generator(seed + 1));
    const lossOn = ({ x, y }: Examples) => mseLoss(model.forward(x), y);
    const optimizer = new optim.Adam([...model.parameters()], { lr: 0.01 });
    descend(optimizer, STEPS, () => lossOn(train));
    const [trainLoss, testLoss] = noGrad(() => [lossOn(train).item(), lossOn(test).item()]);
    return { parameters: parameterCount(model), train: trainLoss!, test: testLoss! };
  });
  const mean = (key: keyof Errors): number => runs.reduce((sum, r) => sum + r[key], 0) / seeds;
  return { parameters: mean('parameters'), train: mean('train'), test: mean('test') };
}

function run({ print, draw }: RunOptions): Result {
  const generator = new Generator(7);
  const uniform = (rows: number, columns: number): Tensor =>
    rand([rows, columns], { generator }).mul(2).sub(1);

  // Rings around the middle: what a hidden layer finds out is of use to the next one.
  const rings = (): Examples => {
    const x = uniform(400, 2);
    return { x, y: x.square().sum({ dim: 1, keepDim: true }).mul(8).sin() };
  };
  const [train, test] = [rings(), rings()];
  const deep = DEEP.map((width) => errorsOf([2, width, width, width, 1], train, test, 1));
  const shallow = deep.map(({ parameters }) =>
    // 2 h + h weights and biases, h + 1 behind them.
    errorsOf([2, Math.round((parameters - 1) / 4), 1], train, test, 1),
  );

  const noisy = (count: number): Examples => {
    const x = uniform(count, 1);
    return {
      x,
      y: x
        .mul(3)
        .sin()
        .add(randn([count, 1], { generator }).mul(0.4)),
    };
  };
  const [few, others] = [noisy(40), noisy(400)];
  const byDepth = DEPTHS.map((depth) => ({
    depth,
    ...errorsOf([1, ...new Array<number>(depth).fill(WIDTH), 1], few, others, 3),
  }));

  print('three hidden layers against one with as many parameters (mean squared errors):');
  printTable(
    print,
    ['parameters', 'deep, train', 'test', 'shallow, train', 'test'],
    deep.map((d, i) => [
      d.parameters,
      ...[d.train, d.test, shallow[i]!.train, shallow[i]!.test].map((e) => fixed(e, 3)),
    ]),
  );
  print('');
  print('deeper and deeper on 40 noisy examples:');
  printTable(
    print,
    ['hidden layers', 'train', 'test'],
    byDepth.map(({ depth, train, test }) => [depth, fixed(train, 3), fixed(test, 3)]),
  );

  const legend = ['shallow', 'deep', 'training error', 'test error'];
  const compared = [deep, shallow].flatMap((all, i) =>
    all.map(({ parameters, test }) => ({ parameters, test, kind: legend[1 - i]! })),
  );
  const curves = byDepth.flatMap(({ depth, train, test }) => [
    { depth, error: train, kind: legend[2]! },
    { depth, error: test, kind: legend[3]! },
  ]);
  draw('a21-deep-or-wide', {
    title: 'Deep against shallow, and deeper until it overfits',
    legend,
    plots: [
      {
        title: 'test error by number of parameters',
        x: { label: 'parameters' },
        y: { label: 'mean squared error', grid: true, zero: true },
        marks: [
          line(compared, { x: 'parameters', y: 'test', stroke: 'kind', strokeWidth: 2 }),
          dot(compared, { x: 'parameters', y: 'test', fill: 'kind' }),
        ],
      },
      {
        title: `${few.x.shape[0]} noisy examples`,
        x: { label: 'hidden layers', ticks: DEPTHS.length },
        y: { label: 'mean squared error', grid: true, zero: true },
        marks: [
          line(curves, { x: 'depth', y: 'error', stroke: 'kind', strokeWidth: 2 }),
          dot(curves, { x: 'depth', y: 'error', fill: 'kind' }),
        ],
      },
    ],
  });
  return { deep, shallow, byDepth };
}

export const topic: Topic<Result> = {
  id: 'A21',
  title: 'Deep against shallow; deeper until the test error rises',
  run,
};
