/** The network of Keras' example "Simple MNIST convnet" in its first version. */
import { nn } from 'tilegrad';
import { CLASSES } from '../digits/data.js';
import { UsageError } from '../options.js';

/** Two unpadded convolutions of 3x3 take 4 pixels of each axis; pooling needs 2 that are left. */
export const LEAST_SIDE = 6;

/**
 * Takes pictures as rows of `[batch, rows * columns]`, as the digits program keeps them, and gives
 * logits `[batch, CLASSES]`.
 *
 * @throws UsageError for pictures of less than `LEAST_SIDE` pixels in width or height
 */
export function buildCnn(rows: number, columns: number): nn.Sequential {
  if (Math.min(rows, columns) < LEAST_SIDE) {
    throw new UsageError(
      `the network needs pictures of at least ${LEAST_SIDE}x${LEAST_SIDE} pixels, ` +
        `these have ${columns}x${rows}`,
    );
  }
  const pooled = (side: number) => Math.floor((side - 4) / 2);
  return new nn.Sequential(
    new nn.Unflatten(1, [1, rows, columns]),
    new nn.Conv2d(1, 32, 3),
    new nn.ReLU(),
    new nn.Conv2d(32, 64, 3),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Dropout(0.25),
    new nn.Flatten(),
    new nn.Linear(64 * pooled(rows) * pooled(columns), 128),
    new nn.ReLU(),
    new nn.Dropout(0.5),
    new nn.Linear(128, CLASSES),
  );
}
