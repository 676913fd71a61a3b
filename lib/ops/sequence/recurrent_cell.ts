/**
 * Recurrent networks as compositions of operations that record: what the fused passes of recurrent.ts
 * compute, step by step. Gradients of gradients go through it, and tests compare the two.
 */
import { zeros } from '../../tensor/creation.js';
import type { Tensor } from '../../tensor/tensor.js';
import { relu, sigmoid, tanh } from '../elementwise/activation.js';
import { add, mul, sub } from '../elementwise/arithmetic.js';
import { linear } from '../product/linear.js';
import { concat } from '../shape/join.js';
import { rangeOf } from '../shape/parts.js';

/** The cells in the order of `Cell` in native/ops/sequence/recurrent.cpp. */
export const cells = ['tanh', 'relu', 'lstm', 'gru'] as const;
/** What a step makes of its gates: `tanh` and `relu` are those of the plain RNN. */
export type Cell = (typeof cells)[number];

/** How many gates a cell has, and whether its state has a second part. */
export const gatesOf: Readonly<Record<Cell, number>> = { tanh: 1, relu: 1, lstm: 4, gru: 3 };

/** The parameters of one direction of a layer, and the state that it begins with (null for zeros). */
export interface Direction {
  /** Shape [gates * hidden, inputs]. */
  readonly weightIh: Tensor;
  /** Shape [gates * hidden, hidden]. */
  readonly weightHh: Tensor;
  /** Shape [gates * hidden]. */
  readonly biasIh: Tensor | null;
  readonly biasHh: Tensor | null;
  /** Of an LSTM whose hidden state is projected, shape [projection, hidden]; weightHh has its columns. */
  readonly weightHr?: Tensor | null;
  /** Shape [batch, hidden], of a projected hidden state [batch, projection]. */
  readonly h: Tensor | null;
  readonly c: Tensor | null;
}

/** The steps of a packed sequence: step t has batchSizes[t] rows, the first ones of the batch. */
export interface Steps {
  readonly batchSizes: readonly number[];
  /** Sequences: as many as the first step has rows, or more when there are no steps. */
  readonly batch: number;
}

/** What a layer gives. */
export interface LayerResult {
  /** The hidden state of every step, the directions side by side: [total, directions * hidden]. */
  readonly y: Tensor;
  /** The state of each direction after the last step of each row: [batch, hidden]. */
  readonly h: readonly Tensor[];
  readonly c: readonly Tensor[];
}

/** The gates of a row, each `size` wide. */
function gate(x: Tensor, size: number, index: number): Tensor {
  return rangeOf('recurrent', x, 1, index * size, size);
}

/** One step: x and p are what input and hidden state give the gates, [rows, gates * hidden] each. */
function step(
  cell: Cell,
  x: Tensor,
  p: Tensor,
  h: Tensor,
  c: Tensor | null,
): [h: Tensor, c: Tensor | null] {
  const size = (p.shape[1] as number) / gatesOf[cell];
  if (cell === 'lstm') {
    const [i, f, g, o] = [0, 1, 2, 3].map((k) => gate(add(x, p), size, k)) as Tensor[] as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    const next = add(mul(sigmoid(f), c as Tensor), mul(sigmoid(i), tanh(g)));
    return [mul(sigmoid(o), tanh(next)), next];
  }
  if (cell === 'gru') {
    const r = sigmoid(add(gate(x, size, 0), gate(p, size, 0)));
    const z = sigmoid(add(gate(x, size, 1), gate(p, size, 1)));
    const n = tanh(add(gate(x, size, 2), mul(r, gate(p, size, 2))));
    return [add(n, mul(z, sub(h, n))), null];
  }
  return [cell === 'relu' ? relu(add(x, p)) : tanh(add(x, p)), null];
}

/** `part` in the place of the first rows of `whole`. */
function overFirst(part: Tensor, whole: Tensor): Tensor {
  const [rows, all] = [part.shape[0] as number, whole.shape[0] as number];
  return rows === all ? part : concat([part, rangeOf('recurrent', whole, 0, rows, all - rows)]);
}

/** One direction, of inputs [total, inputs]. */
function composedDirection(
  cell: Cell,
  x: Tensor,
  { batchSizes, batch }: Steps,
  direction: Direction,
  reverse: boolean,
): [y: Tensor, h: Tensor, c: Tensor | null] {
  const { weightIh, weightHh, biasIh, biasHh, weightHr = null } = direction;
  const size = weightHh.shape[1] as number;
  const cellSize = (weightHh.shape[0] as number) / gatesOf[cell];
  const fromInput = linear(x, weightIh, biasIh);
  let h = direction.h ?? zeros([batch, size], { dtype: x.dtype });
  let c = cell === 'lstm' ? (direction.c ?? zeros([batch, cellSize], { dtype: x.dtype })) : null;
  const total = x.shape[0] as number;
  let first = reverse ? total : 0;
  const outputs: Tensor[] = [];
  for (const rows of reverse ? batchSizes.toReversed() : batchSizes) {
    if (reverse) first -= rows;
    const before = rangeOf('recurrent', h, 0, 0, rows);
    const product = linear(before, weightHh, biasHh);
    const gates = rangeOf('recurrent', fromInput, 0, first, rows);
    const cBefore = c === null ? null : rangeOf('recurrent', c, 0, 0, rows);
    const [full, cNext] = step(cell, gates, product, before, cBefore);
    const next = weightHr === null ? full : linear(full, weightHr);
    h = overFirst(next, h);
    if (c !== null) c = overFirst(cNext as Tensor, c);
    outputs.push(next);
    if (!reverse) first += rows;
  }
  if (outputs.length === 0) return [zeros([0, size], { dtype: x.dtype }), h, c];
  return [concat(reverse ? outputs.reverse() : outputs), h, c];
}

/** A layer as a composition: see `recurrentLayer`. */
export function composedLayer(
  cell: Cell,
  x: Tensor,
  steps: Steps,
  directions: readonly Direction[],
): LayerResult {
  const results = directions.map((direction, d) =>
    composedDirection(cell, x, steps, direction, d === 1),
  );
  return {
    y:
      results.length === 1
        ? (results[0] as [Tensor, ...unknown[]])[0]
        : concat(
            results.map(([y]) => y),
            1,
          ),
    h: results.map(([, h]) => h),
    c: results.flatMap(([, , c]) => (c === null ? [] : [c])),
  };
}
