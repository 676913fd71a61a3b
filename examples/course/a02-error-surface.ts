/** The error surface of a line y = b + w x, and the path that gradient descent takes on it. */
import { contour, dot, line, text } from '@observablehq/plot';
import { Generator, linspace, nn, noGrad, optim, rand, randn, type Tensor, tensor } from 'tilegrad';
import { fixed } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

const COUNT = 60;
const STEPS = 200;
const LR = 0.12;
/** The part of the surface that is drawn, and its steps along each side. */
const RANGE = { w: [-1, 3], b: [-2, 3] } as const;
const GRID = 31;
/** Losses that the contours lie at. */
const LEVELS = [0.18, 0.2, 0.3, 0.5, 0.8, 1.3, 2, 3, 5, 8, 12, 20];

interface Result {
  /** [w, b] before every step and after the last. */
  path: [w: number, b: number][];
  /** The loss at each of these. */
  losses: number[];
  /** Where the normal equations say that the minimum is. */
  minimum: [w: number, b: number];
  /** The loss there. */
  least: number;
  /** The smallest loss of the grid. */
  gridLeast: number;
}

/** Losses [w, b] at all points of a grid at once, by broadcasting over the examples. */
function surface(x: Tensor, y: Tensor, w: Tensor, b: Tensor): Tensor {
  const predictions = w
    .reshape([-1, 1, 1])
    .mul(x)
    .add(b.reshape([1, -1, 1]));
  return predictions.sub(y).square().mean({ dim: 2 });
}

function run({ print, draw }: RunOptions): Result {
  const generator = new Generator(3);
  const x = rand([COUNT], { generator }).mul(2);
  const y = x
    .mul(1.2)
    .add(0.5)
    .add(randn([COUNT], { generator }).mul(0.4));

  const model = new nn.Linear(1, 1);
  nn.init.constant(model.weight, 2.4);
  nn.init.constant(model.bias!, 2.4);
  const optimizer = new optim.SGD([...model.parameters()], { lr: LR });
  const path: [number, number][] = [];
  const losses: number[] = [];
  for (let step = 0; step <= STEPS; step++) {
    const loss = model.forward(x.unsqueeze(1)).squeeze(1).sub(y).square().mean();
    path.push([model.weight.item(), model.bias!.item()]);
    losses.push(loss.item());
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
  }

  // Least squares in closed form, for comparison: slope = cov(x, y) / var(x).
  const dx = x.sub(x.mean());
  const slope = dx.mul(y.sub(y.mean())).sum().div(dx.square().sum());
  const intercept = y.mean().sub(slope.mul(x.mean()));
  const minimum: [number, number] = [slope.item(), intercept.item()];
  const least = surface(x, y, tensor([minimum[0]]), tensor([minimum[1]])).item();

  const ws = linspace(...RANGE.w, GRID);
  const bs = linspace(...RANGE.b, GRID);
  const lossesOfGrid = noGrad(() => surface(x, y, ws, bs));

  const [lastW, lastB] = path.at(-1)!;
  print(`gradient descent: ${STEPS} steps with learning rate ${LR}`);
  print(
    `  from  w = ${fixed(path[0]![0], 3)}, b = ${fixed(path[0]![1], 3)}: loss ${fixed(losses[0]!, 4)}`,
  );
  print(`  to    w = ${fixed(lastW, 3)}, b = ${fixed(lastB, 3)}: loss ${fixed(losses.at(-1)!, 4)}`);
  print(
    `minimum w = ${fixed(minimum[0], 3)}, b = ${fixed(minimum[1], 3)}: loss ${fixed(least, 4)}`,
  );

  const values = lossesOfGrid.transpose().contiguous().data; // rows are b, columns are w
  const points = path.map(([w, b], step) => ({ w, b, step }));
  draw('a02-error-surface', {
    title: 'The error surface of y = b + w x and the path of gradient descent',
    ramp: { label: 'loss (mean squared error)', values: LEVELS },
    plots: [
      {
        width: 640,
        height: 480,
        x: { label: 'w', domain: [...RANGE.w] },
        y: { label: 'b', domain: [...RANGE.b] },
        color: { type: 'log', scheme: 'YlGnBu' },
        inset: 0,
        marks: [
          contour(values, {
            width: GRID,
            height: GRID,
            x1: RANGE.w[0],
            x2: RANGE.w[1],
            y1: RANGE.b[0],
            y2: RANGE.b[1],
            fill: (value: number) => value,
            thresholds: LEVELS,
            stroke: '#666',
            strokeWidth: 0.4,
          }),
          line(points, { x: 'w', y: 'b', stroke: '#d55e00', strokeWidth: 1.5 }),
          dot(points.slice(0, 40), { x: 'w', y: 'b', fill: '#d55e00', r: 2.5 }),
          dot([minimum], {
            x: '0',
            y: '1',
            symbol: 'cross',
            stroke: 'black',
            strokeWidth: 2,
            r: 6,
          }),
          text([points[0]!], { x: 'w', y: 'b', text: ['start'], dy: -12, fontSize: 13 }),
          text([minimum], { x: '0', y: '1', text: ['minimum'], dy: 18, fontSize: 13 }),
        ],
      },
    ],
  });
  return { path, losses, minimum, least, gridLeast: lossesOfGrid.min().item() };
}

export const topic: Topic<Result> = {
  id: 'A2',
  title: 'The error surface over (w, b) and the path of gradient descent',
  run,
};
