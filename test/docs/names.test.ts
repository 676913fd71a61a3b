/** The tables of docs/from-pytorch-and-tensorflowjs.md name what exists. */
import { readFileSync } from 'node:fs';
import * as tilegrad from 'tilegrad';
import { expect, test } from 'vitest';
import { run } from '../helpers/docstrings.js';

const page = readFileSync(
  new URL('../../docs/from-pytorch-and-tensorflowjs.md', import.meta.url),
  'utf8',
);

/** The cells of all tables' rows, without the heads. A bar inside of code is written `\|`. */
const rows = page
  .split('\n')
  .filter(
    (line) => line.startsWith('| ') && !line.startsWith('| ---') && !line.includes('| tilegrad |'),
  )
  .map((line) => line.slice(1, -1).split(/(?<!\\)\|/));

/** The names in a cell: `slice`, `t.item`, `nn.init.zeros`; of a call what is called. */
const namesIn = (cell: string): string[] =>
  [...cell.matchAll(/`([^`]*)`/g)]
    .map(([, code = '']) => /^[\w.]+/.exec(code)?.[0] ?? code)
    .filter((name) => name !== 'using');

function exists(name: string): boolean {
  const path = name.split('.');
  if (path[0] === 't' && path.length > 1) {
    const t = tilegrad.zeros([1]);
    return (path[1] as string) in t;
  }
  let space: unknown = tilegrad;
  for (const part of path) {
    if (space === null || (typeof space !== 'object' && typeof space !== 'function')) return false;
    space = (space as Record<string, unknown>)[part];
  }
  return space !== undefined;
}

test('the code on the page runs', async () => {
  const [block = ''] = /(?<=^```ts\n)[\s\S]*?(?=^```)/m.exec(page) ?? [];
  expect(block).toContain('optimizer.step()');
  await run(block.replace(/^import .*$/m, ''), tilegrad);
});

test('every row has three cells and a name of ours', () => {
  expect(rows.length).toBeGreaterThan(100);
  for (const row of rows) {
    expect({ row: row.join('|'), cells: row.length }).toEqual({ row: row.join('|'), cells: 3 });
    expect({ row, names: namesIn(row[2] as string).length > 0 }).toEqual({ row, names: true });
  }
});

test('every name of ours exists', () => {
  const missing = rows.flatMap((row) => namesIn(row[2] as string)).filter((name) => !exists(name));
  expect(missing).toEqual([]);
});

test('finds names that do not exist', () => {
  expect(['zeros', 't.item', 'nn.init.zeros', 'optim.SGD'].filter(exists)).toHaveLength(4);
  expect(
    ['zeroes', 't.items', 'nn.init.zeroes', 'zeros.x.y', 'linalg2.det'].filter(exists),
  ).toEqual([]);
});

test('every public function has a place in the tables', () => {
  // What belongs to this library alone, and what the page tells in words.
  const own = [
    ...['TensorError', 'Tensor', 'simdLevel', 'simdLevels', 'setSimdLevel', 'setWeightPacking'],
    ...[
      'matmulPlan',
      'getFloat32MatmulPrecision',
      'int8Matmul',
      'quantizePerChannel',
      'dequantize',
    ],
    ...['readIdxSync', 'featureDropout', 'hardsigmoid', 'hardswish', 'hardtanh', 'hardshrink'],
    ...['softshrink', 'tanhshrink', 'threshold'],
  ];
  const listed = new Set([...rows.flatMap((row) => namesIn(row[2] as string)), ...own]);
  const unlisted = Object.entries(tilegrad)
    .filter(([name, value]) => typeof value === 'function' && !listed.has(name))
    .map(([name]) => name);
  expect(unlisted).toEqual([]);
});
