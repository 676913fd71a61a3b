/** Errors as tests compare them. */
import { TensorError, type TensorErrorCode } from 'tilegrad';
import { expect } from 'vitest';

/** Calls fn, which has to throw a TensorError with this code and this in its message. */
export function expectError(fn: () => unknown, code: TensorErrorCode, message: string): void {
  let thrown: unknown = 'nothing';
  try {
    fn();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(TensorError);
  const { code: actual, message: text } = thrown as TensorError;
  expect({ code: actual, text }).toEqual({ code, text: expect.stringContaining(message) });
}
