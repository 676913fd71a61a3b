/** All families of operations. */
import { arithmetic } from './arithmetic.js';
import type { Family } from './operation.js';
import { softmaxes } from './softmax.js';

export const families: readonly Family[] = [arithmetic, softmaxes];
