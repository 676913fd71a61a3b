/**
 * Junk in the place of every argument of every public function, class and method: it is taken, or
 * refused with a TensorError. What calls there are is found out from the examples in the docstrings.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tilegrad from 'tilegrad';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { docstrings, examplesOf, programOf, run } from '../helpers/docstrings.js';
import { type Call, JUNK, misbehaviour, optionsIn, placesIn, Recorder } from '../helpers/junk.js';

const lib = fileURLToPath(new URL('../../lib', import.meta.url));

/** Calls that no example shows. */
const MORE = `
const model = new nn.Sequential(new nn.Linear(2, 3), new nn.BatchNorm1d(3));
model.getParameter('0.weight');
model.getBuffer('1.running_mean');
model.getSubmodule('0');
model.append(new nn.ReLU());
model.namedModules('prefix');
model.namedBuffers('prefix');
model.registerForwardPreHook(() => {}).remove();
model.registerFullBackwardPreHook(() => {}).remove();
model.registerFullBackwardHook(() => {}).remove();
const own = new nn.Linear(1, 1);
own.registerParameter('p', new nn.Parameter(ones([2])));
own.registerBuffer('b', ones([2]), { persistent: false });
own.registerModule('m', new nn.ReLU());
own.addModule('n', new nn.ReLU());
const list = new nn.ModuleList([new nn.ReLU()]);
list.append(new nn.Tanh());
list.extend([new nn.Tanh()]);
list.insert(0, new nn.Tanh());
new nn.ModuleDict({ a: new nn.ReLU() }).delete('a');
new optim.SGD([ones([2], { requiresGrad: true })], { lr: 0.1 }).addParamGroup({
  params: [ones([3], { requiresGrad: true })],
  lr: 1,
});
ones([2], { dtype: 'int64' }).dataAs('int64');
det(eye(2));
slogdet(eye(2));
matrixExp(eye(2));
matrixPower(eye(2), 2);
linalg.choleskyInverse(eye(2));
linalg.choleskySolve(ones([2, 1]), eye(2));
linalg.logdet(eye(2));
enableGrad(() => 1);
tidy(() => ones([2]));
keep(ones([2]));
to(ones([2]), 'float64');
set(ones([2]), [0], 1);
new nn.QuantizedLinear(2, 1).forward(ones([1, 2]));
const [image, volume] = [ones([1, 2, 4, 4]), ones([1, 2, 4, 4, 4])];
new nn.BatchNorm2d(2).forward(image);
new nn.BatchNorm3d(2).forward(volume);
new nn.InstanceNorm2d(2).forward(image);
new nn.Conv2d(2, 1, 3).forward(image);
new nn.Conv3d(2, 1, 3).forward(volume);
new nn.ConvTranspose2d(2, 1, 3).forward(image);
new nn.ConvTranspose3d(2, 1, 3).forward(volume);
new nn.ConstantPad2d(1, 0).forward(image);
new nn.ZeroPad3d(1).forward(volume);
new nn.CircularPad2d(1).forward(image);
new nn.ReflectionPad2d(1).forward(image);
new nn.ReplicationPad3d(1).forward(volume);
new nn.UpsamplingNearest2d({ size: 2 }).forward(image);
new nn.UpsamplingBilinear2d({ size: 2 }).forward(image);
new nn.RNN(2, 3).forward(ones([4, 1, 2]));
new nn.RNNCell(2, 3).forward(ones([1, 2]));
new nn.SinusoidalPositionalEncoding(2).forward(ones([3, 2]));
`;

/** Names that nobody calls, because they have no arguments or others call them. */
const UNCALLED: readonly string[] = [
  ...['Tensor', 'TensorError', 'isGradEnabled', 'isInferenceModeEnabled', 'nn.Summary'],
  ...['nn.utils.rnn.PackedSequence', 'optim.Optimizer', 'optim.ParameterGroup'],
  'optim.lrScheduler.LRScheduler',
];

/** The names of everything in a space that can be called. */
function namesIn(space: object, prefix = ''): string[] {
  return Object.entries(space).flatMap(([name, value]): string[] => {
    if (typeof value === 'function') return [prefix + name];
    return typeof value === 'object' && value !== null ? namesIn(value, `${prefix}${name}.`) : [];
  });
}

/** A call may take so long at the most: junk asks for nothing that is worth more. */
const MOST_MILLISECONDS = 2000;

const before = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'tilegrad-junk-'));
let calls: readonly Call[] = [];

beforeAll(async () => {
  process.chdir(folder);
  const recorder = new Recorder();
  const scope = {
    ...recorder.scope(tilegrad),
    check: () => {},
    throws: async (fn: () => unknown) =>
      void (await Promise.resolve()
        .then(fn)
        .catch(() => {})),
  };
  const examples = docstrings(lib).flatMap(examplesOf);
  try {
    for (const code of [...examples, MORE]) await run(programOf(code), scope);
  } finally {
    calls = recorder.finish();
  }
});
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

test('every public function and class is called with right arguments', () => {
  const called = new Set(calls.map(({ name }) => name));
  const missing = namesIn(tilegrad).filter((name) => !called.has(name));
  expect(missing.sort()).toEqual([...UNCALLED].sort());
});

test('junk in the place of any argument is taken or refused with a TensorError', async () => {
  const sources = readdirSync(lib, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
  const options = optionsIn(sources);
  const threads = tilegrad.getNumThreads();
  const level = tilegrad.simdLevel();
  const print = tilegrad.setPrintOptions({});
  const precision = tilegrad.getFloat32MatmulPrecision();
  const wrong: string[] = [];
  const junk = Object.entries(JUNK);
  let count = 0;
  let turn = 0;
  // Most of the time goes into errors.
  const depth = Error.stackTraceLimit;
  Error.stackTraceLimit = 3;
  for (const call of calls) {
    const known = options.get(call.name.split('.').at(-1) as string) ?? [];
    for (const { isInside, put } of placesIn(call.args, known)) {
      turn++;
      for (const [i, [name, make]] of junk.entries()) {
        // There are many places inside of arguments: each gets a third, in turns.
        if (isInside && (i + turn) % 3 !== 0) continue;
        const start = performance.now();
        const what = await misbehaviour(call, put(make()));
        count++;
        if (what !== undefined) wrong.push(`${call.name} with ${name}: ${what}`);
        if (performance.now() - start > MOST_MILLISECONDS) {
          wrong.push(`${call.name} with ${name} is slow`);
        }
      }
    }
    tilegrad.setNumThreads(threads);
    tilegrad.setSimdLevel(level);
    tilegrad.setPrintOptions(print);
    tilegrad.setFloat32MatmulPrecision(precision);
    tilegrad.setDetectAnomaly(false);
  }
  Error.stackTraceLimit = depth;
  expect(wrong.slice(0, 20)).toEqual([]);
  expect(count).toBeGreaterThan(80_000);
  expect(tilegrad.isGradEnabled()).toBe(true);
});
