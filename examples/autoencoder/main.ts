/**
 * Squeezes pictures of digits into a few numbers and draws them again from these: a convolutional
 * autoencoder. `npm run autoencoder -- --help` lists the options; the picture goes to autoencoder.svg.
 */
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cell } from '@observablehq/plot';
import {
  batches,
  getNumThreads,
  manualSeed,
  mseLoss,
  nn,
  noGrad,
  optim,
  setNumThreads,
  type Tensor,
} from 'tilegrad';
import { render } from '../course/lib/draw.js';
import { CLASSES, type DigitData, loadDigits } from '../digits/data.js';
import { Progress, type TrainingProgress } from '../digits/report.js';
import {
  checkWritable,
  number,
  parseOptions,
  runProgram,
  text,
  UsageError,
  whole,
} from '../options.js';

/** What can be set. */
export interface Settings {
  /** A folder with the MNIST files; undefined for pictures that the program draws. */
  data: string | undefined;
  /** How many numbers a picture becomes. */
  code: number;
  epochs: number;
  batchSize: number;
  lr: number;
  seed: number;
  /** undefined for as many as the library chooses. */
  threads: number | undefined;
  /** Where the picture goes. */
  out: string;
}

/** Channels of the two convolutions. */
const CHANNELS = [16, 32] as const;

/** Each convolution halves width and height, and each transposed one doubles them. */
const SHRINKING = 4;

/** Pictures per forward pass in the evaluation: enough for all threads, little memory. */
const EVALUATION_BATCH = 1000;

/** Takes and gives pictures as rows of `[batch, rows * columns]`, brightness from 0 to 1. */
export class Autoencoder extends nn.Module {
  private readonly encoder: nn.Sequential;
  private readonly decoder: nn.Sequential;

  /** @throws UsageError for pictures whose sides aren't multiples of `SHRINKING` */
  constructor(rows: number, columns: number, code: number) {
    super();
    if (rows % SHRINKING !== 0 || columns % SHRINKING !== 0) {
      throw new UsageError(
        `width and height of pictures must be multiples of ${SHRINKING}, these have ${columns}x${rows}`,
      );
    }
    const [first, second] = CHANNELS;
    const inside = [second, rows / SHRINKING, columns / SHRINKING];
    const features = inside.reduce((product, size) => product * size, 1);
    this.encoder = new nn.Sequential(
      new nn.Unflatten(1, [1, rows, columns]),
      new nn.Conv2d(1, first, 3, { stride: 2, padding: 1 }),
      new nn.ReLU(),
      new nn.Conv2d(first, second, 3, { stride: 2, padding: 1 }),
      new nn.ReLU(),
      new nn.Flatten(),
      new nn.Linear(features, code),
    );
    // Kernels of twice the stride reach every pixel equally often: no chequered pattern.
    this.decoder = new nn.Sequential(
      new nn.Linear(code, features),
      new nn.ReLU(),
      new nn.Unflatten(1, inside),
      new nn.ConvTranspose2d(second, first, 4, { stride: 2, padding: 1 }),
      new nn.ReLU(),
      new nn.ConvTranspose2d(first, 1, 4, { stride: 2, padding: 1 }),
      new nn.Sigmoid(),
      new nn.Flatten(),
    );
  }

  forward(x: Tensor): Tensor {
    return this.decoder.forward(this.encoder.forward(x));
  }
}

/** What came out. Errors are mean squared ones of the pixels of the test pictures. */
export interface Result {
  error: number;
  /** When every picture is drawn as the mean of the training pictures. */
  meanPictureError: number;
  /** The loss of each epoch. */
  losses: number[];
  /** A test picture of each class, `[CLASSES, rows * columns]`, and what became of them. */
  originals: Tensor;
  reconstructions: Tensor;
}

/** @param progress hears of each batch and epoch */
export function run(settings: Settings, data: DigitData, progress?: TrainingProgress): Result {
  const { code, epochs, batchSize, lr, seed } = settings;
  manualSeed(seed);
  const { train, test, rows, columns } = data;
  const model = new Autoencoder(rows, columns, code);
  const optimizer = new optim.Adam(model.parameters(), { lr });
  const losses: number[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const start = performance.now();
    let [seen, sum, speed] = [0, 0, 0];
    for (const { x } of batches(train.x, train.y, { batchSize, shuffle: true, seed, epoch })) {
      const loss = mseLoss(model.forward(x), x);
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      const count = x.shape[0] as number;
      seen += count;
      sum += loss.item() * count;
      speed = seen / ((performance.now() - start) / 1000);
      progress?.onBatch(epoch, seen, { loss: sum / seen, speed });
    }
    losses.push(sum / seen);
    progress?.onEpoch(epoch, { loss: sum / seen, speed });
  }

  model.eval();
  return noGrad(() => {
    const originals = oneOfEach(test.x, test.y);
    return {
      error: meanError(model, test.x),
      meanPictureError: mseLoss(
        train.x.mean({ dim: 0, keepDim: true }).expand(test.x.shape),
        test.x,
      ).item(),
      losses,
      originals,
      reconstructions: model.forward(originals),
    };
  });
}

function meanError(model: Autoencoder, x: Tensor): number {
  let sum = 0;
  for (const part of x.split(EVALUATION_BATCH)) {
    sum += mseLoss(model.forward(part), part, { reduction: 'sum' }).item();
  }
  return sum / x.numel;
}

/** The first picture of each class that there is. */
function oneOfEach(x: Tensor, y: Tensor): Tensor {
  const labels = [...y.contiguous().data];
  const first = Array.from({ length: CLASSES }, (_, label) => labels.indexOf(label));
  return x.indexSelect(
    0,
    first.filter((index) => index >= 0),
  );
}

/** Screen pixels that a picture is at least wide. */
const LEAST_WIDTH = 80;

/** Pixels of pictures that are paper to the eye are left out of the file. */
const PAPER = 0.03;

/** The pictures in a row, and what was drawn from their codes below, as SVG. */
export function draw(
  { originals, reconstructions }: Result,
  { rows, columns }: DigitData,
  { code }: Settings,
): string {
  const pixel = Math.ceil(LEAST_WIDTH / columns);
  const places = (size: number) => Array.from({ length: size }, (_, place) => place);
  const count = originals.shape[0] as number;
  const [width, height] = [count * columns, 2 * rows];
  const cells = [originals, reconstructions].flatMap((pictures, down) =>
    Array.from(pictures.contiguous().data, (ink, i) => ({
      x: Math.floor(i / (rows * columns)) * columns + (i % columns),
      y: down * rows + (Math.floor(i / columns) % rows),
      ink: Number(ink),
    })),
  );
  const margin = 10;
  return render({
    title: `Digits, and below them what an autoencoder draws from ${code} numbers of each`,
    plots: [
      {
        width: width * pixel + 2 * margin,
        height: height * pixel + 2 * margin,
        margin,
        marginLeft: margin,
        marginBottom: margin,
        inset: 0,
        padding: 0,
        axis: null,
        x: { domain: places(width) },
        y: { domain: places(height) },
        color: { type: 'linear', scheme: 'Greys', domain: [0, 1] },
        marks: [
          cell(
            cells.filter(({ ink }) => ink > PAPER),
            { x: 'x', y: 'y', fill: 'ink', shapeRendering: 'crispEdges' },
          ),
        ],
      },
    ],
  });
}

export const HELP = `Trains an autoencoder on pictures of digits and draws what it makes of some.

  npm run autoencoder -- [options]

  --data DIR         read MNIST or Fashion-MNIST from this folder (IDX files, plain or gzipped);
                     without it the program draws 16x16 pictures itself
  --code N           numbers that a picture becomes                               (32)
  --epochs N         passes over the training pictures                            (15)
  --batch-size N     pictures per step                                            (64)
  --lr X             learning rate of Adam                                        (0.002)
  --seed N           chooses the pictures drawn, the first weights and the order  (1)
  --threads N        threads to compute with                                      (all CPUs)
  --out FILE         where the picture goes                                       (autoencoder.svg)
  --help             this text

Wrong options and files: code 2.
`;

const OPTIONS = {
  data: { type: 'string' },
  code: { type: 'string', default: '32' },
  epochs: { type: 'string', default: '15' },
  'batch-size': { type: 'string', default: '64' },
  lr: { type: 'string', default: '0.002' },
  seed: { type: 'string', default: '1' },
  threads: { type: 'string' },
  out: { type: 'string', default: 'autoencoder.svg' },
  help: { type: 'boolean', default: false },
} as const;

/**
 * @param args the arguments behind the program's name
 * @returns the settings, or 'help' when they are asked for
 * @throws UsageError for an unknown option or a value that doesn't fit
 */
export function parseCommandLine(args: string[]): Settings | 'help' {
  const values = parseOptions(args, OPTIONS);
  if (values.help) return 'help';
  return {
    data: values.data,
    code: whole('--code', values.code, 1),
    epochs: whole('--epochs', values.epochs, 1),
    batchSize: whole('--batch-size', values['batch-size'], 1),
    lr: number('--lr', values.lr, (lr) => lr > 0, 'above 0'),
    seed: whole('--seed', values.seed, 0),
    threads: values.threads === undefined ? undefined : whole('--threads', values.threads, 1),
    out: text('--out', values.out),
  };
}

async function main(args: string[]): Promise<void> {
  const settings = parseCommandLine(args);
  if (settings === 'help') {
    process.stdout.write(HELP);
    return;
  }
  checkWritable(settings.out);
  if (settings.threads !== undefined) setNumThreads(settings.threads);
  const start = performance.now();
  const data = await loadDigits(settings.data, settings.seed);
  console.log(data.description);
  console.log(`codes of ${settings.code} numbers, threads: ${getNumThreads()}`);
  const progress = new Progress(process.stdout, settings.epochs, data.train.y.numel);
  const result = run(settings, data, progress);
  fs.writeFileSync(settings.out, draw(result, data, settings));
  const { error, meanPictureError } = result;
  console.log(
    `mean squared error of a pixel: ${error.toFixed(4)}, of the mean picture ` +
      `${meanPictureError.toFixed(4)} (${(100 * (1 - error / meanPictureError)).toFixed(0)} % less)`,
  );
  console.log(
    `${settings.out} shows some pictures; ${((performance.now() - start) / 1000).toFixed(1)} s`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runProgram('autoencoder', () => main(process.argv.slice(2)));
}
