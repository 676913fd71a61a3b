/** Products of bytes, and what turns floats into bytes and back. */
import * as tilegrad from 'tilegrad';
import { nn, ones, tensor } from 'tilegrad';
import {
  bytes,
  dims,
  kinds,
  leaf,
  type Misuse,
  notFinite,
  notSizes,
  optionsOf,
  tensorArguments,
  wrong,
  x,
} from './misuse.js';
import type { Family } from './operation.js';

export const quantized: Family = {
  title: 'Quantized layers',
  operations: {
    int8Matmul: {
      misuse: [
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
      gradients: 'none',
    },
    quantizePerChannel: {
      misuse: [
        ...tensorArguments((t) => tilegrad.quantizePerChannel(t), { half: 'not bfloat16' }),
        ...optionsOf('quantizePerChannel', (options) => tilegrad.quantizePerChannel(x, options)),
        ...dims((axis) => tilegrad.quantizePerChannel(x, { axis })),
        [() => tilegrad.quantizePerChannel(tensor(1)), 'ERR_INDEX'],
        [() => tilegrad.quantizePerChannel(ones([2, 3], { dtype: 'float64' })), 'ERR_DTYPE'],
      ],
      gradients: 'none',
    },
    dequantize: {
      misuse: [
        ...tensorArguments((t) => tilegrad.dequantize(t, ones([2])), { half: 'not bfloat16' }),
        ...tensorArguments((t) => tilegrad.dequantize(bytes, t), { half: 'not bfloat16' }),
        ...optionsOf('dequantize', (options) => tilegrad.dequantize(bytes, ones([2]), options)),
        ...dims((axis) => tilegrad.dequantize(bytes, ones([2]), { axis })),
        [() => tilegrad.dequantize(bytes, ones([3])), 'ERR_SHAPE'],
        [() => tilegrad.dequantize(bytes, ones([2, 1])), 'ERR_SHAPE'],
        [() => tilegrad.dequantize(x, ones([2])), 'ERR_DTYPE'],
        [() => tilegrad.dequantize(bytes, ones([2], { dtype: 'float64' })), 'ERR_DTYPE'],
      ],
      gradients: 'none',
    },
  },
  modules: {
    QuantizedLinear: [
      ...notSizes.flatMap((size): Misuse[] => [
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
  },
};
