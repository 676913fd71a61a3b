import { rows, runGeometry } from 'tilegrad/native/commands.js';
import type { Case } from '../lib/cases.js';
import type { Yardstick } from '../lib/compare.js';
import { traffic } from './cases.js';

/** Products of so few rows use each value of B so rarely that reading it may be what takes the time. */
const kFewRows = 8;

const now = (): number => Number(process.hrtime.bigint()) * 1e-9;

/**
 * Bytes a second that are read from an array of that size again and again, so from the cache that
 * holds it, by as many threads as an operation may use. No kernel only reads: the fastest that come
 * close are the reductions over contiguous float32, so this is the better of `sum` and `max`; a limit
 * from below. Best of `repeats` runs of about `seconds` each.
 */
export function readBandwidth(bytes: number, seconds: number, repeats: number): number {
  const x = new Float32Array(bytes / Float32Array.BYTES_PER_ELEMENT).fill(1);
  const y = new Float32Array(1);
  const operands = [
    { array: x, offset: 0, strides: [1] },
    { array: y, offset: 0, strides: [0] },
  ];
  const noneKept = [0];
  let best = 0;
  for (const row of [rows.sum, rows.max]) {
    const time = (iterations: number): number => {
      const start = now();
      for (let i = 0; i < iterations; i++) runGeometry(row, [x.length], operands, noneKept);
      return now() - start;
    };
    time(1);
    const iterations = Math.max(1, Math.round(seconds / time(1)));
    for (let i = 0; i < repeats; i++) {
      best = Math.max(best, (iterations * x.byteLength) / time(iterations));
    }
  }
  return best;
}

/** The time in which a float32 product of few rows could have read A and B and written C. */
export const bandwidthYardstick: Yardstick = {
  name: 'bandwidth',
  seconds: async (c: Case, { seconds, repeats }) => {
    if (c.kind !== 'gemm' || c.m > kFewRows || c.dtype !== 'float32') return null;
    const size = Float32Array.BYTES_PER_ELEMENT;
    return traffic(c, size) / readBandwidth(size * c.k * c.n, seconds, repeats);
  },
};
