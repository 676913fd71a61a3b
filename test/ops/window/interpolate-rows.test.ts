import { getNumThreads, interpolate, setNumThreads, tensor } from 'tilegrad';
import { afterAll, expect, test } from 'vitest';

const atFirst = getNumThreads();
afterAll(() => setNumThreads(atFirst));

/** Lines that threads cut in the middle, and results beyond a block of indices. */
test.each([1, 2, 3])('lines of two taps each, by %i threads', (threads) => {
  setNumThreads(threads);
  const [lines, n, size] = [37, 401, 1203];
  const numbers = Array.from({ length: lines * n }, (_, i) => Math.sin(i));
  const x = tensor(numbers, { dtype: 'float64' }).reshape([1, lines, n]);
  const wanted = Array.from({ length: lines }, (_, line) =>
    Array.from({ length: size }, (_, o) => {
      const at = Math.max(0, ((o + 0.5) * n) / size - 0.5);
      const first = Math.floor(at);
      const second = Math.min(first + 1, n - 1);
      const weight = at - first;
      const value = (i: number) => numbers[line * n + i] as number;
      return value(first) * (1 - weight) + value(second) * weight;
    }),
  );
  const y = interpolate(x, { size: [size], mode: 'linear' });
  const [found] = y.toArray() as number[][][];
  found?.forEach((line, i) => {
    for (const [o, value] of line.entries())
      expect(value).toBeCloseTo(wanted[i]?.[o] as number, 12);
  });
  const near = interpolate(x, { size: [size], mode: 'nearest' });
  const [copied] = near.toArray() as number[][][];
  copied?.forEach((line, i) => {
    const at = (o: number) => Math.floor((o * n) / size);
    expect(line).toEqual(line.map((_, o) => numbers[i * n + at(o)]));
  });
});
