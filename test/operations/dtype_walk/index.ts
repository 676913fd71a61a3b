import type { Difference } from './difference.js';
import { differences as indexing } from './indexing.js';
import { differences as layers } from './layers.js';
import { differences as losses } from './losses.js';
import { left } from './left.js';
import { differences as math } from './math.js';
import { pendingMath } from './pending_math.js';
import { pendingShape } from './pending_shape.js';
import { differences as products } from './products.js';
import { differences as shape } from './shape.js';

export type { Difference } from './difference.js';

/** The differences of each part of the walk, by its name: dtype_walk_<name>.json. */
export const parts: Readonly<Record<string, readonly Difference[]>> = {
  indexing,
  layers,
  losses,
  math,
  products,
  shape,
};

/** Functions that the walk leaves out, with the reason. */
export const withoutWalk: Readonly<Record<string, readonly string[]>> = {
  ...left,
  'not walked yet': [...pendingMath, ...pendingShape],
};
