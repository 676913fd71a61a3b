/**
 * Runs the examples in the docstrings of lib/, and looks for public functions without one.
 * `EXPRESSION; // => VALUE` states a value, `EXPRESSION; // throws CODE` an error; all of the library's
 * exports are in scope.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tilegrad from 'tilegrad';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { check, throws } from '../helpers/checks.js';
import { docstrings, docstringsOf, examplesOf, programOf, run } from '../helpers/docstrings.js';

const all = docstrings(fileURLToPath(new URL('../../lib', import.meta.url)));

/** Public functions and classes that have no example yet. Take names out; add none. */
const WITHOUT_EXAMPLE: readonly string[] = [];

const threads = tilegrad.getNumThreads();
const level = tilegrad.simdLevel();
beforeEach(() => tilegrad.manualSeed(0));
afterEach(() => {
  tilegrad.setNumThreads(threads);
  tilegrad.setSimdLevel(level);
});

// Files that examples write are in a folder of their own.
const before = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'tilegrad-examples-'));
beforeAll(() => process.chdir(folder));
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

const examples = all.flatMap((doc) =>
  examplesOf(doc).map((code, i): [string, string] => [`${doc.file} ${doc.name} ${i + 1}`, code]),
);

describe('examples', () => {
  test.each(examples)('%s', async (_, code) => {
    await run(programOf(code), { ...tilegrad, check, throws });
  });

  test('each tag has code, and each example says what comes out or at least does not fail', () => {
    const broken = all.filter(
      (doc) => doc.text.split(/^@example\b/m).length - 1 !== examplesOf(doc).length,
    );
    expect(broken.map(({ file, line }) => `${file}:${line}`)).toEqual([]);
  });
});

/** Public names and the folders (or files) that they are declared in. */
const spaces: readonly (readonly [prefix: string, space: object, place: RegExp])[] = [
  ['', tilegrad, /^(?!nn\/|optim\/)/],
  ['linalg.', 'linalg' in tilegrad ? (tilegrad.linalg as object) : {}, /^linalg\//],
  ['nn.', tilegrad.nn, /^nn\/(?!init\.|utils\.)/],
  ['nn.init.', tilegrad.nn.init, /^nn\/init\./],
  ['nn.utils.', tilegrad.nn.utils, /^nn\/utils\./],
  ['nn.utils.rnn.', tilegrad.nn.utils.rnn, /^nn\/layer\/packed_sequence\./],
  ['nn.utils.parametrize.', tilegrad.nn.utils.parametrize, /^nn\/module\/parametrize\./],
  ['nn.utils.parametrizations.', tilegrad.nn.utils.parametrizations, /^nn\/parametrizations\./],
  ['optim.', tilegrad.optim, /^optim\/(?!lr_scheduler\/)/],
  ['optim.lrScheduler.', tilegrad.optim.lrScheduler, /^optim\/lr_scheduler\//],
];

describe('every public function and class', () => {
  const names = spaces.flatMap(([prefix, space, place]) =>
    Object.entries(space)
      .filter(([, value]) => typeof value === 'function')
      .map(([name]) => ({
        name: prefix + name,
        docs: all.filter((doc) => doc.isExported && doc.name === name && place.test(doc.file)),
      })),
  );

  test('has a docstring', () => {
    expect(names.filter(({ docs }) => docs.length === 0).map(({ name }) => name)).toEqual([]);
  });

  test('has an example, except for a list that only shrinks', () => {
    const without = names
      .filter(({ docs }) => !docs.some((doc) => examplesOf(doc).length > 0))
      .map(({ name }) => name);
    expect(without.sort()).toEqual([...WITHOUT_EXAMPLE].sort());
  });
});

describe('the reader', () => {
  const source = `
    /** One line. */
    export function one(): void {}
    /**
     * More.
     * @example
     * \`\`\`ts
     * add(1, 2); // => 3
     * fail(); // throws ERR_SHAPE
     * \`\`\`
     */
    export abstract class Two {
      /** A member. */
      override async three(): Promise<void> {}
    }`;
  const found = docstringsOf('a.ts', source);

  test('finds docstrings, what they belong to, and examples', () => {
    expect(found.map(({ name, isExported, line }) => [name, isExported, line])).toEqual([
      ['one', true, 2],
      ['Two', true, 4],
      ['three', false, 13],
    ]);
    expect(found.map(examplesOf).map((list) => list.length)).toEqual([0, 1, 0]);
  });

  test('finds wrong values, missing errors and other errors', async () => {
    const scope = { tensor: tilegrad.tensor, zeros: tilegrad.zeros, check, throws };
    const result = (code: string) => run(programOf(code), scope);
    await result('tensor([1 / 3]); // => [0.333333]\nconst x = 5;\nx; // => 5');
    await result('zeros([-1]); // throws ERR_SHAPE');
    await expect(result('tensor([1]); // => [1.00001]')).rejects.toThrow();
    await expect(result('tensor([1]); // => 1')).rejects.toThrow();
    await expect(result('tensor([1, 2]); // => [1]')).rejects.toThrow();
    await expect(result('zeros([1]); // throws ERR_SHAPE')).rejects.toThrow();
    await expect(result('zeros([-1]); // throws ERR_DTYPE')).rejects.toThrow();
    await expect(result('nothing();')).rejects.toThrow('nothing is not defined');
  });
});
