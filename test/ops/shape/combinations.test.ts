/** Combinations against the recursion that defines them. */
import { arange, combinations } from 'tilegrad';
import { expect, test } from 'vitest';

function chosen(n: number, r: number, again: boolean, from = 0): number[][] {
  if (r === 0) return [[]];
  return Array.from({ length: Math.max(0, n - from) }, (_, k) => from + k).flatMap((first) =>
    chosen(n, r - 1, again, again ? first : first + 1).map((rest) => [first, ...rest]),
  );
}

test.each([false, true])('with replacement: %s', (withReplacement) => {
  for (let n = 0; n < 7; n++) {
    for (let r = 1; r < 6; r++) {
      const rows = combinations(arange(n), r, { withReplacement });
      const expected = chosen(n, r, withReplacement);
      expect(rows.shape).toEqual([expected.length, r]);
      expect(rows.toArray()).toEqual(expected);
    }
  }
});
