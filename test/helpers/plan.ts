/** What the native side says it would do for a product. */
import { rows, runRow } from 'tilegrad/native/commands.js';

/** Numbers of a plan, as `gemmPlan` declares them in native/ops/product/gemm_rows.cpp. */
const COUNT = 12;

/**
 * @param Type of the operands.
 * @param numbers m, n, k, steps of a and of b, whether b is packed, and bytes from a cache line to b.
 * @returns the plan's numbers: the path first.
 */
export function gemmPlan(
  Type: Float32ArrayConstructor | Float64ArrayConstructor,
  numbers: readonly number[],
): readonly number[] {
  const plan = new Type(COUNT);
  runRow(rows.gemmPlan, [plan], [0], numbers);
  return [...plan];
}
