/** The command line of the convolutional program. */
import { RUN_OPTIONS, type RunSettings, runSettings } from '../digits/cli.js';
import { parseOptions } from '../options.js';

export const HELP = `Trains a convolutional network to read handwritten digits.

  npm run cnn -- [options]

  --data DIR         read MNIST or Fashion-MNIST from this folder (IDX files, plain or gzipped);
                     without it the program draws 16x16 pictures itself
  --epochs N         passes over the training pictures                            (4)
  --batch-size N     pictures per step                                            (64)
  --lr X             learning rate of Adam                                        (0.001)
  --seed N           chooses the pictures drawn, the first weights and the order  (1)
  --threads N        threads to compute with                                      (all CPUs)
  --out FILE         where the model is saved                                     (cnn.safetensors)
  --json             print one JSON object as the last line, everything else on stderr
  --help             this text

Ctrl-C ends the training after the current batch: the model is saved and evaluated as it is, and the
program ends with code 0. A second Ctrl-C ends it at once. Wrong options and files: code 2.
`;

const OPTIONS = {
  ...RUN_OPTIONS,
  epochs: { type: 'string', default: '4' },
  out: { type: 'string', default: 'cnn.safetensors' },
} as const;

/**
 * @param args the arguments behind the program's name
 * @returns the settings, or 'help' when they are asked for
 * @throws UsageError for an unknown option or a value that doesn't fit
 */
export function parseCommandLine(args: string[]): RunSettings | 'help' {
  const values = parseOptions(args, OPTIONS);
  return values.help ? 'help' : runSettings(values, 'adam');
}
