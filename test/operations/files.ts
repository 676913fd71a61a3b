/** Files, data sets and mini-batches. */
import * as tilegrad from 'tilegrad';
import { ones, tensor } from 'tilegrad';
import { file, kinds, type Misuse, optionsOf, tensorArguments, wrong, x } from './misuse.js';
import type { Family } from './operation.js';

export const files: Family = {
  title: 'Files and data sets',
  operations: {
    batches: {
      misuse: [
        ...tensorArguments((t) => tilegrad.batches(t, x), { takesIntegers: true }),
        ...tensorArguments((t) => tilegrad.batches(x, t), { takesIntegers: true }),
        ...optionsOf('batches', (options) => tilegrad.batches(x, x, options)),
        [() => tilegrad.batches(x, ones([3])), 'ERR_SHAPE'],
        [() => tilegrad.batches(tensor(1), tensor(1)), 'ERR_SHAPE'],
        [() => tilegrad.batches(x, x, { batchSize: 0 }), 'ERR_ARGUMENT'],
        [() => tilegrad.batches(x, x, { seed: wrong('1') }), 'ERR_ARGUMENT'],
      ],
      gradients: 'none',
    },
    parseIdx: {
      misuse: [
        ...kinds.map((bytes): Misuse => [() => tilegrad.parseIdx(wrong(bytes)), 'ERR_ARGUMENT']),
        [() => tilegrad.parseIdx(new Uint8Array(3)), 'ERR_FORMAT', '[idx]'],
      ],
      gradients: 'none',
    },
    readIdx: {
      misuse: [
        ...optionsOf('readIdx', (options) => tilegrad.readIdx(file, options)),
        [() => tilegrad.readIdx(file), 'ERR_FORMAT', '[idx]'],
      ],
      gradients: 'none',
    },
    readIdxSync: {
      misuse: [[() => tilegrad.readIdxSync(file), 'ERR_FORMAT', '[idx]']],
      gradients: 'none',
    },
    loadMnist: {
      misuse: [
        ...optionsOf('loadMnist', (options) => tilegrad.loadMnist('.', 'train', options)),
        [() => tilegrad.loadMnist(wrong(5), 'train'), 'ERR_ARGUMENT'],
        [() => tilegrad.loadMnist('.', wrong('valid')), 'ERR_ARGUMENT'],
        [() => tilegrad.loadMnist('.', 'train', { classes: 0 }), 'ERR_ARGUMENT'],
        [() => tilegrad.loadMnist('.', 'train'), 'ERR_FORMAT', '[mnist]'],
      ],
      gradients: 'none',
    },
    loadMnistSync: {
      misuse: [
        ...optionsOf('loadMnistSync', (options) => tilegrad.loadMnistSync('.', 'train', options)),
        [() => tilegrad.loadMnistSync(wrong(5), 'train'), 'ERR_ARGUMENT'],
        [() => tilegrad.loadMnistSync('.', wrong('valid')), 'ERR_ARGUMENT'],
        [() => tilegrad.loadMnistSync('.', 'train', { classes: 0 }), 'ERR_ARGUMENT'],
        [() => tilegrad.loadMnistSync('.', 'train'), 'ERR_FORMAT', '[mnist]'],
      ],
      gradients: 'none',
    },
    loadSafetensors: {
      misuse: [
        ...optionsOf('loadSafetensors', (options) => tilegrad.loadSafetensors(file, options)),
        [() => tilegrad.loadSafetensors(file), 'ERR_FORMAT', '[safetensors]'],
      ],
      gradients: 'none',
    },
    loadSafetensorsSync: {
      misuse: [[() => tilegrad.loadSafetensorsSync(file), 'ERR_FORMAT', '[safetensors]']],
      gradients: 'none',
    },
    saveSafetensors: {
      misuse: [
        ...optionsOf('saveSafetensors', (options) => tilegrad.saveSafetensors('', {}, options)),
        ...[undefined, null, 5, 'text', x, { x: 5 }, { x: [1] }, new Map([['x', 5]])].map(
          (tensors): Misuse => [() => tilegrad.saveSafetensors('', wrong(tensors)), 'ERR_ARGUMENT'],
        ),
      ],
      gradients: 'none',
    },
    saveSafetensorsSync: {
      misuse: [
        ...optionsOf('saveSafetensorsSync', (options) =>
          tilegrad.saveSafetensorsSync('', {}, options),
        ),
        ...[undefined, null, 5, 'text', x, { x: 5 }, { x: [1] }, new Map([['x', 5]])].map(
          (tensors): Misuse => [
            () => tilegrad.saveSafetensorsSync('', wrong(tensors)),
            'ERR_ARGUMENT',
          ],
        ),
      ],
      gradients: 'none',
    },
  },
};
