import { rows, runRow } from 'tilegrad/native/commands.js';
import { type Case, flops } from './cases.js';
import type { Yardstick } from './compare.js';
import type { GemmDType } from './dtypes.js';

const kTrial = 100000; // iterations: some hundred microseconds, long enough to be timed

/** The arrays whose type chooses the multiply-adds that the row runs. */
const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  // The limit that these are held against is float32's.
  bfloat16: Float32Array,
  int8: Float32Array,
} as const;

/**
 * GFLOP/s of one core that does nothing but fused multiply-adds on registers, at the SIMD level in
 * use: the best of `repeats` runs of about `seconds` each.
 */
export function fmaPeak(dtype: GemmDType, seconds: number, repeats: number): number {
  const result = new arrays[dtype](2); // a value that is of no interest, flops per iteration
  const time = (iterations: number): number => {
    const start = process.hrtime.bigint();
    runRow(rows.fmaPeak, [result], [0], [iterations]);
    return Number(process.hrtime.bigint() - start) * 1e-9;
  };
  const iterations = Math.max(1, Math.round((kTrial * seconds) / time(kTrial)));
  let best = 0;
  for (let i = 0; i < repeats; i++) {
    best = Math.max(best, (iterations * result[1]!) / time(iterations) / 1e9);
  }
  return best;
}

/** The time of a case's arithmetic at the peak of as many cores. */
export function peakYardstick(threads: number): Yardstick {
  return {
    name: 'peak',
    seconds: async (c: Case, { seconds, repeats }) => {
      if (flops(c) === 0) return null;
      const dtype = c.kind === 'gemm' ? c.dtype : 'float32';
      return flops(c) / (fmaPeak(dtype, seconds, repeats) * 1e9 * threads);
    },
  };
}
