/** All functions that are measured by the tables of this folder, by name; what follows a space says how one is used. */
import { activations, binary, casts, inPlace, unary } from './elementwise.js';
import {
  convolutions,
  interpolations,
  norms,
  pooling,
  random,
  recurrent,
  unpooling,
} from './layers.js';
import { losses } from './losses.js';
import { distances, linearAlgebra, products } from './products.js';
import { reductions, scans, sorting } from './reduce.js';
import type { FunctionRow } from './row.js';
import { creation, indexing, moves, views } from './shape.js';

export const functions = {
  ...unary,
  ...activations,
  ...binary,
  ...casts,
  ...inPlace,
  ...reductions,
  ...scans,
  ...sorting,
  ...moves,
  ...indexing,
  ...creation,
  ...views,
  ...products,
  ...distances,
  ...linearAlgebra,
  ...losses,
  ...norms,
  ...pooling,
  ...unpooling,
  ...interpolations,
  ...convolutions,
  ...recurrent,
  ...random,
} satisfies Record<string, FunctionRow>;
