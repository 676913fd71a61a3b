/** Connectionist temporal classification: the loss of a sequence of labels without their places. */
import { noGrad } from '../../autograd/mode.js';
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { tensor } from '../../tensor/data.js';
import type { TypedArray } from '../../tensor/dtype.js';
import { checkOptions, describe, formatShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { add, div, mul, neg, sub } from '../elementwise/arithmetic.js';
import { lt } from '../elementwise/compare.js';
import { exp } from '../elementwise/math.js';
import { clamp, where } from '../elementwise/ternary.js';
import { gather } from '../indexing/gather.js';
import { type IndexLike, indexTensor } from '../indexing/indices.js';
import { checkFloating, contiguous, scalar, to } from '../operand.js';
import { expand } from '../reduction/reduce.js';
import { logsumexp } from '../reduction/statistics.js';
import { stack } from '../shape/join.js';
import { pad } from '../shape/pad.js';
import { unfold } from '../shape/parts.js';
import { permute, reshape, unsqueeze } from '../shape/shape.js';
import { unbind } from '../shape/split.js';
import {
  checkFlag,
  checkReduction,
  type LossOptions,
  type LossReduction,
  reduced,
} from './loss.js';

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

/**
 * What stands for the logarithm of 0: finite, so that differences of two of them and their gradients
 * are numbers, and so large that no sum of log-probabilities comes near.
 */
const NOTHING = -1e30;
/** What is below it contains the logarithm of a 0. */
const IMPOSSIBLE = NOTHING / 2;

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

/**
 * The states that a path goes through: the labels with a blank before, between and behind them, 2 S + 1
 * for the longest target of the batch. From a state a path goes on to the same, the next or, past a blank
 * between different labels, the one after that.
 */
interface States {
  /** Each state's class, [N, states]. */
  readonly classes: Tensor;
  /**
   * What is added to the logarithms of the three ways into a state, from two before, one before and
   * itself: 0 or NOTHING. [3, N, states].
   */
  readonly into: Tensor;
  /** The same for the ways out: to itself, one and two further. */
  readonly outOf: Tensor;
  /** 0 for the last state of each target, NOTHING for others, [N, states]. */
  readonly end: Tensor;
  /** The index of the last state, [N, 1]. */
  readonly last: Tensor;
}

function statesOf(targets: readonly number[][], blank: number): States {
  const batch = targets.length;
  const count = 2 * Math.max(0, ...targets.map(({ length }) => length)) + 1;
  const classes = new Int32Array(batch * count).fill(blank);
  const into = new Float64Array(3 * batch * count);
  const outOf = new Float64Array(3 * batch * count);
  const end = new Float64Array(batch * count).fill(NOTHING);
  targets.forEach((labels, n) => {
    const first = n * count;
    labels.forEach((label, i) => {
      classes[first + 2 * i + 1] = label;
    });
    for (let s = 0; s < count; s++) {
      // A blank is never left out after another state, a label only between different ones.
      const label = s % 2 === 1 ? labels[(s - 1) / 2] : undefined;
      const skips = label !== undefined && label !== labels[(s - 3) / 2];
      if (!skips) into[first + s] = NOTHING;
      if (!skips && s >= 2) outOf[2 * batch * count + first + s - 2] = NOTHING;
    }
    end[first + 2 * labels.length] = 0;
  });
  const float = (data: Float64Array, ...shape: number[]) => reshape(tensor(data), shape);
  return {
    classes: reshape(tensor(classes), [batch, count]),
    into: float(into, 3, batch, count),
    outOf: float(outOf, 3, batch, count),
    end: float(end, batch, count),
    last: tensor(Int32Array.from(targets, ({ length }) => 2 * length)).reshape([batch, 1]),
  };
}

/** One step of a recursion: the three ways into each state (or out of it) added up. */
function step(padded: Tensor, ways: Tensor): Tensor {
  // The three ways come first: sums down columns are many times as fast as along rows of three.
  return logsumexp(add(permute(unfold(padded, 1, 3), [2, 0, 1]), ways), { dim: 0 });
}

/** The logarithms of the probabilities to be in each state after each frame, and of all paths. */
interface Forward {
  readonly alphas: readonly Tensor[];
  /** [N] */
  readonly total: Tensor;
}

/**
 * The forward recursion over frames [T, N, states] of log-probabilities. Behind the frames comes another
 * one, in which every path must go to the last state or stay there, so that its sum stands in one place.
 */
function forward(frames: Tensor, { into, end, last }: States): Forward {
  const [, batch, count] = frames.shape as [number, number, number];
  // Before the first frame a path is one place before the first state; two columns are always there.
  const start = new Float64Array(batch * (count + 2)).fill(NOTHING);
  for (let n = 0; n < batch; n++) start[n * (count + 2) + 1] = 0;
  let before: Tensor = reshape(tensor(start), [batch, count + 2]);
  const alphas = unbind(frames).map((frame) => {
    const alpha = add(step(before, into), frame);
    before = pad(alpha, [2, 0], { value: NOTHING });
    return alpha;
  });
  const final = add(step(before, into), end);
  return { alphas, total: reshape(gather(final, 1, last), [batch]) };
}

/**
 * The probability that a path of the target is in each state at each frame, [T, N, states]: the
 * derivative of the sum over all paths by the frames. It takes the backward recursion too.
 */
function posterior(frames: Tensor, states: States, { alphas, total }: Forward): Tensor {
  let after = pad(states.end, [0, 2], { value: NOTHING });
  const betas: Tensor[] = [];
  for (const frame of unbind(frames).reverse()) {
    const beta = step(after, states.outOf);
    betas.push(beta);
    after = pad(add(beta, frame), [0, 2], { value: NOTHING });
  }
  const logs = add(stack(alphas), stack(betas.reverse()));
  return exp(sub(logs, unsqueeze(total, -1)));
}

/**
 * The logarithm of the sum of the probabilities of all paths, [N], as one node: recorded step by step it
 * would keep several tensors for each frame.
 */
function allPaths(frames: Tensor, states: States, zeroInfinity: boolean): Tensor {
  const kept = noGrad(() => forward(frames, states));
  const { total } = kept;
  if (!recording(frames)) return total;
  const rule = (g: Tensor): Tensor => {
    if (frames.numel === 0) return frames;
    // To be differentiated again, the recursions are gone through with their single steps recorded.
    const shares = posterior(frames, states, recording(frames) ? forward(frames, states) : kept);
    const impossible = unsqueeze(lt(total.detach(), IMPOSSIBLE), -1);
    const none = scalar(zeroInfinity ? 0 : Number.NaN, 'float64');
    return mul(where(impossible, none, shares), unsqueeze(g, -1));
  };
  return attach(total, 'ctcLoss', [frames], [rule]);
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
  const states = statesOf(labels, blank);
  const [, count] = states.classes.shape as [number, number];
  const everywhere = expand(states.classes, [time, batch, count]);
  const all = clamp(gather(to(x, 'float64'), 2, everywhere), { min: NOTHING });
  const total = allPaths(cut(all, lengths, states), states, zeroInfinity);
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

/** Frames behind an input's length lead to the last state, as the one behind all frames does. */
function cut(frames: Tensor, lengths: readonly number[], { end }: States): Tensor {
  const [time, batch] = frames.shape as [number, number];
  if (lengths.every((length) => length === time)) return frames;
  const counts = Uint8Array.from({ length: time * batch }, (_, i) =>
    Number(Math.floor(i / batch) < (lengths[i % batch] as number)),
  );
  return where(reshape(tensor(counts), [time, batch, 1]).ne(0), frames, end);
}
