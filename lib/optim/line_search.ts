/**
 * A line search for the strong Wolfe conditions (Nocedal & Wright 2006, algorithms 3.5 and 3.6): first
 * a bracket, then a zoom into it. Constants and the order of the tests are PyTorch's, which has them
 * from Schmidt's minFunc.
 */
import type { Tensor } from '../tensor/tensor.js';
import { dotOf, largestOf } from './flat.js';

/** Sufficient decrease, and how much smaller the slope must get: Nocedal & Wright's for quasi-Newton. */
const DECREASE = 1e-4;
const CURVATURE = 0.9;

/** A step size with the loss, the gradient and the slope along the direction there. */
export interface Point {
  readonly t: number;
  readonly loss: number;
  readonly gradient: Tensor;
  readonly slope: number;
}

/**
 * The minimum of the cubic through two points with their slopes (Nocedal & Wright, equation 3.59), cut
 * to the bounds; their middle where there is none.
 */
function cubicMinimum(a: Point, b: Point, bounds?: readonly [number, number]): number {
  const [low, high] = bounds ?? [Math.min(a.t, b.t), Math.max(a.t, b.t)];
  const d1 = a.slope + b.slope - (3 * (a.loss - b.loss)) / (a.t - b.t);
  const square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const d2 = Math.sqrt(square);
  const [left, right] = a.t <= b.t ? [a, b] : [b, a];
  const part = (right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2);
  return Math.min(Math.max(right.t - (right.t - left.t) * part, low), high);
}

/** Whether the slope is so small that the search is over. */
function isFlat(point: Point, start: Point): boolean {
  return Math.abs(point.slope) <= -CURVATURE * start.slope;
}

/** Whether the loss has not fallen enough for the step. */
function isHigh(point: Point, start: Point): boolean {
  return point.loss > start.loss + DECREASE * point.t * start.slope;
}

export interface LineSearch {
  /** Where the search found to go. */
  readonly point: Point;
  readonly evaluations: number;
}

/**
 * Finds a step along a direction.
 * @param evaluate the loss and its gradient at a step size; every gradient in a tensor of its own
 * @param start the point at step size 0
 * @param first the step size to try first
 * @param change brackets whose ends are nearer (in the largest element) are not searched
 * @param most how often to go on
 */
export function strongWolfe(
  evaluate: (t: number) => { loss: number; gradient: Tensor },
  direction: Tensor,
  start: Point,
  first: number,
  change: number,
  most: number,
): LineSearch {
  let evaluations = 0;
  const at = (t: number): Point => {
    evaluations++;
    const { loss, gradient } = evaluate(t);
    return { t, loss, gradient, slope: dotOf(gradient, direction) };
  };
  const length = largestOf(direction);
  let previous = start;
  let point = at(first);
  let turns = 0;
  let bracket: [Point, Point] | null = null;
  for (; turns < most; turns++) {
    if (isHigh(point, start) || (turns > 1 && point.loss >= previous.loss)) {
      bracket = [previous, point];
      break;
    }
    if (isFlat(point, start)) return { point, evaluations };
    if (point.slope >= 0) {
      bracket = [previous, point];
      break;
    }
    const bounds = [point.t + 0.01 * (point.t - previous.t), point.t * 10] as const;
    const next = cubicMinimum(previous, point, bounds);
    previous = point;
    point = at(next);
  }
  return zoom(at, start, bracket ?? [start, point], length, change, turns, most, () => evaluations);
}

/** Makes the bracket smaller until a point in it fulfils the conditions. */
function zoom(
  at: (t: number) => Point,
  start: Point,
  bracket: [Point, Point],
  length: number,
  change: number,
  turns: number,
  most: number,
  evaluations: () => number,
): LineSearch {
  let [low, high] = bracket[0].loss <= bracket[1].loss ? bracket : [bracket[1], bracket[0]];
  let isSlow = false;
  for (let turn = turns; turn < most; turn++) {
    if (Math.abs(low.t - high.t) * length < change) break;
    let t = cubicMinimum(low, high);
    const [least, largest] = [Math.min(low.t, high.t), Math.max(low.t, high.t)];
    const edge = 0.1 * (largest - least);
    // Twice so near to an end is no progress: away from it, by a tenth of the bracket.
    if (Math.min(largest - t, t - least) < edge) {
      if (isSlow || t >= largest || t <= least) {
        t = Math.abs(t - largest) < Math.abs(t - least) ? largest - edge : least + edge;
        isSlow = false;
      } else {
        isSlow = true;
      }
    } else {
      isSlow = false;
    }
    const point = at(t);
    const lowAt = bracket.indexOf(low) as 0 | 1;
    if (isHigh(point, start) || point.loss >= low.loss) {
      bracket[1 - lowAt] = point;
      [low, high] = bracket[0].loss <= bracket[1].loss ? bracket : [bracket[1], bracket[0]];
      continue;
    }
    const isDone = isFlat(point, start);
    if (!isDone && point.slope * (high.t - low.t) >= 0) {
      bracket[1 - lowAt] = low;
      high = low;
    }
    bracket[lowAt] = point;
    low = point;
    if (isDone) break;
  }
  return { point: low, evaluations: evaluations() };
}
