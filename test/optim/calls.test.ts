/** How many native calls a step takes. */
import { loadBinding } from 'tilegrad/native/binding.js';
import { expect, test } from 'vitest';

const native = loadBinding() as { call: (...operands: unknown[]) => void };
const { call } = native;
let calls = 0;
native.call = (...operands) => {
  calls++;
  call(...operands);
};
// Takes the function when it is loaded.
const { Generator, nn, ones, optim } = await import('tilegrad');

test('native calls are few for many small parameters', () => {
  const model = new nn.Sequential(
    ...Array.from({ length: 50 }, () => new nn.Linear(4, 4, { generator: new Generator(1) })),
  );
  const optimizer = new optim.Adam(model.parameters());
  for (let i = 0; i < 5; i++) {
    optimizer.zeroGrad();
    model
      .forward(ones([3, 4]))
      .sum()
      .backward();
    calls = 0;
    optimizer.step();
    expect(calls).toBeGreaterThan(0);
    // Parameters and gradients each lie in one slab or two.
    expect(calls).toBeLessThanOrEqual(4);
  }
});
