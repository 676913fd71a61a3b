/**
 * Adaptive windows of narrow planes, which are pooled down their columns first, and of wide ones, whose
 * windows are walked one by one: both against plain loops.
 */
import {
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  Generator,
  randn,
  type Tensor,
  tensor,
} from 'tilegrad';
import { describe, expect, test } from 'vitest';

const generator = new Generator(3);

/** From floor(o * size / out) to ceil((o + 1) * size / out). */
function windowOf(o: number, size: number, out: number): [begin: number, end: number] {
  return [Math.floor((o * size) / out), Math.ceil(((o + 1) * size) / out)];
}

/** Calls f with each result's place and the places of its window, row by row. */
function eachWindow(
  [rows, cols]: readonly [number, number],
  [outRows, outCols]: readonly [number, number],
  f: (result: number, places: readonly number[]) => void,
): void {
  for (let i = 0; i < outRows; i++) {
    for (let j = 0; j < outCols; j++) {
      const [top, bottom] = windowOf(i, rows, outRows);
      const [left, right] = windowOf(j, cols, outCols);
      const places: number[] = [];
      for (let r = top; r < bottom; r++)
        for (let c = left; c < right; c++) places.push(r * cols + c);
      f(i * outCols + j, places);
    }
  }
}

const planes = [
  ...[
    { size: [7, 40], out: [3, 9] },
    { size: [5, 17], out: [5, 6] },
  ],
  ...[
    { size: [4, 3], out: [9, 7] },
    { size: [6, 1030], out: [4, 7] },
  ],
  ...[
    { size: [3, 1024], out: [2, 301] },
    { size: [9, 600], out: [2, 301] },
  ],
] as { size: [number, number]; out: [number, number] }[];

describe.each(planes)('$size to $out', ({ size, out }) => {
  const [rows, cols] = size;

  test('largest values: the first of equal ones, the last NaN', () => {
    const few = [0, -0, 1, Number.NaN, -Infinity, 1, 1, 0];
    const noise = randn([rows * cols], { generator }).toArray() as number[];
    const values = noise.map((v) =>
      Math.abs(v) > 2.2 ? Number.NaN : (few[Math.floor(v * 90) & 7] as number),
    );
    const x = tensor(values).reshape([1, rows, cols]);
    const { values: best, indices } = adaptiveMaxPool2d(x, out, { returnIndices: true });
    const [found, at] = [best.flatten().toArray(), indices.flatten().toArray()] as number[][];
    const alone = adaptiveMaxPool2d(x, out).flatten().toArray() as number[];
    eachWindow(size, out, (result, places) => {
      let place = places[0] as number;
      for (const next of places) {
        const value = values[next] as number;
        if (value > (values[place] as number) || Number.isNaN(value)) place = next;
      }
      expect(at?.[result]).toBe(place);
      expect(found?.[result]).toBe(values[place]);
      expect(alone[result]).toBe(values[place]);
    });
  });

  test('means, and the gradient', () => {
    const x = randn([1, rows, cols], { dtype: 'float64', generator });
    x.requiresGrad = true;
    const y = adaptiveAvgPool2d(x, out);
    const g = randn(y.shape, { dtype: 'float64', generator });
    y.backward(g);
    const [values, means, shares] = [x, y, g].map(
      (t) => t.detach().flatten().toArray() as number[],
    );
    const expected = new Float64Array(rows * cols);
    eachWindow(size, out, (result, places) => {
      const mean = places.reduce((sum, p) => sum + (values?.[p] as number), 0) / places.length;
      expect(Math.abs((means?.[result] as number) - mean)).toBeLessThan(places.length * 2 ** -50);
      for (const p of places) expected[p]! += (shares?.[result] as number) / places.length;
    });
    const grad = (x.grad as Tensor).flatten().toArray() as number[];
    grad.forEach((value, p) => {
      expect(Math.abs(value - (expected[p] as number))).toBeLessThan(2 ** -48);
    });
  });
});
