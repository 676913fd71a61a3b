/** Blocks by size, and which of them are dropped. */
import { FreeLists } from 'tilegrad/tensor/free_lists.js';
import { expect, test } from 'vitest';

/** What a call drops, as "size:block". */
function dropped(call: (drop: (block: string, bytes: number) => void) => void): string[] {
  const seen: string[] = [];
  call((block, bytes) => seen.push(`${bytes}:${block}`));
  return seen;
}

function filled(): FreeLists<string> {
  const lists = new FreeLists<string>();
  for (const block of ['a', 'b', 'c']) lists.put(64, block);
  lists.put(128, 'd');
  return lists;
}

test('the block of a size that came last is taken first', () => {
  const lists = filled();
  expect(lists.take(256)).toBeUndefined();
  expect([1, 2, 3, 4].map(() => lists.take(64))).toEqual(['c', 'b', 'a', undefined]);
  expect(lists.take(128)).toBe('d');
});

test('what was not needed since the last look is dropped, the oldest first', () => {
  const lists = filled();
  expect(dropped((drop) => lists.dropUnneeded(drop))).toEqual([]); // the first look
  expect([lists.take(64), lists.take(64)]).toEqual(['c', 'b']);
  lists.put(64, 'e');
  lists.put(64, 'f');
  // Of 64 bytes one block waited all the time, of 128 the only one.
  expect(dropped((drop) => lists.dropUnneeded(drop))).toEqual(['64:a', '128:d']);
  expect(lists.take(128)).toBeUndefined();
  expect([lists.take(64), lists.take(64), lists.take(64)]).toEqual(['f', 'e', undefined]);
  expect(dropped((drop) => lists.dropUnneeded(drop))).toEqual([]);
});

test('a size that is gone may come back', () => {
  const lists = filled();
  for (let i = 0; i < 3; i++) lists.dropUnneeded(() => {});
  lists.put(64, 'g');
  expect(dropped((drop) => lists.dropUnneeded(drop))).toEqual([]);
  expect(lists.take(64)).toBe('g');
});

test('all of them can be dropped', () => {
  const lists = filled();
  expect(dropped((drop) => lists.dropAll(drop))).toEqual(['64:a', '64:b', '64:c', '128:d']);
  expect(lists.take(64)).toBeUndefined();
});
