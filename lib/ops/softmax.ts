/** Softmax and log-softmax along a dimension. */
import { attach, recording } from '../autograd/tape.js';
import { rows, runRow } from '../native/commands.js';
import { uninitialized } from '../tensor/creation.js';
import { normalizeDim } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { checkFloating, contiguous } from './operand.js';
import { transpose } from './shape.js';

type Kind = 'softmax' | 'logSoftmax';

/** Along the last dimension of contiguous rows. */
function compute(kind: Kind, x: Tensor): Tensor {
  const y = uninitialized(x.shape, x.dtype);
  const cols = x.shape.at(-1) as number;
  if (y.numel > 0) {
    runRow(
      rows[kind],
      [x.array, y.array],
      [x.offset, y.offset],
      [x.numel / cols, cols, cols, cols],
    );
  }
  return y;
}

/** y and g contiguous; the rule of softmax is y (g - sum(g y)), of log-softmax g - e^y sum(g). */
function computeBackward(kind: Kind, y: Tensor, g: Tensor): Tensor {
  const dx = uninitialized(y.shape, y.dtype);
  const cols = y.shape.at(-1) as number;
  if (y.numel > 0) {
    runRow(
      rows[`${kind}Backward`],
      [y.array, g.array, dx.array],
      [y.offset, g.offset, dx.offset],
      [y.numel / cols, cols, cols, cols, cols],
    );
  }
  return dx;
}

function alongLast(kind: Kind, x: Tensor): Tensor {
  const source = contiguous(x);
  const y = compute(kind, source);
  if (recording(source))
    attach(y, kind, [source], [(g) => computeBackward(kind, y, contiguous(g))]);
  return y;
}

function along(kind: Kind, x: Tensor, dim: number): Tensor {
  checkFloating(kind, x);
  if (x.ndim === 0) return along(kind, x.reshape([1]), 0).reshape([]);
  const at = normalizeDim(kind, dim, x.ndim);
  if (at === x.ndim - 1) return alongLast(kind, x);
  return transpose(alongLast(kind, transpose(x, at, -1)), at, -1);
}

/**
 * e^x / sum(e^x) along `dim` (default the last), computed from x - max(x) so that nothing
 * overflows. A row of nothing but -inf gives NaN, as in PyTorch.
 */
export function softmax(x: Tensor, dim = -1): Tensor {
  return along('softmax', x, dim);
}

/** log(softmax(x)) along `dim` (default the last), computed as (x - max) - log(sum(e^(x - max))). */
export function logSoftmax(x: Tensor, dim = -1): Tensor {
  return along('logSoftmax', x, dim);
}

declare module '../tensor/tensor.js' {
  interface Tensor {
    /** e^x / sum(e^x) along a dimension, default the last. */
    softmax(dim?: number): Tensor;
    /** The logarithm of softmax along a dimension, default the last. */
    logSoftmax(dim?: number): Tensor;
  }
}

Tensor.prototype.softmax = function (this: Tensor, dim) {
  return softmax(this, dim);
};
Tensor.prototype.logSoftmax = function (this: Tensor, dim) {
  return logSoftmax(this, dim);
};
