/** The TypeScript side's list of rows against the addon's own. */

import { loadBinding } from 'tilegrad/native/binding.js';
import { rowNames } from 'tilegrad/native/interface.js';
import { expect, test } from 'vitest';

const native = loadBinding();

test('every row of the addon is named in TypeScript, and the other way round', () => {
  const named = Object.values(rowNames).flat().sort();
  expect(named).toEqual(Object.keys(native.signatures).sort());
  expect(Object.keys(native.rows).sort()).toEqual(named);
});

test.each([
  ['unary', 'in x T[@] out y T[@]'],
  ['binary', 'in a T[@] in b T[@] out y T[@]'],
  ['numberUnary', 'in x N[@] out y N[@]'],
  ['numberBinary', 'in a N[@] in b N[@] out y N[@]'],
  ['integerUnary', 'in x I[@] out y I[@]'],
  ['integerBinary', 'in a I[@] in b I[@] out y I[@]'],
  ['compare', 'in a N[@] in b N[@] out y u8[@]'],
  ['predicate', 'in x T[@] out y u8[@]'],
  ['ternary', 'in a T[@] in b T[@] in c T[@] out y T[@]; value real'],
] as const)('all %s rows take the same arguments', (group, signature) => {
  for (const name of rowNames[group]) expect(native.signatures[name]).toBe(signature);
});

test.each([
  ['unaryWith', 'in x T[@] out y T[@]', 1],
  ['derivative', 'in g T[@] in x T[@] out dx T[@]', 0],
] as const)('all %s rows take the same operands and real parameters', (group, operands, least) => {
  for (const name of rowNames[group]) {
    const signature = native.signatures[name];
    expect(signature.slice(0, operands.length)).toBe(operands);
    const names = signature.slice(operands.length).match(/^; ([\w ]+) real$/)?.[1];
    expect(names?.split(' ').length ?? 0).toBeGreaterThanOrEqual(least);
    if (names === undefined) expect(signature).toBe(operands);
  }
});

test('no row has more operands or numbers than a command holds', () => {
  for (const signature of Object.values(native.signatures)) {
    const [operands = '', numbers = ''] = signature.split(';');
    expect(operands.match(/\b(in|out|inout|opt|optout) /g)?.length ?? 0).toBeLessThanOrEqual(9);
    const names = numbers.split(' ').filter((word) => !/^(size|stride|int|real)?$/.test(word));
    expect(names.length).toBeLessThanOrEqual(24);
  }
});
