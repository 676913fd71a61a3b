/** All families of operations. */
import { norms } from './norm.js';
import type { Family } from './operation.js';
import { softmaxes } from './softmax.js';

export const families: readonly Family[] = [norms, softmaxes];
