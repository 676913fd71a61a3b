/**
 * In which order the operands of an einsum are contracted: a list of pairs, as in NumPy and opt_einsum
 * (D. G. A. Smith and J. Gray, "opt_einsum - A Python package for optimizing contraction order for
 * einsum-like expressions", JOSS 3(26), 2018).
 */
import { TensorError } from '../../errors.js';
import { describe } from '../../tensor/shape.js';

/**
 * Which operands are contracted, in order. Each step names places in the list of what is left; they
 * leave it, and their result goes to its end. So `[[0, 1], [0, 1]]` takes the first two of three, then
 * the third with that result.
 */
export type EinsumPath = readonly (readonly [number, number])[];

/** How an order is chosen; `auto` is `optimal` up to 8 operands and `greedy` for more. */
export type EinsumStrategy = 'auto' | 'optimal' | 'greedy';

const strategies: readonly unknown[] = ['auto', 'optimal', 'greedy'] satisfies EinsumStrategy[];

/** An order of contraction and what it costs. */
export interface EinsumPathInfo {
  /** The order of the contractions. */
  readonly path: EinsumPath;
  /** Multiplications and additions of all steps, as opt_einsum counts them. */
  readonly cost: number;
  /** The same without an order: one loop over all indices. */
  readonly naiveCost: number;
  /** How many elements the largest result of a step has. */
  readonly largestIntermediate: number;
}

/** An operand as the search sees it: its labels. */
type Labels = readonly string[];

/** Up to here all orders are compared: 3^8 ways of cutting sets of operands in two. */
const MOST_FOR_OPTIMAL = 8;

interface Problem {
  readonly operands: readonly Labels[];
  readonly output: Labels;
  readonly sizes: ReadonlyMap<string, number>;
}

function product(labels: Iterable<string>, sizes: ReadonlyMap<string, number>): number {
  let total = 1;
  for (const label of labels) total *= sizes.get(label) as number;
  return total;
}

/** What the result of a step keeps, and what the step costs. */
interface Step {
  readonly kept: Labels;
  readonly size: number;
  readonly cost: number;
}

/**
 * The contraction of two operands. opt_einsum counts one multiplication for each combination of all
 * their indices, and an addition as well when an index is summed over.
 */
function step(
  a: Labels,
  b: Labels,
  needed: (label: string) => boolean,
  sizes: Problem['sizes'],
): Step {
  const all = new Set([...a, ...b]);
  const kept = [...all].filter(needed);
  const factor = kept.length < all.size ? 2 : 1;
  return { kept, size: product(kept, sizes), cost: factor * product(all, sizes) };
}

/** Walks along a path and adds up. */
function measure(path: EinsumPath, { operands, output, sizes }: Problem): EinsumPathInfo {
  const left = operands.map((labels) => labels);
  let cost = 0;
  let largestIntermediate = 0;
  for (const [i, j] of path) {
    const [a, b] = [left[i] as Labels, left[j] as Labels];
    removePair(left, i, j);
    const needed = (label: string) =>
      output.includes(label) || left.some((labels) => labels.includes(label));
    const taken = step(a, b, needed, sizes);
    cost += taken.cost;
    largestIntermediate = Math.max(largestIntermediate, taken.size);
    left.push(taken.kept);
  }
  const all = new Set(operands.flat());
  const sums = [...all].some((label) => !output.includes(label));
  const factors = Math.max(1, operands.length - 1) + Number(sums);
  const naiveCost = factors * product(all, sizes);
  if (path.length === 0) {
    return { path, cost: naiveCost, naiveCost, largestIntermediate: product(output, sizes) };
  }
  return { path, cost, naiveCost, largestIntermediate };
}

/** Takes two places out of a list. */
export function removePair<T>(list: T[], i: number, j: number): void {
  list.splice(Math.max(i, j), 1);
  list.splice(Math.min(i, j), 1);
}

/**
 * The cheapest order: dynamic programming over sets of operands. A set's best tree is the best cut of
 * it in two, with the best trees of both halves.
 */
function optimal({ operands, output, sizes }: Problem): EinsumPath {
  const n = operands.length;
  const everything = 2 ** n - 1;
  const carriers = new Map<string, number>();
  operands.forEach((labels, i) => {
    for (const label of labels) carriers.set(label, (carriers.get(label) ?? 0) | (1 << i));
  });
  const best: { cost: number; labels: Labels; cut: number }[] = [];
  operands.forEach((labels, i) => {
    best[1 << i] = { cost: 0, labels, cut: 0 };
  });
  for (let set = 1; set <= everything; set++) {
    if (best[set] !== undefined) continue;
    const needed = (label: string) =>
      output.includes(label) || ((carriers.get(label) as number) & ~set) !== 0;
    // The half with the lowest operand comes first, so that no cut is tried twice.
    const lowest = set & -set;
    for (let half = (set - 1) & set; half > 0; half = (half - 1) & set) {
      if ((half & lowest) === 0) continue;
      const [a, b] = [best[half], best[set ^ half]] as [(typeof best)[0], (typeof best)[0]];
      const before = best[set]?.cost ?? Infinity;
      if (a.cost + b.cost >= before) continue;
      const { kept, cost } = step(a.labels, b.labels, needed, sizes);
      const total = a.cost + b.cost + cost;
      if (total < before) best[set] = { cost: total, labels: kept, cut: half };
    }
  }
  return flattened(n, (set) => (best[set] as (typeof best)[0]).cut, everything);
}

/** A tree of cuts as a path: halves are contracted before what they are halves of. */
function flattened(n: number, cutOf: (set: number) => number, everything: number): EinsumPath {
  const left = Array.from({ length: n }, (_, i) => 1 << i);
  const path: [number, number][] = [];
  const contract = (set: number): void => {
    const half = cutOf(set);
    if (half === 0) return;
    contract(half);
    contract(set ^ half);
    const [i, j] = [left.indexOf(half), left.indexOf(set ^ half)].sort((a, b) => a - b) as [
      number,
      number,
    ];
    path.push([i, j]);
    removePair(left, i, j);
    left.push(set);
  };
  contract(everything);
  return path;
}

/**
 * Always the pair whose result is smallest beside the two operands that it replaces; of equals the
 * cheaper one, then the first. (The cost function of opt_einsum's greedy search.)
 */
function greedy({ operands, output, sizes }: Problem): EinsumPath {
  const left = operands.map((labels) => labels);
  const path: [number, number][] = [];
  while (left.length > 1) {
    let chosen: { pair: [number, number]; growth: number; taken: Step } | null = null;
    for (let i = 0; i < left.length; i++) {
      for (let j = i + 1; j < left.length; j++) {
        const [a, b] = [left[i] as Labels, left[j] as Labels];
        const needed = (label: string) =>
          output.includes(label) ||
          left.some((labels, k) => k !== i && k !== j && labels.includes(label));
        const taken = step(a, b, needed, sizes);
        const growth = taken.size - product(a, sizes) - product(b, sizes);
        const isBetter =
          chosen === null ||
          growth < chosen.growth ||
          (growth === chosen.growth && taken.cost < chosen.taken.cost);
        if (isBetter) chosen = { pair: [i, j], growth, taken };
      }
    }
    const { pair, taken } = chosen as NonNullable<typeof chosen>;
    path.push(pair);
    removePair(left, ...pair);
    left.push(taken.kept);
  }
  return path;
}

/** @throws TensorError ERR_ARGUMENT unless it is a path for so many operands */
function checkPath(operation: string, path: unknown, operands: number): EinsumPath {
  let left = operands;
  const fits =
    Array.isArray(path) &&
    path.length === operands - 1 &&
    path.every((pair) => {
      const here = left--;
      return (
        Array.isArray(pair) &&
        pair.length === 2 &&
        pair[0] !== pair[1] &&
        pair.every((place) => Number.isInteger(place) && place >= 0 && place < here)
      );
    });
  if (!fits) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] path is "auto", "optimal", "greedy" or ${operands - 1} pairs of places in ` +
        `the list of what is left, not ${describe(path)}`,
    );
  }
  return path;
}

/**
 * The order for operands with these labels (each at most once an operand).
 * @throws TensorError ERR_ARGUMENT for a strategy that isn't known or a path that doesn't fit
 */
export function findPath(
  operation: string,
  operands: readonly Labels[],
  output: Labels,
  sizes: ReadonlyMap<string, number>,
  choice: EinsumStrategy | EinsumPath,
): EinsumPathInfo {
  const problem = { operands, output, sizes };
  const n = operands.length;
  if (choice === 'optimal' && n > 2 * MOST_FOR_OPTIMAL) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] the optimal path is searched for up to ${2 * MOST_FOR_OPTIMAL} operands, ` +
        `not ${n}; use "greedy"`,
    );
  }
  if (n === 1 && strategies.includes(choice)) return measure([], problem);
  if (choice === 'optimal' || (choice === 'auto' && n <= MOST_FOR_OPTIMAL)) {
    return measure(optimal(problem), problem);
  }
  if (choice === 'greedy' || choice === 'auto') return measure(greedy(problem), problem);
  return measure(checkPath(operation, choice, n), problem);
}
