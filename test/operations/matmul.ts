/** Products of matrices, and the linear layer made of them. */
import * as tilegrad from 'tilegrad';
import { linear, matmul, nn, ones } from 'tilegrad';
import { type Fn, one } from './gradients.js';
import {
  addProduct,
  half,
  integers,
  learned,
  type Misuse,
  notFinite,
  optionsOf,
  tensorArguments,
  wrong,
  x,
} from './misuse.js';
import type { Family } from './operation.js';

const product: Fn = (a, b) => matmul(a!, b!);

export const matrixProducts: Family = {
  title: 'Matrix products',
  operations: {
    matmul: {
      misuse: [
        ...optionsOf('matmul', (options) => tilegrad.matmul(x, x.transpose(), options)),
        ...['int16', 5, null].map(
          (outDtype): Misuse => [
            () => tilegrad.matmul(x, x.transpose(), { outDtype: wrong(outDtype) }),
            'ERR_DTYPE',
          ],
        ),
        [
          () => tilegrad.matmul(x, x.transpose(), { outDtype: 'float64' }),
          'ERR_DTYPE',
          "can't give",
        ],
        [() => tilegrad.matmul(x, x.transpose(), { outDtype: 'bfloat16' }), 'ERR_DTYPE'],
        [
          () => tilegrad.matmul(half, half.transpose(), { outDtype: 'float64' }),
          'ERR_DTYPE',
          'only bfloat16 or float32',
        ],
        ...tensorArguments((a) => tilegrad.matmul(a, x), {
          takesNumbers: true,
          takesIntegers: true,
        }),
        ...tensorArguments((b) => tilegrad.matmul(x, b), {
          takesNumbers: true,
          takesIntegers: true,
        }),
        [() => tilegrad.matmul(x, wrong(5)), 'ERR_SHAPE'],
        [() => tilegrad.matmul(x, x), 'ERR_SHAPE', '[2, 3] and [2, 3] do not fit: 3 != 2'],
        [() => tilegrad.matmul(ones([2, 1, 2]), ones([3, 2, 1])), 'ERR_SHAPE'],
        [() => tilegrad.matmul(integers, integers), 'ERR_SHAPE'],
        [() => tilegrad.matmul(integers.to('bool'), integers.to('bool')), 'ERR_DTYPE'],
      ],
      gradients: [
        one(product, [3], [3]),
        one(product, [2, 3], [3]),
        one(product, [3], [3, 2]),
        one(product, [2, 3], [3, 4]),
        one(product, [2, 2, 3], [3, 2]),
        one(product, [2, 3], [2, 3, 2]),
        one(product, [2, 1, 2, 3], [2, 3, 2]),
        one(product, [3], [2, 3, 2]),
        one(product, [2, 0], [0, 3]),
        one(product, [0, 2], [2, 3]),
        one((a, b) => matmul(a.expand([2, 3]), b.expand([3, 2])), [2, 1], [1, 2]),
      ],
    },
    addmm: {
      misuse: addProduct('addmm', tilegrad.addmm, [2, 3], [3, 2]),
      gradients: [
        one((c, a, b) => tilegrad.addmm(c, a, b), [2, 4], [2, 3], [3, 4]),
        one((c, a, b) => tilegrad.addmm(c, a, b, { alpha: -0.5, beta: 2 }), [4], [2, 3], [3, 4]),
        one((c, a, b) => tilegrad.addmm(c, a, b, { beta: 0 }), [2, 1], [2, 3], [3, 4]),
        one((c, a, b) => tilegrad.addmm(c, a, b), [2, 0], [2, 3], [3, 0]),
      ],
    },
    baddbmm: {
      misuse: addProduct('baddbmm', tilegrad.baddbmm, [4, 2, 3], [4, 3, 2]),
      gradients: [
        one((c, a, b) => tilegrad.baddbmm(c, a, b), [2, 2, 4], [2, 2, 3], [2, 3, 4]),
        one(
          (c, a, b) => tilegrad.baddbmm(c, a, b, { alpha: 3, beta: 0.5 }),
          [4],
          [2, 2, 3],
          [2, 3, 4],
        ),
      ],
    },
    linear: {
      misuse: [
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
      gradients: (
        ['none', 'relu', 'leakyRelu', 'sigmoid', 'tanh', 'gelu', 'geluTanh', 'silu'] as const
      ).flatMap((activation) => [
        one(
          (x, w, b, residual) => linear(x, w, b, { activation, residual, negativeSlope: 0.3 }),
          [3, 4],
          [2, 4],
          [2],
          [3, 2],
        ),
        // A second product takes the activation's derivative into its own.
        one((x, w, v) => linear(linear(x, w, null, { activation }), v), [3, 4], [2, 4], [3, 2]),
        one((x, w, b) => linear(x, w, b, { activation }), [3, 4], [2, 4], [2]),
        one((x, w) => linear(x, w, null, { activation }), [3, 4], [2, 4]),
        one((x, w, b) => linear(x, w, b, { activation }), [4], [2, 4], [2]),
        one((x, w, b) => linear(x, w, b, { activation }), [2, 2, 3], [3, 3], [3]),
        one((x, w, b) => linear(x, w, b, { activation }), [0, 3], [2, 3], [2]),
        one(
          (x, w) => linear(x.expand([2, 3]), w.expand([2, 3]), null, { activation }),
          [2, 1],
          [2, 1],
        ),
      ]),
    },
    matmulPlan: {
      misuse: [
        ...tensorArguments((t) => tilegrad.matmulPlan(t, x)),
        ...tensorArguments((t) => tilegrad.matmulPlan(x, t)),
        [() => tilegrad.matmulPlan(x, x), 'ERR_SHAPE'],
        [() => tilegrad.matmulPlan(ones([3]), ones([3])), 'ERR_SHAPE'],
        [() => tilegrad.matmulPlan(x, ones([3, 2], { dtype: 'float64' })), 'ERR_DTYPE'],
      ],
      gradients: 'none',
    },
    setWeightPacking: {
      misuse: [undefined, null, 0, 'on'].map(
        (value): Misuse => [() => tilegrad.setWeightPacking(wrong(value)), 'ERR_ARGUMENT'],
      ),
      gradients: 'none',
    },
    setFloat32MatmulPrecision: {
      misuse: [undefined, null, 5, 'high', '', {}].map(
        (precision): Misuse => [
          () => tilegrad.setFloat32MatmulPrecision(wrong(precision)),
          'ERR_ARGUMENT',
        ],
      ),
      gradients: 'none',
    },
    getFloat32MatmulPrecision: { misuse: [], gradients: 'none' },
  },
  modules: {
    Linear: [
      ...learned('Linear', [1, 1], ([a, b], options) => new nn.Linear(a!, b!, options)),
      ...tensorArguments((t) => new nn.Linear(3, 1).forward(t)).map(
        ([call, code]): Misuse => [call, code, '[linear]'],
      ),
    ],
  },
};
