/** The addon's lists of weak references, which hold arrays of nobody's and survive any arguments. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { loadBinding } from 'tilegrad/native/binding.js';
import { expect, test } from 'vitest';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as (options?: { type: 'minor' }) => void;
const native = loadBinding();

/** Watches arrays that nobody has afterwards. */
function watchDead(list: number, count: number): number[] {
  return Array.from({ length: count }, () => native.watch(list, new Float32Array(100)));
}

test('dead arrays are found after a collection, once, and their slots are used again', () => {
  const list = native.newWeakList();
  const kept = new Float32Array(100);
  const slot = native.watch(list, kept);
  const slots = watchDead(list, 10);
  expect(new Set([slot, ...slots]).size).toBe(11);
  gc({ type: 'minor' });
  const dead = new Int32Array(20);
  const count = native.collect(list, dead);
  expect([...dead.subarray(0, count)].sort((a, b) => a - b)).toEqual(slots);
  expect(native.collect(list, dead)).toBe(-1);
  expect(watchDead(list, 10).sort((a, b) => a - b)).toEqual(slots);
  gc();
  expect(native.collect(list, dead)).toBe(10);
  expect(kept.length).toBe(100);
  native.unwatch(list, slot);
});

test('what has no room is found by the next call', () => {
  const list = native.newWeakList();
  const slots = watchDead(list, 10);
  gc();
  const dead = new Int32Array(4);
  const found: number[] = [];
  for (const count of [4, 4, 2]) {
    expect(native.collect(list, dead)).toBe(count);
    found.push(...dead.subarray(0, count));
  }
  expect(found.sort((a, b) => a - b)).toEqual(slots);
  expect(native.collect(list, dead)).toBe(-1);
});

test('lists know nothing of each other', () => {
  const [a, b] = [native.newWeakList(), native.newWeakList()];
  watchDead(a, 3);
  watchDead(b, 5);
  gc();
  const dead = new Int32Array(10);
  expect(native.collect(a, dead)).toBe(3);
  expect(native.collect(b, dead)).toBe(5);
});

test('other arguments are errors', () => {
  const list = native.newWeakList();
  const array = new Float32Array(1);
  const slot = native.watch(list, array);
  const wrong: unknown[] = [undefined, null, -1, 1e9, '0', {}, [], Symbol('s'), 5n];
  const calls: [string, ...unknown[]][] = [
    ['unwatch', list],
    ['unwatch', list, slot + 1],
    ['watch', list],
    ['collect', list],
    ['collect', list, new Float32Array(1)],
    ['collectYoung'],
    ['collectYoung', new SharedArrayBuffer(8)],
    ['collectYoung', array],
  ];
  for (const value of wrong) {
    calls.push(['watch', value, array], ['watch', list, value], ['collect', list, value]);
    calls.push(['collectYoung', value], ['collect', value, new Int32Array(1)]);
    calls.push(['unwatch', value, slot], ['unwatch', list, value]);
  }
  const functions = native as unknown as Record<string, (...values: unknown[]) => unknown>;
  for (const [name, ...values] of calls) {
    let code: unknown = 'none';
    try {
      functions[name]?.(...values);
    } catch (error) {
      code = (error as { code?: unknown }).code;
    }
    expect([name, values, code]).toEqual([name, values, 'ERR_NATIVE_ARGUMENT']);
  }
  native.unwatch(list, slot);
  expect(() => native.unwatch(list, slot)).toThrow('slot');
});

test('a detached buffer and one of no bytes are taken', () => {
  const buffer = new ArrayBuffer(100);
  native.collectYoung(buffer);
  expect(buffer.byteLength).toBe(0);
  native.collectYoung(buffer);
  native.collectYoung(new ArrayBuffer(0));
});
