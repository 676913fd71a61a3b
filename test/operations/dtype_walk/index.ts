import { differences as creation } from './creation.js';
import type { Difference } from './difference.js';
import { differences as indexing } from './indexing.js';
import { differences as layers } from './layers.js';
import { differences as linalg } from './linalg.js';
import { differences as losses } from './losses.js';
import { differences as math } from './math.js';
import { differences as products } from './products.js';
import { differences as reduce } from './reduce.js';
import { differences as shape } from './shape.js';
import { differences as sizes } from './sizes.js';
import { differences as special } from './special.js';

export type { Difference } from './difference.js';
export { left as withoutWalk } from './left.js';

/** The differences of each part of the walk, by its name: dtype_walk_<name>.json. */
export const parts: Readonly<Record<string, readonly Difference[]>> = {
  creation,
  indexing,
  layers,
  linalg,
  losses,
  math,
  products,
  reduce,
  shape,
  sizes,
  special,
};
