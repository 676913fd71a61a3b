/** Learning rates, when to stop, and which minimum is found. */
import { dot, line } from '@observablehq/plot';
import { noGrad, optim, type Tensor, tensor } from 'tilegrad';
import { fixed, printTable } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

/** Where a descent stops that goes on for too long, and what counts as no change any more. */
const MOST = 500;
const CHANGE = 1e-6;

/** A walk along a curve of one parameter. */
interface Walk {
  name: string;
  lr: number;
  /** The parameter before each step and after the last. */
  path: number[];
  loss: number;
  why: 'no change' | 'too many steps' | 'no number any more';
}

interface Result {
  /** On (w - 2)^2 + 1, from w = -3. */
  rates: Walk[];
  /** On w^4 - 3 w^2 + w, whose minima are at -1.30 (the global one) and 1.13. */
  minima: Walk[];
}

const parabola = (w: Tensor): Tensor => w.sub(2).square().add(1);
const twoValleys = (w: Tensor): Tensor => w.pow(4).sub(w.square().mul(3)).add(w);

function walk(
  name: string,
  curve: (w: Tensor) => Tensor,
  start: number,
  options: optim.SGDOptions & { lr: number },
): Walk {
  const w = tensor(start, { dtype: 'float64', requiresGrad: true });
  const optimizer = new optim.SGD([w], options);
  const path = [start];
  let why: Walk['why'] = 'too many steps';
  while (path.length <= MOST) {
    optimizer.zeroGrad();
    curve(w).backward();
    optimizer.step();
    const before = path.at(-1)!;
    const now = w.item() as number;
    path.push(now);
    if (!(Math.abs(now) < 1e12)) {
      why = 'no number any more';
      break;
    }
    // With momentum a weight may stand still where it turns.
    if (Math.abs(now - before) < CHANGE && Math.abs(w.grad!.item() as number) < 1e3 * CHANGE) {
      why = 'no change';
      break;
    }
  }
  return { name, lr: options.lr, path, loss: noGrad(() => curve(w).item() as number), why };
}

/** A curve and what is walked on it, as a plot. */
function plotOf(
  title: string,
  curve: (w: Tensor) => Tensor,
  [low, high]: readonly [number, number],
  walks: readonly Walk[],
) {
  const at = (w: number): number => curve(tensor(w, { dtype: 'float64' })).item() as number;
  const xs = Array.from({ length: 101 }, (_, i) => low + ((high - low) * i) / 100);
  return {
    title,
    x: { label: 'w', domain: [low, high] },
    y: { label: 'loss' },
    marks: [
      line(xs, { x: (w: number) => w, y: at, stroke: '#999' }),
      ...walks.flatMap(({ name, path }) => {
        const seen = path.slice(0, 40).filter((w) => w >= low && w <= high);
        const channels = { x: (w: number) => w, y: at };
        return [
          line(seen, { ...channels, stroke: () => name, strokeOpacity: 0.5 }),
          dot(seen, { ...channels, fill: () => name, r: 3 }),
        ];
      }),
    ],
  };
}

function run({ print, draw }: RunOptions): Result {
  const rates = [
    walk('too small', parabola, -3, { lr: 0.001 }),
    walk('right', parabola, -3, { lr: 0.2 }),
    walk('large', parabola, -3, { lr: 0.95 }),
    walk('too large', parabola, -3, { lr: 1.05 }),
  ];
  const minima = [
    walk('from the left', twoValleys, -2, { lr: 0.02 }),
    walk('from the right', twoValleys, 2, { lr: 0.02 }),
    walk('from the right, with momentum', twoValleys, 2, { lr: 0.02, momentum: 0.8 }),
  ];
  for (const [title, walks] of [
    ['(w - 2)^2 + 1, from w = -3', rates],
    ['w^4 - 3 w^2 + w: two minima', minima],
  ] as const) {
    print(title);
    printTable(
      print,
      ['', 'rate', 'steps', 'w', 'loss', 'stopped by'],
      walks.map(({ name, lr, path, loss, why }) => [
        ...[`  ${name}`, lr, path.length - 1],
        ...[path.at(-1)!, loss].map((value) =>
          Math.abs(value) < 1e4 ? fixed(value, 4) : value.toExponential(1),
        ),
        why,
      ]),
    );
  }
  for (const [name, title, curve, range, walks] of [
    ['b06-learning-rates', 'Learning rates', parabola, [-4, 8], rates],
    ['b06-minima', 'A local minimum and the global one', twoValleys, [-2.2, 2.2], minima],
  ] as const) {
    draw(name, {
      title,
      legend: walks.map((one) => one.name),
      plots: walks.map((one) => ({
        ...plotOf(`${one.name} (${one.lr})`, curve, range, [one]),
        width: 300,
        height: 260,
      })),
    });
  }
  return { rates, minima };
}

export const topic: Topic<Result> = {
  id: 'B6',
  title: 'Learning rates, when to stop, local and global minima',
  run,
};
