import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSafetensorsSync, nn } from 'tilegrad';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HELP, parseCommandLine } from '../../examples/cnn/cli.js';
import { buildCnn } from '../../examples/cnn/model.js';
import { UsageError } from '../../examples/options.js';
import { writeMnist } from '../helpers/mnist-files.js';
import { atMost } from '../helpers/patience.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

let dir: string;
let out: string;
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tilegrad-cnn-'));
  out = path.join(dir, 'model.safetensors');
});
afterEach(() => fs.rmSync(dir, { recursive: true }));

function run(...args: string[]) {
  const script = ['--import', 'tsx', 'examples/cnn/main.ts', '--out', out, ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, script, {
    cwd: root,
    encoding: 'utf8',
  });
  return { code: status, stdout, stderr };
}

test('the network has the layers and parameters that Keras prints for it', () => {
  const { totalParameters, rows } = nn.summary(buildCnn(28, 28), [1, 28 * 28]);
  expect(totalParameters).toBe(1_199_882);
  expect(rows.map(({ type, outputShape }) => [type, outputShape?.slice(1)])).toEqual([
    ['Sequential', [10]],
    ['Unflatten', [1, 28, 28]],
    ['Conv2d', [32, 26, 26]],
    ['ReLU', [32, 26, 26]],
    ['Conv2d', [64, 24, 24]],
    ['ReLU', [64, 24, 24]],
    ['MaxPool2d', [64, 12, 12]],
    ['Dropout', [64, 12, 12]],
    ['Flatten', [9216]],
    ['Linear', [128]],
    ['ReLU', [128]],
    ['Dropout', [128]],
    ['Linear', [10]],
  ]);
});

test('width and height may differ; pictures that are too small are refused', () => {
  expect(nn.summary(buildCnn(6, 9), [2, 54]).rows[0]?.outputShape).toEqual([2, 10]);
  expect(() => buildCnn(6, 5)).toThrow(UsageError);
  expect(() => buildCnn(6, 5)).toThrow('at least 6x6 pixels, these have 5x6');
});

describe('a run', { timeout: atMost(60_000) }, () => {
  test('shows the layers, learns and saves the model', () => {
    const args = ['--data', writeMnist(dir, 40, 8), '--batch-size', '10', '--epochs', '30'];
    const { code, stdout, stderr } = run(...args);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toContain('40 training and 40 test pictures of 8x8 pixels');
    expect(stdout).toMatch(/\(3\): Conv2d +\[10, 64, 4, 4\] +18,496/);
    expect(stdout.match(/^epoch \d+\/30 {2}loss/gm)).toHaveLength(30);
    expect(stdout).toContain('test accuracy 100.00 % (40 of 40)');
    expect(Object.keys(loadSafetensorsSync(out).tensors)).toEqual([
      ...['1.bias', '1.weight', '11.bias', '11.weight'],
      ...['3.bias', '3.weight', '8.bias', '8.weight'],
    ]);
  });

  test('pictures that are too small are one line and code 2', () => {
    const { code, stderr } = run('--data', writeMnist(dir));
    expect(stderr).toMatch(/^cnn: the network needs pictures of at least 6x6 [^\n]+\n$/);
    expect(code).toBe(2);
  });
});

test('parseCommandLine', () => {
  expect(parseCommandLine([])).toEqual({
    data: undefined,
    epochs: 4,
    batchSize: 64,
    optimizer: 'adam',
    lr: 0.001,
    seed: 1,
    threads: undefined,
    out: 'cnn.safetensors',
    json: false,
  });
  expect(parseCommandLine('--epochs 2 --batch-size 128 --lr 2e-3'.split(' '))).toMatchObject({
    epochs: 2,
    batchSize: 128,
    lr: 0.002,
  });
  expect(parseCommandLine(['--help'])).toBe('help');
  expect(() => parseCommandLine(['--hidden', '3'])).toThrow("Unknown option '--hidden'");
  expect(() => parseCommandLine(['--epochs', '0'])).toThrow('--epochs must be a whole number >= 1');
  expect(HELP).toContain('(4)');
});

/**
 * PyTorch draws other weights, orders and dropouts, so only levels can be compared. The requirement is
 * that the means of three seeds lie within 0.3 points of each other; to save time one seed of ours
 * stands here for three. After 3 epochs PyTorch's seeds lie up to 0.37 points below their mean, ours up
 * to 0.15. Since a seed gives the same bits everywhere, what passes on one machine passes on all.
 */
const TOLERANCE = 0.003;
const EPOCHS = 3;

describe.skipIf(!process.env.MNIST_DIR)('MNIST', () => {
  test("accuracy comes up to PyTorch's", { timeout: atMost(300_000) }, () => {
    const file = new URL('../fixtures/cnn.json', import.meta.url);
    const theirs = JSON.parse(fs.readFileSync(file, 'utf8'));
    const reached: number[] = theirs.accuracies.map((epochs: number[]) => epochs[EPOCHS - 1]);
    const mean = reached.reduce((sum, accuracy) => sum + accuracy, 0) / reached.length;
    const { batchSize, lr } = theirs;
    const recipe = `--epochs ${EPOCHS} --batch-size ${batchSize} --lr ${lr} --seed 0 --json`;
    const { code, stdout } = run('--data', process.env.MNIST_DIR!, ...recipe.split(' '));
    expect(code).toBe(0);
    expect(JSON.parse(stdout).testAccuracy).toBeGreaterThanOrEqual(mean - TOLERANCE);
  });
});
