import { expect, test } from 'vitest';
import { TensorError } from '../lib/errors.js';

test('a TensorError carries its code, its message and its cause', () => {
  const cause = new RangeError('inner');
  const error = new TensorError('ERR_SHAPE', '[add] shapes differ', { cause });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ name: 'TensorError', code: 'ERR_SHAPE', cause });
  expect(String(error)).toBe('TensorError: [add] shapes differ');
});
