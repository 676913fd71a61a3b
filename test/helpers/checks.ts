/** What examples call: see programOf in docstrings.ts. */
import { expect } from 'vitest';
import { agrees, plain } from './docstrings.js';

/** Holds a value against what the line says. */
export function check(actual: unknown, expected: unknown, line: string): void {
  const value = plain(actual);
  if (!agrees(value, expected)) expect({ line, value }).toEqual({ line, value: expected });
}

/** Calls what has to throw an error with this code. */
export async function throws(fn: () => unknown, code: string, line: string): Promise<void> {
  let thrown: unknown;
  try {
    await fn();
  } catch (error) {
    thrown = error;
  }
  expect({ line, code: (thrown as { code?: string })?.code }).toEqual({ line, code });
}
