/** Covariance and correlation of variables. */
import { composed } from '../../autograd/tidy.js';
import { TensorError } from '../../errors.js';
import { checkOptions, describe, formatShape } from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';
import { div, mul, sqrt, sub } from '../elementwise/arithmetic.js';
import { lt } from '../elementwise/compare.js';
import { checkNotBool, defineMethods } from '../elementwise/elementwise.js';
import { clamp } from '../elementwise/ternary.js';
import { asFloating, to } from '../operand.js';
import { matmul } from '../product/matmul.js';
import { isInteger } from '../promotion.js';
import { diagonal } from '../shape/diagonal.js';
import { reshape, squeeze, transpose, unsqueeze } from '../shape/shape.js';
import { any } from './count.js';
import { sum } from './reduce.js';

/** Options of {@link cov}. */
export interface CovOptions {
  /** What is subtracted from the number of observations to give the divisor. Default 1. */
  correction?: number;
  /** How often each observation was made: integers >= 0, one for each observation. */
  fweights?: Tensor;
  /** How much each observation counts: floats >= 0, one for each observation. */
  aweights?: Tensor;
}

/** Weights in x's dtype, checked. */
function weights(
  name: 'fweights' | 'aweights',
  given: Tensor | undefined,
  x: Tensor,
): Tensor | null {
  if (given === undefined) return null;
  if (!(given instanceof Tensor)) {
    throw new TensorError('ERR_ARGUMENT', `[cov] ${name} is a tensor, not ${describe(given)}`);
  }
  if (name === 'fweights' ? !isInteger(given.dtype) : !isFloat(given)) {
    const kind = name === 'fweights' ? 'integers' : 'float32 or float64';
    throw new TensorError('ERR_DTYPE', `[cov] ${name} are ${kind}, not ${given.dtype}`);
  }
  if (given.ndim !== 1 || given.shape[0] !== x.shape[1]) {
    throw new TensorError(
      'ERR_SHAPE',
      `[cov] ${name} of shape ${formatShape(given.shape)} are not one for each of ${x.shape[1]} ` +
        'observations',
    );
  }
  if (any(lt(given, 0)).item() !== 0) {
    throw new TensorError('ERR_ARGUMENT', `[cov] ${name} are not negative`);
  }
  return to(given, x.dtype);
}

const isFloat = ({ dtype }: Tensor): boolean => dtype === 'float32' || dtype === 'float64';

/** Variables in rows: at most 2 dimensions. */
function variables(operation: string, x: Tensor): Tensor {
  const floats = asFloating(operation, x);
  checkNotBool(operation, x);
  if (x.ndim > 2) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] takes variables in rows and observations in columns, not shape ` +
        formatShape(x.shape),
    );
  }
  return x.ndim === 2 ? floats : reshape(floats, [1, x.numel]);
}

/**
 * The covariances of variables: y[i, j] = sum over observations of w (x[i] - mean(x[i]))
 * (x[j] - mean(x[j])) / divisor. The weight w is the product of those that are given, 1 without; means
 * are weighted too. The divisor is sum(w) - correction; with aweights
 * sum(w) - correction * sum(w aweights) / sum(w); not below 0.
 * @param x variables in rows, observations in columns; a vector is one variable; integers become float32
 * @returns shape [variables, variables], a scalar of one variable
 * @throws TensorError ERR_SHAPE for more than 2 dimensions and for weights that don't fit, ERR_DTYPE,
 * ERR_ARGUMENT for a correction that isn't a whole number and for negative weights
 * @example
 * ```ts
 * cov(tensor([[0, 1, 2], [2, 1, 0]])); // => [[1, -1], [-1, 1]]
 * ```
 */
export function cov(x: Tensor, options: CovOptions = {}): Tensor {
  const rows = variables('cov', x);
  checkOptions('cov', options, ['correction', 'fweights', 'aweights']);
  const { correction = 1 } = options;
  if (!Number.isInteger(correction)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[cov] correction is a whole number, not ${describe(correction)}`,
    );
  }
  const fweights = weights('fweights', options.fweights, rows);
  const aweights = weights('aweights', options.aweights, rows);
  const w =
    fweights !== null && aweights !== null ? mul(fweights, aweights) : (fweights ?? aweights);
  const weigh = (t: Tensor) => (w === null ? t : mul(t, w));
  const total = w === null ? (rows.shape[1] as number) : sum(w);
  return composed(() => {
    const mean = div(sum(weigh(rows), { dim: 1, keepDim: true }), total);
    const centred = sub(rows, mean);
    const products = matmul(weigh(centred), transpose(centred));
    return squeeze(div(products, divisor(total, correction, w, aweights)));
  });
}

/** What the sums of products are divided by. */
function divisor(
  total: Tensor | number,
  correction: number,
  w: Tensor | null,
  aweights: Tensor | null,
): Tensor | number {
  if (typeof total === 'number') return Math.max(0, total - correction);
  const lost =
    aweights === null ? correction : mul(div(sum(mul(w as Tensor, aweights)), total), correction);
  return clamp(sub(total, lost), { min: 0 });
}

/**
 * Pearson's correlation coefficients of variables, y[i, j] = c[i, j] / sqrt(c[i, i] c[j, j]) with the
 * covariances c, brought into [-1, 1]; NaN for a variable that doesn't vary.
 * @param x variables in rows, observations in columns; a vector is one variable; integers become float32
 * @returns shape [variables, variables], a scalar of one variable
 * @throws TensorError ERR_SHAPE for more than 2 dimensions, ERR_DTYPE, ERR_ARGUMENT
 * @example
 * ```ts
 * corrcoef(tensor([[0, 1, 2], [2, 1, 0]])); // => [[1, -1], [-1, 1]]
 * ```
 */
export function corrcoef(x: Tensor): Tensor {
  const rows = variables('corrcoef', x);
  return composed(() => {
    const c = cov(rows);
    if (c.ndim === 0) return div(c, c);
    const deviation = sqrt(diagonal(c));
    const scaled = div(div(c, unsqueeze(deviation, 1)), unsqueeze(deviation, 0));
    return clamp(scaled, { min: -1, max: 1 });
  });
}

defineMethods({ cov, corrcoef });

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** The covariances of variables in rows: see the function `cov`. */
    cov(options?: CovOptions): Tensor;
    /** The correlation coefficients of variables in rows: see the function `corrcoef`. */
    corrcoef(): Tensor;
  }
}
