import { zeros } from 'tilegrad';
import type { Case, OpsCase, StepsCase } from '../lib/cases.js';
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

/** Arrays that a rule keeps beside a parameter and reads and writes in each step. */
function states({ optimizer, momentum }: StepsCase): number {
  if (optimizer === 'SGD') return momentum === 0 ? 0 : 1;
  return optimizer === 'RMSprop' ? 1 : 2;
}

/**
 * The time in which our own kernels that do next to nothing else read as many gradients (`sum`) and read and
 * write as many parameters and states in place (`mul_`), on as many threads. They lie in whatever cache holds
 * them, as those of the step do. A copy has to fetch what it overwrites, and would be no limit.
 */
export const inPlaceYardstick: Yardstick = {
  name: 'inPlace',
  async seconds(c: Case, budget) {
    if (c.kind !== 'steps') return null;
    const parameters = c.sizes.reduce((a, b) => a + b, 0);
    const gradients = zeros([parameters]);
    const rest = zeros([parameters * (1 + states(c))]);
    const pass = (): void => {
      gradients.sum().dispose();
      rest.mul_(1);
    };
    return median(await new Stopwatch(pass).measure(budget));
  },
};
