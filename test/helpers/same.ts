/** Long lists of numbers. */
import { expect } from 'vitest';

/** Holds two lists against each other; tells the first difference only, which takes no time. */
export function expectSame(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    if (!Object.is(actual[i], expected[i])) {
      expect({ at: i, value: actual[i] }).toEqual({ at: i, value: expected[i] });
    }
  }
}
