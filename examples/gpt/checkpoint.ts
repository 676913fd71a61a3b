/** Files from which a training goes on to the same bits: model, optimizer, step, random numbers. */
import { Generator, loadSafetensors, saveSafetensors, type Tensor } from 'tilegrad';
import { UsageError } from '../options.js';
import type { Architecture, Training } from './cli.js';
import { Vocabulary } from './data.js';
import { GPT } from './model.js';
import { buildOptimizer, type TrainState } from './train.js';

/** What a file's text says beside its tensors. */
interface Saved {
  architecture: Architecture;
  training: Training;
  characters: string[];
  step: number;
  /** The state of the generator. */
  random: number[];
}

/** A training at its beginning. */
export function newState(
  vocabulary: Vocabulary,
  architecture: Architecture,
  training: Training,
): TrainState {
  const generator = new Generator(training.seed);
  const model = new GPT(vocabulary.size, architecture, generator);
  return { model, optimizer: buildOptimizer(model, training), generator, step: 0 };
}

export async function saveState(
  file: string,
  { model, optimizer, generator, step }: TrainState,
  vocabulary: Vocabulary,
  training: Training,
): Promise<void> {
  const { architecture } = model;
  const { batchSize, lr, seed, steps } = training;
  const saved: Saved = {
    architecture,
    training: { batchSize, lr, seed, steps },
    characters: [...vocabulary.characters],
    step,
    random: [...generator.state],
  };
  const named = (prefix: string, tensors: Readonly<Record<string, Tensor>>) =>
    Object.entries(tensors).map(([name, t]): [string, Tensor] => [`${prefix}.${name}`, t]);
  const tensors = [
    ...named('model', model.stateDict()),
    ...named('optimizer', optimizer.stateDict()),
  ];
  await saveSafetensors(file, new Map(tensors), { metadata: { gpt: JSON.stringify(saved) } });
}

/** @throws UsageError for a file that saveState() didn't write */
export async function loadState(
  file: string,
): Promise<{ state: TrainState; vocabulary: Vocabulary; training: Training }> {
  const { tensors, metadata } = await loadSafetensors(file);
  if (metadata.gpt === undefined) throw new UsageError(`${file} is not a file of this program`);
  const saved = JSON.parse(metadata.gpt) as Saved;
  const vocabulary = new Vocabulary(saved.characters);
  const state = newState(vocabulary, saved.architecture, saved.training);
  const under = (prefix: string) =>
    Object.fromEntries(
      Object.entries(tensors)
        .filter(([name]) => name.startsWith(`${prefix}.`))
        .map(([name, t]) => [name.slice(prefix.length + 1), t]),
    );
  state.model.loadStateDict(under('model'));
  state.optimizer.loadStateDict(under('optimizer'));
  state.generator.state.set(saved.random);
  state.step = saved.step;
  return { state, vocabulary, training: saved.training };
}
