import type { Case, OpsCase } from '../lib/cases.js';
import type { Yardstick } from '../lib/compare.js';
import { Stopwatch } from '../lib/measure.js';
import { median } from '../lib/statistics.js';
import { broadcast } from './operations.js';

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Elements read and written by an elementwise operation. */
export function traffic({ inputs }: OpsCase): number {
  return inputs.reduce((sum, { shape }) => sum + size(shape), size(broadcast(inputs)));
}

/** The time in which memcpy reads and writes as many bytes in all, from and to arrays of half of them. */
export const copyYardstick: Yardstick = {
  name: 'copy',
  async seconds(c: Case, budget) {
    if (c.kind !== 'ops') return null;
    const from = new Float32Array(traffic(c) / 2).fill(1);
    const to = new Float32Array(from.length);
    return median(await new Stopwatch(() => to.set(from)).measure(budget));
  },
};
