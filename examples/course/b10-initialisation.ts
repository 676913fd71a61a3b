/** Starting weights: zeros, one constant, N(0, 0.1^2), Xavier, Kaiming; how symmetry stays or breaks. */
import { dot, line } from '@observablehq/plot';
import {
  binaryCrossEntropyWithLogits,
  Generator,
  nn,
  noGrad,
  optim,
  randn,
  type Tensor,
  tensor,
  zeros,
} from 'tilegrad';
import { descend } from './lib/fit.js';
import { fixed, printTable } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

/** XOR with four inputs of the notes' kind: two numbers. */
const X = tensor([
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
]);
const Y = tensor([[0], [1], [1], [0]]);

interface Start {
  /** Outputs of the untrained network for the four inputs. */
  outputs: number[];
  /** For each parameter, how far the gradients of its units lie apart at most. */
  gradientSpread: number[];
  /** How far the hidden units' weights lie apart after training. */
  unitSpread: number;
  loss: number;
}

interface Variance {
  name: string;
  measured: number;
  promised: number;
}

interface Result {
  zeros: Start;
  constant: Start;
  normal: Start;
  variances: Variance[];
  /** Standard deviations of the activations behind each of ten layers. */
  spreads: Record<string, number[]>;
}

/** The largest difference between elements along the first dimension: between units. */
const spread = (t: Tensor): number =>
  t
    .amax({ dim: 0 })
    .sub(t.amin({ dim: 0 }))
    .abs()
    .max()
    .item();

function train(init: (parameter: Tensor) => void): Start {
  const model = new nn.Sequential(new nn.Linear(2, 3), new nn.Sigmoid(), new nn.Linear(3, 1));
  for (const parameter of model.parameters()) init(parameter);
  const lossOf = () => binaryCrossEntropyWithLogits(model.forward(X), Y);
  const outputs = noGrad(() => model.forward(X).sigmoid().flatten().toArray() as number[]);
  lossOf().backward();
  const [w1, b1, w2] = [...model.parameters()] as [nn.Parameter, nn.Parameter, nn.Parameter];
  // Between hidden units: rows of W1, elements of b1, columns of W2.
  const gradientSpread = [w1.grad!, b1.grad!, w2.grad!.transpose()].map(spread);
  const losses = descend(new optim.Adam([...model.parameters()], { lr: 0.05 }), 300, lossOf);
  return { outputs, gradientSpread, unitSpread: spread(w1.detach()), loss: losses.at(-1)! };
}

function measure(): Variance[] {
  const generator = new Generator(10);
  const [inputs, outputs] = [400, 300];
  const of = (init: (weight: Tensor) => void): number => {
    const weight = zeros([outputs, inputs]);
    init(weight);
    return weight.var({ correction: 0 }).item();
  };
  const { init } = nn;
  const xavier = 2 / (inputs + outputs);
  const kaiming = 2 / inputs;
  return [
    { name: 'N(0, 0.1^2)', measured: of((w) => init.normal(w, 0, 0.1, generator)), promised: 0.01 },
    {
      name: 'Xavier, uniform',
      measured: of((w) => init.xavierUniform(w, { generator })),
      promised: xavier,
    },
    {
      name: 'Xavier, normal',
      measured: of((w) => init.xavierNormal(w, { generator })),
      promised: xavier,
    },
    {
      name: 'Kaiming, uniform',
      measured: of((w) => init.kaimingUniform(w, { nonlinearity: 'relu', generator })),
      promised: kaiming,
    },
    {
      name: 'Kaiming, normal',
      measured: of((w) => init.kaimingNormal(w, { nonlinearity: 'relu', generator })),
      promised: kaiming,
    },
  ];
}

/** How activations spread behind each of ten layers of 100 units. */
function spreadsByLayer(
  init: (weight: Tensor, generator: Generator) => void,
  activation: nn.Module,
): number[] {
  const generator = new Generator(11);
  return noGrad(() => {
    let a: Tensor = randn([200, 100], { generator });
    return Array.from({ length: 10 }, () => {
      const weight = zeros([100, 100]);
      init(weight, generator);
      a = activation.forward(a.matmul(weight.transpose()));
      return a.square().mean().sqrt().item();
    });
  });
}

function run({ print, draw }: RunOptions): Result {
  const generator = new Generator(1);
  const starts = {
    zeros: train((p) => nn.init.zeros(p)),
    constant: train((p) => nn.init.constant(p, 0.5)),
    normal: train((p) => nn.init.normal(p, 0, 1, generator)),
  };
  print('a 2-3-1 sigmoid network on XOR:');
  printTable(
    print,
    ['start', 'output', 'gradients of units differ by', 'after training units differ by', 'loss'],
    Object.entries(starts).map(([name, s]) => [
      name,
      fixed(s.outputs[0]!, 4),
      fixed(Math.max(...s.gradientSpread), 4),
      fixed(s.unitSpread, 4),
      fixed(s.loss, 4),
    ]),
  );
  const variances = measure();
  print('');
  printTable(
    print,
    ['variance of 300 x 400 weights', 'measured', 'promised'],
    variances.map(({ name, measured, promised }) => [name, fixed(measured, 6), fixed(promised, 6)]),
  );

  const spreads = {
    'N(0, 0.01^2), tanh': spreadsByLayer((w, g) => nn.init.normal(w, 0, 0.01, g), new nn.Tanh()),
    'Xavier, tanh': spreadsByLayer(
      (w, g) => nn.init.xavierNormal(w, { generator: g }),
      new nn.Tanh(),
    ),
    'Xavier, ReLU': spreadsByLayer(
      (w, g) => nn.init.xavierNormal(w, { generator: g }),
      new nn.ReLU(),
    ),
    'Kaiming, ReLU': spreadsByLayer(
      (w, g) => nn.init.kaimingNormal(w, { nonlinearity: 'relu', generator: g }),
      new nn.ReLU(),
    ),
  };
  const points = Object.entries(spreads).flatMap(([kind, values]) =>
    values.map((size, i) => ({ layer: i + 1, size: Math.max(size, 1e-8), kind })),
  );
  draw('b10-initialisation', {
    title: 'How large activations are behind each layer',
    legend: Object.keys(spreads),
    plots: [
      {
        width: 640,
        x: { label: 'layer' },
        y: { label: 'root mean square', type: 'log', grid: true, ticks: 5, tickFormat: 'e' },
        marks: [
          line(points, { x: 'layer', y: 'size', stroke: 'kind', strokeWidth: 2 }),
          dot(points, { x: 'layer', y: 'size', fill: 'kind' }),
        ],
      },
    ],
  });
  return { ...starts, variances, spreads };
}

export const topic: Topic<Result> = {
  id: 'B10',
  title: 'Starting weights: zeros, constants, random, Xavier, Kaiming',
  run,
};
