/** The command line of the digits program, and what other programs that read digits share of it. */
import { choice, number, parseOptions, text, whole } from '../options.js';

export const OPTIMIZERS = ['sgd', 'momentum', 'adam', 'adamw'] as const;
export type OptimizerName = (typeof OPTIMIZERS)[number];

/** What a run does, whatever the network is. */
export interface RunSettings {
  /** A folder with the MNIST files; undefined for pictures that the program draws. */
  data: string | undefined;
  epochs: number;
  batchSize: number;
  optimizer: OptimizerName;
  lr: number;
  seed: number;
  /** undefined for as many as the library chooses. */
  threads: number | undefined;
  /** Where the model goes. */
  out: string;
  json: boolean;
}

/** The command line's options with their defaults filled in. */
export interface Settings extends RunSettings {
  /** Widths of the hidden layers, none for a linear model. */
  hidden: number[];
  dropout: number;
}

/** Learning rates that suit the default model; momentum takes steps ten times as far as SGD. */
const DEFAULT_LR: Readonly<Record<OptimizerName, number>> = {
  sgd: 0.1,
  momentum: 0.05,
  adam: 1e-3,
  adamw: 1e-3,
};

export const HELP = `Trains a network to read handwritten digits.

  npm run digits -- [options]

  --data DIR         read MNIST from this folder (IDX files, plain or gzipped: train-images-idx3-ubyte,
                     train-labels-idx1-ubyte, t10k-images-..., t10k-labels-...); without it the
                     program draws 16x16 pictures itself
  --epochs N         passes over the training pictures                            (5)
  --batch-size N     pictures per step                                            (64)
  --hidden A,B,...   widths of the hidden layers; '' for a linear model           (128)
  --dropout P        probability that a hidden value is left out, 0 <= P < 1      (0)
  --optimizer NAME   ${OPTIMIZERS.join(', ')}                                  (adam)
  --lr X             learning rate                      (sgd 0.1, momentum 0.05, others 0.001)
  --seed N           chooses the pictures drawn, the first weights and the order  (1)
  --threads N        threads to compute with                                      (all CPUs)
  --out FILE         where the model is saved                                     (digits.safetensors)
  --json             print one JSON object as the last line, everything else on stderr
  --help             this text

Ctrl-C ends the training after the current batch: the model is saved and evaluated as it is, and the
program ends with code 0. A second Ctrl-C ends it at once. Wrong options and files: code 2.

Settings for MNIST:
  --hidden '' --optimizer sgd --lr 0.5 --batch-size 100
  --hidden 128 --optimizer adam
  --hidden 512,512 --dropout 0.2 --optimizer adam --batch-size 128
`;

/** Options of every program that reads digits; `epochs` and `out` have defaults of their own in each. */
export const RUN_OPTIONS = {
  data: { type: 'string' },
  'batch-size': { type: 'string', default: '64' },
  lr: { type: 'string' },
  seed: { type: 'string', default: '1' },
  threads: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

const OPTIONS = {
  ...RUN_OPTIONS,
  epochs: { type: 'string', default: '5' },
  hidden: { type: 'string', default: '128' },
  dropout: { type: 'string', default: '0' },
  optimizer: { type: 'string', default: 'adam' },
  out: { type: 'string', default: 'digits.safetensors' },
} as const;

/** Texts of the options as `parseOptions` gives them. */
export interface RunValues {
  data?: string | undefined;
  epochs: string;
  'batch-size': string;
  lr?: string | undefined;
  seed: string;
  threads?: string | undefined;
  out: string;
  json: boolean;
}

/** @throws UsageError for a value that doesn't fit */
export function runSettings(values: RunValues, optimizer: OptimizerName): RunSettings {
  return {
    data: values.data,
    epochs: whole('--epochs', values.epochs, 1),
    batchSize: whole('--batch-size', values['batch-size'], 1),
    optimizer,
    lr:
      values.lr === undefined
        ? DEFAULT_LR[optimizer]
        : number('--lr', values.lr, (lr) => lr > 0, 'above 0'),
    seed: whole('--seed', values.seed, 0),
    threads: values.threads === undefined ? undefined : whole('--threads', values.threads, 1),
    out: text('--out', values.out),
    json: values.json,
  };
}

/**
 * @param args the arguments behind the program's name
 * @returns the settings, or 'help' when they are asked for
 * @throws UsageError for an unknown option or a value that doesn't fit
 */
export function parseCommandLine(args: string[]): Settings | 'help' {
  const values = parseOptions(args, OPTIONS);
  if (values.help) return 'help';
  const hidden = values.hidden === '' ? [] : values.hidden.split(',');
  return {
    ...runSettings(values, choice('--optimizer', values.optimizer, OPTIMIZERS)),
    hidden: hidden.map((width) => whole('--hidden', width, 1)),
    dropout: number('--dropout', values.dropout, (p) => p >= 0 && p < 1, 'from 0 up to but not 1'),
  };
}
