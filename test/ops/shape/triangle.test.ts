/** Triangles element by element, of matrices that lie in memory in every way. */
import { arange, setNumThreads, type Tensor, tensor, tril, triu } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { restoreSettings } from '../../helpers/settings.js';

restoreSettings();

/** What the definition says, of a list of matrices. */
function naive(x: Tensor, keeps: (i: number, j: number) => boolean): unknown[] {
  const [m, n] = x.shape.slice(-2) as [number, number];
  return (x.reshape([-1, m, n]).toArray() as unknown[][][]).map((matrix) =>
    matrix.map((row, i) => row.map((value, j) => (keeps(i, j) ? value : zeroLike(value)))),
  );
}

const zeroLike = (value: unknown) =>
  typeof value === 'bigint' ? 0n : typeof value === 'boolean' ? false : 0;

const numbers = (...shape: number[]) =>
  arange(1, shape.reduce((a, b) => a * b, 1) + 1, 1, { dtype: 'float32' }).reshape(shape);

const views: readonly (readonly [string, Tensor])[] = [
  ['rows', numbers(5, 7)],
  ['more rows', numbers(9, 4)],
  ['one column', numbers(6, 1)],
  ['one row', numbers(1, 6)],
  ['a transposed matrix', numbers(33, 70).transpose()],
  ['every second column', numbers(6, 11).slice([':', '::2'])],
  ['every second row', numbers(11, 6).slice(['::2'])],
  ['a repeated row', numbers(1, 8).expand([6, 8])],
  ['a repeated column', numbers(6, 1).expand([6, 8])],
  ['a batch', numbers(3, 2, 5, 4)],
  ['a batch in another order', numbers(5, 3, 4).permute([1, 0, 2])],
  ['a batch of transposed matrices', numbers(3, 4, 5).transpose(-1, -2)],
  ['many rows for threads', numbers(3, 400, 301)],
  ['float64', numbers(5, 6).to('float64')],
  ['int64', numbers(5, 6).to('int64')],
  ['float16', numbers(5, 6).to('float16')],
  ['uint8', numbers(5, 6).to('uint8')],
  ['bool', numbers(5, 6).to('bool')],
];

const diagonals = [0, 1, -1, 3, -3, 6, -6, 1000, -1000];
const far = [Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER];

describe('triangles', () => {
  test.each(views)('%s', (_, x) => {
    for (const threads of [1, 3]) {
      setNumThreads(threads);
      for (const k of [...diagonals, ...far]) {
        expect(
          tril(x, k)
            .reshape([-1, ...x.shape.slice(-2)])
            .toArray(),
        ).toEqual(naive(x, (i, j) => j - i <= k));
        expect(
          triu(x, k)
            .reshape([-1, ...x.shape.slice(-2)])
            .toArray(),
        ).toEqual(naive(x, (i, j) => j - i >= k));
      }
    }
  });

  test('empty matrices', () => {
    for (const shape of [
      [0, 3],
      [3, 0],
      [0, 2, 2],
    ]) {
      expect(triu(tensor([]).reshape(shape)).shape).toEqual(shape);
      expect(tril(tensor([]).reshape(shape), 2).shape).toEqual(shape);
    }
  });

  test('NaN, infinities and zeros of both signs stay; what is cut is 0', () => {
    const x = tensor([
      [Number.NaN, -0],
      [Number.NEGATIVE_INFINITY, -0],
    ]);
    expect(triu(x).toArray()).toEqual([
      [Number.NaN, -0],
      [0, -0],
    ]);
    expect(tril(x, -1).toArray()).toEqual([
      [0, 0],
      [Number.NEGATIVE_INFINITY, 0],
    ]);
  });
});
