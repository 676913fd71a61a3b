/** The middle value; the mean of the middle two of an even count. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export interface Spread {
  median: number;
  low: number;
  high: number;
}

/** Median, smallest and largest value. */
export function spread(values: readonly number[]): Spread {
  return { median: median(values), low: Math.min(...values), high: Math.max(...values) };
}

/**
 * The smallest and the largest of the values in the middle: a quarter of them, rounded down, is left out at
 * either end, so that of up to three all count.
 */
export function middleHalf(values: readonly number[]): Pick<Spread, 'low' | 'high'> {
  const sorted = [...values].sort((a, b) => a - b);
  const left = sorted.length >> 2;
  return { low: sorted[left]!, high: sorted[sorted.length - 1 - left]! };
}

/** The geometric mean of positive values, as ratios want it. NaN for none. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, v) => sum + Math.log(v), 0) / values.length);
}

/** The value below which a share `p` of the values lies, interpolated linearly. NaN for none. */
export function quantile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = p * (sorted.length - 1);
  const low = Math.floor(at);
  const above = sorted[Math.min(low + 1, sorted.length - 1)] ?? Number.NaN;
  const below = sorted[low] ?? Number.NaN;
  return below + (at - low) * (above - below);
}
