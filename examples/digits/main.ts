/** Trains a network to read handwritten digits, on drawn pictures or MNIST: see cli.ts for options. */
import {
  getNumThreads,
  loadSafetensors,
  manualSeed,
  saveSafetensors,
  setNumThreads,
} from 'tilegrad';
import { checkWritable, runProgram } from '../options.js';
import { HELP, parseCommandLine, type Settings } from './cli.js';
import { loadDigits } from './data.js';
import { accuracyLine, Progress, writeConfusion, writeMisread } from './report.js';
import { buildModel, computeLogits, evaluate, train } from './train.js';

/** Columns of a terminal that doesn't say how wide it is. */
const DEFAULT_COLUMNS = 80;

/** Where the lines for people go: to stderr when stdout is for the JSON. */
function outputOf(settings: Settings): NodeJS.WriteStream {
  return settings.json ? process.stderr : process.stdout;
}

async function run(settings: Settings): Promise<void> {
  const output = outputOf(settings);
  const write = (line: string) => output.write(`${line}\n`);
  checkWritable(settings.out);
  if (settings.threads !== undefined) setNumThreads(settings.threads);
  manualSeed(settings.seed);

  const data = await loadDigits(settings.data, settings.seed);
  const features = data.rows * data.columns;
  const model = buildModel(features, settings);
  write(data.description);
  const { hidden, dropout, optimizer, lr } = settings;
  write(
    `model ${[features, ...hidden, 10].join('-')}${dropout > 0 ? `, dropout ${dropout}` : ''}, ` +
      `${optimizer} with learning rate ${lr}, batches of ${settings.batchSize}, ` +
      `threads: ${getNumThreads()}`,
  );

  const interrupt = new AbortController();
  const onSigint = () => interrupt.abort();
  process.once('SIGINT', onSigint); // once: a second Ctrl-C ends the program as usual
  const start = performance.now();
  const progress = new Progress(output, settings.epochs, data.train.y.numel);
  const epochs = await train(model, data.train, settings, interrupt.signal, progress);
  progress.stop();
  const seconds = (performance.now() - start) / 1000;
  const interrupted = interrupt.signal.aborted;
  if (interrupted) write('interrupted: saving and evaluating the model as it is');

  await saveSafetensors(settings.out, model.stateDict(), {
    metadata: { layers: [features, ...hidden, 10].join('-') },
  });
  const logits = computeLogits(model, data.test.x);
  await confirmSaved(settings, features, data.test.x, logits);
  process.removeListener('SIGINT', onSigint);

  const evaluation = evaluate(logits, data.test.y);
  write(accuracyLine(evaluation));
  if (!interrupted) {
    writeConfusion(evaluation, write);
    writeMisread(data, evaluation, output.columns ?? DEFAULT_COLUMNS, write);
  }
  write(`model saved to ${settings.out}; loaded again, it gives the same outputs`);
  write(`trained for ${seconds.toFixed(2)} s`);
  if (settings.json) {
    const { accuracy: testAccuracy, confusion } = evaluation;
    const result = { settings, epochs, testAccuracy, confusion, seconds, interrupted };
    process.stdout.write(`${JSON.stringify(result)}\n`);
  }
}

/** Loads the saved model into a new one and compares its outputs, bit for bit. */
async function confirmSaved(
  settings: Settings,
  features: number,
  x: Parameters<typeof computeLogits>[1],
  expected: Float32Array,
): Promise<void> {
  const { tensors } = await loadSafetensors(settings.out);
  const copy = buildModel(features, settings);
  copy.loadStateDict(tensors);
  const bytes = (logits: Float32Array) => Buffer.from(logits.buffer);
  if (!bytes(computeLogits(copy, x)).equals(bytes(expected))) {
    throw new Error(`the model in ${settings.out} gives other outputs than the one that was saved`);
  }
}

await runProgram('digits', async () => {
  const settings = parseCommandLine(process.argv.slice(2));
  if (settings === 'help') process.stdout.write(HELP);
  else await run(settings);
});
