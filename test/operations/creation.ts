/** Tensors from data and from constants. None of these has a gradient. */
import * as tilegrad from 'tilegrad';
import { ones, type Tensor, tensor, zeros } from 'tilegrad';
import { MANY } from './bits.js';
import {
  creation,
  dtypesOf,
  kinds,
  type Misuse,
  notFinite,
  optionsOf,
  shapes,
  tensorArguments,
  wrong,
  x,
} from './misuse.js';
import type { Family, Operation } from './operation.js';

const none = (misuse: Misuse[]): Operation => ({ misuse, gradients: 'none' });

const like = (name: string, call: (t: Tensor, options?: never) => Tensor): Operation =>
  none([
    ...tensorArguments((t) => call(t), { takesIntegers: true }),
    ...creation(name, (options) => call(x, options)),
  ]);

const values = [undefined, null, 'text', [1], x];

const ends = (call: (start: never, end: never, count: never) => Tensor): Misuse[] => [
  ...notFinite.flatMap((n): Misuse[] => [
    [() => call(wrong(n), wrong(1), wrong(3)), 'ERR_ARGUMENT'],
    [() => call(wrong(0), wrong(n), wrong(3)), 'ERR_ARGUMENT'],
  ]),
  ...[undefined, null, 'text', '3', -1, 0.5, Number.NaN, [3]].map(
    (n): Misuse => [() => call(wrong(0), wrong(1), wrong(n)), 'ERR_ARGUMENT'],
  ),
];

const triangle = (name: string, call: typeof tilegrad.trilIndices): Operation => {
  return none([
    ...[undefined, null, 'text', -1, 0.5, [2]].flatMap((n): Misuse[] => [
      [() => call(wrong(n), 2), 'ERR_SHAPE'],
      [() => call(2, wrong(n)), 'ERR_SHAPE'],
    ]),
    ...[null, 'text', 0.5, [2]].map(
      (diagonal): Misuse => [() => call(2, 2, wrong(diagonal)), 'ERR_ARGUMENT'],
    ),
    ...optionsOf(name, (options) => call(2, 2, 0, options)),
    ...dtypesOf((options) => call(2, 2, 0, options)),
  ]);
};

const bytes = new Uint8Array(16);
const { fromBuffer } = tilegrad;

export const creations: Family = {
  title: 'Creation',
  operations: {
    tensor: none([
      ...[
        undefined,
        null,
        'text',
        {},
        () => x,
        new BigUint64Array(1),
        new DataView(new ArrayBuffer(1)),
        x,
      ].map((data): Misuse => [() => tensor(wrong(data)), 'ERR_ARGUMENT']),
      [() => tensor([[1], [2, 3]]), 'ERR_SHAPE'],
      ...creation('tensor', (options) => tensor([1], options)),
      [() => tensor([1], { copy: false }), 'ERR_ARGUMENT', 'without a copy'],
      [() => tensor(Float32Array.of(1), { copy: false, dtype: 'float64' }), 'ERR_DTYPE'],
    ]),
    fromTypedArray: none([
      ...kinds
        .slice(0, -1)
        .map((array): Misuse => [() => tilegrad.fromTypedArray(wrong(array)), 'ERR_DTYPE']),
      ...shapes((shape) => tilegrad.fromTypedArray(new Float32Array(2), shape)).slice(1),
      [() => tilegrad.fromTypedArray(new Float32Array(2), [3]), 'ERR_SHAPE'],
      ...creation('fromTypedArray', (options) =>
        tilegrad.fromTypedArray(new Int32Array(1), [1], options),
      ),
    ]),
    fromBuffer: none([
      ...kinds
        .slice(0, -1)
        .map((b): Misuse => [() => fromBuffer(wrong(b), { dtype: 'uint8' }), 'ERR_ARGUMENT']),
      ...optionsOf('fromBuffer', (options) => fromBuffer(bytes, options)),
      ...dtypesOf((options) => fromBuffer(bytes, options)),
      [() => fromBuffer(bytes, wrong({})), 'ERR_DTYPE', 'name one of float32'],
      [() => fromBuffer(bytes, { dtype: 'int32', requiresGrad: true }), 'ERR_DTYPE'],
      ...[null, -1, 0.5, '1', Number.NaN].flatMap((n): Misuse[] => [
        [() => fromBuffer(bytes, { dtype: 'int8', offset: wrong(n ?? '') }), 'ERR_ARGUMENT'],
        [() => fromBuffer(bytes, { dtype: 'int8', count: wrong(n) }), 'ERR_ARGUMENT'],
      ]),
      ...shapes((shape) => fromBuffer(bytes, { dtype: 'uint8', shape })).slice(2),
      [() => fromBuffer(bytes, { dtype: 'float32', offset: 2, count: 1 }), 'ERR_ARGUMENT', 'copy'],
      [() => fromBuffer(bytes, { dtype: 'float32', offset: 2 }), 'ERR_SHAPE', 'pass count'],
      [() => fromBuffer(bytes, { dtype: 'float32', count: 5 }), 'ERR_SHAPE', '20 bytes'],
      [() => fromBuffer(bytes, { dtype: 'float32', offset: 20 }), 'ERR_SHAPE'],
      [() => fromBuffer(bytes, { dtype: 'float32', shape: [5] }), 'ERR_SHAPE'],
      [() => fromBuffer(bytes, { dtype: 'float32', shape: [2], count: 3 }), 'ERR_SHAPE'],
    ]),
    fromAsync: none([
      ...[undefined, null, 5, 'text', {}, () => x].map(
        (source): Misuse => [() => tilegrad.fromAsync(wrong(source)), 'ERR_ARGUMENT'],
      ),
      [() => tilegrad.fromAsync(wrong(['text'])), 'ERR_ARGUMENT', '[tensor]'],
      [() => tilegrad.fromAsync([[1], [2, 3]]), 'ERR_SHAPE', '[stack]'],
      [() => tilegrad.fromAsync([1, [2]]), 'ERR_SHAPE'],
      ...optionsOf('fromAsync', (options) => tilegrad.fromAsync([1], options)),
      ...dtypesOf((options) => tilegrad.fromAsync([1], options)),
    ]),
    zeros: none([...shapes(zeros), ...creation('zeros', (options) => zeros([1], options))]),
    ones: none([...shapes(ones), ...creation('ones', (options) => ones([1], options))]),
    empty: none([
      ...shapes(tilegrad.empty),
      ...creation('empty', (options) => tilegrad.empty([1], options)),
    ]),
    full: none([
      ...shapes((shape) => tilegrad.full(shape, 1)),
      ...values.map((value): Misuse => [() => tilegrad.full([1], wrong(value)), 'ERR_ARGUMENT']),
      ...creation('full', (options) => tilegrad.full([1], 1, options)),
    ]),
    eye: none([
      ...[undefined, null, 'text', -1, 0.5, [2]].map(
        (n): Misuse => [() => tilegrad.eye(wrong(n)), 'ERR_SHAPE'],
      ),
      [() => tilegrad.eye(2, -1), 'ERR_SHAPE'],
      [() => tilegrad.eye(2, 0.5), 'ERR_SHAPE'],
      ...optionsOf('eye', (options) => tilegrad.eye(1, options)).filter((_, i) => i < 2),
      ...dtypesOf((options) => tilegrad.eye(1, options)),
      ...creation('eye', (options) => tilegrad.eye(1, 2, options)),
    ]),
    arange: none([
      ...[undefined, null, 'text', '3', Number.NaN, Infinity, [3]].map(
        (n): Misuse => [() => tilegrad.arange(wrong(n)), 'ERR_ARGUMENT'],
      ),
      [() => tilegrad.arange(0, 3, 0), 'ERR_ARGUMENT'],
      [() => tilegrad.arange(0, wrong('3')), 'ERR_ARGUMENT'],
      [() => tilegrad.arange(0, 3, 1, wrong(2)), 'ERR_ARGUMENT'],
      ...creation('arange', (options) => tilegrad.arange(0, 1, 1, options)),
    ]),
    linspace: none([
      ...ends((start, end, count) => tilegrad.linspace(start, end, count)),
      ...creation('linspace', (options) => tilegrad.linspace(0, 1, 3, options)),
      [() => tilegrad.linspace(0, 1, 3, { dtype: 'bool' }), 'ERR_DTYPE'],
    ]),
    logspace: none([
      ...ends((start, end, count) => tilegrad.logspace(start, end, count)),
      ...creation('logspace', (options) => tilegrad.logspace(0, 1, 3, options)),
      ...notFinite.map(
        (base): Misuse => [() => tilegrad.logspace(0, 1, 3, { base: wrong(base) }), 'ERR_ARGUMENT'],
      ),
      [() => tilegrad.logspace(0, 1, 3, { dtype: 'bool' }), 'ERR_DTYPE'],
    ]),
    zerosLike: like('zerosLike', tilegrad.zerosLike),
    onesLike: like('onesLike', tilegrad.onesLike),
    emptyLike: like('emptyLike', tilegrad.emptyLike),
    fullLike: none([
      ...tensorArguments((t) => tilegrad.fullLike(t, 1), { takesIntegers: true }),
      ...values.map((value): Misuse => [() => tilegrad.fullLike(x, wrong(value)), 'ERR_ARGUMENT']),
      ...creation('fullLike', (options) => tilegrad.fullLike(x, 1, options)),
    ]),
    trilIndices: triangle('trilIndices', tilegrad.trilIndices),
    triuIndices: triangle('triuIndices', tilegrad.triuIndices),
  },
  bits(add) {
    add('arange linspace eye', () => [
      tilegrad.arange(-3, MANY / 3, 0.37),
      tilegrad.arange(7, -50, -0.3, { dtype: 'float64' }),
      tilegrad.linspace(-0.7, 1.9, MANY),
      tilegrad.linspace(5, -3, 1002, { dtype: 'float64' }),
      tilegrad.eye(33, 70),
    ]);
    add('logspace', () => [
      tilegrad.linspace(-3, 7.1, 1003),
      tilegrad.logspace(-30, 30, 1003, { dtype: 'float64' }),
      tilegrad.logspace(-3, 3, 37, { base: 2.5 }),
    ]);
  },
};
