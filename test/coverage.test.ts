/**
 * How many of the library's functions each kind of check covers. Wrong calls and gradients are complete by
 * their own tests; goldens from PyTorch are complete but for the functions listed here.
 */
import { readdirSync, readFileSync } from 'node:fs';
import * as tilegrad from 'tilegrad';
import { expect, test } from 'vitest';
import { operations as benchmarks } from '../bench/ops/operations.js';
import { table } from './operations/differentiable.js';
import { families } from './operations/index.js';
import { differentiation, files, settings } from './operations/not_operations.js';

const functions = Object.entries(tilegrad)
  .filter(([name, value]) => typeof value === 'function' && /^[a-z]/.test(name))
  .map(([name]) => name);

/** Names of operations in all fixtures: a function's own, or with the variant behind it (`qrQ`, `clampMin`). */
function goldenNames(): Set<string> {
  const found = new Set<string>();
  const folder = new URL('fixtures/', import.meta.url);
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(walk);
    else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value)) {
        if (typeof item === 'string' && (key === 'op' || key === 'fn')) found.add(item);
        else if (key !== 'tensors') walk(item);
      }
    }
  };
  for (const file of readdirSync(folder)) {
    if (file.endsWith('.json')) walk(JSON.parse(readFileSync(new URL(file, folder), 'utf8')));
  }
  return found;
}

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
  const goldens = [...goldenNames()];
  const covered = functions.filter((name) =>
    goldens.some(
      (op) =>
        op === name ||
        // A variant is no function of its own, as poissonNllLoss is beside poisson.
        (op.startsWith(name) && !/^[a-z]/.test(op.slice(name.length)) && !functions.includes(op)),
    ),
  );
  const excused = Object.values(withoutGoldens).flat();
  const missing = functions.filter((name) => !covered.includes(name));
  const count = (names: readonly string[]) =>
    functions.filter((name) => names.includes(name)).length;
  // `einsum ij,jk->ik` measures einsum.
  const measured = Object.keys(benchmarks).map((name) => name.split(' ')[0] as string);
  console.log(
    `functions: ${functions.length}; goldens ${covered.length}, gradients checked ${count(Object.keys(table))}, ` +
      `wrong calls ${functions.length}, benchmarks ${count(measured)}, ` +
      `families of tests ${families.length}`,
  );
  expect(missing.sort()).toEqual(excused.sort());
});
