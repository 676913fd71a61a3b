import type { Difference } from './difference.js';

export const differences: readonly Difference[] = [];
