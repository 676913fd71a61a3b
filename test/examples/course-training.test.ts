/** The course's part B, losses, gradients and training: every row's result but those of optimizers. */
import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { topic as b1 } from '../../examples/course/b01-losses.js';
import { topic as b2 } from '../../examples/course/b02-likelihood.js';
import { topic as b3 } from '../../examples/course/b03-backpropagation.js';
import { topic as b4 } from '../../examples/course/b04-differentiation.js';
import { topic as b10 } from '../../examples/course/b10-initialisation.js';
import { topic as b11 } from '../../examples/course/b11-vanishing-gradients.js';
import { topic as b12 } from '../../examples/course/b12-overfitting.js';
import { topic as b13 } from '../../examples/course/b13-l1-l2.js';
import { topic as b14 } from '../../examples/course/b14-search.js';
import { topic as b15 } from '../../examples/course/b15-activations.js';
import { topic as b16 } from '../../examples/course/b16-inference.js';
import { topic as b17 } from '../../examples/course/b17-parallel.js';
import { runTopic } from '../helpers/course.js';
import { atMost } from '../helpers/patience.js';

vi.setConfig({ testTimeout: atMost(120_000) });

/** The largest difference between numbers, relative to the largest of them. */
function difference(a: readonly number[], b: readonly number[]): number {
  expect(a).toHaveLength(b.length);
  const scale = Math.max(...b.map(Math.abs));
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!))) / scale;
}

/** Rounding errors of float64 in short sums. */
const ROUNDING = 64 * Number.EPSILON;

describe('B1: losses', () => {
  test('have their values', async () => {
    const { result } = await runTopic(b1);
    // By hand, of the errors -0.5, 0.5, 0, 1.
    expect(result.mae).toBe(0.5);
    expect(result.mse).toBe(0.375);
    expect(result.rmse).toBeCloseTo(Math.sqrt(0.375), 14);
    expect(result.l1).toBe(2);
    expect(result.l2).toBeCloseTo(Math.sqrt(1.5), 14);
    const softmax = (z: number[], k: number) =>
      Math.exp(z[k]!) / z.reduce((sum, value) => sum + Math.exp(value), 0);
    const expected = -(Math.log(softmax([2, 1, -1], 0)) + Math.log(softmax([0, 3, 0.5], 2))) / 2;
    expect(result.crossEntropies).toHaveLength(4);
    for (const value of result.crossEntropies) expect(value).toBeCloseTo(expected, 13);
    const log = (z: number) => Math.log1p(Math.exp(z));
    const binary = (log(-2) + log(-1) + log(0.5)) / 3;
    expect(result.binary).toHaveLength(2);
    for (const value of result.binary) expect(value).toBeCloseTo(binary, 13);
  });

  test('ascent on the log likelihood and descent on the loss give the same weights', async () => {
    const { ascent, descent, likelihood } = (await runTopic(b1)).result;
    expect(difference(ascent, descent)).toBeLessThan(100 * ROUNDING); // a hundred steps
    expect(likelihood[1]).toBeGreaterThan(likelihood[0]);
  });
});

test('B2: the gradient of logistic regression is (a - y) x', async () => {
  const { byHand, byAutograd, minusLogOfProduct, sumOfLosses } = (await runTopic(b2)).result;
  expect(byHand).toHaveLength(4);
  expect(difference(byHand, byAutograd)).toBeLessThan(ROUNDING);
  expect(Math.abs(minusLogOfProduct / sumOfLosses - 1)).toBeLessThan(ROUNDING);
});

test('B3: backpropagation by hand equals autograd to rounding', async () => {
  const { gradients } = (await runTopic(b3)).result;
  const sizes = Object.entries(gradients).map(([name, { byHand }]) => [name, byHand.length]);
  expect(Object.fromEntries(sizes)).toEqual({
    '0.weight': 12,
    '0.bias': 3,
    '2.weight': 6,
    '2.bias': 2,
    '4.weight': 2,
    '4.bias': 1,
  });
  for (const { byHand, byAutograd } of Object.values(gradients)) {
    expect(difference(byHand, byAutograd)).toBeLessThan(ROUNDING);
  }
});

test('B4: numerical and automatic differentiation agree, and gradcheck sees a wrong gradient', async () => {
  const { derivatives, errors, wrong } = (await runTopic(b4)).result;
  expect(derivatives).toHaveLength(4);
  for (const { numerical, automatic, exact } of derivatives) {
    expect(Math.abs(automatic / exact - 1)).toBeLessThan(ROUNDING);
    expect(Math.abs(numerical / exact - 1)).toBeLessThan(1e-9); // h^2 = 1e-10
  }
  // Smaller steps are better until rounding takes over.
  const [first, best, last] = [
    errors[0]!.error,
    Math.min(...errors.map((e) => e.error)),
    errors.at(-1)!.error,
  ];
  expect(first).toBeGreaterThan(1e6 * best);
  expect(last).toBeGreaterThan(1e3 * best);
  expect(wrong).toMatch(/^\[gradcheck\] input 0/);
});

describe('B10: starting weights', () => {
  test('zeros give exactly 0.5 and equal gradients, a constant never breaks symmetry, random values do', async () => {
    const { zeros, constant, normal } = (await runTopic(b10)).result;
    expect(zeros.outputs).toEqual([0.5, 0.5, 0.5, 0.5]);
    for (const start of [zeros, constant]) {
      expect(start.gradientSpread).toEqual([0, 0, 0]);
      expect(start.unitSpread).toBe(0);
      expect(start.loss).toBeGreaterThan(0.4); // XOR isn't learned
    }
    for (const spread of normal.gradientSpread) expect(spread).toBeGreaterThan(1e-3);
    expect(normal.unitSpread).toBeGreaterThan(1);
    expect(normal.loss).toBeLessThan(0.1);
  });

  test('variances are as promised, and keep activations of their size', async () => {
    const { variances, spreads } = (await runTopic(b10)).result;
    expect(variances).toHaveLength(5);
    for (const { measured, promised } of variances) {
      // Five standard errors of the variance of 120,000 normal values.
      expect(Math.abs(measured / promised - 1)).toBeLessThan(5 * Math.sqrt(2 / 120_000));
    }
    expect(spreads['N(0, 0.01^2), tanh']!.at(-1)).toBeLessThan(1e-6);
    expect(spreads['Xavier, tanh']!.at(-1)).toBeGreaterThan(0.1);
    expect(spreads['Kaiming, ReLU']!.at(-1)).toBeGreaterThan(0.3);
    expect(spreads['Kaiming, ReLU']!.at(-1)).toBeLessThan(3);
    expect(spreads['Xavier, ReLU']!.at(-1)).toBeLessThan(0.1);
  });
});

test('B11: gradients vanish with sigmoids, stay with ReLU, explode with large weights; clipping', async () => {
  const { result, pictures } = await runTopic(b11);
  const { sigmoid, relu, exploding, clipped } = result;
  expect(sigmoid).toHaveLength(12);
  expect(sigmoid[0]! / sigmoid.at(-1)!).toBeLessThan(1e-5);
  for (let i = 1; i < sigmoid.length; i++) expect(sigmoid[i - 1]).toBeLessThan(sigmoid[i]!);
  expect(relu[0]! / relu.at(-1)!).toBeGreaterThan(0.1);
  expect(relu[0]! / relu.at(-1)!).toBeLessThan(10);
  expect(exploding[0]).toBeGreaterThan(1e9 * relu[0]!);
  expect(clipped.before).toBeGreaterThan(1e9);
  expect(clipped.after).toBeCloseTo(1, 5);
  // The direction stays.
  const ratios = clipped.layers.map((norm, i) => norm / exploding[i]!);
  expect(Math.max(...ratios) / Math.min(...ratios)).toBeLessThan(1.0001);
  expect([...pictures.keys()]).toEqual(['b11-vanishing-gradients']);
});

describe('B12: overfitting', () => {
  test('each remedy lowers the gap between training and test', async () => {
    const { outcomes, curves, stoppedAt } = (await runTopic(b12)).result;
    const gaps = new Map(outcomes.map(({ name, train, test }) => [name, test - train]));
    const without = gaps.get('nothing')!;
    gaps.delete('nothing');
    expect([...gaps.keys()]).toEqual([
      'early stopping',
      'L1 penalty',
      'L2 penalty',
      'weight decay',
      'dropout',
      'batch normalisation',
      'more data',
    ]);
    for (const [name, gap] of gaps)
      expect({ name, lower: gap < 0.9 * without }).toEqual({ name, lower: true });
    // It is overfitting: the training error goes on to fall while the other one rises.
    expect(curves.train.at(-1)).toBeLessThan(0.01);
    expect(curves.validation.at(-1)).toBeGreaterThan(1.2 * Math.min(...curves.validation));
    expect(stoppedAt).toBe(curves.validation.indexOf(Math.min(...curves.validation)) + 1);
  });

  test('weight decay is (1 - alpha lambda) W and leaves biases; dropout is scaled, and off in evaluation', async () => {
    const { decay, dropout } = (await runTopic(b12)).result;
    expect(decay.weight).toBeCloseTo(decay.formula, 15);
    expect(decay.bias).toBe(1);
    expect(dropout.values).toEqual([0, 2]);
    // 10,000 values of standard deviation 1.
    expect(Math.abs(dropout.mean - 1)).toBeLessThan(0.05);
    expect(dropout.evaluation).toEqual([1, 1, 1, 1]);
  });
});

test('B13: L1 makes weights zero, L2 only small', async () => {
  const { fits } = (await runTopic(b13)).result;
  const [none, l2, l1, proximal] = fits as [
    (typeof fits)[0],
    (typeof fits)[0],
    (typeof fits)[0],
    (typeof fits)[0],
  ];
  expect(none.nearlyZero).toBeLessThan(8);
  expect(l2.nearlyZero).toBeLessThan(8);
  expect(l2.exactlyZero).toBe(0);
  expect(l2.norm).toBeLessThan(0.8 * none.norm);
  expect(l1.nearlyZero).toBeGreaterThan(25);
  expect(proximal.exactlyZero).toBeGreaterThan(25);
  // What matters is kept by all.
  for (const { weights } of fits) {
    for (const weight of weights.slice(0, 5)) expect(Math.abs(weight)).toBeGreaterThan(0.5);
  }
});

test('B14: a search over layers, units, batch size and learning rate with k folds, the best refit', async () => {
  const { sizes, scores, refit } = (await runTopic(b14)).result;
  expect(sizes).toEqual({ train: 480, test: 120, folds: [120, 120, 120, 120] });
  for (const key of ['layers', 'units', 'batchSize', 'lr'] as const) {
    expect(new Set(scores.map(({ choice }) => choice[key])).size).toBeGreaterThan(1);
  }
  for (const { perFold, accuracy } of scores) {
    expect(perFold).toHaveLength(4);
    expect(accuracy).toBeCloseTo(perFold.reduce((sum, a) => sum + a) / 4, 12);
    expect(accuracy).toBeLessThanOrEqual(scores[0]!.accuracy);
  }
  expect(scores[0]!.accuracy).toBeGreaterThan(0.95);
  expect(scores.at(-1)!.accuracy).toBeLessThan(0.6);
  expect(refit.accuracy).toBeGreaterThan(0.95);
});

test("B15: activations and their gradients equal PyTorch's, and a slope is learned", async () => {
  const { at, learnedSlope, shownSlope } = (await runTopic(b15)).result;
  const file = new URL('../fixtures/course.json', import.meta.url);
  const { activations } = JSON.parse(readFileSync(file, 'utf8')) as {
    activations: Record<string, { values: number[]; gradients: number[] }>;
  };
  expect(Object.keys(at)).toEqual(Object.keys(activations));
  for (const [name, { values, gradients }] of Object.entries(at)) {
    // The file has 12 digits behind the point. PyTorch's slope of the hard sigmoid is 1 / 6 in float32.
    const limit = name === 'hard sigmoid' ? 6 * 2 ** -24 : 2e-12;
    const close = (ours: number[], theirs: number[]) =>
      ours.every((value, i) => Math.abs(value - theirs[i]!) < limit);
    const expected = activations[name]!;
    expect({
      name,
      values: close(values, expected.values),
      gradients: close(gradients, expected.gradients),
    }).toEqual({
      name,
      values: true,
      gradients: true,
    });
  }
  expect(Math.abs(learnedSlope - shownSlope)).toBeLessThan(1e-3);
});

test('B16: frozen weights do not move by a bit, inference is not recorded, evaluation repeats itself', async () => {
  expect((await runTopic(b16)).result).toEqual({
    frozenUnchanged: true,
    othersUnchanged: false,
    frozenGradient: false,
    recordsInTraining: true,
    recordsInInference: false,
    sameInTraining: false,
    sameInEvaluation: true,
    statisticsUnchanged: true,
  });
});

test('B17: the same bits on one thread and on all', async () => {
  const { result, lines } = await runTopic(b17);
  expect(result.sameBits).toBe(true);
  // How much faster depends on what else the machine does.
  expect(lines[1]).toMatch(/ms: [\d.]+ times as fast$/);
});
