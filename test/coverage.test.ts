/**
 * How many of the library's functions each kind of check covers. Wrong calls and gradients are complete by
 * their own tests; goldens from PyTorch are complete but for the functions listed here.
 */
import { expect, test } from 'vitest';
import { families } from './operations/index.js';
import { differentiation, files, settings } from './operations/not_operations.js';
import { summarize } from './operations/summary.js';

/** Functions that PyTorch has no numbers for, or whose numbers stand elsewhere, with the reason. */
const withoutGoldens: Readonly<Record<string, readonly string[]>> = {
  'settings, modes and what tells about them': settings,
  'files, data sets and messages, checked by going there and back': files,
  'differentiation: goldens of whole functions in autograd.json and higher.json': differentiation,
  'creation, compared element by element': [
    ...['fromAsync', 'fromBuffer', 'fromTypedArray', 'finfo', 'iinfo'],
  ],
  'goldens under other keys: int8.json, dtypes.json': [
    ...['canCast', 'dequantize', 'int8Matmul', 'promoteTypes', 'quantizePerChannel', 'resultType'],
  ],
  'comparisons of two tensors for tests, by their definition': [...['assertClose', 'closeness']],
};

test('what covers the functions', () => {
  const functions = summarize();
  const count = (holds: (row: (typeof functions)[number]) => boolean) =>
    functions.filter(holds).length;
  console.log(
    `functions: ${functions.length}; goldens ${count((row) => row.hasGoldens)}, ` +
      `gradients checked ${count((row) => row.gradients > 0)}, ` +
      `wrong calls ${count((row) => row.wrongCalls > 0)}, ` +
      `benchmarks ${count((row) => row.isBenchmarked)}, families of tests ${families.length}`,
  );
  const missing = functions.filter((row) => !row.hasGoldens).map(({ name }) => name);
  expect(missing.sort()).toEqual(Object.values(withoutGoldens).flat().sort());
});
