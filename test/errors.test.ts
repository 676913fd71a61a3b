import { TensorError } from 'tilegrad/errors.js';
import { expect, test } from 'vitest';

test('a TensorError carries its code, its message and its cause', () => {
  const cause = new RangeError('inner');
  const error = new TensorError('ERR_SHAPE', '[add] shapes differ', { cause });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ name: 'TensorError', code: 'ERR_SHAPE', cause });
  expect(String(error)).toBe('TensorError: [add] shapes differ');
});
