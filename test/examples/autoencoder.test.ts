import { parseHTML } from 'linkedom';
import { expect, test } from 'vitest';
import {
  Autoencoder,
  draw,
  parseCommandLine,
  run,
  type Settings,
} from '../../examples/autoencoder/main.js';
import type { DigitData } from '../../examples/digits/data.js';
import { drawDigits, SIDE } from '../../examples/digits/synthetic.js';
import { UsageError } from '../../examples/options.js';

const DEFAULTS: Settings = {
  data: undefined,
  code: 32,
  epochs: 15,
  batchSize: 64,
  lr: 0.002,
  seed: 1,
  threads: undefined,
  out: 'autoencoder.svg',
};

function fewDigits(training: number, testing: number): DigitData {
  const { images, labels } = drawDigits(training + testing, 1);
  const part = (from: number, count: number) => ({
    x: images.narrow(0, from, count).reshape([count, SIDE * SIDE]),
    y: labels.narrow(0, from, count),
  });
  return {
    train: part(0, training),
    test: part(training, testing),
    rows: SIDE,
    columns: SIDE,
    description: '',
  };
}

test('reconstructions come closer than the mean picture, and the drawing shows both', () => {
  const data = fewDigits(400, 40);
  const settings = { ...DEFAULTS, code: 8, epochs: 12, batchSize: 20, lr: 0.01 };
  const epochs: number[] = [];
  const result = run(settings, data, { onBatch: () => {}, onEpoch: (epoch) => epochs.push(epoch) });
  expect(epochs).toEqual(Array.from({ length: 12 }, (_, i) => i));
  expect(result.losses.at(-1)).toBeLessThan(0.5 * result.losses[0]!);
  expect(result.error).toBeLessThan(0.65 * result.meanPictureError);
  // The first ten pictures of the test are the ten digits.
  expect(result.originals.data).toEqual(data.test.x.narrow(0, 0, 10).contiguous().data);
  expect(result.reconstructions.shape).toEqual([10, SIDE * SIDE]);

  const svg = draw(result, data, settings);
  const { document } = parseHTML(`<html><body>${svg}</body></html>`);
  const ys = [...document.querySelectorAll('[aria-label="cell"] rect')].map((rect) =>
    Number(rect.getAttribute('y')),
  );
  const inked = (pixels: Iterable<number>) => [...pixels].filter((ink) => ink > 0.03).length;
  const middle = 10 + SIDE * 5; // below the margin, pixels of 5 x 5
  expect(ys.filter((y) => y < middle)).toHaveLength(inked(result.originals.data));
  expect(ys.filter((y) => y >= middle)).toHaveLength(
    inked(result.reconstructions.contiguous().data),
  );
});

test('the mean picture is that of the training, the errors are those of the test', () => {
  const { train, test, ...rest } = fewDigits(30, 10);
  const settings = { ...DEFAULTS, epochs: 1 };
  const { meanPictureError, error } = run(settings, { train, test, ...rest });
  const [seen, unseen] = [train.x.contiguous().data, test.x.contiguous().data];
  let sum = 0;
  for (let i = 0; i < unseen.length; i++) {
    let mean = 0;
    for (let k = 0; k < 30; k++) mean += seen[k * SIDE * SIDE + (i % (SIDE * SIDE))]! / 30;
    sum += (unseen[i]! - mean) ** 2;
  }
  expect(meanPictureError).toBeCloseTo(sum / unseen.length, 5);
  expect(error).toBeGreaterThan(meanPictureError); // hardly trained: all pixels are grey
});

test('pictures whose sides the network can not halve twice are refused', () => {
  expect(() => new Autoencoder(28, 28, 4)).not.toThrow();
  expect(() => new Autoencoder(28, 30, 4)).toThrow(UsageError);
  expect(() => new Autoencoder(28, 30, 4)).toThrow('must be multiples of 4, these have 30x28');
});

test('parseCommandLine', () => {
  expect(parseCommandLine([])).toEqual(DEFAULTS);
  expect(parseCommandLine('--code 8 --epochs 2 --lr 0.01 --threads 2'.split(' '))).toEqual({
    ...DEFAULTS,
    code: 8,
    epochs: 2,
    lr: 0.01,
    threads: 2,
  });
  expect(parseCommandLine(['--help'])).toBe('help');
  expect(() => parseCommandLine(['--code', '0'])).toThrow('--code must be a whole number >= 1');
  expect(() => parseCommandLine(['--lr', '0'])).toThrow('--lr must be a number above 0');
});
