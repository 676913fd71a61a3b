import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Generator, saveSafetensorsSync, tensor } from 'tilegrad';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadState, newState, saveState } from '../../examples/gpt/checkpoint.js';
import { parseCommandLine, type Settings } from '../../examples/gpt/cli.js';
import {
  everyPiece,
  loadText,
  randomBatch,
  type TextData,
  Vocabulary,
} from '../../examples/gpt/data.js';
import { makeText } from '../../examples/gpt/grammar.js';
import { write } from '../../examples/gpt/model.js';
import { evaluate, learningRate, type TrainState, train } from '../../examples/gpt/train.js';
import { UsageError } from '../../examples/options.js';
import { atMost } from '../helpers/patience.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

let dir: string;
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tilegrad-gpt-'));
});
afterEach(() => fs.rmSync(dir, { recursive: true }));

const TINY =
  '--steps 30 --batch-size 4 --context 16 --layers 2 --heads 2 --width 16 --lr 0.01'.split(' ');

function settingsOf(...more: string[]): Settings {
  const settings = parseCommandLine([...TINY, ...more]);
  if (settings === 'help') throw new Error('no help was asked for');
  return settings;
}

/** A text that is short enough for a test. */
function shortText(settings: Settings): TextData {
  const file = path.join(dir, 'text.txt');
  fs.writeFileSync(file, makeText(3000, 1));
  return loadText(file, settings.seed, settings.context);
}

/** Trains up to a step; gives the losses on the way. */
async function trainTo(
  last: number,
  state: TrainState,
  data: TextData,
  settings: Settings,
): Promise<number[]> {
  const losses: number[] = [];
  const stop = new AbortController();
  if (state.step >= last) return losses;
  await train(state, data, settings, stop.signal, {
    onStep: (step, loss) => {
      losses.push(loss);
      if (step === last) stop.abort();
    },
    onEvaluation: async () => {},
  });
  return losses;
}

const bytes = (state: TrainState) =>
  Object.entries(state.model.stateDict()).map(([name, t]) => [
    name,
    Buffer.from(Float32Array.from(t.contiguous().data as Float32Array).buffer).toString('base64'),
  ]);

describe('training', () => {
  test('the loss falls, of the text that is learned and of the other', async () => {
    const settings = settingsOf('--steps', '60', '--dropout', '0.05');
    const data = shortText(settings);
    const state = newState(data.vocabulary, settings, settings);
    const before = evaluate(state.model, data.validation);
    expect(Math.abs(before - Math.log(data.vocabulary.size))).toBeLessThan(0.2);
    const losses = await trainTo(60, state, data, settings);
    expect(losses).toHaveLength(60);
    expect(losses.at(-1)).toBeLessThan(losses[0]! - 0.5);
    expect(evaluate(state.model, data.validation)).toBeLessThan(before - 0.5);
  });

  test('going on from a file gives the same bits as not having stopped', async () => {
    const settings = settingsOf('--dropout', '0.1');
    const data = shortText(settings);
    const whole = newState(data.vocabulary, settings, settings);
    const losses = await trainTo(14, whole, data, settings);
    const first = newState(data.vocabulary, settings, settings);
    const begun = await trainTo(6, first, data, settings);
    const file = path.join(dir, 'model.safetensors');
    await saveState(file, first, data.vocabulary, settings);
    const { state, vocabulary, training } = await loadState(file);
    expect(vocabulary.characters).toEqual(data.vocabulary.characters);
    expect(state.step).toBe(6);
    const rest = await trainTo(14, state, data, { ...settings, ...training });
    expect([...begun, ...rest]).toEqual(losses);
    expect(bytes(state)).toEqual(bytes(whole));
    expect([...state.generator.state]).toEqual([...whole.generator.state]);
  });

  test('the learning rate warms up and falls to a tenth', () => {
    const of = (step: number) => learningRate(step, settingsOf('--steps', '1000', '--lr', '1'));
    expect(of(0)).toBeCloseTo(1 / 101, 12);
    expect(of(100)).toBe(1);
    expect(of(550)).toBeCloseTo(0.55, 12);
    expect(of(1000)).toBeCloseTo(0.1, 12);
  });
});

describe('writing', () => {
  test('a seed gives one text; the likeliest character alone gives one text for all seeds', () => {
    const settings = settingsOf('--prompt', 'The ', '--length', '30');
    const data = shortText(settings);
    const { model } = newState(data.vocabulary, settings, settings);
    const by = (seed: number, topK: number, temperature = 1) =>
      write(model, data.vocabulary, { ...settings, topK, temperature }, new Generator(seed));
    expect(by(1, 0)).toBe(by(1, 0));
    expect(by(1, 0)).not.toBe(by(2, 0));
    expect(by(1, 1)).toBe(by(2, 1));
    expect(by(1, 0, 1e-6)).toBe(by(1, 1));
    expect(by(1, 0)).toMatch(/^The /);
    expect(by(1, 0)).toHaveLength(34);
  });
});

describe('text', () => {
  test('the made one is the same for a seed, with another for another', () => {
    expect(makeText(500, 1)).toBe(makeText(500, 1));
    expect(makeText(500, 1)).not.toBe(makeText(500, 2));
    expect(makeText(500, 1).length).toBeGreaterThanOrEqual(500);
  });

  test('pieces and what follows them', () => {
    const text = Int32Array.from({ length: 100 }, (_, i) => i);
    const { x, y } = randomBatch(text, 3, 5, new Generator(1));
    expect(x.shape).toEqual([3, 5]);
    expect(y.sub(x).eq(1).all().item()).toBe(1);
    const all = [...everyPiece(text, 4, 10)];
    expect(all.map((batch) => batch.x.shape)).toEqual([
      [4, 10],
      [4, 10],
      [1, 10],
    ]);
    expect(all.at(-1)?.y.toArray()).toEqual([[81, 82, 83, 84, 85, 86, 87, 88, 89, 90]]);
  });

  test('what a model or a text is not fit for is said', async () => {
    const file = path.join(dir, 'text.txt');
    fs.writeFileSync(file, 'ab'.repeat(40));
    expect(() => loadText(file, 1, 16)).toThrow(UsageError);
    expect(() => loadText(file, 1, 4, new Vocabulary(['a']))).toThrow('"b"');
    const other = path.join(dir, 'other.safetensors');
    saveSafetensorsSync(other, { x: tensor([1]) });
    await expect(loadState(other)).rejects.toThrow(UsageError);
  });
});

test.each([
  ['--steps', '0'],
  ['--heads', '1.5'],
  ['--dropout', '1'],
  ['--temperature', '0'],
  ['--lr', 'x'],
  ['--unheard'],
])('%s %s is refused', (...args) => {
  expect(() => parseCommandLine(args)).toThrow(UsageError);
});

test('a run trains, saves and writes', { timeout: atMost(60_000) }, async () => {
  const out = path.join(dir, 'model.safetensors');
  const text = path.join(dir, 'text.txt');
  fs.writeFileSync(text, makeText(3000, 1));
  const files = ['--text', text, '--out', out];
  const options = [...TINY, '--steps', '6', '--eval-every', '4', '--length', '20', '--json'];
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'examples/gpt/main.ts', ...files, ...options],
    { cwd: root, encoding: 'utf8' },
  );
  expect(stderr).toContain('step 6/6');
  expect(status).toBe(0);
  const result = JSON.parse(stdout.trim());
  expect(result.losses.map(({ step }: { step: number }) => step)).toEqual([4, 6]);
  expect(result.written).toHaveLength(21);
  const { state, vocabulary } = await loadState(out);
  const settings = { ...settingsOf(), ...result.settings };
  expect(evaluate(state.model, shortText(settings).validation)).toBe(result.validation);
  const written = write(state.model, vocabulary, settings, new Generator(settings.seed));
  expect(written).toBe(result.written);
});
