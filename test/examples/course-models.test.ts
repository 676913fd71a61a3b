/** The course's part A, models and what they compute: every row's result. */
import { describe, expect, test } from 'vitest';
import { topic as a7 } from '../../examples/course/a07-fixed-network.js';
import { runTopic } from '../helpers/course.js';

/** Numbers as they are written with so many digits. */
const rounded = (values: readonly number[], digits = 2): number[] =>
  values.map((value) => Number(value.toFixed(digits)));

describe('A7: the fixed network', () => {
  test('gives the numbers of the notes, layer by layer', async () => {
    const { outputs, atZero } = (await runTopic(a7)).result;
    expect(outputs.map((a) => rounded(a))).toEqual([
      [0.98, 0.12],
      [0.86, 0.11],
      [0.62, 0.83],
    ]);
    expect(rounded(atZero.at(-1)!)).toEqual([0.51, 0.85]);
  });
});
