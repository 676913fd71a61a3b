/** A run of a program that learns to read digits, from its settings to what it prints and saves. */
import {
  getNumThreads,
  loadSafetensors,
  manualSeed,
  type nn,
  saveSafetensors,
  setNumThreads,
  type Tensor,
} from 'tilegrad';
import { checkWritable } from '../options.js';
import type { RunSettings } from './cli.js';
import { type DigitData, loadDigits } from './data.js';
import { accuracyLine, Progress, writeConfusion, writeMisread } from './report.js';
import { computeLogits, evaluate, train } from './train.js';

/** The network of a program, fitted to the pictures. */
export interface Reader {
  /** A new one, with random weights. */
  build(): nn.Sequential;
  /** What it is, for people; the settings of the training follow in the same line. */
  describe(model: nn.Sequential): string;
  /** What stands in the saved file beside the weights. */
  metadata: Record<string, string>;
}

/** Columns of a terminal that doesn't say how wide it is. */
const DEFAULT_COLUMNS = 80;

/** Where the lines for people go: to stderr when stdout is for the JSON. */
function outputOf(settings: RunSettings): NodeJS.WriteStream {
  return settings.json ? process.stderr : process.stdout;
}

/**
 * Trains, saves and evaluates.
 *
 * @param readerFor gives the network for the pictures that the settings ask for
 */
export async function run(
  settings: RunSettings,
  readerFor: (data: DigitData) => Reader,
): Promise<void> {
  const output = outputOf(settings);
  const write = (line: string) => output.write(`${line}\n`);
  checkWritable(settings.out);
  if (settings.threads !== undefined) setNumThreads(settings.threads);
  manualSeed(settings.seed);

  const data = await loadDigits(settings.data, settings.seed);
  const reader = readerFor(data);
  const model = reader.build();
  write(data.description);
  const { optimizer, lr, batchSize } = settings;
  write(
    `${reader.describe(model)}, ${optimizer} with learning rate ${lr}, ` +
      `batches of ${batchSize}, threads: ${getNumThreads()}`,
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

  await saveSafetensors(settings.out, model.stateDict(), { metadata: reader.metadata });
  const logits = computeLogits(model, data.test.x);
  await confirmSaved(settings.out, reader.build(), data.test.x, logits);
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
  file: string,
  copy: nn.Sequential,
  x: Tensor,
  expected: Float32Array,
): Promise<void> {
  const { tensors } = await loadSafetensors(file);
  copy.loadStateDict(tensors);
  const bytes = (logits: Float32Array) => Buffer.from(logits.buffer);
  if (!bytes(computeLogits(copy, x)).equals(bytes(expected))) {
    throw new Error(`the model in ${file} gives other outputs than the one that was saved`);
  }
}
