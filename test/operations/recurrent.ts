/** Recurrent layers, their cells and packed sequences. */
import { Generator, nn, ones, type Tensor, tensor } from 'tilegrad';
import { type Add, dtypes, type Float, numbers } from './bits.js';
import {
  kinds,
  learned,
  type Misuse,
  notSizes,
  optionsOf,
  tensorArguments,
  wrong,
} from './misuse.js';
import type { Family } from './operation.js';

const { rnn } = nn.utils;

const notSwitches: unknown[] = [0, 'yes', null];

/** Wrong calls of a constructor, of a layer or a cell. */
function constructing(
  name: string,
  make: (inputs: number, hidden: number, options?: never) => unknown,
  switches: readonly string[],
): Misuse[] {
  return [
    ...learned(name, [2, 3], ([inputs, hidden], options) => make(inputs!, hidden!, options)),
    ...switches.flatMap((option) =>
      notSwitches.map(
        (value): Misuse => [() => make(2, 3, wrong({ [option]: value })), 'ERR_ARGUMENT', option],
      ),
    ),
  ];
}

const nonlinearities = (name: string, make: (options: never) => unknown): Misuse[] =>
  ['sigmoid', null, 5].map(
    (nonlinearity): Misuse => [
      () => make(wrong({ nonlinearity })),
      'ERR_ARGUMENT',
      `[${name}] nonlinearity`,
    ],
  );

type Layer = { forward(x: never, state?: never): unknown };
type State = (t: Tensor) => unknown;

function layer(
  name: 'RNN' | 'LSTM' | 'GRU',
  make: (inputs: number, hidden: number, options?: never) => Layer,
  state: State,
): Misuse[] {
  const one = make(2, 3);
  const call = (x: unknown, given?: unknown) => one.forward(wrong(x), wrong(given));
  const x = ones([4, 2, 2]);
  const packed = rnn.packPaddedSequence(ones([4, 2, 3]), [4, 1]);
  return [
    ...constructing(name, make, ['bias', 'batchFirst', 'bidirectional']),
    ...notSizes
      .filter((size) => size !== undefined)
      .map((numLayers): Misuse => [() => make(2, 3, wrong({ numLayers })), 'ERR_ARGUMENT']),
    ...[-0.1, 1.5, '0.5', null].map(
      (dropout): Misuse => [() => make(2, 3, wrong({ dropout })), 'ERR_ARGUMENT'],
    ),
    ...tensorArguments((t) => call(t)),
    [() => call(ones([2])), 'ERR_SHAPE'],
    [() => call(ones([4, 2, 3])), 'ERR_SHAPE'],
    [() => call(ones([1, 4, 2, 2])), 'ERR_SHAPE'],
    [() => call(ones([0, 2, 2])), 'ERR_SHAPE', 'at least one step'],
    [() => call(packed), 'ERR_SHAPE', 'packed data'],
    [() => call(ones([4, 2, 2], { dtype: 'float64' })), 'ERR_DTYPE'],
    [() => call(x, state(ones([1, 3, 3]))), 'ERR_SHAPE'],
    [() => call(x, state(ones([1, 3]))), 'ERR_SHAPE'],
    [() => call(ones([4, 2]), state(ones([1, 1, 3]))), 'ERR_SHAPE'],
    [() => call(x, state(ones([1, 2, 3], { dtype: 'float64' }))), 'ERR_DTYPE'],
    [() => call(x, state(wrong([1, 2, 3]))), 'ERR_ARGUMENT'],
  ];
}

function cell(
  name: 'RNNCell' | 'LSTMCell' | 'GRUCell',
  make: (inputs: number, hidden: number, options?: never) => Layer,
  state: State,
): Misuse[] {
  const one = make(2, 3);
  const call = (x: unknown, given?: unknown) => one.forward(wrong(x), wrong(given));
  return [
    ...constructing(name, make, ['bias']),
    ...tensorArguments((t) => call(t)),
    [() => call(ones([])), 'ERR_SHAPE'],
    [() => call(ones([4, 3])), 'ERR_SHAPE'],
    [() => call(ones([1, 4, 2])), 'ERR_SHAPE'],
    [() => call(ones([4, 2], { dtype: 'float64' })), 'ERR_DTYPE'],
    [() => call(ones([4, 2]), state(ones([3, 3]))), 'ERR_SHAPE'],
    [() => call(ones([2]), state(ones([1, 3]))), 'ERR_SHAPE'],
    [() => call(ones([4, 2]), state(ones([4, 3], { dtype: 'float64' }))), 'ERR_DTYPE'],
    [() => call(ones([4, 2]), state(wrong('text'))), 'ERR_ARGUMENT'],
  ];
}

const alone: State = (t) => t;
const pair: State = (t) => [t, t];
/** A list that is not [h, c]. */
const notPairs = (call: (state: never) => unknown): Misuse[] =>
  [5, 'text', {}, [], [ones([1, 2, 3])], ones([1, 2, 3])].map(
    (state): Misuse => [() => call(wrong(state)), 'ERR_ARGUMENT'],
  );

const x = ones([3, 2]);
const ready = rnn.packPaddedSequence(x, [3, 1]);

function bits(add: Add, dtype: Float): void {
  for (const name of ['LSTM', 'GRU', 'RNN'] as const) {
    // Batches of one row, of a share for each thread, and packed ones; more units than a vector has.
    add(`${name} ${dtype}`, () => {
      const results: Tensor[] = [];
      for (const [steps, batch, hidden] of [
        [3, 1, 37],
        [4, 40, 33],
      ] as const) {
        const module = new nn[name](5, hidden, {
          ...{ dtype, bidirectional: true, generator: new Generator(7) },
        }) as nn.LSTM;
        const input = numbers([steps, batch, 5], dtype);
        const lengths = Array.from({ length: batch }, (_, i) => 1 + ((i + 2) % steps));
        const packed = rnn.packPaddedSequence(input, lengths, { enforceSorted: false });
        const y = module.forward(input)[0];
        const z = module.forward(packed)[0].data;
        y.mul(numbers(y.shape, dtype, 2))
          .sum()
          .add(z.square().sum())
          .backward();
        results.push(y, z);
        for (const parameter of module.parameters()) results.push(parameter.grad as Tensor);
      }
      return results;
    });
  }
}

export const recurrent: Family = {
  title: 'Recurrent layers',
  operations: {},
  modules: {
    RNN: [
      ...layer('RNN', (i, h, options) => new nn.RNN(i, h, options), alone),
      ...nonlinearities('RNN', (options) => new nn.RNN(2, 3, options)),
    ],
    LSTM: [
      ...layer('LSTM', (i, h, options) => new nn.LSTM(i, h, options), pair),
      ...notPairs((state) => new nn.LSTM(2, 3).forward(ones([4, 2, 2]), state)),
      ...[3, 4, -1, 0.5, '2', null].map(
        (projSize): Misuse => [
          () => new nn.LSTM(2, 3, { projSize: wrong(projSize) }),
          'ERR_ARGUMENT',
          '[LSTM] projSize',
        ],
      ),
      [
        () =>
          new nn.LSTM(2, 3, { projSize: 1 }).forward(ones([4, 2, 2]), wrong(pair(ones([1, 2, 3])))),
        'ERR_SHAPE',
      ],
    ],
    GRU: layer('GRU', (i, h, options) => new nn.GRU(i, h, options), alone),
    RNNCell: [
      ...cell('RNNCell', (i, h, options) => new nn.RNNCell(i, h, options), alone),
      ...nonlinearities('RNNCell', (options) => new nn.RNNCell(2, 3, options)),
    ],
    LSTMCell: [
      ...cell('LSTMCell', (i, h, options) => new nn.LSTMCell(i, h, options), pair),
      ...notPairs((state) => new nn.LSTMCell(2, 3).forward(ones([2, 2]), state)),
    ],
    GRUCell: cell('GRUCell', (i, h, options) => new nn.GRUCell(i, h, options), alone),
  },
  sequences: {
    PackedSequence: [
      ...kinds.map(
        (data): Misuse => [() => new rnn.PackedSequence(wrong(data), [1]), 'ERR_ARGUMENT'],
      ),
      ...[[], [0], [1, 2], [1.5], 'text', null, [3, -1]].map(
        (sizes): Misuse => [() => new rnn.PackedSequence(x, wrong(sizes)), 'ERR_ARGUMENT'],
      ),
      [() => new rnn.PackedSequence(x, [2]), 'ERR_SHAPE'],
      [() => new rnn.PackedSequence(ones([]), [1]), 'ERR_SHAPE'],
      ...[[0], [0, 2], [0, 0], 'text', [0.5, 1]].map(
        (order): Misuse => [() => new rnn.PackedSequence(x, [2, 1], wrong(order)), 'ERR_ARGUMENT'],
      ),
    ],
    packPaddedSequence: [
      ...kinds.map((t): Misuse => [() => rnn.packPaddedSequence(wrong(t), [1, 1]), 'ERR_ARGUMENT']),
      ...optionsOf('packPaddedSequence', (o) => rnn.packPaddedSequence(x, [1, 1], o)),
      ...[5, 'text', null, [0, 1], [4, 1], [1.5, 1], ['1', 1], ones([1, 2])].map(
        (lengths): Misuse => [() => rnn.packPaddedSequence(x, wrong(lengths)), 'ERR_ARGUMENT'],
      ),
      [() => rnn.packPaddedSequence(x, [1, 2]), 'ERR_ARGUMENT', 'enforceSorted'],
      [() => rnn.packPaddedSequence(x, [1]), 'ERR_SHAPE'],
      [() => rnn.packPaddedSequence(ones([3]), [1]), 'ERR_SHAPE'],
      [() => rnn.packPaddedSequence(ones([3, 0]), []), 'ERR_SHAPE'],
      ...notSwitches
        .filter((value) => value !== null)
        .map(
          (batchFirst): Misuse => [
            () => rnn.packPaddedSequence(x, [1, 1], { batchFirst: wrong(batchFirst) }),
            'ERR_ARGUMENT',
          ],
        ),
    ],
    padPackedSequence: [
      ...[...kinds, x].map((t): Misuse => [() => rnn.padPackedSequence(wrong(t)), 'ERR_ARGUMENT']),
      ...optionsOf('padPackedSequence', (o) => rnn.padPackedSequence(ready, o)),
      ...[2, 3.5, '4'].map(
        (totalLength): Misuse => [
          () => rnn.padPackedSequence(ready, { totalLength: wrong(totalLength) }),
          'ERR_ARGUMENT',
        ],
      ),
      [() => rnn.padPackedSequence(ready, { paddingValue: wrong('0') }), 'ERR_ARGUMENT'],
      [() => rnn.padPackedSequence(ready, { batchFirst: wrong(1) }), 'ERR_ARGUMENT'],
    ],
    padSequence: [
      ...[...kinds, [], x].map(
        (list): Misuse => [() => rnn.padSequence(wrong(list)), 'ERR_ARGUMENT'],
      ),
      ...optionsOf('padSequence', (o) => rnn.padSequence([x], o)),
      [() => rnn.padSequence([x, ones([3, 3])]), 'ERR_SHAPE'],
      [() => rnn.padSequence([x, ones([3])]), 'ERR_SHAPE'],
      [() => rnn.padSequence([tensor(1)]), 'ERR_SHAPE'],
      [() => rnn.padSequence([x], { paddingSide: wrong('top') }), 'ERR_ARGUMENT'],
      [() => rnn.padSequence([x], { paddingValue: wrong('0') }), 'ERR_ARGUMENT'],
      [() => rnn.padSequence([x], { batchFirst: wrong(1) }), 'ERR_ARGUMENT'],
    ],
    unpadSequence: [
      ...kinds.map((t): Misuse => [() => rnn.unpadSequence(wrong(t), [1]), 'ERR_ARGUMENT']),
      ...optionsOf('unpadSequence', (o) => rnn.unpadSequence(x, [3, 1], o)),
      ...[5, 'text', null, [4, 1], [-1, 1], [1.5, 1]].map(
        (lengths): Misuse => [() => rnn.unpadSequence(x, wrong(lengths)), 'ERR_ARGUMENT'],
      ),
      [() => rnn.unpadSequence(x, [1]), 'ERR_SHAPE'],
      [() => rnn.unpadSequence(ones([3]), [1]), 'ERR_SHAPE'],
      [() => rnn.unpadSequence(x, [3, 1], { batchFirst: wrong(1) }), 'ERR_ARGUMENT'],
    ],
    unpackSequence: [...kinds, x].map(
      (t): Misuse => [() => rnn.unpackSequence(wrong(t)), 'ERR_ARGUMENT'],
    ),
    packSequence: [
      ...[...kinds, [], x].map(
        (list): Misuse => [() => rnn.packSequence(wrong(list)), 'ERR_ARGUMENT'],
      ),
      ...optionsOf('packSequence', (o) => rnn.packSequence([x], o)),
      [() => rnn.packSequence([x, ones([3, 3])]), 'ERR_SHAPE'],
      [() => rnn.packSequence([x, ones([4, 2])]), 'ERR_ARGUMENT', 'enforceSorted'],
      [() => rnn.packSequence([x], { enforceSorted: wrong(1) }), 'ERR_ARGUMENT'],
    ],
  },
  bits(add) {
    for (const dtype of dtypes) bits(add, dtype);
  },
};
