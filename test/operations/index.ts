/** All families of operations. */
import { classLosses } from './cross_entropy.js';
import { norms } from './norm.js';
import type { Family } from './operation.js';
import { softmaxes } from './softmax.js';

export const families: readonly Family[] = [classLosses, norms, softmaxes];
