/** The pictures that the digits program trains and tests with. */
import { loadMnist, type Tensor } from 'tilegrad';
import { UsageError } from '../options.js';
import { drawDigits, type Pictures } from './synthetic.js';

/** How many classes there are: the digits. */
export const CLASSES = 10;

const SYNTHETIC_TRAIN = 6000;
const SYNTHETIC_TEST = 1000;

export interface Split {
  /** float32 `[count, rows * columns]`, brightness from 0 to 1. */
  x: Tensor;
  /** int32 `[count]`: the digit. */
  y: Tensor;
}

export interface DigitData {
  train: Split;
  test: Split;
  rows: number;
  columns: number;
  /** What it is, for people. */
  description: string;
}

/**
 * @param dir a folder with MNIST files; undefined for drawn pictures
 * @param seed chooses what is drawn
 * @throws UsageError when the two splits don't belong together; what `loadMnist` throws
 */
export async function loadDigits(dir: string | undefined, seed: number): Promise<DigitData> {
  const [train, test] =
    dir === undefined
      ? drawSplits(seed)
      : [await loadMnist(dir, 'train'), await loadMnist(dir, 'test')];
  const [count, rows, columns] = sizes(train.images);
  const [testCount, testRows, testColumns] = sizes(test.images);
  if (testRows !== rows || testColumns !== columns) {
    throw new UsageError(
      `${dir}: training pictures are ${columns}x${rows}, test pictures ${testColumns}x${testRows}`,
    );
  }
  if (count === 0 || testCount === 0 || rows * columns === 0) {
    throw new UsageError(`${dir}: there are no pictures in the files`);
  }
  const flat = ({ images, labels }: Pictures, n: number): Split => ({
    x: images.reshape([n, rows * columns]),
    y: labels,
  });
  return {
    train: flat(train, count),
    test: flat(test, testCount),
    rows,
    columns,
    description:
      `${count} training and ${testCount} test pictures of ${columns}x${rows} pixels ` +
      (dir === undefined ? '(drawn)' : `from ${dir}`),
  };
}

/** One stream of pictures cut in two, so that no test picture is a training picture. */
function drawSplits(seed: number): [Pictures, Pictures] {
  const { images, labels } = drawDigits(SYNTHETIC_TRAIN + SYNTHETIC_TEST, seed);
  const part = (from: number, to: number) => ({
    images: images.slice([[from, to]]),
    labels: labels.slice([[from, to]]),
  });
  return [part(0, SYNTHETIC_TRAIN), part(SYNTHETIC_TRAIN, SYNTHETIC_TRAIN + SYNTHETIC_TEST)];
}

function sizes(images: Tensor): readonly [count: number, rows: number, columns: number] {
  return images.shape as [number, number, number];
}
