import { rows, runRow } from '../../lib/native/commands.js';

const kTrial = 100000; // iterations: some hundred microseconds, long enough to be timed

/**
 * GFLOP/s of one core that does nothing but fused multiply-adds on registers, at the SIMD level in
 * use: the best of `repeats` runs of about `seconds` each.
 */
export function fmaPeak(seconds: number, repeats: number): number {
  const result = new Float32Array(2); // a value that is of no interest, flops per iteration
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
