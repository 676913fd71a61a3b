/** Vanishing and exploding gradients in a deep network, by layer, and clipping. */
import { dot, line } from '@observablehq/plot';
import { Generator, mseLoss, nn, randn } from 'tilegrad';
import { fixed, printTable } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

const LAYERS = 12;
const WIDTH = 32;
const MAX_NORM = 1;

interface Result {
  /** Norms of the gradients of the weights, from the first layer to the last. */
  sigmoid: number[];
  relu: number[];
  exploding: number[];
  /** Norm of all of the exploding network's gradients, before and after they are clipped. */
  clipped: { before: number; after: number; layers: number[] };
}

function deepNetwork(activation: () => nn.Module, gain: number): nn.Sequential {
  const generator = new Generator(11);
  const layers: nn.Module[] = [];
  for (let i = 0; i < LAYERS; i++) {
    const layer = new nn.Linear(WIDTH, i === LAYERS - 1 ? 1 : WIDTH);
    nn.init.normal(layer.weight, 0, gain / Math.sqrt(WIDTH), generator);
    nn.init.zeros(layer.bias!);
    layers.push(layer);
    if (i < LAYERS - 1) layers.push(activation());
  }
  return new nn.Sequential(...layers);
}

const weightsOf = (model: nn.Module): nn.Parameter[] =>
  [...model.namedParameters()].filter(([name]) => name.endsWith('weight')).map(([, p]) => p);

function gradientNorms(model: nn.Module): number[] {
  const generator = new Generator(12);
  const [x, y] = [randn([64, WIDTH], { generator }), randn([64, 1], { generator })];
  mseLoss(model.forward(x), y).backward();
  return weightsOf(model).map((weight) => weight.grad!.norm().item());
}

function run({ print, draw }: RunOptions): Result {
  const sigmoid = gradientNorms(deepNetwork(() => new nn.Sigmoid(), 1));
  const relu = gradientNorms(deepNetwork(() => new nn.ReLU(), Math.SQRT2));
  const large = deepNetwork(() => new nn.ReLU(), 3 * Math.SQRT2);
  const exploding = gradientNorms(large);
  const before = nn.utils.clipGradNorm([...large.parameters()], MAX_NORM).item();
  const after = nn.utils.gradNorm([...large.parameters()]).item();
  const clipped = { before, after, layers: weightsOf(large).map((w) => w.grad!.norm().item()) };

  print(`norms of the gradients of ${LAYERS} layers' weights:`);
  printTable(
    print,
    ['layer', 'sigmoid', 'ReLU, Kaiming', 'ReLU, three times as large', 'clipped'],
    sigmoid.map((norm, i) => [
      i + 1,
      norm.toExponential(1),
      relu[i]!.toExponential(1),
      exploding[i]!.toExponential(1),
      clipped.layers[i]!.toExponential(1),
    ]),
  );
  print(`all gradients together: ${before.toExponential(2)}, clipped to ${fixed(after, 4)}`);
  const legend = [
    'sigmoid',
    'ReLU, Kaiming',
    'ReLU, weights three times as large',
    'the same, clipped',
  ];
  const points = [sigmoid, relu, exploding, clipped.layers].flatMap((norms, k) =>
    norms.map((norm, i) => ({ layer: i + 1, norm, kind: legend[k]! })),
  );
  draw('b11-vanishing-gradients', {
    title: 'Norms of gradients by layer: vanishing, even, exploding, clipped',
    legend,
    plots: [
      {
        width: 680,
        x: { label: 'layer', ticks: LAYERS },
        y: { label: 'norm of the gradient', type: 'log', grid: true, ticks: 6, tickFormat: 'e' },
        marks: [
          line(points, { x: 'layer', y: 'norm', stroke: 'kind', strokeWidth: 2 }),
          dot(points, { x: 'layer', y: 'norm', fill: 'kind' }),
        ],
      },
    ],
  });
  return { sigmoid, relu, exploding, clipped };
}

export const topic: Topic<Result> = {
  id: 'B11',
  title: 'Vanishing and exploding gradients, and clipping',
  run,
};
