/** All families of operations. */
import { gathers } from './gather.js';
import type { Family } from './operation.js';
import { softmaxes } from './softmax.js';

export const families: readonly Family[] = [gathers, softmaxes];
