import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { loadMnist, loadMnistSync, type MnistOptions, type MnistSplit } from 'tilegrad';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeIdx } from './idx-files.js';

let dir: string;
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tilegrad-mnist-'));
});
afterEach(() => fs.rmSync(dir, { recursive: true }));

const pixels = [0, 51, 102, 255, 0, 0, 255, 255];
const images = encodeIdx(0x08, [2, 2, 2], pixels);
const labels = encodeIdx(0x08, [2], [9, 0]);

function write(name: string, bytes: Uint8Array): void {
  const packed = name.endsWith('.gz') ? zlib.gzipSync(bytes) : bytes;
  fs.writeFileSync(path.join(dir, name), packed);
}

const forms: [string, (dir: string, split: MnistSplit, options?: MnistOptions) => unknown][] = [
  ['async', loadMnist],
  ['sync', loadMnistSync],
];

describe.each(forms)('%s', (_, load) => {
  test.each([
    ['train', 'train-images-idx3-ubyte', 'train-labels-idx1-ubyte'],
    ['train', 'train-images-idx3-ubyte.gz', 'train-labels-idx1-ubyte'],
    ['test', 't10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte.gz'],
    ['test', 't10k-images-idx3-ubyte.gz', 't10k-labels-idx1-ubyte.gz'],
  ] as const)('%s from %s and %s', async (split, imageFile, labelFile) => {
    write(imageFile, images);
    write(labelFile, labels);
    const data = (await load(dir, split)) as ReturnType<typeof loadMnistSync>;
    expect(data.images.dtype).toBe('float32');
    expect(data.images.toArray()).toEqual([
      [
        [0, Math.fround(0.2)],
        [Math.fround(0.4), 1],
      ],
      [
        [0, 0],
        [1, 1],
      ],
    ]);
    expect(data.labels.dtype).toBe('int32');
    expect(data.labels.toArray()).toEqual([9, 0]);
  });

  const refuses = async (message: string, options?: MnistOptions) => {
    const call = async () => load(dir, 'train', options);
    await expect(call).rejects.toThrow(message);
    await expect(call).rejects.toMatchObject({ code: 'ERR_FORMAT' });
  };

  test('missing files are named', async () => {
    const missing = (name: string) => `[mnist] ${dir}: there is no ${name} or ${name}.gz`;
    await refuses(missing('train-images-idx3-ubyte'));
    write('train-images-idx3-ubyte', images);
    await refuses(missing('train-labels-idx1-ubyte'));
  });

  test('files that do not belong together', async () => {
    write('train-images-idx3-ubyte', images);
    write('train-labels-idx1-ubyte', encodeIdx(0x08, [3], [1, 2, 3]));
    await refuses('3 labels, but train-images-idx3-ubyte has 2 images');
  });

  test('labels out of range', async () => {
    write('train-images-idx3-ubyte', images);
    write('train-labels-idx1-ubyte', encodeIdx(0x08, [2], [9, 10]));
    await refuses('label 1 is 10; there are 10 classes');
    await expect(load(dir, 'train', { classes: 11 })).toBeTruthy();
    await refuses('label 0 is 9; there are 9 classes', { classes: 9 });
  });

  test('files of another kind', async () => {
    write('train-images-idx3-ubyte', labels);
    write('train-labels-idx1-ubyte', labels);
    await refuses('images must be uint8 [count, rows, columns], not Uint8Array [2]');
    write('train-images-idx3-ubyte', images);
    write('train-labels-idx1-ubyte', encodeIdx(0x0c, [2], [1, 2]));
    await refuses('labels must be uint8 [count], not Int32Array [2]');
  });

  test('wrong arguments', async () => {
    const wrong = (call: () => unknown) =>
      expect(async () => call()).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
    await wrong(() => load(dir, 'validation' as MnistSplit));
    await wrong(() => load(dir, 'train', { classes: 0 }));
    await wrong(() => load(dir, 'train', { clases: 10 } as MnistOptions));
  });
});

describe.skipIf(!process.env.MNIST_DIR)('the files in MNIST_DIR', () => {
  test('test split: 10,000 pictures of 28x28, brightness from 0 to 1', async () => {
    const { images, labels } = await loadMnist(process.env.MNIST_DIR!, 'test');
    expect(images.shape).toEqual([10_000, 28, 28]);
    // The first labels of the standard test set.
    expect([...labels.data.subarray(0, 10)]).toEqual([7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    let [low, high, sum] = [1, 0, 0];
    for (const pixel of images.data) {
      low = Math.min(low, pixel);
      high = Math.max(high, pixel);
      sum += pixel;
    }
    expect([low, high]).toEqual([0, 1]);
    // The mean brightness of MNIST's test set, published with three digits: 0.133.
    expect(sum / images.numel).toBeCloseTo(0.1325, 3);
  });
});
