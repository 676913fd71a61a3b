/** Views of the same elements in another shape or order, and stretched ones. */
import * as tilegrad from 'tilegrad';
import { ones, type Tensor, tensor, zeros } from 'tilegrad';
import { dtypes, numbers, withGradients } from './bits.js';
import { type Case, one } from './gradients.js';
import {
  dims,
  kinds,
  type Misuse,
  optionsOf,
  shapes,
  tensorArguments,
  wrong,
  x,
} from './misuse.js';
import type { Family } from './operation.js';

export const ofAnyType = (call: (t: never) => unknown): Misuse[] =>
  tensorArguments(call, { takesIntegers: true });

/** What is no list of tensors. */
export const lists = (call: (tensors: never) => unknown): Misuse[] => [
  ...kinds.map((list): Misuse => [() => call(wrong(list)), 'ERR_ARGUMENT']),
  [() => call(wrong([])), 'ERR_ARGUMENT', 'at least one tensor'],
  [() => call(wrong(x)), 'ERR_ARGUMENT'],
];

const atLeast = (call: (t: Tensor) => Tensor, rank: number): Case[] =>
  [[], [3], [2, 3], [2, 3, 2], [2, 1, 3, 2]]
    .filter((shape) => shape.length <= rank)
    .map((shape) => one((x) => call(x), shape));

const deep = ones([1, 1, 1, 1, 1, 1, 1, 1]);

export const shapeViews: Family = {
  title: 'Shape',
  operations: {
    expand: {
      misuse: [
        ...ofAnyType((t) => tilegrad.expand(t, [2])),
        ...shapes((shape) => tilegrad.expand(x, shape)),
        [() => tilegrad.expand(x, [4, 3]), 'ERR_SHAPE'],
        [() => tilegrad.expand(x, [-1, 2, 3]), 'ERR_SHAPE'],
        [() => tilegrad.expand(x, [-1]), 'ERR_SHAPE'],
      ],
      gradients: [
        one((x) => tilegrad.expand(x, [2, 3, 4]), [3, 1]),
        one((x) => tilegrad.expand(x, [2, -1, 4]), [3, 1]),
        one((x) => tilegrad.expand(x, [2, 2]), []),
        one((x) => tilegrad.expand(x, [0, 2]), [2]),
        one((x) => tilegrad.expand(x, [2, 3]), [2, 3]),
      ],
    },
    expandAs: {
      misuse: [
        ...ofAnyType((t) => tilegrad.expandAs(t, x)),
        ...ofAnyType((t) => tilegrad.expandAs(x, t)),
        [() => tilegrad.expandAs(x, ones([3])), 'ERR_SHAPE', '[expand]'],
      ],
      gradients: [one((x) => tilegrad.expandAs(x, zeros([2, 3, 4])), [3, 1])],
    },
    broadcastTo: {
      misuse: [
        ...ofAnyType((t) => tilegrad.broadcastTo(t, [2])),
        ...shapes((shape) => tilegrad.broadcastTo(x, shape)),
        [() => tilegrad.broadcastTo(x, [4, 3]), 'ERR_SHAPE', '[expand]'],
      ],
      gradients: [one((x) => tilegrad.broadcastTo(x, [2, 3, 4]), [3, 1])],
    },
    broadcastTensors: {
      misuse: [
        ...lists((list) => tilegrad.broadcastTensors(list)),
        [() => tilegrad.broadcastTensors([x, ones([2])]), 'ERR_SHAPE'],
      ],
      gradients: [
        one(
          (a, b) => {
            const [c, d] = tilegrad.broadcastTensors([a!, b!]);
            return c!.mul(d!);
          },
          [3, 1],
          [2],
        ),
      ],
    },
    reshape: {
      misuse: [
        ...ofAnyType((t) => tilegrad.reshape(t, [2])),
        // A -1 alone is allowed here.
        ...shapes((shape) => tilegrad.reshape(x, shape)).filter((_, i) => i !== 5),
        [() => tilegrad.reshape(x, [-1, -1]), 'ERR_SHAPE'],
        [() => tilegrad.reshape(x, [5]), 'ERR_SHAPE'],
      ],
      gradients: [
        one((x) => tilegrad.reshape(x, [3, -1]), [2, 3]),
        one((x) => tilegrad.reshape(x, [2, 2, 3]), [4, 3]),
        one((x) => tilegrad.reshape(x, []), [1, 1]),
        one((x) => tilegrad.reshape(x, [0]), [2, 0]),
      ],
    },
    view: {
      misuse: [
        ...ofAnyType((t) => tilegrad.view(t, [2])),
        ...shapes((shape) => tilegrad.view(x, shape)).filter((_, i) => i !== 5),
        [() => tilegrad.view(x, [-1, -1]), 'ERR_SHAPE'],
        [() => tilegrad.view(x, [5]), 'ERR_SHAPE'],
        [() => tilegrad.view(x.transpose(), [6]), 'ERR_STATE', 'reshape copies'],
      ],
      gradients: [
        one((x) => tilegrad.view(x, [2, 2, 3]), [4, 3]),
        one((x) => tilegrad.view(x, [1, 3]), [3]),
      ],
    },
    viewAs: {
      misuse: [
        ...ofAnyType((t) => tilegrad.viewAs(t, x)),
        ...ofAnyType((t) => tilegrad.viewAs(x, t)),
        [() => tilegrad.viewAs(x, ones([5])), 'ERR_SHAPE', '[view]'],
      ],
      gradients: [one((x) => tilegrad.viewAs(x, zeros([2, 2, 3])), [4, 3])],
    },
    flatten: {
      misuse: [
        ...ofAnyType((t) => tilegrad.flatten(t)),
        ...dims((dim) => tilegrad.flatten(x, dim)),
        ...dims((dim) => tilegrad.flatten(x, 0, dim)),
        [() => tilegrad.flatten(x, 1, 0), 'ERR_ARGUMENT'],
      ],
      gradients: [
        one((x) => tilegrad.flatten(x, 1), [2, 3, 2]),
        one((x) => tilegrad.flatten(x), []),
      ],
    },
    ravel: {
      misuse: ofAnyType((t) => tilegrad.ravel(t)),
      gradients: [one((x) => tilegrad.ravel(x), [2, 3]), one((x) => tilegrad.ravel(x), [])],
    },
    unflatten: {
      misuse: [
        ...ofAnyType((t) => tilegrad.unflatten(t, 0, [2])),
        ...dims((dim) => tilegrad.unflatten(x, dim, [2])),
        ...shapes((sizes) => tilegrad.unflatten(x, 0, sizes)).filter((_, i) => i !== 5),
        [() => tilegrad.unflatten(x, 0, []), 'ERR_SHAPE'],
        [() => tilegrad.unflatten(x, 0, [2, 2]), 'ERR_SHAPE', 'does not split into [2, 2]'],
        [() => tilegrad.unflatten(x, 1, [2, -1]), 'ERR_SHAPE'],
        [() => tilegrad.unflatten(deep, 1, [1, 1]), 'ERR_SHAPE'],
      ],
      gradients: [
        one((x) => tilegrad.unflatten(x, 0, [2, -1]), [6]),
        one((x) => tilegrad.unflatten(x, -2, [2, 2]), [3, 4, 2]),
      ],
    },
    permute: {
      misuse: [
        ...ofAnyType((t) => tilegrad.permute(t, [0])),
        ...dims((dim) => tilegrad.permute(x, [0, dim])),
        ...[undefined, null, 5, 'text', [0], [0, 0], []].map(
          (order): Misuse => [() => tilegrad.permute(x, wrong(order)), 'ERR_ARGUMENT'],
        ),
      ],
      gradients: [one((x) => tilegrad.permute(x, [2, 0, 1]), [2, 3, 4])],
    },
    transpose: {
      misuse: [
        ...ofAnyType((t) => tilegrad.transpose(t)),
        ...dims((dim) => tilegrad.transpose(x, dim)),
        ...dims((dim) => tilegrad.transpose(x, 0, dim)),
        [() => tilegrad.transpose(ones([2])), 'ERR_INDEX'],
      ],
      gradients: [
        one((x) => tilegrad.transpose(x), [2, 3]),
        one((x) => tilegrad.transpose(x), [0, 3]),
      ],
    },
    swapaxes: {
      misuse: [
        ...ofAnyType((t) => tilegrad.swapaxes(t, 0, 1)),
        ...dims((dim) => tilegrad.swapaxes(x, dim, 0)),
        ...dims((dim) => tilegrad.swapaxes(x, 0, dim)),
      ],
      gradients: [one((x) => tilegrad.swapaxes(x, 0, -1), [2, 3, 4])],
    },
    t: {
      misuse: [
        ...ofAnyType((t) => tilegrad.t(t)),
        [() => tilegrad.t(ones([1, 2, 3])), 'ERR_SHAPE', 'mT'],
        [() => ones([1, 2, 3]).T, 'ERR_SHAPE', 'mT'],
      ],
      gradients: [one((x) => tilegrad.t(x), [2, 3]), one((x) => x!.T.mul(2), [2, 3])],
    },
    movedim: {
      misuse: [
        ...ofAnyType((t) => tilegrad.movedim(t, 0, 0)),
        ...dims((dim) => tilegrad.movedim(x, dim, 0)),
        ...dims((dim) => tilegrad.movedim(x, 0, dim)),
        [() => tilegrad.movedim(x, [0, 1], [0]), 'ERR_ARGUMENT'],
        [() => tilegrad.movedim(x, [0, -2], [0, 1]), 'ERR_ARGUMENT'],
        [() => tilegrad.movedim(x, [0, 1], [1, 1]), 'ERR_ARGUMENT'],
      ],
      gradients: [
        one((x) => tilegrad.movedim(x, 0, -1), [2, 3, 4]),
        one((x) => tilegrad.movedim(x, [2, 0], [0, 1]), [2, 3, 4]),
      ],
    },
    unsqueeze: {
      misuse: [
        ...ofAnyType((t) => tilegrad.unsqueeze(t, 0)),
        ...dims((dim) => tilegrad.unsqueeze(tensor([1]), dim)),
        [() => tilegrad.unsqueeze(x, wrong(undefined)), 'ERR_INDEX'],
        [() => tilegrad.unsqueeze(x, [0, 4]), 'ERR_INDEX'],
        [() => tilegrad.unsqueeze(x, [1, -3]), 'ERR_ARGUMENT'],
        [() => tilegrad.unsqueeze(deep, 0), 'ERR_SHAPE'],
      ],
      gradients: [
        one((x) => tilegrad.unsqueeze(x, 1), [2, 3]),
        one((x) => tilegrad.unsqueeze(x, [0, -1]), [2, 3]),
      ],
    },
    squeeze: {
      misuse: [
        ...ofAnyType((t) => tilegrad.squeeze(t)),
        ...dims((dim) => tilegrad.squeeze(x, dim)),
        [() => tilegrad.squeeze(x, [1, -1]), 'ERR_ARGUMENT'],
      ],
      gradients: [
        one((x) => tilegrad.squeeze(x), [1, 3, 1]),
        one((x) => tilegrad.squeeze(x, 0), [1, 3, 1]),
        one((x) => tilegrad.squeeze(x, [0, 1]), [1, 3, 1]),
        one((x) => tilegrad.squeeze(x), [1, 1]),
      ],
    },
    atleast1d: {
      misuse: ofAnyType((t) => tilegrad.atleast1d(t)),
      gradients: atLeast(tilegrad.atleast1d, 1),
    },
    atleast2d: {
      misuse: ofAnyType((t) => tilegrad.atleast2d(t)),
      gradients: atLeast(tilegrad.atleast2d, 2),
    },
    atleast3d: {
      misuse: ofAnyType((t) => tilegrad.atleast3d(t)),
      gradients: atLeast(tilegrad.atleast3d, 3),
    },
    repeat: {
      misuse: [
        ...ofAnyType((t) => tilegrad.repeat(t, [2])),
        ...[undefined, null, 5, 'text', {}, [-1, 1], [0.5, 1], ['1', 1]].map(
          (counts): Misuse => [() => tilegrad.repeat(x, wrong(counts)), 'ERR_ARGUMENT'],
        ),
        [() => tilegrad.repeat(x, [2]), 'ERR_SHAPE', 'tile fills up'],
      ],
      gradients: [
        one((x) => tilegrad.repeat(x, [2, 3]), [2, 3]),
        one((x) => tilegrad.repeat(x, [2, 1, 2]), [2, 3]),
        one((x) => tilegrad.repeat(x, [3]), []),
        one((x) => tilegrad.repeat(x, [1, 1]), [2, 3]),
        one((x) => tilegrad.repeat(x, [0, 2]), [2, 3]),
      ],
    },
    tile: {
      misuse: [
        ...ofAnyType((t) => tilegrad.tile(t, [2])),
        ...[undefined, null, 5, 'text', {}, [-1], [0.5], ['1']].map(
          (counts): Misuse => [() => tilegrad.tile(x, wrong(counts)), 'ERR_ARGUMENT'],
        ),
      ],
      gradients: [
        one((x) => tilegrad.tile(x, [3]), [2, 3]),
        one((x) => tilegrad.tile(x, [2, 1, 2]), [2, 3]),
        one((x) => tilegrad.tile(x, []), [2, 3]),
      ],
    },
    repeatInterleave: {
      misuse: [
        ...ofAnyType((t) => tilegrad.repeatInterleave(t, 2)),
        ...optionsOf('repeatInterleave', (options) => tilegrad.repeatInterleave(x, 2, options)),
        ...dims((dim) => tilegrad.repeatInterleave(x, 2, { dim })).filter((_, i) => i !== 4),
        ...[undefined, null, 0.5, 'text', -1, [2, -1]].map(
          (repeats): Misuse => [
            () => tilegrad.repeatInterleave(x, wrong(repeats), { dim: 0 }),
            'ERR_ARGUMENT',
          ],
        ),
        [() => tilegrad.repeatInterleave(x, [1, 2, 3], { dim: 0 }), 'ERR_SHAPE'],
        [() => tilegrad.repeatInterleave(x, [[1, 2]], { dim: 0 }), 'ERR_SHAPE'],
        [() => tilegrad.repeatInterleave(x, ones([1])), 'ERR_DTYPE'],
      ],
      gradients: [
        one((x) => tilegrad.repeatInterleave(x, 2), [2, 3]),
        one((x) => tilegrad.repeatInterleave(x, 3, { dim: 0 }), [2, 3]),
        one((x) => tilegrad.repeatInterleave(x, [2, 0, 1], { dim: -1 }), [2, 3]),
        one((x) => tilegrad.repeatInterleave(x, 2), []),
      ],
    },
  },
  bits(add) {
    for (const dtype of dtypes) {
      add(`repeat ${dtype}`, () => [
        ...withGradients((x) => x.repeat([3, 2]), numbers([37, 67], dtype)),
        ...withGradients((x) => x.repeatInterleave(5, { dim: 1 }), numbers([37, 67], dtype)),
      ]);
    }
  },
};
