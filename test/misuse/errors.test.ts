/**
 * Wrong arguments of every public function: each call has to throw a TensorError with the right code
 * that names the function. A function without a row fails the test.
 */
import * as tilegrad from 'tilegrad';
import { linalg, nn, optim, TensorError } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { families } from '../operations/index.js';
import { initializers, weight } from '../operations/initializers.js';
import { leaf, type Misuse, x } from '../operations/misuse.js';
import type { Family } from '../operations/operation.js';

/** Classes that others make. */
const made = ['LRScheduler', 'Optimizer', 'ParameterGroup', 'Summary', 'Tensor', 'TensorError'];

type Table = Record<string, readonly Misuse[]>;

/** A part of every family's rows, in one table. */
function fromFamilies(part: (family: Family) => Readonly<Table> | undefined): Table {
  return Object.assign({}, ...families.map(part));
}

const operations = fromFamilies((family) =>
  Object.fromEntries(Object.entries(family.operations).map(([name, row]) => [name, row.misuse])),
);

const spaces: [string, object, Table][] = [
  ['tilegrad', tilegrad, operations],
  ['nn', nn, fromFamilies((family) => family.modules)],
  ['nn.init', nn.init, initializers],
  ['nn.utils', nn.utils, fromFamilies((family) => family.utilities)],
  ['nn.utils.rnn', nn.utils.rnn, fromFamilies((family) => family.sequences)],
  ['nn.utils.parametrize', nn.utils.parametrize, fromFamilies((family) => family.parametrize)],
  [
    'nn.utils.parametrizations',
    nn.utils.parametrizations,
    fromFamilies((family) => family.parametrizations),
  ],
  ['linalg', linalg, fromFamilies((family) => family.linalg)],
  ['optim', optim, fromFamilies((family) => family.optimizers)],
  ['optim.lrScheduler', optim.lrScheduler, fromFamilies((family) => family.schedules)],
];

const takesNothing = (space: object, name: string): boolean =>
  (space as Record<string, (...args: never) => unknown>)[name]?.length === 0;

describe.each(spaces)('%s', (_, space, table) => {
  test('has a row for each of its functions', () => {
    const names = Object.entries(space)
      .filter(([name, value]) => typeof value === 'function' && !made.includes(name))
      .map(([name]) => name);
    expect(Object.keys(table).sort()).toEqual(names.sort());
  });

  test.each(Object.entries(table))('%s', async (name, rows) => {
    expect(rows.length > 0 || takesNothing(space, name)).toBe(true);
    for (const [call, code, message = `[${name}]`] of rows) {
      let thrown: unknown = 'nothing';
      try {
        await call();
      } catch (error) {
        thrown = error;
      }
      const { code: actual, message: text } = thrown as TensorError;
      const isOurs = thrown instanceof TensorError;
      expect({ thrown: isOurs ? text : thrown, code: actual, call: `${call}` }).toEqual({
        thrown: expect.stringContaining(message),
        code,
        call: `${call}`,
      });
    }
  });
});

test('nothing of all this has changed what was passed in, or the settings', () => {
  expect(x.toArray()).toEqual([
    [1, 1, 1],
    [1, 1, 1],
  ]);
  expect(weight.toArray()).toEqual([
    [0, 0],
    [0, 0],
  ]);
  expect(leaf.grad).toBeNull();
  expect(tilegrad.isGradEnabled()).toBe(true);
});
