import type { Difference } from './difference.js';
import { left } from './left.js';
import { differences as math } from './math.js';
import { pendingShape } from './pending_shape.js';
import { differences as reduce } from './reduce.js';
import { differences as sizes } from './sizes.js';

export type { Difference } from './difference.js';

/** The differences of each part of the walk, by its name: dtype_walk_<name>.json. */
export const parts: Readonly<Record<string, readonly Difference[]>> = { math, reduce, sizes };

/** Functions that the walk leaves out, with the reason. */
export const withoutWalk: Readonly<Record<string, readonly string[]>> = {
  ...left,
  'not walked yet': pendingShape,
};
