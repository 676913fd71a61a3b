/** Trains a small GPT on a text, character by character, and writes with it: see cli.ts for options. */
import { Generator, getNumThreads, setNumThreads } from 'tilegrad';
import { checkWritable, runProgram, UsageError } from '../options.js';
import { loadState, newState, saveState } from './checkpoint.js';
import { HELP, parseCommandLine, type Settings } from './cli.js';
import { loadText } from './data.js';
import { write } from './model.js';
import { Progress } from './report.js';
import { evaluate, train } from './train.js';

/** Where the lines for people go: to stderr when stdout is for the JSON. */
function outputOf(settings: Settings): NodeJS.WriteStream {
  return settings.json ? process.stderr : process.stdout;
}

async function run(given: Settings): Promise<void> {
  const output = outputOf(given);
  const say = (line: string) => output.write(`${line}\n`);
  checkWritable(given.out);
  if (given.threads !== undefined) setNumThreads(given.threads);
  if (given.width % given.heads !== 0) {
    throw new UsageError(`--heads ${given.heads} does not divide --width ${given.width}`);
  }

  const resumed = given.resume === undefined ? null : await loadState(given.resume);
  const settings: Settings =
    resumed === null
      ? given
      : { ...given, ...resumed.training, ...resumed.state.model.architecture };
  const data = loadText(settings.text, settings.seed, settings.context, resumed?.vocabulary);
  const { vocabulary } = data;
  const state = resumed?.state ?? newState(vocabulary, architectureOf(settings), settings);
  vocabulary.encode(settings.prompt); // before the training rather than after it
  say(data.description);
  const { layers, heads, width, context, batchSize } = settings;
  say(
    `${state.model.parameterCount()} parameters: ${layers} layers, ${heads} heads, width ${width}, ` +
      `context ${context}; batches of ${batchSize}, threads: ${getNumThreads()}`,
  );

  const interrupt = new AbortController();
  const onSigint = () => interrupt.abort();
  process.once('SIGINT', onSigint); // once: a second Ctrl-C ends the program as usual
  const progress = new Progress(output, state.step, settings.steps);
  const losses: { step: number; validation: number }[] = [];
  const save = () => saveState(settings.out, state, vocabulary, settings);
  const start = performance.now();
  await train(state, data, settings, interrupt.signal, {
    onStep: (step, loss) => progress.onStep(step, loss),
    onEvaluation: async (step, validation) => {
      progress.onEvaluation(step, validation);
      losses.push({ step, validation });
      await save();
    },
  });
  progress.stop();
  const seconds = (performance.now() - start) / 1000;
  const interrupted = interrupt.signal.aborted;
  if (interrupted) say('interrupted: saving the model as it is');
  await save();
  process.removeListener('SIGINT', onSigint);

  const validation = losses.at(-1)?.validation ?? evaluate(state.model, data.validation);
  const written = write(state.model, vocabulary, settings, new Generator(settings.seed));
  say(`\n${written}\n`);
  say(`model saved to ${settings.out}; --resume goes on with it`);
  say(`trained for ${seconds.toFixed(2)} s`);
  if (settings.json) {
    const result = { settings, losses, validation, written, seconds, interrupted };
    process.stdout.write(`${JSON.stringify(result)}\n`);
  }
}

function architectureOf({ layers, heads, width, context, dropout }: Settings) {
  return { layers, heads, width, context, dropout };
}

await runProgram('gpt', async () => {
  const settings = parseCommandLine(process.argv.slice(2));
  if (settings === 'help') process.stdout.write(HELP);
  else await run(settings);
});
