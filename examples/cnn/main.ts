/**
 * Trains a convolutional network to read handwritten digits, on drawn pictures or MNIST: see cli.ts
 * for options.
 */
import { fileURLToPath } from 'node:url';
import { nn } from 'tilegrad';
import type { DigitData } from '../digits/data.js';
import { type Reader, run } from '../digits/run.js';
import { runProgram } from '../options.js';
import { HELP, parseCommandLine } from './cli.js';
import { buildCnn } from './model.js';

/** The network for pictures of this size; it is described as the table of its layers. */
function readerFor({ rows, columns }: DigitData, batchSize: number): Reader {
  return {
    build: () => buildCnn(rows, columns),
    describe: (model) => `${nn.summary(model, [batchSize, rows * columns])}\nconvolutional network`,
    metadata: { rows: String(rows), columns: String(columns) },
  };
}

async function main(args: string[]): Promise<void> {
  const settings = parseCommandLine(args);
  if (settings === 'help') process.stdout.write(HELP);
  else await run(settings, (data) => readerFor(data, settings.batchSize));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runProgram('cnn', () => main(process.argv.slice(2)));
}
