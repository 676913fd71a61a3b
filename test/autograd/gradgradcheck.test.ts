import { gradgradcheck } from 'tilegrad';
import { describe, test } from 'vitest';
import { table } from '../operations/differentiable.js';
import { input, type Layout } from '../operations/gradients.js';

describe('second derivatives agree with central differences of gradients', () => {
  test.each(Object.entries(table))('%s', (_, cases) => {
    for (const { fn, shapes, around } of cases) {
      const choices: Layout[] = ['contiguous', 'transposed'];
      for (const layout of choices) {
        const inputs = shapes.map((shape) => input(shape, layout, around));
        try {
          gradgradcheck(fn, inputs);
        } catch (cause) {
          throw new Error(`${JSON.stringify(shapes)} ${layout}: ${cause}`, { cause });
        }
      }
    }
  });
});
