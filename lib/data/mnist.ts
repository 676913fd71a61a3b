/** The MNIST pictures of handwritten digits, and the data sets that come in the same files. */
import fs from 'node:fs';
import path from 'node:path';
import { TensorError } from '../errors.js';
import { fromTypedArray } from '../tensor/data.js';
import { checkOptions, checkPath, checkSignal, describe, formatShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { type IdxArray, readIdx, readIdxSync } from './idx.js';

/** The two parts of the MNIST digits. */
export type MnistSplit = 'train' | 'test';

/** Options of {@link loadMnist}. */
export interface MnistOptions {
  /** How many classes the labels name, from 0 on. Default 10, as in MNIST and Fashion-MNIST. */
  classes?: number;
}

/** A split of the MNIST digits: pictures and what they show. */
export interface Mnist {
  /** float32 `[count, rows, columns]`: brightness from 0 (black) to 1. */
  images: Tensor;
  /** int32 `[count]`: the class of each image. */
  labels: Tensor;
}

const FILE_PREFIXES: Readonly<Record<MnistSplit, string>> = { train: 'train', test: 't10k' };

/** The value of a white pixel in the files. */
const WHITE = 255;

/**
 * Reads one split of MNIST (or Fashion-MNIST, KMNIST...) from the folder `dir`: the files
 * `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`, or `t10k-...` for `'test'`, each as it is
 * or with `.gz` at the end.
 *
 * @throws TensorError ERR_FORMAT when a file is missing or damaged, when the two files don't have
 *   the same count, or when a label is not below `classes`; ERR_ARGUMENT for a wrong argument; the
 *   file system's error when a file can't be read
 * @example
 * ```ts
 * await loadMnist('no-such-folder', 'train'); // throws ERR_FORMAT
 * ```
 */
export async function loadMnist(
  dir: string,
  split: MnistSplit,
  options: MnistOptions & { signal?: AbortSignal } = {},
): Promise<Mnist> {
  checkOptions('loadMnist', options, ['classes', 'signal']);
  const { signal } = options;
  checkSignal('loadMnist', signal);
  const classes = classCount('loadMnist', options);
  const files = findFiles('loadMnist', dir, split);
  const images = await readIdx(files.images, { signal });
  return assemble(files, images, await readIdx(files.labels, { signal }), classes);
}

/**
 * {@link loadMnist}, synchronously.
 * @example
 * ```ts
 * loadMnistSync('no-such-folder', 'test'); // throws ERR_FORMAT
 * ```
 */
export function loadMnistSync(dir: string, split: MnistSplit, options: MnistOptions = {}): Mnist {
  checkOptions('loadMnistSync', options, ['classes']);
  const classes = classCount('loadMnistSync', options);
  const files = findFiles('loadMnistSync', dir, split);
  return assemble(files, readIdxSync(files.images), readIdxSync(files.labels), classes);
}

interface Files {
  images: string;
  labels: string;
}

function findFiles(operation: string, dir: string, split: MnistSplit): Files {
  checkPath(operation, 'the folder', dir);
  if (typeof split !== 'string' || !Object.hasOwn(FILE_PREFIXES, split)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] the split must be 'train' or 'test', not ${describe(split)}`,
    );
  }
  const prefix = FILE_PREFIXES[split];
  return {
    images: findFile(dir, `${prefix}-images-idx3-ubyte`),
    labels: findFile(dir, `${prefix}-labels-idx1-ubyte`),
  };
}

function findFile(dir: string, name: string): string {
  for (const candidate of [name, `${name}.gz`]) {
    const file = path.join(dir, candidate);
    if (fs.existsSync(file)) return file;
  }
  throw mnistError(dir, `there is no ${name} or ${name}.gz`);
}

function classCount(operation: string, options: MnistOptions): number {
  const { classes = 10 } = options;
  if (!Number.isSafeInteger(classes) || classes < 1) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] classes must be a whole number >= 1, not ${describe(classes)}`,
    );
  }
  return classes;
}

function assemble(files: Files, images: IdxArray, labels: IdxArray, classes: number): Mnist {
  if (!(images.data instanceof Uint8Array) || images.shape.length !== 3) {
    throw mnistError(
      files.images,
      `images must be uint8 [count, rows, columns], not ${kind(images)}`,
    );
  }
  if (!(labels.data instanceof Uint8Array) || labels.shape.length !== 1) {
    throw mnistError(files.labels, `labels must be uint8 [count], not ${kind(labels)}`);
  }
  if (images.shape[0] !== labels.shape[0]) {
    throw mnistError(
      files.labels,
      `${labels.shape[0]} labels, but ${path.basename(files.images)} has ${images.shape[0]} images`,
    );
  }
  const wrong = labels.data.findIndex((label) => label >= classes);
  if (wrong >= 0) {
    throw mnistError(
      files.labels,
      `label ${wrong} is ${labels.data[wrong]}; there are ${classes} classes`,
    );
  }
  const pixels = new Float32Array(images.data.length);
  for (let i = 0; i < pixels.length; i++) pixels[i] = images.data[i]! / WHITE;
  return {
    images: fromTypedArray(pixels, images.shape),
    labels: fromTypedArray(Int32Array.from(labels.data), labels.shape),
  };
}

function kind(array: IdxArray): string {
  return `${array.data.constructor.name} ${formatShape(array.shape)}`;
}

function mnistError(source: string, text: string): TensorError {
  return new TensorError('ERR_FORMAT', `[mnist] ${source}: ${text}`);
}
