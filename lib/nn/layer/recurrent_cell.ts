/** Cells of recurrent networks: one step of a layer, for loops of one's own. */
import { TensorError } from '../../errors.js';
import { checkFloating, checkTensor } from '../../ops/operand.js';
import { checkGenerator, type Generator } from '../../ops/random/random.js';
import { recurrentLayer } from '../../ops/sequence/recurrent.js';
import { type Cell, gatesOf } from '../../ops/sequence/recurrent_cell.js';
import { squeeze, unsqueeze } from '../../ops/shape/shape.js';
import type { DType } from '../../tensor/dtype.js';
import { checkFlag, checkOptions, formatShape, sameShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module/module.js';
import type { Parameter } from '../module/parameter.js';
import { checkDType, checkSize } from './checks.js';
import { cellOf, checkPair, drawn, type LSTMState } from './recurrent.js';

/** Options of {@link LSTMCell} and {@link GRUCell}. */
export interface RecurrentCellOptions {
  /** Whether there are biases. Default true. */
  bias?: boolean;
  /** float32 (default) or float64. */
  dtype?: DType;
  /** Where the initial values come from; default the generator that `manualSeed` seeds. */
  generator?: Generator;
}

/** Options of {@link RNNCell}. */
export interface RNNCellOptions extends RecurrentCellOptions {
  /** What follows the sum: tanh (default) or relu. */
  nonlinearity?: 'tanh' | 'relu';
}

const CELL_OPTIONS = ['bias', 'dtype', 'generator'] as const;

/** What the cells share. */
abstract class RecurrentCell<State, Output> extends Module<
  [input: Tensor, state?: State | null],
  Output
> {
  /** Shape [gates * hiddenSize, inputSize]. */
  readonly weight_ih: Parameter;
  /** Shape [gates * hiddenSize, hiddenSize]. */
  readonly weight_hh: Parameter;
  /** Shape [gates * hiddenSize], or null. */
  readonly bias_ih: Parameter | null;
  /** Shape [gates * hiddenSize], or null. */
  readonly bias_hh: Parameter | null;

  constructor(
    protected readonly cell: Cell,
    /** Elements of an input. */
    readonly inputSize: number,
    /** Elements of the hidden state. */
    readonly hiddenSize: number,
    options: RecurrentCellOptions,
    known: readonly string[] = CELL_OPTIONS,
  ) {
    super();
    const { name } = new.target;
    checkOptions(name, options, known);
    for (const size of [inputSize, hiddenSize]) checkSize(name, size);
    const { bias = true, dtype = 'float32', generator } = options;
    checkFlag(name, 'bias', bias);
    checkDType(name, dtype);
    checkGenerator(name, generator);
    const width = gatesOf[cell] * hiddenSize;
    const bound = 1 / Math.sqrt(hiddenSize);
    this.weight_ih = drawn([width, inputSize], bound, dtype, generator);
    this.weight_hh = drawn([width, hiddenSize], bound, dtype, generator);
    this.bias_ih = bias ? drawn([width], bound, dtype, generator) : null;
    this.bias_hh = bias ? drawn([width], bound, dtype, generator) : null;
  }

  /** One step: h, and c of an LSTM, [batch, hiddenSize] or [hiddenSize] as the input. */
  protected step(input: Tensor, parts: readonly unknown[]): Tensor[] {
    const { name } = this.constructor;
    checkFloating(name, input);
    const { shape, ndim, dtype } = input;
    if ((ndim !== 1 && ndim !== 2) || shape.at(-1) !== this.inputSize) {
      throw new TensorError(
        'ERR_SHAPE',
        `[${name}] takes [batch, ${this.inputSize}] or [${this.inputSize}], not ${formatShape(shape)}`,
      );
    }
    if (dtype !== this.weight_ih.dtype) {
      throw new TensorError(
        'ERR_DTYPE',
        `[${name}] input is ${dtype}, weight ${this.weight_ih.dtype}`,
      );
    }
    const stateShape = [...shape.slice(0, -1), this.hiddenSize];
    const withBatch = (t: Tensor) => (ndim === 1 ? unsqueeze(t, 0) : t);
    const [h = null, c = null] = parts.map((part) => {
      if (part === null || part === undefined) return null;
      checkTensor(name, part);
      if (!sameShape(part.shape, stateShape)) {
        throw new TensorError(
          'ERR_SHAPE',
          `[${name}] a state of shape ${formatShape(part.shape)}; for this input it is ${formatShape(stateShape)}`,
        );
      }
      if (part.dtype !== dtype) {
        throw new TensorError('ERR_DTYPE', `[${name}] input is ${dtype}, state ${part.dtype}`);
      }
      return withBatch(part);
    });
    const x = withBatch(input);
    const batch = x.shape[0] as number;
    const direction = {
      ...{ weightIh: this.weight_ih, weightHh: this.weight_hh },
      ...{ biasIh: this.bias_ih, biasHh: this.bias_hh, h, c },
    };
    const { y, c: cells } = recurrentLayer(this.cell, x, { batchSizes: [batch], batch }, [
      direction,
    ]);
    return [y, ...cells].map((t) => (ndim === 1 ? squeeze(t, 0) : t));
  }
}

/** Cells whose state is h alone. */
abstract class SingleStateCell extends RecurrentCell<Tensor, Tensor> {
  /**
   * One step.
   * @param input [batch, inputSize] or [inputSize]
   * @param state h before, [batch, hiddenSize] or [hiddenSize]; default zeros
   * @returns h after
   */
  override forward(input: Tensor, state?: Tensor | null): Tensor {
    return this.step(input, [state])[0] as Tensor;
  }
}

/**
 * One step of an {@link RNN}.
 * @example
 * ```ts
 * new nn.RNNCell(3, 5).forward(ones([2, 3])).shape; // => [2, 5]
 * ```
 */
export class RNNCell extends SingleStateCell {
  /** @throws TensorError ERR_ARGUMENT for sizes and options that aren't possible, ERR_DTYPE */
  constructor(inputSize: number, hiddenSize: number, options: RNNCellOptions = {}) {
    super(cellOf('RNNCell', options), inputSize, hiddenSize, options, [
      ...CELL_OPTIONS,
      'nonlinearity',
    ]);
  }

  /** What follows the sum. */
  get nonlinearity(): 'tanh' | 'relu' {
    return this.cell as 'tanh' | 'relu';
  }
}

/**
 * One step of a {@link GRU}.
 * @example
 * ```ts
 * new nn.GRUCell(3, 5).forward(ones([2, 3])).shape; // => [2, 5]
 * ```
 */
export class GRUCell extends SingleStateCell {
  /** @throws TensorError ERR_ARGUMENT for sizes and options that aren't possible, ERR_DTYPE */
  constructor(inputSize: number, hiddenSize: number, options: RecurrentCellOptions = {}) {
    super('gru', inputSize, hiddenSize, options);
  }
}

/**
 * One step of an {@link LSTM}: from input and [h, c] to the next [h, c].
 * @example
 * ```ts
 * const cell = new nn.LSTMCell(3, 5);
 * const [h, c] = cell.forward(ones([2, 3]));
 * cell.forward(ones([2, 3]), [h, c])[1].shape; // => [2, 5]
 * ```
 */
export class LSTMCell extends RecurrentCell<LSTMState, LSTMState> {
  /** @throws TensorError ERR_ARGUMENT for sizes and options that aren't possible, ERR_DTYPE */
  constructor(inputSize: number, hiddenSize: number, options: RecurrentCellOptions = {}) {
    super('lstm', inputSize, hiddenSize, options);
  }

  /**
   * One step.
   * @param input [batch, inputSize] or [inputSize]
   * @param state [h, c] before, [batch, hiddenSize] or [hiddenSize] each; default zeros
   * @returns [h, c] after
   */
  override forward(input: Tensor, state?: LSTMState | null): LSTMState {
    const parts = state === null || state === undefined ? [] : checkPair('LSTMCell', state);
    const [h, c] = this.step(input, parts);
    return [h as Tensor, c as Tensor];
  }
}
