/** All families of operations. */
import type { Family } from './operation.js';
import { optimizers } from './optimizers.js';
import { softmaxes } from './softmax.js';

export const families: readonly Family[] = [optimizers, softmaxes];
