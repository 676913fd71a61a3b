/** Scopes, shared memory and messages. What they do is tested in test/tensor. */
import * as tilegrad from 'tilegrad';
import { kinds, type Misuse, optionsOf, wrong, x } from './misuse.js';
import type { Family } from './operation.js';

export const memory: Family = {
  title: 'Memory',
  operations: {
    memory: { misuse: [], gradients: 'none' },
    emptyCache: { misuse: [], gradients: 'none' },
    tidy: {
      misuse: [
        ...kinds
          .filter((value) => typeof value !== 'function')
          .map((fn): Misuse => [() => tilegrad.tidy(wrong(fn)), 'ERR_ARGUMENT']),
        [() => tilegrad.tidy(async () => 1), 'ERR_ARGUMENT', 'await'],
      ],
      gradients: 'none',
    },
    keep: {
      misuse: kinds.map((value): Misuse => [() => tilegrad.keep(wrong(value)), 'ERR_ARGUMENT']),
      gradients: 'none',
    },
    shareMemory: {
      misuse: kinds.map(
        (value): Misuse => [() => tilegrad.shareMemory(wrong(value)), 'ERR_ARGUMENT'],
      ),
      gradients: 'none',
    },
    toMessage: {
      misuse: [
        ...optionsOf('toMessage', (options) => tilegrad.toMessage(x, options)),
        [() => tilegrad.toMessage(new tilegrad.nn.Linear(1, 1)), 'ERR_ARGUMENT'],
      ],
      gradients: 'none',
    },
    fromMessage: {
      misuse: [
        [() => tilegrad.fromMessage({ ...x }), 'ERR_ARGUMENT', 'toMessage(tensor)'],
        [() => tilegrad.fromMessage({ tilegrad: 'tensor' }), 'ERR_DTYPE'],
        [
          () => tilegrad.fromMessage({ ...(tilegrad.toMessage(x) as object), shape: [5] }),
          'ERR_ARGUMENT',
        ],
      ],
      gradients: 'none',
    },
  },
};
