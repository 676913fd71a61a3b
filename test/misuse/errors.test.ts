/**
 * Wrong arguments of every public function: each call has to throw a TensorError with the right code
 * that names the function. A function without a row fails the test.
 */
import * as tilegrad from 'tilegrad';
import { linalg, nn, ones, optim, TensorError, tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { families } from '../operations/index.js';
import { initializers, weight } from '../operations/initializers.js';
import {
  addProduct,
  bytes,
  dims,
  dtypesOf,
  file,
  half,
  integers,
  kinds,
  leaf,
  type Misuse,
  notFinite,
  optionsOf,
  tensorArguments,
  unary,
  wrong,
  x,
} from '../operations/misuse.js';
import type { Family } from '../operations/operation.js';

/** Wrong calls of a function that checks gradients. */
const checks = (name: string, check: typeof tilegrad.gradcheck): Misuse[] => [
  ...kinds
    .filter((value) => typeof value !== 'function')
    .map((fn): Misuse => [() => check(wrong(fn), []), 'ERR_ARGUMENT']),
  ...kinds.map((inputs): Misuse => [() => check(tilegrad.exp, wrong(inputs)), 'ERR_ARGUMENT']),
  ...optionsOf(name, (options) => check(tilegrad.exp, [], options)),
  [() => check(tilegrad.exp, [], { step: wrong('1') }), 'ERR_ARGUMENT'],
  [() => check(tilegrad.exp, [], { tolerance: -1 }), 'ERR_ARGUMENT'],
  [() => check(tilegrad.exp, [leaf]), 'ERR_DTYPE'],
];

const functions: Record<string, Misuse[]> = {
  sqrt: unary(tilegrad.sqrt),
  reciprocal: unary(tilegrad.reciprocal),

  slice: [
    ...tensorArguments((t) => tilegrad.slice(t, []), { takesIntegers: true }),
    ...[undefined, null, 5, 'text', {}, [0, 0, 0], ['0'], [[0, 1, 0]], [{}]].map(
      (specs): Misuse => [() => tilegrad.slice(x, wrong(specs)), 'ERR_ARGUMENT'],
    ),
    [() => tilegrad.slice(x, [2]), 'ERR_INDEX'],
    [() => tilegrad.slice(x, [Number.NaN]), 'ERR_INDEX'],
  ],
  clone: tensorArguments(tilegrad.clone, { takesIntegers: true }),
  contiguous: tensorArguments(tilegrad.contiguous, { takesIntegers: true }),
  to: [
    ...tensorArguments((t) => tilegrad.to(t, 'float32'), { takesIntegers: true }),
    ...[undefined, null, 5, 'int16', {}].map(
      (dtype): Misuse => [() => tilegrad.to(x, wrong(dtype)), 'ERR_DTYPE'],
    ),
  ],

  setFloat32MatmulPrecision: [undefined, null, 5, 'high', '', {}].map(
    (precision): Misuse => [
      () => tilegrad.setFloat32MatmulPrecision(wrong(precision)),
      'ERR_ARGUMENT',
    ],
  ),
  matmul: [
    ...optionsOf('matmul', (options) => tilegrad.matmul(x, x.transpose(), options)),
    ...['int16', 5, null].map(
      (outDtype): Misuse => [
        () => tilegrad.matmul(x, x.transpose(), { outDtype: wrong(outDtype) }),
        'ERR_DTYPE',
      ],
    ),
    [() => tilegrad.matmul(x, x.transpose(), { outDtype: 'float64' }), 'ERR_DTYPE', "can't give"],
    [() => tilegrad.matmul(x, x.transpose(), { outDtype: 'bfloat16' }), 'ERR_DTYPE'],
    [
      () => tilegrad.matmul(half, half.transpose(), { outDtype: 'float64' }),
      'ERR_DTYPE',
      'only bfloat16 or float32',
    ],
    ...tensorArguments((a) => tilegrad.matmul(a, x), { takesNumbers: true, takesIntegers: true }),
    ...tensorArguments((b) => tilegrad.matmul(x, b), { takesNumbers: true, takesIntegers: true }),
    [() => tilegrad.matmul(x, wrong(5)), 'ERR_SHAPE'],
    [() => tilegrad.matmul(x, x), 'ERR_SHAPE', '[2, 3] and [2, 3] do not fit: 3 != 2'],
    [() => tilegrad.matmul(ones([2, 1, 2]), ones([3, 2, 1])), 'ERR_SHAPE'],
    [() => tilegrad.matmul(integers, integers), 'ERR_SHAPE'],
    [() => tilegrad.matmul(integers.to('bool'), integers.to('bool')), 'ERR_DTYPE'],
  ],
  addmm: addProduct('addmm', tilegrad.addmm, [2, 3], [3, 2]),
  baddbmm: addProduct('baddbmm', tilegrad.baddbmm, [4, 2, 3], [4, 3, 2]),
  matmulPlan: [
    ...tensorArguments((t) => tilegrad.matmulPlan(t, x)),
    ...tensorArguments((t) => tilegrad.matmulPlan(x, t)),
    [() => tilegrad.matmulPlan(x, x), 'ERR_SHAPE'],
    [() => tilegrad.matmulPlan(ones([3]), ones([3])), 'ERR_SHAPE'],
    [() => tilegrad.matmulPlan(x, ones([3, 2], { dtype: 'float64' })), 'ERR_DTYPE'],
  ],
  setWeightPacking: [undefined, null, 0, 'on'].map(
    (value): Misuse => [() => tilegrad.setWeightPacking(wrong(value)), 'ERR_ARGUMENT'],
  ),
  linear: [
    ...tensorArguments((t) => tilegrad.linear(t, x), { takesHalf: true }),
    ...tensorArguments((t) => tilegrad.linear(x, t), { takesHalf: true }),
    ...tensorArguments((t) => tilegrad.linear(x, x, t), { takesHalf: true }).filter(
      (_, i) => i > 1,
    ),
    ...optionsOf('linear', (options) => tilegrad.linear(x, x, null, options)),
    [() => tilegrad.linear(x, x, null, { activation: wrong('softmax') }), 'ERR_ARGUMENT'],
    ...notFinite.map(
      (negativeSlope): Misuse => [
        () => tilegrad.linear(x, x, null, { negativeSlope: wrong(negativeSlope) }),
        'ERR_ARGUMENT',
      ],
    ),
    ...tensorArguments((residual) => tilegrad.linear(x, x, null, { residual }), {
      takesHalf: true,
    }).filter((_, i) => i > 1),
    [() => tilegrad.linear(x, x, null, { residual: ones([2, 3]) }), 'ERR_SHAPE'],
    [
      () => tilegrad.linear(x, x, null, { residual: ones([2, 2], { dtype: 'bfloat16' }) }),
      'ERR_DTYPE',
      'input is float32, residual bfloat16',
    ],
    [
      () => tilegrad.linear(x, x, null, { residual: ones([2, 2], { dtype: 'float64' }) }),
      'ERR_DTYPE',
    ],
    [() => tilegrad.linear(x, ones([2, 4])), 'ERR_SHAPE'],
    [() => tilegrad.linear(x, ones([3])), 'ERR_SHAPE'],
    [() => tilegrad.linear(x, x, ones([3])), 'ERR_SHAPE'],
    [() => tilegrad.linear(x, ones([2, 3], { dtype: 'float64' })), 'ERR_DTYPE'],
    [() => tilegrad.linear(x, x, ones([2], { dtype: 'float64' })), 'ERR_DTYPE'],
    [() => tilegrad.linear(half, x), 'ERR_DTYPE', 'input is bfloat16, weight float32'],
    [() => tilegrad.linear(half, half, ones([2])), 'ERR_DTYPE', 'bias float32'],
    [() => tilegrad.linear(x, x, null, { outDtype: 'bfloat16' }), 'ERR_DTYPE'],
  ],
  int8Matmul: [
    ...tensorArguments((a) => tilegrad.int8Matmul(a, bytes), { half: 'not bfloat16' }),
    ...tensorArguments((b) => tilegrad.int8Matmul(bytes, b), { half: 'not bfloat16' }),
    [() => tilegrad.int8Matmul(bytes, bytes), 'ERR_SHAPE', '[2, 3] and [2, 3] do not fit'],
    [() => tilegrad.int8Matmul(bytes, bytes.reshape([6])), 'ERR_SHAPE'],
    [() => tilegrad.int8Matmul(bytes.reshape([6]), bytes), 'ERR_SHAPE'],
    [
      () => tilegrad.int8Matmul(bytes.expand([2, 2, 3]), bytes.transpose().expand([3, 3, 2])),
      'ERR_SHAPE',
    ],
  ],
  quantizePerChannel: [
    ...tensorArguments((t) => tilegrad.quantizePerChannel(t), { half: 'not bfloat16' }),
    ...optionsOf('quantizePerChannel', (options) => tilegrad.quantizePerChannel(x, options)),
    ...dims((axis) => tilegrad.quantizePerChannel(x, { axis })),
    [() => tilegrad.quantizePerChannel(tensor(1)), 'ERR_INDEX'],
    [() => tilegrad.quantizePerChannel(ones([2, 3], { dtype: 'float64' })), 'ERR_DTYPE'],
  ],
  dequantize: [
    ...tensorArguments((t) => tilegrad.dequantize(t, ones([2])), { half: 'not bfloat16' }),
    ...tensorArguments((t) => tilegrad.dequantize(bytes, t), { half: 'not bfloat16' }),
    ...optionsOf('dequantize', (options) => tilegrad.dequantize(bytes, ones([2]), options)),
    ...dims((axis) => tilegrad.dequantize(bytes, ones([2]), { axis })),
    [() => tilegrad.dequantize(bytes, ones([3])), 'ERR_SHAPE'],
    [() => tilegrad.dequantize(bytes, ones([2, 1])), 'ERR_SHAPE'],
    [() => tilegrad.dequantize(x, ones([2])), 'ERR_DTYPE'],
    [() => tilegrad.dequantize(bytes, ones([2], { dtype: 'float64' })), 'ERR_DTYPE'],
  ],

  gradgradcheck: checks('gradgradcheck', tilegrad.gradgradcheck),
  setNumThreads: [undefined, null, 0, -1, 1.5, 257, Infinity, Number.NaN, '2', {}].map(
    (n): Misuse => [() => tilegrad.setNumThreads(wrong(n)), 'ERR_ARGUMENT'],
  ),
  setSimdLevel: [undefined, null, 0, 'sse9', '', {}].map(
    (name): Misuse => [() => tilegrad.setSimdLevel(wrong(name)), 'ERR_ARGUMENT'],
  ),

  batches: [
    ...tensorArguments((t) => tilegrad.batches(t, x), { takesIntegers: true }),
    ...tensorArguments((t) => tilegrad.batches(x, t), { takesIntegers: true }),
    ...optionsOf('batches', (options) => tilegrad.batches(x, x, options)),
    [() => tilegrad.batches(x, ones([3])), 'ERR_SHAPE'],
    [() => tilegrad.batches(tensor(1), tensor(1)), 'ERR_SHAPE'],
    [() => tilegrad.batches(x, x, { batchSize: 0 }), 'ERR_ARGUMENT'],
    [() => tilegrad.batches(x, x, { seed: wrong('1') }), 'ERR_ARGUMENT'],
  ],
  parseIdx: [
    ...kinds.map((bytes): Misuse => [() => tilegrad.parseIdx(wrong(bytes)), 'ERR_ARGUMENT']),
    [() => tilegrad.parseIdx(new Uint8Array(3)), 'ERR_FORMAT', '[idx]'],
  ],
  readIdx: [
    ...optionsOf('readIdx', (options) => tilegrad.readIdx(file, options)),
    [() => tilegrad.readIdx(file), 'ERR_FORMAT', '[idx]'],
  ],
  readIdxSync: [[() => tilegrad.readIdxSync(file), 'ERR_FORMAT', '[idx]']],
  loadMnist: [
    ...optionsOf('loadMnist', (options) => tilegrad.loadMnist('.', 'train', options)),
    [() => tilegrad.loadMnist(wrong(5), 'train'), 'ERR_ARGUMENT'],
    [() => tilegrad.loadMnist('.', wrong('valid')), 'ERR_ARGUMENT'],
    [() => tilegrad.loadMnist('.', 'train', { classes: 0 }), 'ERR_ARGUMENT'],
    [() => tilegrad.loadMnist('.', 'train'), 'ERR_FORMAT', '[mnist]'],
  ],
  loadMnistSync: [
    ...optionsOf('loadMnistSync', (options) => tilegrad.loadMnistSync('.', 'train', options)),
    [() => tilegrad.loadMnistSync(wrong(5), 'train'), 'ERR_ARGUMENT'],
    [() => tilegrad.loadMnistSync('.', wrong('valid')), 'ERR_ARGUMENT'],
    [() => tilegrad.loadMnistSync('.', 'train', { classes: 0 }), 'ERR_ARGUMENT'],
    [() => tilegrad.loadMnistSync('.', 'train'), 'ERR_FORMAT', '[mnist]'],
  ],
  loadSafetensors: [
    ...optionsOf('loadSafetensors', (options) => tilegrad.loadSafetensors(file, options)),
    [() => tilegrad.loadSafetensors(file), 'ERR_FORMAT', '[safetensors]'],
  ],
  loadSafetensorsSync: [[() => tilegrad.loadSafetensorsSync(file), 'ERR_FORMAT', '[safetensors]']],
  saveSafetensors: [
    ...optionsOf('saveSafetensors', (options) => tilegrad.saveSafetensors('', {}, options)),
    ...[undefined, null, 5, 'text', x, { x: 5 }, { x: [1] }, new Map([['x', 5]])].map(
      (tensors): Misuse => [() => tilegrad.saveSafetensors('', wrong(tensors)), 'ERR_ARGUMENT'],
    ),
  ],
  saveSafetensorsSync: [
    ...optionsOf('saveSafetensorsSync', (options) => tilegrad.saveSafetensorsSync('', {}, options)),
    ...[undefined, null, 5, 'text', x, { x: 5 }, { x: [1] }, new Map([['x', 5]])].map(
      (tensors): Misuse => [() => tilegrad.saveSafetensorsSync('', wrong(tensors)), 'ERR_ARGUMENT'],
    ),
  ],
};

const modules: Record<string, Misuse[]> = {
  Linear: [
    ...[undefined, null, 0, -1, 1.5, '3', [3]].flatMap((size): Misuse[] => [
      [() => new nn.Linear(wrong(size), 1), 'ERR_ARGUMENT'],
      [() => new nn.Linear(1, wrong(size)), 'ERR_ARGUMENT'],
    ]),
    ...optionsOf('Linear', (options) => new nn.Linear(1, 1, options)),
    ...dtypesOf((options) => new nn.Linear(1, 1, options)),
    [() => new nn.Linear(1, 1, { dtype: 'int32' }), 'ERR_DTYPE'],
    [() => new nn.Linear(1, 1, { generator: wrong(5) }), 'ERR_ARGUMENT'],
    ...tensorArguments((t) => new nn.Linear(3, 1).forward(t)).map(
      ([call, code]): Misuse => [call, code, '[linear]'],
    ),
  ],
  QuantizedLinear: [
    ...[undefined, null, 0, -1, 1.5, '3', [3]].flatMap((size): Misuse[] => [
      [() => new nn.QuantizedLinear(wrong(size), 1), 'ERR_ARGUMENT'],
      [() => new nn.QuantizedLinear(1, wrong(size)), 'ERR_ARGUMENT'],
    ]),
    ...optionsOf('QuantizedLinear', (options) => new nn.QuantizedLinear(1, 1, options)),
    [() => new nn.QuantizedLinear(1, 1, { activation: wrong('softmax') }), 'ERR_ARGUMENT'],
    ...notFinite.map(
      (negativeSlope): Misuse => [
        () => new nn.QuantizedLinear(1, 1, { negativeSlope: wrong(negativeSlope) }),
        'ERR_ARGUMENT',
      ],
    ),
    ...[...kinds, new nn.ReLU(), nn.Linear].map(
      (layer): Misuse => [() => nn.QuantizedLinear.from(wrong(layer)), 'ERR_ARGUMENT'],
    ),
    ...optionsOf('QuantizedLinear', (options) =>
      nn.QuantizedLinear.from(new nn.Linear(1, 1), options),
    ),
    [() => nn.QuantizedLinear.from(new nn.Linear(1, 1, { dtype: 'float64' })), 'ERR_DTYPE'],
    ...tensorArguments((t) => new nn.QuantizedLinear(3, 1).forward(t), { half: 'not bfloat16' }),
    [() => new nn.QuantizedLinear(2, 1).forward(x), 'ERR_SHAPE'],
    [() => new nn.QuantizedLinear(1, 1).forward(tensor(1)), 'ERR_SHAPE'],
    [() => new nn.QuantizedLinear(2, 1).forward(leaf.reshape([1, 2])).backward(), 'ERR_STATE'],
  ],
  quantizeDynamic: [
    ...kinds.map((module): Misuse => [() => nn.quantizeDynamic(wrong(module)), 'ERR_ARGUMENT']),
    [
      () => nn.quantizeDynamic(new nn.Sequential(new nn.Linear(1, 1, { dtype: 'float64' }))),
      'ERR_DTYPE',
    ],
  ],
};

/** Functions without arguments, and classes that others make. */
const without = new Set([
  ...[
    'isAnomalyEnabled',
    'isGradEnabled',
    'isInferenceModeEnabled',
    'emptyCache',
    'getNumThreads',
    'memory',
    'getFloat32MatmulPrecision',
    'simdLevel',
    'simdLevels',
    'Tensor',
    'TensorError',
  ],
  ...['LRScheduler', 'Optimizer', 'ParameterGroup', 'Summary'],
]);

/** A part of every family's rows, in one table. */
function fromFamilies(
  part: (family: Family) => Readonly<Record<string, readonly Misuse[]>> | undefined,
): Record<string, readonly Misuse[]> {
  return Object.assign({}, ...families.map(part));
}

const operations = fromFamilies((family) =>
  Object.fromEntries(Object.entries(family.operations).map(([name, row]) => [name, row.misuse])),
);

type Table = Record<string, readonly Misuse[]>;
const spaces: [string, object, Table][] = [
  ['tilegrad', tilegrad, { ...functions, ...operations }],
  ['nn', nn, { ...modules, ...fromFamilies((family) => family.modules) }],
  ['nn.init', nn.init, initializers],
  ['nn.utils', nn.utils, fromFamilies((family) => family.utilities)],
  ['nn.utils.rnn', nn.utils.rnn, fromFamilies((family) => family.sequences)],
  ['nn.utils.parametrize', nn.utils.parametrize, fromFamilies((family) => family.parametrize)],
  [
    'nn.utils.parametrizations',
    nn.utils.parametrizations,
    fromFamilies((family) => family.parametrizations),
  ],
  ['linalg', linalg, fromFamilies((family) => family.linalg)],
  ['optim', optim, fromFamilies((family) => family.optimizers)],
  ['optim.lrScheduler', optim.lrScheduler, fromFamilies((family) => family.schedules)],
];

describe.each(spaces)('%s', (_, space, table) => {
  test('has a row for each of its functions', () => {
    const names = Object.entries(space)
      .filter(([name, value]) => typeof value === 'function' && !without.has(name))
      .map(([name]) => name);
    expect(Object.keys(table).sort()).toEqual(names.sort());
  });

  test.each(Object.entries(table))('%s', async (name, rows) => {
    expect(rows.length).toBeGreaterThan(0);
    for (const [call, code, message = `[${name}]`] of rows) {
      let thrown: unknown = 'nothing';
      try {
        await call();
      } catch (error) {
        thrown = error;
      }
      const { code: actual, message: text } = thrown as TensorError;
      const isOurs = thrown instanceof TensorError;
      expect({ thrown: isOurs ? text : thrown, code: actual, call: `${call}` }).toEqual({
        thrown: expect.stringContaining(message),
        code,
        call: `${call}`,
      });
    }
  });
});

test('nothing of all this has changed what was passed in, or the settings', () => {
  expect(x.toArray()).toEqual([
    [1, 1, 1],
    [1, 1, 1],
  ]);
  expect(weight.toArray()).toEqual([
    [0, 0],
    [0, 0],
  ]);
  expect(leaf.grad).toBeNull();
  expect(tilegrad.isGradEnabled()).toBe(true);
});
