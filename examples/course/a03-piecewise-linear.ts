/** Any piecewise-linear curve as a sum of hard sigmoids, of sigmoids, and of pairs of ReLUs. */
import { line } from '@observablehq/plot';
import {
  hardsigmoid,
  linspace,
  noGrad,
  optim,
  relu,
  type Tensor,
  tensor,
  zerosLike,
} from 'tilegrad';
import { descend } from './lib/fit.js';
import type { RunOptions, Topic } from './lib/topic.js';

/** Corners of the curve; it is constant before the first and after the last. */
const CORNERS = [
  [-3, 1],
  [-1.5, 3],
  [0, 0.5],
  [0.75, 1],
  [2, -1.5],
  [3, 0],
] as const;

const float64 = { dtype: 'float64' } as const;

/** Rises from 0 to 1 between two places. The library's hard sigmoid does so between -3 and 3. */
const step = (x: Tensor, from: number, to: number): Tensor =>
  hardsigmoid(x.sub((from + to) / 2).mul(6 / (to - from)));

/** The curve itself, by interpolation. */
function curveAt(x: Tensor): Tensor {
  const at = (v: number): number => {
    const next = CORNERS.findIndex(([cx]) => v <= cx);
    if (next === 0) return CORNERS[0][1];
    if (next < 0) return CORNERS.at(-1)![1];
    const [[x0, y0], [x1, y1]] = [CORNERS[next - 1]!, CORNERS[next]!];
    return y0 + ((v - x0) / (x1 - x0)) * (y1 - y0);
  };
  return tensor((x.toArray() as number[]).map(at), float64);
}

/** Curves are the value at the left end, and one term for each line that is not level. */
const segments = CORNERS.slice(1).map(([to, y1], i) => {
  const [from, y0] = CORNERS[i]!;
  return { from, to, rise: y1 - y0 };
});

const sumOf = (x: Tensor, term: (segment: (typeof segments)[number]) => Tensor): Tensor =>
  segments.reduce((sum, segment) => sum.add(term(segment)), zerosLike(x).add(CORNERS[0][1]));

interface Result {
  /** Largest distances from the curve. */
  hardError: number;
  reluError: number;
  sigmoidError: number;
  learnedError: number;
  /** Largest difference between one hard sigmoid and the two ReLUs that it equals. */
  twoRelus: number;
}

function run({ print, draw }: RunOptions): Result {
  const x = linspace(-4, 4, 401, float64);
  const curve = curveAt(x);
  const farthest = (a: Tensor, b: Tensor = curve): number => a.sub(b).abs().max().item();

  const hard = sumOf(x, ({ from, to, rise }) => step(x, from, to).mul(rise));

  // A line that starts at `from` and one that stops it at `to`: two ReLUs are one hard sigmoid.
  const pair = (from: number, to: number): Tensor =>
    relu(x.sub(from))
      .sub(relu(x.sub(to)))
      .div(to - from);
  const relus = sumOf(x, ({ from, to, rise }) => pair(from, to).mul(rise));

  // c sigmoid(w x + b) for each hard sigmoid, as steep in its middle.
  const column = (values: number[]) => tensor(values, float64).unsqueeze(1);
  const slopes = segments.map(({ from, to }) => 4 / (to - from));
  const w = column(slopes);
  const b = column(segments.map(({ from, to }, i) => (-slopes[i]! * (from + to)) / 2));
  const c = column(segments.map(({ rise }) => rise));
  const base = tensor(CORNERS[0][1], float64);
  const sigmoids = () => w.mul(x).add(b).sigmoid().mul(c).sum({ dim: 0 }).add(base);
  const handSet = sigmoids();

  // The same sum with all numbers learned from where they are.
  const parameters = [w, b, c, base];
  for (const parameter of parameters) parameter.requiresGrad = true;
  const optimizer = new optim.Adam(parameters, { lr: 0.02 });
  descend(optimizer, 600, () => sigmoids().sub(curve).square().mean());
  const learned = noGrad(sigmoids);

  const result = {
    hardError: farthest(hard),
    reluError: farthest(relus),
    sigmoidError: farthest(handSet),
    learnedError: farthest(learned),
    twoRelus: farthest(step(x, -1.5, 0), pair(-1.5, 0)),
  };
  print(
    `a curve of ${segments.length} lines as a constant and ${segments.length} terms; farthest from it:`,
  );
  print(`  hard sigmoids          ${result.hardError.toExponential(1)}`);
  print(`  pairs of ReLUs         ${result.reluError.toExponential(1)}`);
  print(`  sigmoids, set by hand  ${result.sigmoidError.toFixed(3)}`);
  print(`  sigmoids, learned      ${result.learnedError.toFixed(3)}`);
  print(`one hard sigmoid and two ReLUs differ by ${result.twoRelus.toExponential(1)} at most`);

  const points = (y: Tensor, kind: string) =>
    (y.toArray() as number[])
      .map((value, i) => ({ x: -4 + i / 50, y: value, kind }))
      .filter((_, i) => i % 4 === 0);
  const legend = ['hard sigmoids (the curve)', 'sigmoids, set by hand', 'sigmoids, learned'];
  draw('a03-piecewise-linear', {
    title: 'A piecewise-linear curve as a sum',
    legend,
    plots: [
      {
        title: 'the sum',
        y: { grid: true },
        marks: [
          line(
            [hard, handSet, learned].flatMap((y, i) => points(y, legend[i]!)),
            { x: 'x', y: 'y', stroke: 'kind', strokeWidth: 2 },
          ),
        ],
      },
      {
        title: 'the hard sigmoids that it is made of',
        y: { grid: true },
        marks: segments.map(({ from, to, rise }) =>
          line(points(step(x, from, to).mul(rise), legend[0]!), { x: 'x', y: 'y', stroke: 'kind' }),
        ),
      },
    ],
  });
  return result;
}

export const topic: Topic<Result> = {
  id: 'A3',
  title: 'A piecewise-linear curve from hard sigmoids, sigmoids and ReLUs',
  run,
};
