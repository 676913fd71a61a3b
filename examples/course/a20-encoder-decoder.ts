/** Encoder and decoder: an autoencoder of drawn digits, and a sequence copied by two LSTMs. */
import { line } from '@observablehq/plot';
import {
  concat,
  crossEntropy,
  Generator,
  mseLoss,
  nn,
  noGrad,
  optim,
  randint,
  type Tensor,
  zeros,
} from 'tilegrad';
import { drawDigits } from '../digits/synthetic.js';
import { descend } from './lib/fit.js';
import { fixed } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

/** Numbers that a picture of 256 is squeezed into. */
const CODE = 16;
const PICTURES = 300;

/** Symbols are 1 to 6; 0 tells the decoder to begin. */
const SYMBOLS = 6;
const LENGTH = 4;
const HIDDEN = 32;
const STEPS = 150;
const BATCH = 48;

interface Result {
  /** Mean squared error of the reconstruction, before each step of training. */
  errors: number[];
  /** Of pictures that weren't seen in training, before and after. */
  unseen: { before: number; after: number };
  /** The copier's loss before each step. */
  losses: number[];
  /** Share of new sequences that are copied without a mistake. */
  copied: number;
  example: { given: number[]; copy: number[] };
}

/** Reads a sequence into its state, and writes it out of that. */
class Copier extends nn.Module {
  readonly embedding: nn.Embedding;
  readonly encoder: nn.LSTM;
  readonly decoder: nn.LSTM;
  readonly output: nn.Linear;

  constructor(generator: Generator) {
    super();
    this.embedding = new nn.Embedding(SYMBOLS + 1, 16, { generator });
    this.encoder = new nn.LSTM(16, HIDDEN, { batchFirst: true, generator });
    this.decoder = new nn.LSTM(16, HIDDEN, { batchFirst: true, generator });
    this.output = new nn.Linear(HIDDEN, SYMBOLS + 1, { generator });
  }

  /** Scores of each step's symbol, when the decoder is told the right symbols before it. */
  forward(sequence: Tensor): Tensor {
    const [, state] = this.encoder.forward(this.embedding.forward(sequence));
    const start = zeros([sequence.shape[0]!, 1], { dtype: 'int32' });
    const before = concat([start, sequence.slice([[], [0, LENGTH - 1]])], 1);
    const [outputs] = this.decoder.forward(this.embedding.forward(before), state);
    return this.output.forward(outputs);
  }

  /** Writes a sequence by itself: each symbol that it writes is what it reads next. */
  copy(sequence: Tensor): Tensor {
    let [, state] = this.encoder.forward(this.embedding.forward(sequence));
    let symbol: Tensor = zeros([sequence.shape[0]!, 1], { dtype: 'int32' });
    const written: Tensor[] = [];
    for (let step = 0; step < LENGTH; step++) {
      const [output, next] = this.decoder.forward(this.embedding.forward(symbol), state);
      state = next;
      symbol = this.output.forward(output).argmax({ dim: 2 });
      written.push(symbol);
    }
    return concat(written, 1);
  }
}

function autoencode() {
  const generator = new Generator(20);
  const { images } = drawDigits(PICTURES + 100, 20);
  const x = images.flatten(1);
  const [train, test] = [x.slice([[0, PICTURES]]), x.slice([[PICTURES, PICTURES + 100]])];
  const encoder = new nn.Sequential(
    new nn.Linear(256, 64, { generator }),
    new nn.ReLU(),
    new nn.Linear(64, CODE, { generator }),
  );
  const decoder = new nn.Sequential(
    new nn.Linear(CODE, 64, { generator }),
    new nn.ReLU(),
    new nn.Linear(64, 256, { generator }),
    new nn.Sigmoid(),
  );
  const model = new nn.Sequential(encoder, decoder);
  const errorOf = (pictures: Tensor) => mseLoss(model.forward(pictures), pictures);
  const before = noGrad(() => errorOf(test).item());
  const optimizer = new optim.Adam([...model.parameters()], { lr: 5e-3 });
  const errors = descend(optimizer, 100, () => errorOf(train));
  return { errors, unseen: { before, after: noGrad(() => errorOf(test).item()) } };
}

function learnToCopy() {
  const generator = new Generator(21);
  const model = new Copier(generator);
  const draw = (count: number) =>
    randint(1, SYMBOLS + 1, [count, LENGTH], { generator, dtype: 'int32' });
  const optimizer = new optim.Adam([...model.parameters()], { lr: 0.01 });
  const losses = descend(optimizer, STEPS, () => {
    const sequence = draw(BATCH);
    const scores = model.forward(sequence);
    return crossEntropy(scores.reshape([-1, SYMBOLS + 1]), sequence.flatten());
  });
  return noGrad(() => {
    const given = draw(200);
    const copy = model.copy(given);
    const copied = copy.eq(given).all({ dim: 1 }).to('float32').mean().item();
    const first = (t: Tensor) => t.select(0, 0).toArray() as number[];
    return { losses, copied, example: { given: first(given), copy: first(copy) } };
  });
}

function run({ print, draw }: RunOptions): Result {
  const { errors, unseen } = autoencode();
  print(`an autoencoder 256-64-${CODE}-64-256 on ${PICTURES} drawn digits:`);
  print(
    `  mean squared error ${fixed(errors[0]!, 4)} at first, ${fixed(errors.at(-1)!, 4)} after ${errors.length} steps`,
  );
  print(`  of other digits ${fixed(unseen.before, 4)}, then ${fixed(unseen.after, 4)}`);
  const copier = learnToCopy();
  print(`an LSTM reads ${LENGTH} of ${SYMBOLS} symbols, another one writes them again:`);
  print(
    `  loss ${fixed(copier.losses[0]!, 3)} at first, ${fixed(copier.losses.at(-1)!, 3)} after ${STEPS} steps`,
  );
  print(`  ${fixed(100 * copier.copied, 1)} % of new sequences are copied without a mistake`);
  print(`  ${copier.example.given.join(' ')} -> ${copier.example.copy.join(' ')}`);
  const points = (values: number[]) => values.map((value, i) => ({ step: i + 1, value }));
  draw('a20-encoder-decoder', {
    title: 'Encoders and decoders learning',
    plots: [
      {
        title: 'autoencoder',
        x: { label: 'step' },
        y: { label: 'mean squared error', grid: true, zero: true },
        marks: [line(points(errors), { x: 'step', y: 'value', stroke: '#0072b2', strokeWidth: 2 })],
      },
      {
        title: 'copying sequences',
        x: { label: 'step' },
        y: { label: 'cross entropy', grid: true, zero: true },
        marks: [line(points(copier.losses), { x: 'step', y: 'value', stroke: '#0072b2' })],
      },
    ],
  });
  return { errors, unseen, ...copier };
}

export const topic: Topic<Result> = {
  id: 'A20',
  title: 'Encoder and decoder: an autoencoder, and copying sequences',
  run,
};
