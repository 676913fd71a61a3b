/** All families of operations. */
import { activations } from './activation.js';
import { math } from './math.js';
import type { Family } from './operation.js';
import { softmaxes } from './softmax.js';

export const families: readonly Family[] = [activations, math, softmaxes];
