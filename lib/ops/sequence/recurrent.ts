/**
 * Layers of recurrent networks. The input's part of the gates is one product for all steps; a native row
 * then goes through the steps, and another one back through time, after which the gradients of weights,
 * biases and inputs are single products over all steps.
 */
import { propagateInside, type Target } from '../../autograd/engine.js';
import { enableGrad, isGradEnabled, noGrad } from '../../autograd/mode.js';
import {
  attachJoint,
  checkInputs,
  needsGrad,
  recording,
  type SeveralGradients,
  tracing,
} from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { rows } from '../../native/commands.js';
import { fillWith, uninitialized } from '../../tensor/creation.js';
import { outsideScope, recycle } from '../../tensor/memory.js';
import { currentTime } from '../../tensor/storage.js';
import type { Tensor } from '../../tensor/tensor.js';
import { add } from '../elementwise/arithmetic.js';
import { run } from '../normalization/norm.js';
import { contiguous, copyInto } from '../operand.js';
import { gemm } from '../product/gemm.js';
import { finished, weightGradient } from '../product/linear.js';
import { movable, product } from '../product/matmul.js';
import { biasGradient } from '../product/matmul_bf16.js';
import {
  type Cell,
  cells,
  composedLayer,
  type Direction,
  gatesOf,
  type LayerResult,
  type Steps,
} from './recurrent_cell.js';

/** Planes of the native rows' operands. */
const statesOf = (cell: Cell): number => (cell === 'lstm' ? 2 : 1);
const keptOf = (cell: Cell): number => (cell === 'lstm' || cell === 'gru' ? 2 : 1);

/** Sizes of a layer. */
interface Sizes extends Steps {
  readonly total: number;
  readonly hidden: number;
}

/** What the forward pass of a direction leaves for the backward pass. */
interface Passed {
  /** Activated gates, [total, gates * hidden]. */
  readonly gates: Tensor;
  /** What the steps began with: see the row `recurrent`. Null without recording. */
  readonly kept: Tensor | null;
  /** [states, batch, hidden]: h, and c of an LSTM, after the last steps. */
  readonly state: Tensor;
}

/** Plane `index` of a tensor with three dimensions, without a history. */
function plane(t: Tensor, index: number): Tensor {
  const [, m, n] = t.shape as readonly [number, number, number];
  return t.strided([m, n], [n, 1], t.offset + index * m * n);
}

/** The columns of a direction in a matrix of all. */
function columnsOf(t: Tensor, d: number, hidden: number): Tensor {
  return t.strided([t.shape[0] as number, hidden], t.strides, t.offset + d * hidden);
}

/** h and c in memory of their own, zeros for null. */
function stateOf(
  parts: readonly (Tensor | null)[],
  { batch, hidden }: Sizes,
  like: Tensor,
): Tensor {
  const state = uninitialized([parts.length, batch, hidden], like.dtype);
  parts.forEach((part, i) => {
    if (part === null) fillWith(plane(state, i), 0);
    else copyInto(plane(state, i), part);
  });
  return state;
}

/** The numbers that both rows take. */
function numbersOf(
  cell: Cell,
  sizes: Sizes,
  keeps: number,
  strides: readonly [row: number, col: number, y: number],
  reverse: boolean,
): number[] {
  const { total, hidden, batch, batchSizes } = sizes;
  return [
    ...[total, gatesOf[cell] * hidden, hidden, batch, statesOf(cell), keeps, batchSizes.length],
    ...strides,
    ...[cells.indexOf(cell), reverse ? 1 : 0],
  ];
}

/** The numbers of rows as the native side reads them. */
function rowCounts({ batchSizes }: Sizes): Tensor {
  const counts = uninitialized([batchSizes.length], 'int32');
  counts.elements.set(batchSizes as never);
  return counts;
}

/** All steps of a direction, whose outputs go to its columns of y. Not recorded. */
function forward(
  cell: Cell,
  x: Tensor,
  sizes: Sizes,
  direction: Direction,
  d: number,
  y: Tensor,
  keeps: boolean,
): Passed {
  const { weightIh, weightHh, biasIh, biasHh } = direction;
  const { hidden, total } = sizes;
  const isGru = cell === 'gru';
  // A GRU's second bias belongs to the product that its reset gate multiplies.
  const bias = biasIh === null || biasHh === null || isGru ? biasIh : add(biasIh, biasHh);
  const gates = finished(x, weightIh, x.dtype, { bias: bias && contiguous(bias) }, keeps);
  const parts = cell === 'lstm' ? [direction.h, direction.c] : [direction.h];
  const state = stateOf(parts, sizes, x);
  const kept = keeps ? uninitialized([keptOf(cell), total, hidden], x.dtype) : null;
  if (total === 0) return { gates, kept, state };
  const [outer, inner] = weightHh.strides as readonly [number, number];
  const strides = [inner, outer, y.strides[0] as number] as const;
  run(
    rows.recurrent,
    [
      ...[gates, weightHh, isGru && biasHh !== null ? contiguous(biasHh) : null, state, kept],
      ...[columnsOf(y, d, hidden), rowCounts(sizes)],
    ],
    numbersOf(cell, sizes, keeps ? keptOf(cell) : 1, strides, d === 1),
  );
  // Without recording nothing looks at the gates again, and they are the largest of what is made.
  if (!keeps) recycle(gates.storage);
  return { gates, kept, state };
}

/** The inputs of a layer's node, in the order in which their gradients are delivered. */
function inputsOf(x: Tensor, directions: readonly Direction[]): Tensor[] {
  const list = directions.flatMap(({ weightIh, weightHh, biasIh, biasHh, h, c }) => [
    ...[weightIh, weightHh, biasIh, biasHh, h, c],
  ]);
  return [x, ...list.filter((t) => t !== null)];
}

type Deliver = (index: number, gradient: Tensor) => void;

/** Gradients by the tensor that they are for; one that stands for two inputs gets both. */
type DeliverTo = (input: Tensor | null, gradient: () => Tensor) => void;

/** Back through the steps of a direction; returns the gradient of the input's part of the gates. */
function backward(
  cell: Cell,
  x: Tensor,
  sizes: Sizes,
  direction: Direction,
  d: number,
  { gates, kept }: Passed,
  dy: Tensor | null,
  dState: readonly (Tensor | null)[],
  deliver: DeliverTo,
): Tensor {
  const { weightIh, weightHh, biasIh, biasHh, h, c } = direction;
  const { hidden } = sizes;
  const isGru = cell === 'gru';
  const dGates = uninitialized(gates.shape, gates.dtype);
  const dHidden = isGru ? uninitialized(gates.shape, gates.dtype) : null;
  const state = stateOf(dState, sizes, gates);
  const [outer, inner] = weightHh.strides as readonly [number, number];
  const from = dy === null ? null : columnsOf(dy, d, hidden);
  const strides = [outer, inner, from === null ? hidden : (from.strides[0] as number)] as const;
  if (gates.numel > 0) {
    run(
      rows.recurrentBackward,
      [gates, weightHh, kept, from, state, dGates, dHidden, rowCounts(sizes)],
      numbersOf(cell, sizes, keptOf(cell), strides, d === 1),
    );
  }
  const before = plane(kept as Tensor, 0);
  deliver(weightIh, () => weightGradient(dGates, x, weightIh, false).weight);
  deliver(weightHh, () => weightGradient(dHidden ?? dGates, before, weightHh, false).weight);
  // Of the LSTM's two biases, which are added to each other, the gradients are one.
  let ofBias: Tensor | null = null;
  const sums = (): Tensor => {
    ofBias ??= biasGradient(dGates, gates.dtype);
    return ofBias;
  };
  deliver(biasIh, sums);
  deliver(biasHh, dHidden === null ? sums : () => biasGradient(dHidden, gates.dtype));
  deliver(h, () => plane(state, 0));
  deliver(c, () => plane(state, 1));
  return dGates;
}

/** The gradients of all inputs where no gradients are recorded. */
function fusedGradients(
  cell: Cell,
  x: Tensor,
  sizes: Sizes,
  directions: readonly Direction[],
  passed: readonly Passed[],
  gradients: SeveralGradients,
  deliver: DeliverTo,
): void {
  const count = directions.length;
  const given = gradients[0] ?? null;
  const dy = given === null || given.strides[1] === 1 ? given : contiguous(given);
  let dx: Tensor | null = null;
  directions.forEach((direction, d) => {
    const dState = cell === 'lstm' ? [d + 1, count + d + 1] : [d + 1];
    const dGates = backward(
      ...([cell, x, sizes, direction, d, passed[d] as Passed, dy] as const),
      dState.map((i) => gradients[i] ?? null),
      deliver,
    );
    if (!needsGrad(x)) return;
    if (dx === null) dx = product(dGates, direction.weightIh, x.dtype);
    else if (dx.numel > 0) {
      const { weightIh } = direction;
      gemm(movable(dGates, weightIh), weightIh, dx, null, 1, 1);
    }
  });
  if (dx !== null) deliver(x, () => dx as Tensor);
}

/** Tensors that must not change until the backward pass, with their versions. */
function checkUnchanged(versions: readonly { tensor: Tensor; version: number }[]): void {
  for (const { tensor, version } of versions) {
    if (tensor.storage.version === version) continue;
    throw new TensorError(
      'ERR_STATE',
      '[backward] one of the tensors that a recurrent layer needs was changed in place after the ' +
        `layer used it: version ${tensor.storage.version}, expected ${version}; change a clone() ` +
        'instead, or change it after backward',
    );
  }
}

/**
 * A layer over a packed sequence, in one or two directions, as one node of the graph.
 * @param x shape [total, inputs], float32 or float64; all shapes and dtypes were checked
 * @param directions one, or two of which the second goes from the last step to the first
 */
export function recurrentLayer(
  cell: Cell,
  x: Tensor,
  steps: Steps,
  directions: readonly Direction[],
): LayerResult {
  // The row's steps have no projection.
  if (directions[0]?.weightHr) return composedLayer(cell, x, steps, directions);
  const hidden = (directions[0] as Direction).weightHh.shape[1] as number;
  const total = x.shape[0] as number;
  const sizes: Sizes = { ...steps, total, hidden };
  const inputs = inputsOf(x, directions);
  const records = inputs.some((input) => recording(input));
  const y = uninitialized([total, directions.length * hidden], x.dtype);
  const passed = noGrad(() =>
    directions.map((direction, d) => forward(cell, x, sizes, direction, d, y, records)),
  );
  const h = passed.map(({ state }) => plane(state, 0));
  const c = cell === 'lstm' ? passed.map(({ state }) => plane(state, 1)) : [];
  const result = { y, h, c };
  if (!records) return result;
  const name = cell === 'lstm' || cell === 'gru' ? cell : 'rnn';
  checkInputs(name, inputs);
  const versions = inputs.map((tensor) => ({ tensor, version: tensor.storage.version }));
  const rule = (gradients: SeveralGradients, deliver: Deliver): void => {
    checkUnchanged(versions);
    const indices = new Map<Target, number>();
    inputs.forEach((input, i) => {
      const target = input.node ?? input;
      if (!indices.has(target)) indices.set(target, i);
    });
    const indexOf = (input: Tensor): number => indices.get(input.node ?? input) as number;
    if (isGradEnabled()) {
      const composed = () => composedLayer(cell, x, steps, directions);
      recordedGradients(composed, gradients, (to, g) => deliver(indexOf(to), g));
      return;
    }
    fusedGradients(cell, x, sizes, directions, passed, gradients, (input, g) => {
      if (input !== null && needsGrad(input)) deliver(indexOf(input), g());
    });
  };
  attachJoint([y, ...h, ...c], name, inputs, rule);
  return result;
}

/** The same gradients as a graph of their own: those of the composition, which is computed again. */
function recordedGradients(
  composed: () => LayerResult,
  gradients: SeveralGradients,
  deliver: (to: Tensor, g: Tensor) => void,
): void {
  const start = currentTime();
  const again = outsideScope(() => enableGrad(() => tracing(null, composed)));
  const results = [again.y, ...again.h, ...again.c];
  const arrived = results.flatMap((result, i) => (gradients[i] && needsGrad(result) ? [i] : []));
  propagateInside(
    arrived.map((i) => results[i] as Tensor),
    arrived.map((i) => gradients[i] as Tensor),
    start,
    true,
    deliver,
  );
}
