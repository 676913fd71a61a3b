/** Recurrent layers. */
import { insideLayer } from '../../autograd/tidy.js';
import { TensorError } from '../../errors.js';
import { indexSelect } from '../../ops/indexing/gather.js';
import { checkFloating, checkTensor } from '../../ops/operand.js';
import { dropout } from '../../ops/random/dropout.js';
import { checkGenerator, checkProbability, type Generator } from '../../ops/random/random.js';
import { recurrentLayer } from '../../ops/sequence/recurrent.js';
import {
  type Cell,
  type Direction,
  gatesOf,
  type Steps,
} from '../../ops/sequence/recurrent_cell.js';
import { stack } from '../../ops/shape/join.js';
import { placeOf } from '../../ops/shape/parts.js';
import { reshape, squeeze, transpose, unsqueeze } from '../../ops/shape/shape.js';
import { empty } from '../../tensor/creation.js';
import type { DType } from '../../tensor/dtype.js';
import { checkOptions, describe, formatShape, sameShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { uniform } from '../init.js';
import { Module } from '../module/module.js';
import { Parameter } from '../module/parameter.js';
import { checkDType, checkFlags, checkSize } from './checks.js';
import { PackedSequence } from './packed_sequence.js';

/** Options of {@link LSTM} and {@link GRU}. */
export interface RecurrentOptions {
  /** Layers on top of each other, each of which takes the outputs of the one before. Default 1. */
  numLayers?: number;
  /** Whether there are biases. Default true. */
  bias?: boolean;
  /** Whether inputs and outputs are [batch, steps, features] instead of [steps, batch, features]. Default false. */
  batchFirst?: boolean;
  /** The probability of dropout of the outputs of every layer but the last, in training. Default 0. */
  dropout?: number;
  /** Whether each layer goes through the sequence in both directions. Default false. */
  bidirectional?: boolean;
  /** float32 (default) or float64. */
  dtype?: DType;
  /** Where initial values and dropped elements come from; default the generator that `manualSeed` seeds. */
  generator?: Generator;
}

/** Options of {@link LSTM}. */
export interface LSTMOptions extends RecurrentOptions {
  /**
   * Elements of the hidden state when it is projected (Sak et al. 2014): less than hiddenSize. Default 0,
   * which is no projection. The steps are then operations of their own, not one native pass.
   */
  projSize?: number;
}

/** Options of {@link RNN}. */
export interface RNNOptions extends RecurrentOptions {
  /** What follows the sum: tanh (default) or relu. */
  nonlinearity?: 'tanh' | 'relu';
}

/** What a direction of a layer may have. */
type ParameterKind = 'weight_ih' | 'weight_hh' | 'bias_ih' | 'bias_hh' | 'weight_hr';

/** The names that PyTorch gives to parameters: `weight_ih_l0`, `bias_hh_l1_reverse`... */
type ParameterName = `${ParameterKind}_l${number}${'' | '_reverse'}`;

const RECURRENT_OPTIONS = [
  ...['numLayers', 'bias', 'batchFirst', 'dropout', 'bidirectional', 'dtype', 'generator'],
] as const;

/**
 * A weight of the given shape, which lies transposed in memory as that of a Linear does, or with one
 * size a bias; from U(-bound, bound).
 */
export function drawn(
  shape: readonly [number, number] | readonly [number],
  bound: number,
  dtype: DType,
  generator: Generator | undefined,
): Parameter {
  const values =
    shape.length === 1
      ? empty(shape, { dtype })
      : transpose(empty([shape[1], shape[0]], { dtype }));
  return uniform(new Parameter(values), -bound, bound, generator);
}

/** A tensor or a packed sequence. */
type Input = Tensor | PackedSequence;

/** What the layers share. `State` is that of the user: h, or [h, c]. */
abstract class Recurrent<State> extends Module<
  [input: Input, state?: State | null],
  [output: Input, state: State]
> {
  /** The parameters of layer k, in the other direction with `_reverse` after the name. */
  readonly [name: ParameterName]: Parameter;
  /** Layers on top of each other. */
  readonly numLayers: number;
  /** Whether there are biases. */
  readonly bias: boolean;
  /** Whether inputs and outputs are [batch, steps, features]. */
  readonly batchFirst: boolean;
  /** The probability of dropout between layers. */
  readonly dropout: number;
  /** Whether each layer goes in both directions. */
  readonly bidirectional: boolean;
  private readonly generator: Generator | undefined;
  /** Elements of the hidden state that steps and layers pass on: hiddenSize without a projection. */
  protected readonly stateSize: number;

  constructor(
    protected readonly cell: Cell,
    /** Elements of an input. */
    readonly inputSize: number,
    /** Elements of the hidden state. */
    readonly hiddenSize: number,
    options: LSTMOptions,
    known: readonly string[] = RECURRENT_OPTIONS,
  ) {
    super();
    const { name } = new.target;
    checkOptions(name, options, known);
    const { numLayers = 1, bias = true, batchFirst = false, bidirectional = false } = options;
    const { dropout: p = 0, dtype = 'float32', generator } = options;
    for (const size of [inputSize, hiddenSize, numLayers]) checkSize(name, size);
    checkFlags(name, { bias, batchFirst, bidirectional }, ['bias', 'batchFirst', 'bidirectional']);
    checkProbability(name, p);
    checkDType(name, dtype);
    checkGenerator(name, generator);
    this.numLayers = numLayers;
    this.bias = bias;
    this.batchFirst = batchFirst;
    this.dropout = p;
    this.bidirectional = bidirectional;
    this.generator = generator;
    const { projSize = 0 } = options;
    checkProjection(name, projSize, hiddenSize);
    this.stateSize = projSize === 0 ? hiddenSize : projSize;
    const width = gatesOf[cell] * hiddenSize;
    const bound = 1 / Math.sqrt(hiddenSize);
    const put = (key: string, shape: readonly [number, number] | readonly [number]) => {
      (this as Record<string, unknown>)[key] = drawn(shape, bound, dtype, generator);
    };
    for (let layer = 0; layer < numLayers; layer++) {
      const inputs = layer === 0 ? inputSize : this.stateSize * this.directions;
      for (const suffix of this.suffixes(layer)) {
        put(`weight_ih_${suffix}`, [width, inputs]);
        put(`weight_hh_${suffix}`, [width, this.stateSize]);
        if (bias) {
          put(`bias_ih_${suffix}`, [width]);
          put(`bias_hh_${suffix}`, [width]);
        }
        if (projSize > 0) put(`weight_hr_${suffix}`, [projSize, hiddenSize]);
      }
    }
  }

  private get isProjected(): boolean {
    return this.stateSize !== this.hiddenSize;
  }

  private get directions(): number {
    return this.bidirectional ? 2 : 1;
  }

  /** What the names of a layer's parameters end in, for each direction. */
  private suffixes(layer: number): string[] {
    return this.bidirectional ? [`l${layer}`, `l${layer}_reverse`] : [`l${layer}`];
  }

  private parameter(kind: ParameterKind, suffix: string) {
    return this[`${kind}_${suffix}` as ParameterName] as Parameter;
  }

  /** The class's name in messages. */
  private get className(): string {
    return this.constructor.name;
  }

  /** The parts of the user's state, in the order h, c. */
  protected abstract partsOf(state: State): readonly unknown[];
  /** The user's state of its parts. */
  protected abstract stateOf(parts: readonly Tensor[]): State;

  /**
   * Runs the layers.
   * @param state [h, c] of an LSTM, otherwise h: shape [numLayers * directions, batch, size] each
   * (without the batch for an input without one), the layers' directions next to each other; default
   * zeros
   * @returns the outputs of the last layer, [..., directions * size of h] in the form of the input, and
   * the state after the last step of each sequence
   * @throws TensorError ERR_SHAPE, ERR_DTYPE, ERR_ARGUMENT
   */
  protected run(input: Input, state: State | null | undefined): [Input, State] {
    const isPacked = input instanceof PackedSequence;
    const data = isPacked ? input.data : input;
    checkFloating(this.className, data);
    this.checkInput(data, isPacked);
    if (isPacked) {
      const { batchSizes, sortedIndices, unsortedIndices } = input;
      const batch = batchSizes[0] as number;
      const parts = this.checkState(state, [batch], data, sortedIndices);
      const [y, next] = this.layers(data, { batchSizes, batch }, parts);
      const output = new PackedSequence(y, batchSizes, sortedIndices, unsortedIndices);
      const unsorted = next.map((part) => inOrder(part, unsortedIndices));
      return [output, this.stateOf(unsorted)];
    }
    if (data.ndim === 2) {
      const parts = this.checkState(state, [], data, null).map(
        (part) => part && unsqueeze(part, 1),
      );
      const steps = { batchSizes: new Array<number>(data.shape[0] as number).fill(1), batch: 1 };
      const [y, next] = this.layers(data, steps, parts);
      return [y, this.stateOf(next.map((part) => squeeze(part, 1)))];
    }
    const x = this.batchFirst ? transpose(data, 0, 1) : data;
    const [count, batch, features] = x.shape as readonly [number, number, number];
    const parts = this.checkState(state, [batch], data, null);
    const steps = { batchSizes: new Array<number>(count).fill(batch), batch };
    const [rows, next] = this.layers(reshape(x, [count * batch, features]), steps, parts);
    const y = reshape(rows, [count, batch, rows.shape[1] as number]);
    return [this.batchFirst ? transpose(y, 0, 1) : y, this.stateOf(next)];
  }

  private checkInput({ shape, ndim, dtype }: Tensor, isPacked: boolean): void {
    const name = this.className;
    const form = this.batchFirst ? '[batch, steps, ' : '[steps, batch, ';
    const fits = isPacked ? ndim === 2 : ndim === 2 || ndim === 3;
    if (!fits || shape.at(-1) !== this.inputSize) {
      const forms = isPacked
        ? `packed data [rows, ${this.inputSize}]`
        : `${form}${this.inputSize}] or [steps, ${this.inputSize}]`;
      throw new TensorError('ERR_SHAPE', `[${name}] takes ${forms}, not ${formatShape(shape)}`);
    }
    const steps = shape[ndim === 3 && this.batchFirst ? 1 : 0];
    if (steps === 0) {
      throw new TensorError('ERR_SHAPE', `[${name}] a sequence has at least one step`);
    }
    const weight = this.parameter('weight_ih', 'l0');
    if (dtype !== weight.dtype) {
      throw new TensorError('ERR_DTYPE', `[${name}] input is ${dtype}, weight ${weight.dtype}`);
    }
  }

  /** The parts of a state, or as many nulls, in the order in which the sequences are computed. */
  private checkState(
    state: State | null | undefined,
    batch: readonly number[],
    input: Tensor,
    order: readonly number[] | null,
  ): (Tensor | null)[] {
    const name = this.className;
    if (state === null || state === undefined) return this.cell === 'lstm' ? [null, null] : [null];
    return this.partsOf(state).map((part, i) => {
      const size = i === 0 ? this.stateSize : this.hiddenSize;
      const shape = [this.numLayers * this.directions, ...batch, size];
      checkTensor(name, part);
      if (!sameShape(part.shape, shape)) {
        throw new TensorError(
          'ERR_SHAPE',
          `[${name}] a state of shape ${formatShape(part.shape)}; for this input it is ${formatShape(shape)}`,
        );
      }
      if (part.dtype !== input.dtype) {
        throw new TensorError(
          'ERR_DTYPE',
          `[${name}] input is ${input.dtype}, state ${part.dtype}`,
        );
      }
      return inOrder(part, order);
    });
  }

  /** All layers over the rows of a packed sequence; states are [layers * directions, batch, hidden]. */
  private layers(
    rows: Tensor,
    steps: Steps,
    parts: readonly (Tensor | null)[],
  ): [y: Tensor, state: Tensor[]] {
    const hs: Tensor[] = [];
    const cs: Tensor[] = [];
    let x = rows;
    for (let layer = 0; layer < this.numLayers; layer++) {
      const [h = null, c = null] = parts;
      const directions = this.suffixes(layer).map((suffix, d): Direction => {
        const at = layer * this.directions + d;
        const of = (part: Tensor | null) => part && placeOf(this.className, part, 0, at);
        return {
          weightIh: this.parameter('weight_ih', suffix),
          weightHh: this.parameter('weight_hh', suffix),
          biasIh: this.bias ? this.parameter('bias_ih', suffix) : null,
          biasHh: this.bias ? this.parameter('bias_hh', suffix) : null,
          weightHr: this.isProjected ? this.parameter('weight_hr', suffix) : null,
          h: of(h),
          c: of(c),
        };
      });
      const result = recurrentLayer(this.cell, x, steps, directions);
      hs.push(...result.h);
      cs.push(...result.c);
      x = result.y;
      if (layer < this.numLayers - 1 && this.dropout > 0) {
        const generator = this.generator && { generator: this.generator };
        x = dropout(x, this.dropout, { training: this.training, ...generator });
      }
    }
    return [x, cs.length > 0 ? [stack(hs), stack(cs)] : [stack(hs)]];
  }
}

/** A state's sequences in another order. */
function inOrder(part: Tensor, order: readonly number[] | null): Tensor {
  return order === null ? part : indexSelect(part, 1, order);
}

/** Layers whose state is h alone. */
abstract class SingleState extends Recurrent<Tensor> {
  protected partsOf(state: Tensor): readonly unknown[] {
    return [state];
  }

  protected stateOf([h]: readonly Tensor[]): Tensor {
    return h as Tensor;
  }

  /**
   * Runs the layers.
   * @param input [steps, batch, inputSize], [batch, steps, inputSize] with `batchFirst`,
   * [steps, inputSize] without a batch, or a packed sequence
   * @param state h at the start, [numLayers * directions, batch, hiddenSize]; default zeros
   * @returns the last layer's h of every step, in the input's form, and h of all layers after the last
   * step of each sequence
   */
  override forward(input: Tensor, state?: Tensor | null): [output: Tensor, h: Tensor];
  override forward(
    input: PackedSequence,
    state?: Tensor | null,
  ): [output: PackedSequence, h: Tensor];
  override forward(input: Input, state?: Tensor | null): [output: Input, h: Tensor];
  override forward(input: Input, state?: Tensor | null): [output: Input, h: Tensor] {
    return insideLayer(() => this.run(input, state));
  }
}

/**
 * The plain recurrent network (Elman 1990): h' = tanh(W_ih x + b_ih + W_hh h + b_hh) for every step, or
 * relu in the place of tanh. Parameters and their names are PyTorch's, from U(-1/sqrt(hiddenSize),
 * 1/sqrt(hiddenSize)) at first.
 * @example
 * ```ts
 * const rnn = new nn.RNN(3, 5, { numLayers: 2 });
 * const [output, h] = rnn.forward(ones([7, 2, 3]));
 * output.shape; // => [7, 2, 5]
 * h.shape; // => [2, 2, 5]
 * rnn.weight_ih_l0.shape; // => [5, 3]
 * ```
 */
export class RNN extends SingleState {
  /** @throws TensorError ERR_ARGUMENT for sizes and options that aren't possible, ERR_DTYPE */
  constructor(inputSize: number, hiddenSize: number, options: RNNOptions = {}) {
    super(cellOf('RNN', options), inputSize, hiddenSize, options, [
      ...RECURRENT_OPTIONS,
      'nonlinearity',
    ]);
  }

  /** What follows the sum. */
  get nonlinearity(): 'tanh' | 'relu' {
    return this.cell as 'tanh' | 'relu';
  }
}

/** The cell of a plain RNN's options. */
export function cellOf(name: string, options: Pick<RNNOptions, 'nonlinearity'>): 'tanh' | 'relu' {
  const { nonlinearity = 'tanh' } = options ?? {};
  if (nonlinearity === 'tanh' || nonlinearity === 'relu') return nonlinearity;
  throw new TensorError(
    'ERR_ARGUMENT',
    `[${name}] nonlinearity is tanh or relu, not ${describe(nonlinearity)}`,
  );
}

/**
 * Gated recurrent units (Cho et al. 2014, with the reset gate after the product as in PyTorch):
 * r = sigmoid(W_ir x + b_ir + W_hr h + b_hr), z = sigmoid(W_iz x + b_iz + W_hz h + b_hz),
 * n = tanh(W_in x + b_in + r (W_hn h + b_hn)), h' = (1 - z) n + z h. The weights hold the gates in the
 * order r, z, n. Parameters and their names are PyTorch's, from U(-1/sqrt(hiddenSize),
 * 1/sqrt(hiddenSize)) at first.
 * @example
 * ```ts
 * const gru = new nn.GRU(3, 5, { bidirectional: true, batchFirst: true });
 * const [output, h] = gru.forward(ones([2, 7, 3]));
 * output.shape; // => [2, 7, 10]
 * h.shape; // => [2, 2, 5]
 * gru.weight_hh_l0_reverse.shape; // => [15, 5]
 * ```
 */
export class GRU extends SingleState {
  /** @throws TensorError ERR_ARGUMENT for sizes and options that aren't possible, ERR_DTYPE */
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super('gru', inputSize, hiddenSize, options);
  }
}

/** @throws TensorError ERR_ARGUMENT unless it is a whole number >= 0 that is less than hiddenSize */
function checkProjection(name: string, projSize: unknown, hiddenSize: number): void {
  const fits = Number.isSafeInteger(projSize) && (projSize as number) >= 0;
  if (fits && (projSize as number) < hiddenSize) return;
  throw new TensorError(
    'ERR_ARGUMENT',
    `[${name}] projSize is a whole number below the hiddenSize ${hiddenSize}, not ${describe(projSize)}`,
  );
}

/** The state of an LSTM: hidden state and cell state. */
export type LSTMState = readonly [h: Tensor, c: Tensor];

/** @throws TensorError ERR_ARGUMENT unless it is a list of two */
export function checkPair(name: string, state: unknown): readonly unknown[] {
  if (Array.isArray(state) && state.length === 2) return state;
  throw new TensorError(
    'ERR_ARGUMENT',
    `[${name}] the state is [h, c], a list of two tensors, not ${describe(state)}`,
  );
}

/**
 * Long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of Gers, Schmidhuber &
 * Cummins 2000): i, f, o = sigmoid(W x + b + V h + d) and g = tanh of such a sum, each with weights of
 * its own, c' = f c + i g, h' = o tanh(c'). The weights hold the gates in the order i, f, g, o. With
 * `projSize` h' = W_hr (o tanh(c')), whose weights are `weight_hr_l0`... (Sak, Senior & Beaufays 2014).
 * Parameters and their names are PyTorch's, from U(-1/sqrt(hiddenSize), 1/sqrt(hiddenSize)) at first.
 * @example
 * ```ts
 * const lstm = new nn.LSTM(3, 5);
 * const [output, [h, c]] = lstm.forward(ones([7, 2, 3]));
 * output.shape; // => [7, 2, 5]
 * c.shape; // => [1, 2, 5]
 * lstm.weight_hh_l0.shape; // => [20, 5]
 * new nn.LSTM(3, 5, { projSize: 2 }).forward(ones([7, 2, 3]))[0].shape; // => [7, 2, 2]
 * ```
 */
export class LSTM extends Recurrent<LSTMState> {
  /** @throws TensorError ERR_ARGUMENT for sizes and options that aren't possible, ERR_DTYPE */
  constructor(inputSize: number, hiddenSize: number, options: LSTMOptions = {}) {
    super('lstm', inputSize, hiddenSize, options, [...RECURRENT_OPTIONS, 'projSize']);
  }

  /** Elements of the projected hidden state; 0 without a projection. */
  get projSize(): number {
    return this.stateSize === this.hiddenSize ? 0 : this.stateSize;
  }

  protected partsOf(state: LSTMState): readonly unknown[] {
    return checkPair('LSTM', state);
  }

  protected stateOf([h, c]: readonly Tensor[]): LSTMState {
    return [h as Tensor, c as Tensor];
  }

  /**
   * Runs the layers.
   * @param input [steps, batch, inputSize], [batch, steps, inputSize] with `batchFirst`,
   * [steps, inputSize] without a batch, or a packed sequence
   * @param state [h, c] at the start, [numLayers * directions, batch, hiddenSize] each (of h projSize if
   * there is one); default zeros
   * @returns the last layer's h of every step, in the input's form, and h and c of all layers after the
   * last step of each sequence
   */
  override forward(input: Tensor, state?: LSTMState | null): [output: Tensor, state: LSTMState];
  override forward(
    input: PackedSequence,
    state?: LSTMState | null,
  ): [output: PackedSequence, state: LSTMState];
  override forward(input: Input, state?: LSTMState | null): [output: Input, state: LSTMState];
  override forward(input: Input, state?: LSTMState | null): [output: Input, state: LSTMState] {
    return insideLayer(() => this.run(input, state));
  }
}
