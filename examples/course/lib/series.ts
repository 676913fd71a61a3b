/** Made data: how often a channel is watched, day by day, as in the notes. */
import { arange, Generator, randn, stack, type Tensor, tensor } from 'tilegrad';

/** Views in thousands on Monday to Sunday, beside the trend: hardly anyone learns on a weekend. */
const WEEK = [1.2, 1.3, 1.1, 0.9, 0.1, -2.4, -2.2];

/**
 * A daily series in thousands: a slow trend, the week, and noise.
 *
 * @param days how many
 * @param seed of the noise
 */
export function viewsByDay(days: number, seed: number): Tensor {
  const day = arange(days);
  const week = tensor(Array.from({ length: days }, (_, i) => WEEK[i % WEEK.length]!));
  const slow = day
    .mul((2 * Math.PI) / 365)
    .sin()
    .mul(0.6);
  const noise = randn([days], { generator: new Generator(seed) }).mul(0.4);
  return day.mul(0.002).add(6).add(slow).add(week).add(noise);
}

/**
 * Windows of a series: the `past` days before a day, newest first, and the day itself.
 *
 * @param from first day to be predicted
 * @param to the day behind the last one
 */
export function windows(
  series: Tensor,
  past: number,
  from: number,
  to: number,
): { x: Tensor; y: Tensor } {
  const columns = Array.from({ length: past }, (_, j) =>
    series.slice([[from - j - 1, to - j - 1]]),
  );
  return { x: stack(columns, 1), y: series.slice([[from, to]]) };
}
