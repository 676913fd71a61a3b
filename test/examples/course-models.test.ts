/** The course's part A, models and what they compute: every row's result. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { topic as a1 } from '../../examples/course/a01-linear-regression.js';
import { topic as a2 } from '../../examples/course/a02-error-surface.js';
import { topic as a3 } from '../../examples/course/a03-piecewise-linear.js';
import { topic as a4 } from '../../examples/course/a04-house-price.js';
import { topic as a5 } from '../../examples/course/a05-neuron.js';
import { topic as a6 } from '../../examples/course/a06-boolean.js';
import { topic as a7 } from '../../examples/course/a07-fixed-network.js';
import { topic as a8 } from '../../examples/course/a08-man-or-woman.js';
import { topic as a9 } from '../../examples/course/a09-softmax.js';
import { topic as a10 } from '../../examples/course/a10-logit.js';
import { topic as a11 } from '../../examples/course/a11-statistics.js';
import { topic as a12 } from '../../examples/course/a12-cross-entropy.js';
import { topic as a13 } from '../../examples/course/a13-large-inputs.js';
import { topic as a14 } from '../../examples/course/a14-tensors.js';
import { topic as a15 } from '../../examples/course/a15-parameter-count.js';
import { topic as a16 } from '../../examples/course/a16-no-activation.js';
import { topic as a17 } from '../../examples/course/a17-vectorised.js';
import { topic as a18 } from '../../examples/course/a18-digits.js';
import { topic as a19 } from '../../examples/course/a19-parameter-sharing.js';
import { topic as a20 } from '../../examples/course/a20-encoder-decoder.js';
import { topic as a21 } from '../../examples/course/a21-deep-or-wide.js';
import { drawDigits } from '../../examples/digits/synthetic.js';
import { encodeIdx } from '../data/idx-files.js';
import { runTopic } from '../helpers/course.js';
import { atMost } from '../helpers/patience.js';

vi.setConfig({ testTimeout: atMost(120_000) });

/** Numbers as they are written with so many digits. */
const rounded = (values: readonly number[], digits = 2): number[] =>
  values.map((value) => Number(value.toFixed(digits)));

/** Rounding errors of float64 in a short sum of terms of the size of 1. */
const ROUNDING = 16 * Number.EPSILON;

test('A1: the loss falls from 1 to 7 to 28 days and then hardly any more', async () => {
  const { days, train, test } = (await runTopic(a1)).result;
  expect(days).toEqual([1, 7, 28, 56]);
  for (const [one, week, month, two] of [train, test] as [number, number, number, number][]) {
    expect(week).toBeLessThan(0.5 * one);
    expect(month).toBeLessThan(0.9 * week);
    expect(Math.abs(two - month)).toBeLessThan(0.06 * month);
  }
});

describe('A2: the error surface', () => {
  test('the path goes down all the way and ends at the minimum', async () => {
    const { path, losses, minimum, least, gridLeast } = (await runTopic(a2)).result;
    for (let i = 1; i < losses.length; i++) {
      // At the end the loss only moves by rounding, in float32.
      expect(losses[i]).toBeLessThanOrEqual(losses[i - 1]! + 1e-6);
    }
    const [w, b] = path.at(-1)!;
    expect(Math.hypot(w - minimum[0], b - minimum[1])).toBeLessThan(2e-3);
    expect(losses.at(-1)! - least).toBeLessThan(1e-6);
    expect(gridLeast).toBeGreaterThanOrEqual(least);
    expect(gridLeast).toBeLessThan(1.1 * least);
  });

  test('is drawn from where descent starts to where it ends', async () => {
    const { pictures } = await runTopic(a2);
    expect([...pictures.keys()]).toEqual(['a02-error-surface']);
  });
});

test('A3: hard sigmoids give the curve to rounding, and one of them equals two ReLUs', async () => {
  const result = (await runTopic(a3)).result;
  expect(result.hardError).toBeLessThan(ROUNDING);
  expect(result.reluError).toBeLessThan(ROUNDING);
  expect(result.twoRelus).toBeLessThan(ROUNDING);
  // Smooth ones come near, nearer when they are learned.
  expect(result.learnedError).toBeLessThan(0.5 * result.sigmoidError);
  expect(result.learnedError).toBeLessThan(0.25);
});

test('A4: fits the prices, and none is below zero', async () => {
  const result = (await runTopic(a4)).result;
  expect(Math.abs(result.a - result.made.a)).toBeLessThan(0.05);
  expect(Math.abs(result.b - result.made.b)).toBeLessThan(0.05);
  expect(result.explained).toBeGreaterThan(0.97);
  expect(result.explained).toBeGreaterThan(result.explainedLinear);
  expect(result.leastOfUnit).toBeGreaterThanOrEqual(0);
  expect(result.leastOfNetwork).toBeGreaterThanOrEqual(0);
});

test('A5: column form, row form and the layer give identical numbers', async () => {
  const { columns, rows, layer, byFormula, byModule, accuracy } = (await runTopic(a5)).result;
  expect(columns).toHaveLength(5);
  expect(rows).toEqual(columns);
  expect(layer).toEqual(columns);
  expect(byModule).toEqual(byFormula);
  expect(accuracy).toBeGreaterThan(0.9);
});

describe('A6: Boolean functions', () => {
  test('by one neuron each, and XOR by two layers', async () => {
    const { gates, xor, learned } = (await runTopic(a6)).result;
    expect(gates).toEqual({
      AND: [0, 0, 0, 1],
      OR: [0, 1, 1, 1],
      NAND: [1, 1, 1, 0],
      NOT: [1, 0],
    });
    expect(xor).toEqual([0, 1, 1, 0]);
    expect(learned).toHaveLength(20);
    for (const rows of learned) expect(rows).toEqual([0, 1, 1, 0]);
  });
});

test('A7: the fixed network gives the numbers of the notes, layer by layer', async () => {
  const { outputs, atZero } = (await runTopic(a7)).result;
  expect(outputs.map((a) => rounded(a))).toEqual([
    [0.98, 0.12],
    [0.86, 0.11],
    [0.62, 0.83],
  ]);
  expect(rounded(atZero.at(-1)!)).toEqual([0.51, 0.85]);
});

test('A8: learned weights beat those set by hand', async () => {
  const { byHand, learned } = (await runTopic(a8)).result;
  for (const part of ['train', 'test'] as const) {
    expect(learned[part].accuracy).toBeGreaterThan(byHand[part].accuracy);
    expect(learned[part].loss).toBeLessThan(byHand[part].loss);
  }
});

test('A9: softmax of 1 to 9', async () => {
  const { probabilities, sum, shifted } = (await runTopic(a9)).result;
  expect(rounded(probabilities, 3)).toEqual([
    0, 0.001, 0.002, 0.004, 0.012, 0.031, 0.086, 0.233, 0.632,
  ]);
  expect(Math.abs(sum - 1)).toBeLessThan(1e-6);
  expect(rounded(shifted, 3)).toEqual(rounded(probabilities, 3));
});

test('A10: the logit of 0.9, and that it inverts the sigmoid', async () => {
  const result = (await runTopic(a10)).result;
  expect(result.logit.toFixed(4)).toBe('2.1972');
  expect(result.roundTrip).toBeLessThan(ROUNDING);
});

test('A11: mean, both forms of variance and standard deviation, and errors', async () => {
  const result = (await runTopic(a11)).result;
  // By hand: the squared differences from 78.1 add up to 706.9, the differences to 70.8.
  expect(result.mean).toBeCloseTo(78.1, 10);
  expect(result.population.variance).toBeCloseTo(706.9 / 10, 10);
  expect(result.population.std).toBeCloseTo(Math.sqrt(70.69), 10);
  expect(result.sample.variance).toBeCloseTo(706.9 / 9, 10);
  expect(result.sample.std).toBeCloseTo(Math.sqrt(706.9 / 9), 10);
  expect(result.mse).toBeCloseTo(70.69, 10);
  expect(result.rmse).toBeCloseTo(Math.sqrt(70.69), 10);
  expect(result.mae).toBeCloseTo(7.08, 10);
});

test('A12: cross entropy is 0.10536 both times, without NaN', async () => {
  const { ten, two, byXlogy, naiveIsNaN, impossible, gradient } = (await runTopic(a12)).result;
  expect(ten.toFixed(5)).toBe('0.10536');
  expect(two.toFixed(5)).toBe('0.10536');
  expect(byXlogy).toBeCloseTo(ten, 12);
  expect(naiveIsNaN).toBe(true);
  expect(impossible).toBe(Number.POSITIVE_INFINITY);
  expect(gradient[0]).toBeCloseTo(-1 / 0.9, 10);
  expect(gradient.slice(1).every((value) => value === 0)).toBe(true);
});

test('A13: two probabilities that add up to 1, without overflow', async () => {
  const { probabilities, extreme } = (await runTopic(a13)).result;
  for (const pair of [...probabilities, ...extreme]) {
    expect(pair).toHaveLength(2);
    expect(pair.every((p) => p >= 0 && p <= 1)).toBe(true);
    expect(Math.abs(pair[0]! + pair[1]! - 1)).toBeLessThan(1e-6);
  }
});

test('A14: rank, lengths, shape and volume', async () => {
  const { matrix, cube, picture, pixel, red } = (await runTopic(a14)).result;
  expect(matrix).toEqual({ rank: 2, shape: [4, 4], volume: 16 });
  expect(cube).toEqual({ rank: 3, shape: [4, 5, 6], volume: 120 });
  expect(picture).toEqual({ rank: 3, shape: [2, 3, 3], volume: 18 });
  expect(pixel).toEqual([1, 0.5, 0]);
  expect(red).toEqual({ rank: 2, shape: [2, 3], volume: 6 });
});

test('A15: 3n + 14 parameters, 36878 for n = 12288', async () => {
  const { inputs, parameters, formula, output } = (await runTopic(a15)).result;
  expect(inputs).toBe(12288);
  expect(formula).toBe(36878);
  expect(parameters).toBe(36878);
  expect(output).toBeGreaterThan(0);
  expect(output).toBeLessThan(1);
});

test('A16: two linear layers are one, with an activation between them they are not', async () => {
  const { linear, withRelu, scale } = (await runTopic(a16)).result;
  expect(linear).toBeLessThan(ROUNDING * scale);
  expect(withRelu).toBeGreaterThan(0.1 * scale);
});

test('A17: loops and one matrix product give identical numbers', async () => {
  const { result, lines } = await runTopic(a17);
  expect(result.identical).toBe(true);
  // A chain of 256 products rounds once a step with FMA and twice without.
  expect(result.difference).toBeLessThan(256 * Number.EPSILON);
  // How fast each was is printed and not tested: other programs may run meanwhile.
  expect(Math.min(result.loops, result.matrix)).toBeGreaterThan(0);
  expect(lines.at(-1)).toMatch(/\d+(\.\d+)? times as fast$/);
});

describe('A18: handwritten digits', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tilegrad-course-'));
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Drawn digits in the middle of 28 x 28 pixels, in the files of MNIST. */
  function writeMnist(): void {
    const [side, border, uint8] = [28, 6, 8];
    const pictures = drawDigits(900, 5);
    const small = pictures.images.data;
    const write = (prefix: string, from: number, to: number) => {
      const pixels = new Uint8Array((to - from) * side * side);
      for (let i = from; i < to; i++) {
        for (let p = 0; p < 256; p++) {
          const at = (border + (p >> 4)) * side + border + (p & 15);
          pixels[(i - from) * side * side + at] = Math.round(255 * small[i * 256 + p]!);
        }
      }
      const labels = pictures.labels.data.slice(from, to);
      const images = encodeIdx(uint8, [to - from, side, side], pixels);
      writeFileSync(join(folder, `${prefix}-images-idx3-ubyte`), images);
      writeFileSync(
        join(folder, `${prefix}-labels-idx1-ubyte`),
        encodeIdx(uint8, [to - from], labels),
      );
    };
    write('train', 0, 700);
    write('t10k', 700, 900);
  }

  test('256 inputs to 10 confidences, and 28 x 28 pictures from IDX files', async () => {
    writeMnist();
    vi.stubEnv('MNIST_DIR', folder);
    vi.stubEnv('FASHION_MNIST_DIR', undefined);
    const { drawn, files, confidences } = (await runTopic(a18)).result;
    expect(drawn.inputs).toBe(256);
    expect(drawn.test).toBeGreaterThan(0.95);
    expect(confidences).toHaveLength(10);
    expect(Math.abs(confidences.reduce((sum, p) => sum + p) - 1)).toBeLessThan(1e-6);
    expect(files.map(({ name, inputs }) => [name, inputs])).toEqual([['MNIST', 784]]);
    expect(files[0]!.test).toBeGreaterThan(0.6); // two epochs on 700 pictures
  });
});

test('A19: a shared filter is right where training never showed the ball, logistic regression is not', async () => {
  const { found, places, difference, cnn, logistic, parameters } = (await runTopic(a19)).result;
  expect(places).toBe(13 * 13);
  expect(found).toBe(places);
  expect(difference).toBeLessThan(16 * 2 ** -23); // sums of 16 products below 1, in float32
  expect(cnn.seen).toBeGreaterThan(0.97);
  expect(cnn.unseen).toBeGreaterThan(0.97);
  expect(logistic.unseen).toBeLessThan(0.7);
  expect(logistic.unseen).toBeLessThan(logistic.seen);
  expect(parameters.cnn).toBeLessThan(parameters.logistic);
});

test('A20: the error of the reconstruction falls, and sequences are copied', async () => {
  const { errors, unseen, losses, copied, example } = (await runTopic(a20)).result;
  expect(errors.at(-1)).toBeLessThan(0.25 * errors[0]!);
  expect(unseen.after).toBeLessThan(0.25 * unseen.before);
  expect(losses.at(-1)).toBeLessThan(0.1 * losses[0]!);
  expect(copied).toBeGreaterThan(0.95);
  expect(example.copy).toEqual(example.given);
});

test('A21: deep beats shallow with as many parameters; deeper, the test error rises', async () => {
  const { result, pictures } = await runTopic(a21);
  const { deep, shallow, byDepth } = result;
  for (const [i, d] of deep.entries()) {
    const s = shallow[i]!;
    expect(Math.abs(s.parameters - d.parameters)).toBeLessThanOrEqual(2);
    expect(d.train).toBeLessThan(s.train);
    expect(d.test).toBeLessThan(s.test);
  }
  const train = byDepth.map((errors) => errors.train);
  expect(train).toEqual([...train].sort((a, b) => b - a)); // ever smaller
  const test = byDepth.map((errors) => errors.test);
  const least = Math.min(...test);
  expect(test[0]).toBeGreaterThan(1.2 * least); // first it falls
  expect(test.at(-1)).toBeGreaterThan(1.2 * least); // then it rises
  expect(pictures.get('a21-deep-or-wide')!.plots).toHaveLength(2);
});
