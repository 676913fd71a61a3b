/** Autograd: passes, modes, hooks, custom functions, checkpoints and functional derivatives. */
import * as tilegrad from 'tilegrad';
import { ones } from 'tilegrad';
import { kinds, leaf, type Misuse, optionsOf, wrong, x } from './misuse.js';
import type { Family } from './operation.js';

export const autograd: Family = {
  operations: {
    grad: {
      gradients: 'none',
      misuse: [
        ...kinds.map((value): Misuse => [() => tilegrad.grad(wrong(value), leaf), 'ERR_ARGUMENT']),
        ...kinds.map(
          (value): Misuse => [() => tilegrad.grad(leaf.sum(), wrong(value)), 'ERR_ARGUMENT'],
        ),
        ...optionsOf('grad', (options) => tilegrad.grad(leaf.sum(), leaf, options)),
        [() => tilegrad.grad(x.sum(), leaf), 'ERR_STATE'],
        [() => tilegrad.grad(leaf.sum(), x), 'ERR_STATE'],
        [() => tilegrad.grad(leaf.mul(2), leaf), 'ERR_SHAPE'],
        [() => tilegrad.grad(leaf.mul(2), leaf, { gradOutputs: ones([3]) }), 'ERR_SHAPE'],
        [() => tilegrad.grad([leaf.sum()], leaf, { gradOutputs: [] }), 'ERR_ARGUMENT'],
        [
          () => tilegrad.grad(leaf.sum(), leaf.mul(2)),
          'ERR_STATE',
          'the outputs do not depend on input 0',
        ],
      ],
    },
    backward: {
      gradients: 'none',
      misuse: [
        ...kinds.map((value): Misuse => [() => tilegrad.backward(wrong(value)), 'ERR_ARGUMENT']),
        ...kinds
          .slice(1)
          .map((value): Misuse => [() => tilegrad.backward(leaf, wrong(value)), 'ERR_ARGUMENT']),
        ...optionsOf('backward', (options) => tilegrad.backward(leaf, ones([2]), options)),
        [() => tilegrad.backward(x), 'ERR_STATE'],
        [() => tilegrad.backward(leaf), 'ERR_SHAPE'],
      ],
    },
    gradcheck: {
      gradients: 'none',
      misuse: [
        ...kinds
          .filter((value) => typeof value !== 'function')
          .map((fn): Misuse => [() => tilegrad.gradcheck(wrong(fn), []), 'ERR_ARGUMENT']),
        ...kinds.map(
          (inputs): Misuse => [
            () => tilegrad.gradcheck(tilegrad.exp, wrong(inputs)),
            'ERR_ARGUMENT',
          ],
        ),
        ...optionsOf('gradcheck', (options) => tilegrad.gradcheck(tilegrad.exp, [], options)),
        [() => tilegrad.gradcheck(tilegrad.exp, [], { step: wrong('1') }), 'ERR_ARGUMENT'],
        [() => tilegrad.gradcheck(tilegrad.exp, [], { tolerance: -1 }), 'ERR_ARGUMENT'],
        [() => tilegrad.gradcheck(tilegrad.exp, [leaf]), 'ERR_DTYPE'],
      ],
    },
    noGrad: {
      gradients: 'none',
      misuse: [
        ...kinds
          .filter((value) => typeof value !== 'function')
          .map((fn): Misuse => [() => tilegrad.noGrad(wrong(fn)), 'ERR_ARGUMENT']),
        [() => tilegrad.noGrad(async () => 1), 'ERR_ARGUMENT'],
      ],
    },
    enableGrad: {
      gradients: 'none',
      misuse: [
        ...kinds
          .filter((value) => typeof value !== 'function')
          .map((fn): Misuse => [() => tilegrad.enableGrad(wrong(fn)), 'ERR_ARGUMENT']),
        [() => tilegrad.enableGrad(async () => 1), 'ERR_ARGUMENT'],
      ],
    },
  },
};
