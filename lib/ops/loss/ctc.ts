/** Connectionist temporal classification: the loss of a sequence of labels without their places. */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { rows, runRow } from '../../native/commands.js';
import { uninitialized } from '../../tensor/creation.js';
import { tensor } from '../../tensor/data.js';
import type { TypedArray } from '../../tensor/dtype.js';
import { checkFlag, checkOptions, describe, formatShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { div, neg } from '../elementwise/arithmetic.js';
import { lt } from '../elementwise/compare.js';
import { where } from '../elementwise/ternary.js';
import { type IndexLike, indexTensor } from '../indexing/indices.js';
import { checkFloating, contiguous, scalar, to } from '../operand.js';
import { reshape, unsqueeze } from '../shape/shape.js';
import { IMPOSSIBLE, pathsGradient, type Sequences } from './ctc_paths.js';
import { checkReduction, type LossOptions, type LossReduction, reduced } from './loss.js';

/** Lengths of sequences: one for each, or a number for a single one. */
export type Lengths = Tensor | TypedArray | BigInt64Array | readonly number[] | number;

/** Options of {@link ctcLoss}. */
export interface CtcLossOptions extends LossOptions {
  /** The class that stands for no label. Default 0. */
  blank?: number;
  /** Whether infinite losses, of inputs too short for their targets, and their gradients are 0. Default false. */
  zeroInfinity?: boolean;
  /** Default `mean`: each loss is divided by the length of its target first, then they are averaged. */
  reduction?: LossReduction;
}

/** @throws TensorError ERR_ARGUMENT for unknown options and values */
export function ctcOptionsOf(operation: string, options: CtcLossOptions): Required<CtcLossOptions> {
  checkOptions(operation, options, ['blank', 'zeroInfinity', 'reduction']);
  const { blank = 0, zeroInfinity, reduction } = options;
  if (!Number.isSafeInteger(blank) || blank < 0) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] blank is a class, a whole number from 0, not ${describe(blank)}`,
    );
  }
  return {
    blank,
    zeroInfinity: checkFlag(operation, 'zeroInfinity', zeroInfinity, false),
    reduction: checkReduction(operation, reduction),
  };
}

/** The lengths of a batch's sequences, each from 0 to `most`. */
function checkLengths(name: string, given: unknown, batch: number, most: number): number[] {
  const index = indexTensor('ctcLoss', given);
  if (index.numel !== batch || index.ndim > 1) {
    throw new TensorError(
      'ERR_SHAPE',
      `[ctcLoss] ${name} has shape ${formatShape(index.shape)}, not [${batch}]`,
    );
  }
  const lengths = [...contiguous(index).data];
  const wrong = lengths.find((length) => length < 0 || length > most);
  if (wrong !== undefined) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[ctcLoss] ${name} are from 0 to ${most}, what there is, not ${wrong}`,
    );
  }
  return lengths;
}

/** The labels of each sequence, from rows of one length or from all in a row. */
function checkTargets(
  given: unknown,
  lengthsGiven: unknown,
  batch: number,
  classes: number,
  blank: number,
): number[][] {
  const index = indexTensor('ctcLoss', given);
  const { shape } = index;
  const inRows = index.ndim === 2 && shape[0] === batch;
  if (!inRows && index.ndim !== 1) {
    throw new TensorError(
      'ERR_SHAPE',
      `[ctcLoss] targets ${formatShape(shape)} of ${batch} sequences: they have shape [N, S], or one ` +
        'dimension with all in a row',
    );
  }
  const most = shape.at(-1) as number;
  const lengths = checkLengths('targetLengths', lengthsGiven, batch, most);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (!inRows && batch !== 1 && total !== most) {
    throw new TensorError(
      'ERR_SHAPE',
      `[ctcLoss] ${most} targets in a row, but their lengths add up to ${total}`,
    );
  }
  const all = contiguous(index).data;
  let end = 0;
  return lengths.map((length, n) => {
    const start = inRows ? n * most : end;
    end = start + length;
    const labels = Array.from(all.subarray(start, end) as Int32Array);
    const wrong = labels.find((label) => label < 0 || label >= classes || label === blank);
    if (wrong !== undefined) {
      const what = wrong === blank ? 'is the blank' : `is not one of ${classes} classes`;
      throw new TensorError('ERR_INDEX', `[ctcLoss] target ${wrong} ${what}`);
    }
    return labels;
  });
}

/** What the native rows take: labels in rows of one length, and the numbers behind the sizes. */
interface Call {
  readonly tables: readonly [labels: Int32Array, frames: Int32Array, lengths: Int32Array];
  readonly numbers: readonly number[];
  /** The values that a sequence works with. */
  readonly room: number;
  readonly states: number;
}

function callOf(x: Tensor, { targets, lengths, blank }: Sequences): Call {
  const [time, batch, classes] = x.shape as [number, number, number];
  const most = Math.max(0, ...targets.map(({ length }) => length));
  const labels = new Int32Array(batch * most);
  for (const [n, target] of targets.entries()) labels.set(target, n * most);
  const states = 2 * most + 1;
  const room = 5 * states + 2 + classes;
  return {
    tables: [labels, Int32Array.from(lengths), Int32Array.from(targets, ({ length }) => length)],
    numbers: [time, batch, classes, most, states, room, blank],
    room,
    states,
  };
}

/** The logarithm of the sum of the probabilities of all paths, [N] in float64, as one node. */
function allPaths(logProbs: Tensor, sequences: Sequences): Tensor {
  const x = contiguous(logProbs.detach());
  const [time, batch] = x.shape as [number, number, number];
  const { tables, numbers, room, states } = callOf(x, sequences);
  const dtype = 'float64';
  const alpha = uninitialized([batch, time, states], dtype);
  const total = uninitialized([batch], dtype);
  const work = uninitialized([batch, room], dtype);
  const outputs = [alpha, total, work];
  runRow(
    rows.ctcLoss,
    [x.array, ...tables, ...outputs.map((t) => t.array)],
    [x.offset, 0, 0, 0, ...outputs.map((t) => t.offset)],
    numbers,
  );
  if (!recording(logProbs)) return total;
  const rule = (g: Tensor): Tensor => {
    if (recording(g, logProbs)) return pathsGradient(g, logProbs, sequences);
    const dx = uninitialized(x.shape, x.dtype);
    const workBack = uninitialized(work.shape, dtype);
    const operands = [alpha, total, contiguous(g), dx, workBack];
    runRow(
      rows.ctcLossBackward,
      [x.array, ...tables, ...operands.map((t) => t.array)],
      [x.offset, 0, 0, 0, ...operands.map((t) => t.offset)],
      [...numbers, Number(sequences.zeroInfinity)],
    );
    return dx;
  };
  return attach(total, 'ctcLoss', [logProbs], [rule]);
}

/**
 * The loss of labels whose places in the input aren't known (Graves et al. 2006): the negative logarithm
 * of the probability of all paths, one class for each frame, that give the target when repetitions and
 * then blanks are taken out. It is computed in float64 by the forward recursion over the labels, its
 * gradient by the backward one.
 *
 * The gradient is that of the function as it stands. PyTorch's, by the log-probabilities, is right only
 * behind `logSoftmax`; by what stands before it both are the same.
 * @param logProbs logarithms of the classes' probabilities (`logSoftmax`), float32 or float64, shape
 * [T, N, C], or [T, C] without a batch
 * @param targets classes without blanks: integers [N, S], of which each row's first ones count, or all in
 * a row; [S] without a batch
 * @param inputLengths how many frames of each input count, [N] or a number
 * @param targetLengths how many classes of each target count
 * @returns a scalar, or with `reduction: 'none'` shape [N] ([] without a batch); infinite where the input
 * is too short
 * @throws TensorError ERR_SHAPE, ERR_DTYPE; ERR_INDEX for a target that is no class, or the blank;
 * ERR_ARGUMENT for lengths beyond what there is, and for options
 * @example
 * ```ts
 * const logProbs = tensor([[[0.5, 0.5]], [[0.5, 0.5]]]).log();
 * ctcLoss(logProbs, [[1]], [2], [1]).exp(); // => 1.333333
 * ctcLoss(logProbs, [[1, 1]], [2], [2]); // => Infinity
 * ```
 */
export function ctcLoss(
  logProbs: Tensor,
  targets: IndexLike,
  inputLengths: Lengths,
  targetLengths: Lengths,
  options: CtcLossOptions = {},
): Tensor {
  checkFloating('ctcLoss', logProbs);
  const { blank, zeroInfinity, reduction } = ctcOptionsOf('ctcLoss', options);
  if (logProbs.ndim !== 2 && logProbs.ndim !== 3) {
    throw new TensorError(
      'ERR_SHAPE',
      `[ctcLoss] log-probabilities have shape [T, N, C] or [T, C], not ${formatShape(logProbs.shape)}`,
    );
  }
  const isBatch = logProbs.ndim === 3;
  const x = isBatch ? logProbs : unsqueeze(logProbs, 1);
  const [time, batch, classes] = x.shape as [number, number, number];
  if (blank >= classes) {
    throw new TensorError('ERR_INDEX', `[ctcLoss] blank ${blank} is not one of ${classes} classes`);
  }
  const lengths = checkLengths('inputLengths', inputLengths, batch, time);
  const labels = checkTargets(targets, targetLengths, batch, classes, blank);
  const total = allPaths(x, { targets: labels, lengths, blank, zeroInfinity });
  const worst = scalar(zeroInfinity ? 0 : Infinity, 'float64');
  const losses = where(lt(total.detach(), IMPOSSIBLE), worst, neg(total));
  const shaped = to(isBatch ? losses : reshape(losses, []), logProbs.dtype);
  if (reduction !== 'mean') return reduced(shaped, reduction);
  const sizes = tensor(
    labels.map(({ length }) => Math.max(1, length)),
    { dtype: logProbs.dtype },
  );
  return reduced(div(shaped, isBatch ? sizes : reshape(sizes, [])), 'mean');
}
