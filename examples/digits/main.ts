/** Trains a network to read handwritten digits, on drawn pictures or MNIST: see cli.ts for options. */
import { runProgram } from '../options.js';
import { HELP, parseCommandLine, type Settings } from './cli.js';
import { CLASSES, type DigitData } from './data.js';
import { type Reader, run } from './run.js';
import { buildModel } from './train.js';

/** The multilayer perceptron that the settings ask for. */
function readerFor({ rows, columns }: DigitData, settings: Settings): Reader {
  const features = rows * columns;
  const { hidden, dropout } = settings;
  const layers = [features, ...hidden, CLASSES].join('-');
  return {
    build: () => buildModel(features, settings),
    describe: () => `model ${layers}${dropout > 0 ? `, dropout ${dropout}` : ''}`,
    metadata: { layers },
  };
}

await runProgram('digits', async () => {
  const settings = parseCommandLine(process.argv.slice(2));
  if (settings === 'help') process.stdout.write(HELP);
  else await run(settings, (data) => readerFor(data, settings));
});
