/** All families of operations. */
import { activations } from './activation.js';
import type { Family } from './operation.js';
import { softmaxes } from './softmax.js';

export const families: readonly Family[] = [activations, softmaxes];
