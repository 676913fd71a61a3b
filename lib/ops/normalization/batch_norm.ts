/** Batch normalisation: statistics of each channel over all samples. */
import { TensorError } from '../../errors.js';
import { rows } from '../../native/commands.js';
import { uninitialized } from '../../tensor/creation.js';
import {
  checkFlag,
  checkNumber,
  checkOptions,
  describe,
  formatShape,
  numel,
} from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { checkFloating, checkTensor, contiguous } from '../operand.js';
import { reshape, slice } from '../shape/shape.js';
import { attachJoint, checkAffine, checkChannels, run } from './norm.js';
import { recordedGradient } from './norm_gradient.js';

/** Options of {@link batchNorm}. */
export interface BatchNormOptions {
  /** Mean of each channel over earlier batches, shape [C]; changed in training. */
  runningMean?: Tensor | null;
  /** Variance of each channel over earlier batches, shape [C]; changed in training. */
  runningVar?: Tensor | null;
  /** Multiplies the normalised values, shape [C]. */
  weight?: Tensor | null;
  /** Added at the end, shape [C]. */
  bias?: Tensor | null;
  /** Whether the statistics are those of the batch; otherwise the running ones. Default false. */
  training?: boolean;
  /**
   * The share of the batch in the running statistics, 0 to 1; default 0.1. null averages over all batches,
   * which `numBatchesTracked` counts.
   */
  momentum?: number | null;
  /** Added to the variance. Default 1e-5. */
  eps?: number;
  /** Counts the batches of training: an int32 tensor of one element. */
  numBatchesTracked?: Tensor | null;
}

const OPTIONS = [
  ...['runningMean', 'runningVar', 'weight', 'bias', 'training', 'momentum', 'eps'],
  'numBatchesTracked',
];

/** @throws TensorError ERR_ARGUMENT unless it is a number from 0 to 1, or null */
export function checkMomentum(operation: string, momentum: unknown): number | null {
  if (momentum === null) return null;
  if (typeof momentum !== 'number' || !(momentum >= 0 && momentum <= 1)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] momentum is a number from 0 to 1, or null, not ${describe(momentum)}`,
    );
  }
  return momentum;
}

/** The running statistics, which are written in place in training, or null. */
function checkRunning(
  name: string,
  value: Tensor | null | undefined,
  x: Tensor,
  training: boolean,
): Tensor | null {
  const running = checkAffine('batchNorm', name, value, [x.shape[1] as number], x);
  if (training && running !== null && running !== value) {
    throw new TensorError(
      'ERR_STATE',
      `[batchNorm] ${name} is written in place and must be contiguous`,
    );
  }
  return running;
}

function checkCounter(counter: Tensor | null | undefined): Tensor | null {
  if (counter === undefined || counter === null) return null;
  checkTensor('batchNorm', counter);
  if (counter.dtype !== 'int32' || counter.numel !== 1) {
    throw new TensorError(
      counter.dtype === 'int32' ? 'ERR_SHAPE' : 'ERR_DTYPE',
      `[batchNorm] numBatchesTracked is one int32, not ${formatShape(counter.shape)} of ${counter.dtype}`,
    );
  }
  return counter;
}

/**
 * (x - mean) / sqrt(variance + eps) * weight + bias for each channel (Ioffe & Szegedy 2015). In training
 * mean and (biased) variance are those over samples and positions, gradients flow through them, and
 * the running statistics become (1 - momentum) * running + momentum * batch, with the unbiased
 * variance. They are written by the same native command, so that a recorded program does it again.
 * In evaluation mean and variance are the running ones and nothing is changed. The batch's variance is
 * computed from differences: of blocks by two passes, of blocks together as by Chan, Golub & LeVeque
 * (1979).
 * @param x float32 or float64, shape [N, C, ...]
 * @param options see `BatchNormOptions`; without running statistics only in training
 * @throws TensorError ERR_SHAPE when shapes don't fit and for a single value for each channel in
 * training, ERR_DTYPE when dtypes differ or aren't floating, ERR_ARGUMENT for unknown options and
 * values out of their range, ERR_STATE for running statistics that aren't contiguous
 * @example
 * ```ts
 * batchNorm(tensor([[1, 10], [3, 30]]), { training: true, eps: 0 }); // => [[-1, -1], [1, 1]]
 * ```
 */
export function batchNorm(x: Tensor, options: BatchNormOptions = {}): Tensor {
  checkFloating('batchNorm', x);
  checkOptions('batchNorm', options, OPTIONS);
  checkChannels('batchNorm', x, 2);
  const [n, channels] = x.shape as readonly [number, number];
  const span = numel(x.shape.slice(2));
  const training = checkFlag('batchNorm', 'training', options.training ?? false);
  const eps = checkNumber('batchNorm', 'eps', options.eps ?? 1e-5, 0);
  const momentum =
    options.momentum === undefined ? 0.1 : checkMomentum('batchNorm', options.momentum);
  const weight = checkAffine('batchNorm', 'weight', options.weight, [channels], x);
  const bias = checkAffine('batchNorm', 'bias', options.bias, [channels], x);
  const runningMean = checkRunning('runningMean', options.runningMean, x, training);
  const runningVar = checkRunning('runningVar', options.runningVar, x, training);
  const counter = checkCounter(options.numBatchesTracked);
  if ((runningMean === null) !== (runningVar === null) || (!training && runningMean === null)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[batchNorm] ${training ? 'give both runningMean and runningVar or neither' : 'evaluation needs runningMean and runningVar'}`,
    );
  }
  if (momentum === null && counter === null && runningMean !== null && training) {
    throw new TensorError(
      'ERR_ARGUMENT',
      '[batchNorm] momentum null averages over all batches and needs numBatchesTracked',
    );
  }
  if (training && n * span <= 1 && channels > 0) {
    throw new TensorError(
      'ERR_SHAPE',
      `[batchNorm] training needs more than one value for each channel, not ${formatShape(x.shape)}`,
    );
  }
  const source = contiguous(x);
  const y = uninitialized(x.shape, x.dtype);
  // The mean and 1 / sqrt(variance + eps) that were used.
  const saved = uninitialized([2, channels], x.dtype);
  const sizes = [n, channels, span, Number(training)];
  if (y.numel > 0) {
    run(
      rows.batchNorm,
      [source, weight, bias, runningMean, runningVar, training ? counter : null, y, saved],
      [...sizes, momentum ?? -1, eps],
    );
    if (training) for (const t of [runningMean, runningVar, counter]) if (t) t.storage.version++;
  }
  const operands = [source, weight, bias] as const;
  const statistics = { shape: [n, channels, span], over: [0, 2], weights: [1], eps };
  const fused = (g: Tensor, gradients: readonly (Tensor | null)[]) =>
    run(rows.batchNormBackward, [source, contiguous(g), weight, saved, ...gradients], sizes);
  return attachJoint(y, 'batchNorm', operands, fused, (g, i) => {
    const constant = (k: number) => reshape(slice(saved, [k]), [1, channels, 1]);
    const fixed = training ? {} : { fixed: [constant(0), constant(1)] as const };
    return recordedGradient(g, operands, i, { ...statistics, centered: true, ...fixed });
  });
}

defineMethods({ batchNorm });

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** Normalised by each channel's statistics: see the function `batchNorm`. */
    batchNorm(options?: BatchNormOptions): Tensor;
  }
}
