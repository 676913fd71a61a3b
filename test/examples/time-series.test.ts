import { parseHTML } from 'linkedom';
import { expect, test } from 'vitest';
import { DEFAULTS, draw, makeSeries, run } from '../../examples/time-series/main.js';

test('an LSTM forecasts better than last week does, and the picture shows both', () => {
  const lines: string[] = [];
  const settings = { ...DEFAULTS, days: 700, window: 21, hidden: 16, epochs: 20 };
  const result = run(settings, (line) => lines.push(line));
  const { lstmError, naiveError, losses } = result;
  expect(lstmError).toBeLessThan(0.9 * naiveError);
  expect(losses).toHaveLength(20);
  expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]!);
  expect(lines.at(-1)).toContain('epoch 20/20');
  const { document } = parseHTML(`<html><body>${draw(result)}</body></html>`);
  expect(document.querySelectorAll('svg [aria-label="line"] path')).toHaveLength(3);
  const labels = [...document.querySelectorAll('svg [aria-label="text"] text')];
  expect(labels.map(({ textContent }) => textContent).sort()).toEqual([
    ...['LSTM', 'like last week', 'the series'],
  ]);
});

test('a seed gives the same series, another one another', () => {
  expect(makeSeries(50, 1)).toEqual(makeSeries(50, 1));
  expect(makeSeries(50, 1)).not.toEqual(makeSeries(50, 2));
});
