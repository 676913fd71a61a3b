/** All families of operations. */
import type { Family } from './operation.js';
import { reductions } from './reduce.js';
import { scans } from './scan.js';
import { softmaxes } from './softmax.js';

export const families: readonly Family[] = [reductions, scans, softmaxes];
