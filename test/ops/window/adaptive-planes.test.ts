/**
 * Adaptive windows of many planes, which are pooled side by side, give the bits that each plane gives by
 * itself: one by one they are held against plain loops in adaptive.test.ts.
 */
import {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  Generator,
  noGrad,
  randn,
  type Tensor,
} from 'tilegrad';
import { setNumThreads, setSimdLevel } from 'tilegrad/native/settings.js';
import { describe, expect, test } from 'vitest';
import { restoreSettings, settings } from '../../helpers/settings.js';

restoreSettings();

const bytes = (x: Tensor): Buffer => {
  const data = x.contiguous().data as Float32Array;
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
};

/** Few values, so that many are equal, with NaN and infinities among them. */
function values(shape: readonly number[], dtype: 'float32' | 'float64', seed: number): Tensor {
  const few = [0, -0, 1, Number.NaN, -Infinity, 1, 2.5, -3];
  const x = randn(shape, { dtype, generator: new Generator(seed) });
  const data = x.data as Float64Array;
  for (let i = 0; i < data.length; i++) {
    const v = data[i] as number;
    if (Math.abs(v) > 1.5) data[i] = few[Math.floor(Math.abs(v) * 1000) & 7] as number;
  }
  return x;
}

// Around groups of 16 planes; lines longer than a tile, windows wider than the results that are
// kept, taller or wider than a tile (which are pooled as of few planes), smaller than their results.
const cases: { planes: number; size: [number, number]; out: [number, number] }[] = [
  { planes: 17, size: [16, 16], out: [5, 5] },
  { planes: 8, size: [7, 40], out: [3, 9] },
  { planes: 33, size: [9, 31], out: [4, 31] },
  { planes: 16, size: [4, 3], out: [9, 7] },
  { planes: 19, size: [3, 300], out: [2, 290] },
  { planes: 9, size: [12, 1030], out: [5, 7] },
  { planes: 16, size: [60, 100], out: [3, 4] },
  { planes: 20, size: [5, 5], out: [5, 5] },
];
const lines: { planes: number; size: number; out: number }[] = [
  { planes: 16, size: 512, out: 100 },
  { planes: 23, size: 2500, out: 601 },
  { planes: 8, size: 2100, out: 2 },
  { planes: 31, size: 5000, out: 3 },
  { planes: 10, size: 3, out: 700 },
  { planes: 40, size: 1, out: 1 },
];

/** Result of all planes and of each one, whose shapes come first. */
function both(x: Tensor, planes: number, fn: (x: Tensor) => Tensor): [Buffer, Buffer] {
  const each = Array.from({ length: planes }, (_, i) => bytes(fn(x.slice([[i, i + 1]]))));
  return [bytes(fn(x)), Buffer.concat(each)];
}

/** An offset that isn't aligned, and gaps between planes. */
function apart(planes: number, sizes: readonly number[], dtype: 'float32' | 'float64'): Tensor {
  const places = sizes.reduce((a, b) => a * b, 1);
  const whole = values([planes * 2 * places + 1], dtype, planes + places);
  return whole
    .slice([[1]])
    .reshape([planes, 2, ...sizes])
    .slice([null, [1, 2]]);
}

describe.each(['float32', 'float64'] as const)('%s', (dtype) => {
  test.each(cases)('$planes planes of $size to $out', ({ planes, size, out }) => {
    const x = apart(planes, size, dtype);
    for (const [level, threads] of settings) {
      setSimdLevel(level);
      setNumThreads(threads);
      for (const fn of [
        (t: Tensor) => adaptiveMaxPool2d(t, out),
        (t: Tensor) => adaptiveMaxPool2d(t, out, { returnIndices: true }).values,
        (t: Tensor) => adaptiveMaxPool2d(t, out, { returnIndices: true }).indices,
        (t: Tensor) => adaptiveAvgPool2d(t, out),
      ]) {
        const [together, each] = both(x, planes, fn);
        expect(together.equals(each), `${level} ${threads} ${fn}`).toBe(true);
      }
    }
  });

  test.each(lines)('$planes lines of $size to $out', ({ planes, size, out }) => {
    const x = apart(planes, [size], dtype);
    for (const [level, threads] of settings) {
      setSimdLevel(level);
      setNumThreads(threads);
      for (const fn of [
        (t: Tensor) => adaptiveMaxPool1d(t, out),
        (t: Tensor) => adaptiveMaxPool1d(t, out, { returnIndices: true }).indices,
        (t: Tensor) => adaptiveAvgPool1d(t, out),
      ]) {
        const [together, each] = both(x, planes, fn);
        expect(together.equals(each), `${level} ${threads} ${fn}`).toBe(true);
      }
    }
  });

  // Means side by side, and such as have too many places or results for that.
  const spread = [
    { planes: 37, size: [11, 13], out: [4, 6] },
    { planes: 16, size: [64, 64], out: [7, 9] },
    { planes: 17, size: [65, 64], out: [7, 9] },
    { planes: 12, size: [1, 400], out: [1, 256] },
    { planes: 12, size: [1, 400], out: [1, 257] },
    { planes: 18, size: [6, 1], out: [4, 1] },
    ...cases,
  ];
  test.each(spread)('gradients of $planes planes of $size to $out', ({ planes, size, out }) => {
    const x = randn([planes, 1, ...size], { dtype, generator: new Generator(4) }).requiresGrad_();
    const g = values([planes, 1, ...out], dtype, 5);
    const sizes = out as [number, number];
    for (const fn of [adaptiveMaxPool2d, adaptiveAvgPool2d] as const) {
      for (const [level, threads] of settings) {
        setSimdLevel(level);
        setNumThreads(threads);
        x.zeroGrad();
        const y = fn(x, sizes) as Tensor;
        y.backward(g);
        const each = Array.from({ length: planes }, (_, i) => {
          const one = noGrad(() => x.slice([[i, i + 1]]).clone()).requiresGrad_();
          (fn(one, sizes) as Tensor).backward(g.slice([[i, i + 1]]));
          return bytes(one.grad as Tensor);
        });
        const same = bytes(x.grad as Tensor).equals(Buffer.concat(each));
        expect(same, `${level} ${threads} ${fn}`).toBe(true);
      }
    }
  });
});
