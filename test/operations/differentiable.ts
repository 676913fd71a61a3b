/**
 * All calls whose gradients are checked: those of the families, and here those of functions that have
 * no family file yet.
 */
import * as tilegrad from 'tilegrad';
import { linear, matmul } from 'tilegrad';
import { type Case, type Fn, one, unary } from './gradients.js';
import { families } from './index.js';

const product: Fn = (a, b) => matmul(a!, b!);

/** For every differentiable function of the library: the calls that are checked. */
export const table: Record<string, readonly Case[]> = {
  sqrt: unary(tilegrad.sqrt, 20),
  reciprocal: unary(tilegrad.reciprocal, 20),
  expand: [
    one((x) => tilegrad.expand(x, [2, 3, 4]), [3, 1]),
    one((x) => tilegrad.expand(x, [2, 2]), []),
    one((x) => tilegrad.expand(x, [0, 2]), [2]),
    one((x) => tilegrad.expand(x, [2, 3]), [2, 3]),
  ],
  reshape: [
    one((x) => tilegrad.reshape(x, [3, -1]), [2, 3]),
    one((x) => tilegrad.reshape(x, []), [1, 1]),
    one((x) => tilegrad.reshape(x, [0]), [2, 0]),
  ],
  flatten: [one((x) => tilegrad.flatten(x, 1), [2, 3, 2]), one((x) => tilegrad.flatten(x), [])],
  permute: [one((x) => tilegrad.permute(x, [2, 0, 1]), [2, 3, 4])],
  transpose: [one((x) => tilegrad.transpose(x), [2, 3]), one((x) => tilegrad.transpose(x), [0, 3])],
  unsqueeze: [one((x) => tilegrad.unsqueeze(x, 1), [2, 3])],
  squeeze: [
    one((x) => tilegrad.squeeze(x), [1, 3, 1]),
    one((x) => tilegrad.squeeze(x, 0), [1, 3, 1]),
    one((x) => tilegrad.squeeze(x), [1, 1]),
  ],
  slice: [
    one((x) => tilegrad.slice(x, [[0, null, 2], -1]), [5, 3]),
    one((x) => tilegrad.slice(x, [1, 2]), [2, 3]),
    one((x) => tilegrad.slice(x, [[2, 1]]), [3]),
  ],
  contiguous: unary(tilegrad.contiguous),
  clone: unary((x) => tilegrad.clone(x)),
  // To float32 and back would check its rounding; what there is to check in float64 is nothing.
  to: unary((x) => tilegrad.to(x, 'float64')),
  matmul: [
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
  addmm: [
    one((c, a, b) => tilegrad.addmm(c, a, b), [2, 4], [2, 3], [3, 4]),
    one((c, a, b) => tilegrad.addmm(c, a, b, { alpha: -0.5, beta: 2 }), [4], [2, 3], [3, 4]),
    one((c, a, b) => tilegrad.addmm(c, a, b, { beta: 0 }), [2, 1], [2, 3], [3, 4]),
    one((c, a, b) => tilegrad.addmm(c, a, b), [2, 0], [2, 3], [3, 0]),
  ],
  baddbmm: [
    one((c, a, b) => tilegrad.baddbmm(c, a, b), [2, 2, 4], [2, 2, 3], [2, 3, 4]),
    one((c, a, b) => tilegrad.baddbmm(c, a, b, { alpha: 3, beta: 0.5 }), [4], [2, 2, 3], [2, 3, 4]),
  ],
  linear: (
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
    one((x, w) => linear(x.expand([2, 3]), w.expand([2, 3]), null, { activation }), [2, 1], [2, 1]),
  ]),
};

/** Functions of the library that have no gradient. */
export const others = new Set([
  ...['backward', 'grad', 'gradcheck', 'gradgradcheck', 'noGrad', 'enableGrad', 'isGradEnabled'],
  ...['isAnomalyEnabled', 'isInferenceModeEnabled', 'emptyCache', 'memory'],
  ...['tensor', 'fromTypedArray', 'zeros', 'ones', 'full', 'empty', 'eye', 'arange', 'zerosLike'],
  ...['onesLike', 'batches', 'parseIdx', 'readIdx', 'readIdxSync', 'loadMnist'],
  ...['loadMnistSync', 'loadSafetensors', 'loadSafetensorsSync', 'saveSafetensors'],
  ...['saveSafetensorsSync', 'getNumThreads', 'setNumThreads', 'simdLevel', 'simdLevels'],
  ...['setSimdLevel', 'setWeightPacking', 'matmulPlan', 'Tensor', 'TensorError'],
  ...['getFloat32MatmulPrecision', 'setFloat32MatmulPrecision', 'int8Matmul'],
  ...['quantizePerChannel', 'dequantize'],
]);

for (const { operations } of families) {
  for (const [name, { gradients }] of Object.entries(operations)) {
    if (gradients === 'none') others.add(name);
    else table[name] = gradients;
  }
}
