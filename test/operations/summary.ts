/**
 * What the tables know of each public function, and what checks it: the page of operations in the reference
 * and the counts of coverage.test.ts come from here.
 */
import { readdirSync, readFileSync } from 'node:fs';
import * as tilegrad from 'tilegrad';
import { operations as benchmarks } from '../../bench/ops/operations.js';
import { isTaken, walk } from './dtype_walk/stored.js';
import { families } from './index.js';
import { linalgGradients } from './linalg_gradients.js';

export interface FunctionSummary {
  /** With its place: `linalg.solve`. */
  readonly name: string;
  /** Title of its family. */
  readonly family: string;
  /**
   * The dtypes that it takes, its operands of the same one: those of the walk's calls that the library
   * doesn't refuse, in PyTorch's order. Null where the walk has no operands.
   */
  readonly dtypes: readonly string[] | null;
  /** Calls whose gradients are compared with central differences; none where it has no gradient. */
  readonly gradients: number;
  /** Wrong calls that have to throw their error. */
  readonly wrongCalls: number;
  /** Whether PyTorch's numbers for it are stored. */
  readonly hasGoldens: boolean;
  readonly isBenchmarked: boolean;
}

/** Names of operations in all fixtures: a function's own, or with the variant behind it (`qrQ`, `clampMin`). */
function goldenNames(): Set<string> {
  const found = new Set<string>();
  const folder = new URL('../fixtures/', import.meta.url);
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit);
    else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value)) {
        if (typeof item === 'string' && (key === 'op' || key === 'fn')) found.add(item);
        else if (key !== 'tensors') visit(item);
      }
    }
  };
  for (const file of readdirSync(folder)) {
    if (file.endsWith('.json')) visit(JSON.parse(readFileSync(new URL(file, folder), 'utf8')));
  }
  return found;
}

/** The dtypes of calls in which all operands have the same one, by function. */
function takenDTypes(): Map<string, Set<string>> {
  const taken = new Map<string, Set<string>>();
  for (const part of walk) {
    for (const item of part.cases) {
      for (const run of item.runs) {
        const [first, ...others] = run[0].split(' ');
        if (!first || others.some((dtype) => dtype !== first) || !isTaken(part, item, run))
          continue;
        const known = taken.get(item.fn);
        if (known) known.add(first);
        else taken.set(item.fn, new Set([first]));
      }
    }
  }
  return taken;
}

/** How many calls of a function of `linalg` are differentiated. */
function linalgCalls(name: string): number {
  return Object.entries(linalgGradients)
    .filter(([variant]) => variant.split(' ')[0] === name)
    .reduce((count, [, calls]) => count + calls.length, 0);
}

/** Every function of the library's top level and of `linalg`, by family. */
export function summarize(): readonly FunctionSummary[] {
  const functions = Object.entries(tilegrad)
    .filter(([name, value]) => typeof value === 'function' && /^[a-z]/.test(name))
    .map(([name]) => name);
  const goldens = [...goldenNames()];
  const taken = takenDTypes();
  // `einsum ij,jk->ik` measures einsum.
  const measured = new Set(Object.keys(benchmarks).map((name) => name.split(' ')[0] as string));
  const isGolden = (name: string): boolean =>
    goldens.some(
      (op) =>
        op === name ||
        // A variant is no function of its own, as poissonNllLoss is beside poisson.
        (op.startsWith(name) && !/^[a-z]/.test(op.slice(name.length)) && !functions.includes(op)),
    );
  const summary = (
    name: string,
    family: string,
    wrongCalls: number,
    gradients: number,
  ): FunctionSummary => ({
    name,
    family,
    dtypes: taken.has(name) ? [...(taken.get(name) as Set<string>)] : null,
    gradients,
    wrongCalls,
    hasGoldens: isGolden(name),
    isBenchmarked: measured.has(name),
  });
  return families.flatMap(({ title, operations, linalg = {} }) => [
    ...Object.entries(operations)
      .filter(([name]) => functions.includes(name))
      .map(([name, { misuse, gradients }]) =>
        summary(name, title, misuse.length, gradients === 'none' ? 0 : gradients.length),
      ),
    ...Object.entries(linalg).map(([name, misuse]) =>
      summary(`linalg.${name}`, title, misuse.length, linalgCalls(name)),
    ),
  ]);
}
