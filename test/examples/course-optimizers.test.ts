/** The course's topics B5 to B9: gradient descent, learning rates, momentum, optimizers, schedules. */
import { describe, expect, test } from 'vitest';
import { topic as b5 } from '../../examples/course/b05-gradient-descent.js';
import { topic as b6 } from '../../examples/course/b06-learning-rate.js';
import { topic as b7 } from '../../examples/course/b07-momentum.js';
import { topic as b8 } from '../../examples/course/b08-optimizers.js';
import { topic as b9 } from '../../examples/course/b09-schedules.js';
import { render } from '../../examples/course/lib/draw.js';
import { epsilon, Fixture } from '../golden.js';
import { runTopic } from '../helpers/course.js';

const fixture = new Fixture<{
  paths: { name: string; path: [number, number][] }[];
  rates: { name: string; rates: number[] }[];
}>('course_optimizers');

/** Some roundings of numbers of the size of 1 in each of n steps. */
const rounding = (n: number): number => 16 * n * epsilon.float64;

describe('B5: gradient descent', () => {
  test('the mean of the gradients of parts is the gradient of all', async () => {
    const { full, meanOfOnes, meanOfBatches, spread } = (await runTopic(b5)).result;
    for (const mean of [meanOfOnes, meanOfBatches])
      for (const [i, value] of mean.entries())
        expect(Math.abs(value - full[i]!)).toBeLessThanOrEqual(rounding(64));
    // The smaller a batch, the farther its gradient is from that of all.
    const distances = spread.map(({ distance }) => distance);
    for (let i = 1; i < distances.length; i++)
      expect(distances[i]).toBeLessThan(0.75 * distances[i - 1]!);
    expect(distances.at(-1)).toBeLessThanOrEqual(rounding(64));
  });

  test('all three find the line; an epoch has as many iterations as batches', async () => {
    const { variants } = (await runTopic(b5)).result;
    expect(variants.map(({ perEpoch }) => perEpoch)).toEqual([1, 8, 64]);
    expect(variants.map(({ iterations }) => iterations)).toEqual([12, 96, 768]);
    for (const { losses, w, b } of variants) {
      expect(losses.at(-1)).toBeLessThan(0.1 * losses[0]!);
      expect(Math.hypot(w - 2, b + 1)).toBeLessThan(0.3);
    }
    // All data: down with every step.
    const [all] = variants;
    for (let i = 1; i < all!.losses.length; i++)
      expect(all!.losses[i]).toBeLessThan(all!.losses[i - 1]!);
  });
});

describe('B6: learning rates', () => {
  test('too small, right, large, too large', async () => {
    const [small, right, large, tooLarge] = (await runTopic(b6)).result.rates;
    expect(small).toMatchObject({ why: 'too many steps' });
    expect(small!.loss).toBeGreaterThan(1.5);
    for (const walk of [right!, large!]) {
      expect(walk.why).toBe('no change');
      expect(walk.loss).toBeCloseTo(1, 8);
    }
    expect(right!.path.length).toBeLessThan(large!.path.length / 4);
    // A large rate jumps from one side to the other.
    const sides = large!.path.slice(0, 10).map((w) => Math.sign(w - 2));
    expect(sides).toEqual([-1, 1, -1, 1, -1, 1, -1, 1, -1, 1]);
    expect(tooLarge!.why).toBe('no number any more');
    // w - 2 is multiplied by 1 - 2 lr at each step.
    for (const { lr, path } of [small!, right!, large!]) {
      const factor = 1 - 2 * lr;
      expect(path[9]! - 2).toBeCloseTo(-5 * factor ** 9, 12);
    }
  });

  test('where a walk begins decides which minimum it finds; momentum carries over the hill', async () => {
    const [left, right, carried] = (await runTopic(b6)).result.minima;
    // The roots of 4 w^3 - 6 w + 1.
    expect(left!.path.at(-1)).toBeCloseTo(-1.30084, 4);
    expect(right!.path.at(-1)).toBeCloseTo(1.1309, 4);
    expect(carried!.path.at(-1)).toBeCloseTo(-1.30084, 4);
    expect(left!.loss).toBeLessThan(right!.loss - 2);
  });
});

describe('B7: momentum', () => {
  test('equals its formulas, in every form', async () => {
    const { forms, betweenForms } = (await runTopic(b7)).result;
    for (const { path, byHand } of forms) {
      for (const [k, point] of path.entries())
        for (const [i, value] of point.entries())
          expect(Math.abs(value - byHand[k]![i]!)).toBeLessThanOrEqual(rounding(60));
    }
    expect(betweenForms).toBeLessThanOrEqual(rounding(60));
  });

  test('is faster along the valley than none, and dampening changes the beginning', async () => {
    const { forms } = (await runTopic(b7)).result;
    const [none, sum, mean, dampened] = forms;
    expect(sum!.loss).toBeLessThan(none!.loss / 2);
    expect(dampened!.path[1]).not.toEqual(mean!.path[1]);
  });
});

describe('B8: optimizers', () => {
  test.each(fixture.content.paths.map((c) => [c.name, c] as const))(
    '%s takes the path that it takes in PyTorch',
    async (name, { path }) => {
      const own = (await runTopic(b8)).result.paths.find((one) => one.name === name)!;
      expect(own.path).toHaveLength(path.length);
      // RAdam decides by a small difference of numbers near 2 / (1 - beta2) = 2000. The others' weights
      // are no larger than 3.
      const limit = (name === 'RAdam' ? 2000 / 16 : 3) * rounding(20);
      for (const [k, point] of path.entries())
        for (const [i, value] of point.entries())
          expect(Math.abs(own.path[k]![i]! - value)).toBeLessThanOrEqual(limit);
    },
  );

  test('all go down, and three of them equal their formulas', async () => {
    const { paths, byHand } = (await runTopic(b8)).result;
    expect(paths).toHaveLength(fixture.content.paths.length);
    for (const { loss } of paths) expect(loss).toBeLessThan(4.9);
    expect(Object.keys(byHand)).toEqual(['Adagrad', 'RMSprop', 'Adam']);
    for (const difference of Object.values(byHand))
      expect(difference).toBeLessThanOrEqual(rounding(20));
  });
});

describe('B9: schedules', () => {
  test.each(fixture.content.rates.map((c) => [c.name, c] as const))(
    '%s gives the rates that it gives in PyTorch',
    async (name, { rates }) => {
      const own = (await runTopic(b9)).result.rates[name]!;
      expect(own).toHaveLength(rates.length);
      for (const [step, rate] of rates.entries())
        expect(Math.abs(own[step]! - rate)).toBeLessThanOrEqual(rounding(40) * 0.1);
    },
  );

  test('rates that fall bring noisy steps nearer to the minimum', async () => {
    const { distances } = (await runTopic(b9)).result;
    const { fixed = 0, ...falling } = distances;
    for (const distance of Object.values(falling)) expect(distance).toBeLessThan(0.9 * fixed);
    expect(distances.cosine).toBeLessThan(0.5 * fixed);
  });
});

test('pictures of all', async () => {
  const seen = await Promise.all([b5, b6, b7, b8, b9].map((topic) => runTopic<unknown>(topic)));
  const pictures = seen.flatMap((one) => [...one.pictures]);
  expect(pictures.map(([name]) => name)).toEqual([
    ...['b05-gradient-descent', 'b06-learning-rates', 'b06-minima', 'b07-momentum'],
    ...['b08-optimizers', 'b09-schedules'],
  ]);
  for (const [, picture] of pictures) expect(render(picture)).toMatch(/<path[^>]* d="M/);
});
