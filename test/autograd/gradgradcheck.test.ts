import * as tilegrad from 'tilegrad';
import { gradgradcheck, type Tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { table } from '../operations/differentiable.js';
import { type Fn, input, type Layout } from '../operations/gradients.js';

/** Operations whose gradients have no gradient, with the reason. */
const exceptions: Readonly<Record<string, string>> = {};

describe('second derivatives agree with central differences of gradients', () => {
  test.each(Object.entries(table))('%s', (name, cases) => {
    for (const { fn, shapes, around } of cases) {
      const choices: Layout[] = ['contiguous', 'transposed'];
      for (const layout of choices) {
        const inputs = shapes.map((shape) => input(shape, layout, around));
        try {
          gradgradcheck(fn, inputs);
        } catch (error) {
          throw new Error(`${JSON.stringify(shapes)} ${layout}: ${error.message}`, { cause: error });
        }
      }
    }
  });
});
