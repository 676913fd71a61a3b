/** The gradients of all families' functions, in one table. */
import type { Case } from './gradients.js';
import { families } from './index.js';

const all = families.flatMap(({ operations }) => Object.entries(operations));

/** For every differentiable function of the library: the calls that are checked. */
export const table: Readonly<Record<string, readonly Case[]>> = Object.fromEntries(
  all.flatMap(([name, { gradients }]) => (gradients === 'none' ? [] : [[name, gradients]])),
);

/** Functions of the library that have no gradient. */
export const others: ReadonlySet<string> = new Set(
  all.filter(([, { gradients }]) => gradients === 'none').map(([name]) => name),
);
