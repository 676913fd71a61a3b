/**
 * The recursions of connectionist temporal classification made of recorded operations: the gradient's
 * gradient. The rows of native/ops/loss/ctc.cpp compute the same.
 */
import { zeros } from '../../tensor/creation.js';
import { tensor } from '../../tensor/data.js';
import type { Tensor } from '../../tensor/tensor.js';
import { add, mul, sub } from '../elementwise/arithmetic.js';
import { ge, lt } from '../elementwise/compare.js';
import { exp } from '../elementwise/math.js';
import { clamp, where } from '../elementwise/ternary.js';
import { gather } from '../indexing/gather.js';
import { scatterAdd } from '../indexing/scatter.js';
import { scalar, to } from '../operand.js';
import { expand } from '../reduction/reduce.js';
import { logsumexp } from '../reduction/statistics.js';
import { stack } from '../shape/join.js';
import { pad } from '../shape/pad.js';
import { unfold } from '../shape/parts.js';
import { permute, reshape, unsqueeze } from '../shape/shape.js';
import { unbind } from '../shape/split.js';

/**
 * What stands for the logarithm of 0: finite, so that differences of two of them and their gradients
 * are numbers, and so large that no sum of log-probabilities comes near.
 */
const NOTHING = -1e30;
/** What is below it contains the logarithm of a 0. */
export const IMPOSSIBLE = NOTHING / 2;

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

function statesOf(targets: readonly (readonly number[])[], blank: number): States {
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

/** Frames behind an input's length lead to the last state, as the one behind all frames does. */
function cut(frames: Tensor, lengths: readonly number[], { end }: States): Tensor {
  const [time, batch] = frames.shape as [number, number];
  if (lengths.every((length) => length === time)) return frames;
  const counts = Uint8Array.from({ length: time * batch }, (_, i) =>
    Number(Math.floor(i / batch) < (lengths[i % batch] as number)),
  );
  return where(reshape(tensor(counts), [time, batch, 1]).ne(0), frames, end);
}

/** What the gradient of all paths depends on besides the log-probabilities. */
export interface Sequences {
  /** Labels of each sequence. */
  readonly targets: readonly (readonly number[])[];
  /** Frames of each sequence. */
  readonly lengths: readonly number[];
  readonly blank: number;
  readonly zeroInfinity: boolean;
}

/**
 * g times the derivative of the logarithm of all paths' probability, [N], by the log-probabilities x,
 * [T, N, C].
 */
export function pathsGradient(g: Tensor, x: Tensor, sequences: Sequences): Tensor {
  const { targets, lengths, blank, zeroInfinity } = sequences;
  const [time, batch] = x.shape as [number, number, number];
  if (time === 0) return x;
  const states = statesOf(targets, blank);
  const count = states.classes.shape[1] as number;
  const everywhere = expand(states.classes, [time, batch, count]);
  const given = gather(to(x, 'float64'), 2, everywhere);
  const frames = cut(clamp(given, { min: NOTHING }), lengths, states);
  const kept = forward(frames, states);
  const impossible = unsqueeze(lt(kept.total.detach(), IMPOSSIBLE), -1);
  const none = scalar(zeroInfinity ? 0 : Number.NaN, 'float64');
  const shares = mul(where(impossible, none, posterior(frames, states, kept)), unsqueeze(g, -1));
  // Nothing depends on frames behind the length, and on the logarithm of 0.
  const within = where(ge(given.detach(), NOTHING), shares, 0);
  const counted = cut(within, lengths, { ...states, end: scalar(0, 'float64') });
  return to(scatterAdd(zeros(x.shape, { dtype: 'float64' }), 2, everywhere, counted), x.dtype);
}
