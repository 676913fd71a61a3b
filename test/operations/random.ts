/** Random tensors and dropout. */
import * as tilegrad from 'tilegrad';
import { dropout, Generator, nn, rand, randn, tensor } from 'tilegrad';
import { dtypes, lengths, numbers } from './bits.js';
import { one } from './gradients.js';
import { type Misuse, optionsOf, random, tensorArguments, wrong, x } from './misuse.js';
import type { Family } from './operation.js';

const notProbabilities: unknown[] = [null, -0.1, 1.1, Number.NaN, '0.5'];

export const randomness: Family = {
  operations: {
    rand: { misuse: random('rand', rand), gradients: 'none' },
    randn: { misuse: random('randn', randn), gradients: 'none' },
    manualSeed: {
      misuse: [undefined, null, -1, 0.5, 2 ** 53, '1'].map(
        (seed): Misuse => [() => tilegrad.manualSeed(wrong(seed)), 'ERR_ARGUMENT'],
      ),
      gradients: 'none',
    },
    Generator: {
      misuse: [null, -1, 0.5, 2 ** 53, '1'].flatMap((seed): Misuse[] => [
        [() => new Generator(wrong(seed)), 'ERR_ARGUMENT'],
        [() => new Generator(1).seed(wrong(seed)), 'ERR_ARGUMENT', '[seed]'],
      ]),
      gradients: 'none',
    },
    dropout: {
      misuse: [
        ...tensorArguments((t) => dropout(t)),
        ...[...notProbabilities, x].map(
          (p): Misuse => [() => dropout(x, wrong(p)), 'ERR_ARGUMENT'],
        ),
        ...optionsOf('dropout', (options) => dropout(x, 0.5, options)),
        [() => dropout(x, 0.5, { generator: wrong(5) }), 'ERR_ARGUMENT'],
      ],
      // The same numbers every time.
      gradients: [
        one((x) => dropout(x, 0.5, { generator: new Generator(1) }), [4, 5]),
        one((x) => dropout(x, 0), [3]),
        one((x) => dropout(x, 1), [3]),
        one((x) => dropout(x, 0.5, { generator: new Generator(1) }), [0]),
      ],
    },
  },
  modules: {
    Dropout: [
      ...notProbabilities.map((p): Misuse => [() => new nn.Dropout(wrong(p)), 'ERR_ARGUMENT']),
      ...optionsOf('Dropout', (options) => new nn.Dropout(0.5, options)),
      [() => new nn.Dropout(0.5, { generator: wrong(5) }), 'ERR_ARGUMENT'],
    ],
  },
  bits(add) {
    for (const dtype of dtypes) {
      add(`random ${dtype}`, () => {
        const generator = new Generator(2 ** 40 + 7);
        const drawn = lengths.flatMap((n) => [
          rand([n], { dtype, generator }),
          randn([n], { dtype, generator }),
          dropout(numbers([n], dtype), 0.3, { generator }),
        ]);
        return [...drawn, tensor(Array.from(generator.state), { dtype: 'float64' })];
      });
    }
  },
};
