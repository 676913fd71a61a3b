/** Handwritten digits: 16 x 16 = 256 inputs to 10 confidences, and 28 x 28 pictures from IDX files. */
import { cell } from '@observablehq/plot';
import {
  batches,
  crossEntropy,
  Generator,
  loadMnist,
  nn,
  noGrad,
  optim,
  type Tensor,
} from 'tilegrad';
import { drawDigits, type Pictures } from '../digits/synthetic.js';
import { fixed, list } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

const CLASSES = 10;
/** How many pictures the program draws. */
const DRAWN = { train: 2000, test: 500 };

/** Environment variables that name folders with the IDX files of a data set. */
const FOLDERS = { MNIST: 'MNIST_DIR', 'Fashion-MNIST': 'FASHION_MNIST_DIR' };

interface Read {
  name: string;
  /** Pixels of a picture: the inputs. */
  inputs: number;
  /** Shares of the pictures that the network reads right. */
  train: number;
  test: number;
}

interface Result {
  drawn: Read;
  /** For each data set whose folder is named by the environment. */
  files: Read[];
  /** Ten confidences for the first test picture. */
  confidences: number[];
}

const flat = (images: Tensor): Tensor => images.flatten(1);

function train(name: string, train: Pictures, test: Pictures, epochs: number) {
  const inputs = train.images.shape[1]! * train.images.shape[2]!;
  const generator = new Generator(1);
  const model = new nn.Sequential(
    new nn.Linear(inputs, 64, { generator }),
    new nn.ReLU(),
    new nn.Linear(64, CLASSES, { generator }),
  );
  const optimizer = new optim.Adam([...model.parameters()], { lr: 3e-3 });
  const x = flat(train.images);
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const batch of batches(x, train.labels, { batchSize: 50, shuffle: true, epoch })) {
      optimizer.zeroGrad();
      crossEntropy(model.forward(batch.x), batch.y).backward();
      optimizer.step();
    }
  }
  const rightShare = ({ images, labels }: Pictures): number =>
    noGrad(() =>
      model.forward(flat(images)).argmax({ dim: 1 }).eq(labels).to('float32').mean().item(),
    );
  return { model, read: { name, inputs, train: rightShare(train), test: rightShare(test) } };
}

/** The data sets that the environment names folders for. */
async function readFiles(): Promise<Read[]> {
  const reads: Read[] = [];
  for (const [name, variable] of Object.entries(FOLDERS)) {
    const folder = process.env[variable];
    if (folder === undefined) continue;
    reads.push(
      train(name, await loadMnist(folder, 'train'), await loadMnist(folder, 'test'), 2).read,
    );
  }
  return reads;
}

async function run({ print, draw }: RunOptions): Promise<Result> {
  const { images, labels } = drawDigits(DRAWN.train + DRAWN.test, 18);
  const part = (from: number, to: number): Pictures => ({
    images: images.slice([[from, to]]),
    labels: labels.slice([[from, to]]),
  });
  const test = part(DRAWN.train, DRAWN.train + DRAWN.test);
  const { model, read: drawn } = train('drawn digits', part(0, DRAWN.train), test, 5);
  const first = test.images.slice([[0, 1]]);
  const confidences = noGrad(() => model.forward(flat(first)).softmax(1))
    .flatten()
    .toArray() as number[];
  const files = await readFiles();
  for (const { name, inputs, train, test } of [drawn, ...files]) {
    print(`${name}: ${inputs} inputs, 64 hidden units, ${CLASSES} confidences`);
    print(
      `  right for ${fixed(100 * train, 1)} % of the training pictures, ${fixed(100 * test, 1)} % of others`,
    );
  }
  print(`confidences for a picture of a ${test.labels.data[0]}: ${list(confidences)}`);
  for (const [name, variable] of Object.entries(FOLDERS)) {
    if (process.env[variable] === undefined) print(`(for ${name}, name its folder in ${variable})`);
  }

  const side = images.shape[1]!;
  const pixels = test.images.slice([[0, 3]]).toArray() as number[][][];
  draw('a18-digits', {
    title: '16 x 16 pixels are 256 inputs',
    plots: pixels.map((rows, i) => ({
      title: `a ${test.labels.data[i]}`,
      width: 210,
      height: 210,
      margin: 10,
      marginLeft: 10,
      marginBottom: 10,
      axis: null,
      x: { domain: Array.from({ length: side }, (_, x) => x) },
      y: { domain: Array.from({ length: side }, (_, y) => y) },
      padding: 0,
      color: { type: 'linear', scheme: 'Greys', domain: [0, 1] },
      marks: [
        cell(
          // White pixels are the ground.
          rows
            .flatMap((row, y) => row.map((ink, x) => ({ x, y, ink })))
            .filter(({ ink }) => ink > 0.1),
          { x: 'x', y: 'y', fill: 'ink' },
        ),
      ],
    })),
  });
  return { drawn, files, confidences };
}

export const topic: Topic<Result> = {
  id: 'A18',
  title: 'Handwritten digits: drawn ones, MNIST, Fashion-MNIST',
  run,
};
