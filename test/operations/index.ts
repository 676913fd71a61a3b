/** All families of operations. */
import type { Family } from './operation.js';
import { randomness } from './random.js';
import { softmaxes } from './softmax.js';

export const families: readonly Family[] = [randomness, softmaxes];
