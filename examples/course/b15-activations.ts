/** Activations and their slopes. */
import { line } from '@observablehq/plot';
import {
  Generator,
  grad,
  linspace,
  mseLoss,
  nn,
  noGrad,
  optim,
  randn,
  type Tensor,
  tensor,
} from 'tilegrad';
import { descend } from './lib/fit.js';
import { fixed, printTable } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

const float64 = { dtype: 'float64' } as const;

/** The notes' activations, then what else is used. */
const ACTIVATIONS: Record<string, nn.Module> = {
  sigmoid: new nn.Sigmoid(),
  'hard sigmoid': new nn.Hardsigmoid(),
  tanh: new nn.Tanh(),
  ReLU: new nn.ReLU(),
  'leaky ReLU': new nn.LeakyReLU({ negativeSlope: 0.1 }),
  'parametric ReLU': new nn.PReLU(1, { init: 0.3, ...float64 }),
  softmax: new nn.Softmax(-1),
  ELU: new nn.ELU(),
  SELU: new nn.SELU(),
  GELU: new nn.GELU(),
  SiLU: new nn.SiLU(),
  Mish: new nn.Mish(),
  softplus: new nn.Softplus(),
  'hard swish': new nn.Hardswish(),
};

/** Where they are looked at. */
const POINTS = [-3, -1, -0.5, 0.5, 1, 3];

interface Result {
  /** Values and gradients of the weighted sum at the points; weights are 1 to 6. */
  at: Record<string, { values: number[]; gradients: number[] }>;
  /** The slope that a parametric ReLU learned for numbers below 0, and the one it was shown. */
  learnedSlope: number;
  shownSlope: number;
}

/** Shows a parametric ReLU what a leaky one does. */
function learnSlope(shown: number): number {
  const generator = new Generator(15);
  const prelu = new nn.PReLU();
  const x = randn([200], { generator });
  const y = new nn.LeakyReLU({ negativeSlope: shown }).forward(x);
  const optimizer = new optim.SGD([...prelu.parameters()], { lr: 0.5 });
  descend(optimizer, 60, () => mseLoss(prelu.forward(x), y));
  return prelu.weight.item();
}

function run({ print, draw }: RunOptions): Result {
  const weights = tensor(
    POINTS.map((_, i) => i + 1),
    float64,
  );
  const at: Result['at'] = {};
  for (const [name, activation] of Object.entries(ACTIVATIONS)) {
    const x = tensor(POINTS, { ...float64, requiresGrad: true });
    const y = activation.forward(x);
    const [gradient] = grad(y.mul(weights).sum(), [x]) as [Tensor];
    at[name] = {
      values: y.toArray() as number[],
      gradients: gradient.toArray() as number[],
    };
  }
  printTable(
    print,
    ['value at', ...POINTS.map(String)],
    Object.entries(at).map(([name, { values }]) => [name, ...values.map((v) => fixed(v, 4))]),
  );
  const shownSlope = 0.2;
  const learnedSlope = learnSlope(shownSlope);
  print(
    `a parametric ReLU, beginning at 0.25, learned the slope ${fixed(learnedSlope, 4)} of ${shownSlope}`,
  );

  const xs = linspace(-4, 4, 81, float64);
  const curves = (names: readonly string[]) =>
    names.flatMap((name) => {
      const ys = noGrad(() => ACTIVATIONS[name]!.forward(xs).toArray() as number[]);
      return (xs.toArray() as number[]).map((x, i) => ({ x, y: ys[i]!, name }));
    });
  const squashing = ['sigmoid', 'hard sigmoid', 'tanh'];
  const linear = ['ReLU', 'parametric ReLU', 'GELU', 'ELU'];
  draw('b15-activations', {
    title: 'Activations',
    legend: [...squashing, ...linear],
    plots: [squashing, linear].map((names, i) => ({
      width: 400,
      title: i === 0 ? 'that squash' : 'that are lines far from 0',
      y: { grid: true },
      marks: [line(curves(names), { x: 'x', y: 'y', stroke: 'name', strokeWidth: 2 })],
    })),
  });
  return { at, learnedSlope, shownSlope };
}

export const topic: Topic<Result> = {
  id: 'B15',
  title: 'Activations and their slopes; a slope that is learned',
  run,
};
