/** Levels and threads. */
import * as tilegrad from 'tilegrad';
import { type Misuse, wrong } from './misuse.js';
import type { Family } from './operation.js';

export const settings: Family = {
  title: 'Settings',
  operations: {
    setNumThreads: {
      misuse: [undefined, null, 0, -1, 1.5, 257, Infinity, Number.NaN, '2', {}].map(
        (n): Misuse => [() => tilegrad.setNumThreads(wrong(n)), 'ERR_ARGUMENT'],
      ),
      gradients: 'none',
    },
    getNumThreads: { misuse: [], gradients: 'none' },
    setSimdLevel: {
      misuse: [undefined, null, 0, 'sse9', '', {}].map(
        (name): Misuse => [() => tilegrad.setSimdLevel(wrong(name)), 'ERR_ARGUMENT'],
      ),
      gradients: 'none',
    },
    simdLevel: { misuse: [], gradients: 'none' },
    simdLevels: { misuse: [], gradients: 'none' },
  },
};
