/** Where in a sequence an element stands, for attention, which doesn't see it by itself. */
import { TensorError } from '../../errors.js';
import { checkFloating } from '../../ops/operand.js';
import { dropout } from '../../ops/random/dropout.js';
import { checkGenerator, checkProbability, type Generator } from '../../ops/random/random.js';
import { stack } from '../../ops/shape/join.js';
import { reshape, unflatten, unsqueeze } from '../../ops/shape/shape.js';
import { empty } from '../../tensor/creation.js';
import { fromTypedArray } from '../../tensor/data.js';
import type { DType } from '../../tensor/dtype.js';
import { keepStorage } from '../../tensor/memory.js';
import { checkCount, checkNumber, checkOptions, formatShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { normal } from '../init.js';
import { Buffer } from '../module/buffer.js';
import { Module } from '../module/module.js';
import { Parameter } from '../module/parameter.js';
import { checkDType, checkFlags } from './checks.js';

/** The wave lengths go up to 2 pi times this (Vaswani et al. 2017, section 3.5). */
const BASE = 10_000;

/** A table [positions, columns] of f(position * base^(-2 i / size)), where pair i has `columnsOf(i)`. */
function waves(
  positions: number,
  size: number,
  base: number,
  dtype: DType,
  columns: number,
  write: (row: Float32Array | Float64Array, pair: number, angle: number) => void,
): Tensor {
  const Type = dtype === 'float64' ? Float64Array : Float32Array;
  const values = new Type(positions * columns);
  for (let position = 0; position < positions; position++) {
    const row = values.subarray(position * columns, (position + 1) * columns);
    for (let pair = 0; 2 * pair < size; pair++) {
      write(row, pair, position * base ** ((-2 * pair) / size));
    }
  }
  return fromTypedArray(values, [positions, columns], { dtype });
}

/** @throws TensorError unless x is a sequence of so many elements that the table has positions for */
function checkSequence(
  operation: string,
  x: Tensor,
  { size, maxLen, lengthDim }: { size: number; maxLen: number; lengthDim: number },
): number {
  checkFloating(operation, x);
  if (x.ndim < 2 || x.shape.at(-1) !== size) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] input has shape [..., ${size}] with a dimension of positions, not ${formatShape(x.shape)}`,
    );
  }
  const length = x.shape.at(lengthDim) as number;
  if (length > maxLen) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] ${length} positions are more than maxLen = ${maxLen}`,
    );
  }
  return length;
}

/** Options of {@link SinusoidalPositionalEncoding} and {@link LearnedPositionalEmbedding}. */
export interface PositionalOptions {
  /** The most positions of a sequence. Default 5000. */
  maxLen?: number;
  /** The probability that an element is dropped in training. Default 0. */
  dropout?: number;
  /** Whether inputs are [N, L, E] instead of [L, N, E]. Default false. */
  batchFirst?: boolean;
  /** float32 (default) or float64. */
  dtype?: DType;
  /** Where dropout and initial values come from; default the generator that `manualSeed` seeds. */
  generator?: Generator;
}

/** What both have: a table whose rows are added to a sequence's elements. */
abstract class Positional extends Module<[x: Tensor]> {
  /** The most positions of a sequence. */
  readonly maxLen: number;
  /** The probability that an element is dropped in training. */
  readonly dropout: number;
  /** Whether inputs are [N, L, E]. */
  readonly batchFirst: boolean;
  protected readonly generator: Generator;

  constructor(
    private readonly name: string,
    /** Elements at each position. */
    readonly dModel: number,
    options: PositionalOptions,
  ) {
    super();
    checkOptions(name, options, ['maxLen', 'dropout', 'batchFirst', 'dtype', 'generator']);
    checkFlags(name, options as Readonly<Record<string, unknown>>, ['batchFirst']);
    checkCount(name, 'dModel', dModel);
    this.maxLen = checkCount(name, 'maxLen', options.maxLen ?? 5000);
    this.dropout = options.dropout ?? 0;
    checkProbability(name, this.dropout);
    this.batchFirst = options.batchFirst ?? false;
    this.generator = checkGenerator(name, options.generator);
  }

  /** One row for each position. */
  protected abstract table(): Tensor;

  /** x plus the rows of its positions; shape [L, N, E], with `batchFirst` [N, L, E], or [L, E]. */
  forward(x: Tensor): Tensor {
    const { batchFirst, dModel, maxLen } = this;
    checkFloating(this.name, x);
    const lengthDim = batchFirst || x.ndim === 2 ? -2 : 0;
    const length = checkSequence(this.name, x, { size: dModel, maxLen, lengthDim });
    const rows = this.table().slice([[0, length]]);
    const y = x.add(lengthDim === -2 ? rows : unsqueeze(rows, 1));
    return dropout(y, this.dropout, { training: this.training, generator: this.generator });
  }
}

/**
 * Adds sines and cosines of the position (Vaswani et al. 2017): of element 2 i
 * sin(position / 10000^(2 i / E)), of element 2 i + 1 the cosine of it.
 * @example
 * ```ts
 * new nn.SinusoidalPositionalEncoding(2).forward(zeros([2, 2])); // => [[0, 1], [0.841471, 0.540302]]
 * ```
 */
export class SinusoidalPositionalEncoding extends Positional {
  /** Shape [maxLen, dModel]. */
  readonly pe: Buffer;

  /** @throws TensorError ERR_ARGUMENT for wrong sizes and unknown options, ERR_DTYPE */
  constructor(dModel: number, options: PositionalOptions = {}) {
    super('SinusoidalPositionalEncoding', dModel, options);
    const dtype = checkDType('SinusoidalPositionalEncoding', options.dtype);
    const table = waves(this.maxLen, dModel, BASE, dtype, dModel, (row, pair, angle) => {
      row[2 * pair] = Math.sin(angle);
      if (2 * pair + 1 < dModel) row[2 * pair + 1] = Math.cos(angle);
    });
    this.pe = new Buffer(table);
  }

  protected table(): Tensor {
    return this.pe;
  }
}

/** The standard deviation of initial values in GPT-2 and BERT. */
const LEARNED_STD = 0.02;

/**
 * Adds a learned vector for each position (Gehring et al. 2017), from N(0, 0.02^2) at first as in GPT-2.
 * @example
 * ```ts
 * const layer = new nn.LearnedPositionalEmbedding(4, { maxLen: 8 });
 * layer.forward(zeros([3, 4])).shape; // => [3, 4]
 * layer.weight.shape; // => [8, 4]
 * ```
 */
export class LearnedPositionalEmbedding extends Positional {
  /** Shape [maxLen, dModel]. */
  readonly weight: Parameter;

  /** @throws TensorError ERR_ARGUMENT for wrong sizes and unknown options, ERR_DTYPE */
  constructor(dModel: number, options: PositionalOptions = {}) {
    super('LearnedPositionalEmbedding', dModel, options);
    const dtype = checkDType('LearnedPositionalEmbedding', options.dtype);
    this.weight = new Parameter(empty([this.maxLen, dModel], { dtype }));
    normal(this.weight, 0, LEARNED_STD, this.generator);
  }

  protected table(): Tensor {
    return this.weight;
  }
}

/** Options of {@link RotaryEmbedding}. */
export interface RotaryOptions {
  /** The most positions of a sequence. Default 4096. */
  maxLen?: number;
  /** What the rotations' wave lengths go up to, by 2 pi. Default 10000. */
  base?: number;
  /**
   * Whether a pair are the elements 2 i and 2 i + 1, as in the paper, or i and i + size / 2, as in
   * GPT-NeoX and Llama. Default true.
   */
  interleaved?: boolean;
  /** float32 (default) or float64. */
  dtype?: DType;
}

/** Options of a forward call of {@link RotaryEmbedding}. */
export interface RotaryCall {
  /** The position of the first element. Default 0. */
  offset?: number;
}

/**
 * Rotates pairs of elements of queries and keys by position * base^(-2 i / size), so that their dot
 * products depend on the distance of their positions alone (Su et al. 2021). It has no parameters.
 * @example
 * ```ts
 * new nn.RotaryEmbedding(2).forward(tensor([[1, 0], [1, 0]])); // => [[1, 0], [0.540302, 0.841471]]
 * ```
 */
export class RotaryEmbedding extends Module<[x: Tensor, options?: RotaryCall]> {
  /** The most positions of a sequence. */
  readonly maxLen: number;
  /** Whether neighbours are pairs. */
  readonly interleaved: boolean;
  /** Cosines and sines of the angles, each [maxLen, size / 2]; computed, and therefore not saved. */
  private readonly cos: Tensor;
  private readonly sin: Tensor;

  /** @throws TensorError ERR_ARGUMENT for an odd or wrong size and unknown options, ERR_DTYPE */
  constructor(
    /** Elements of a head; even. */
    readonly size: number,
    options: RotaryOptions = {},
  ) {
    super();
    const name = 'RotaryEmbedding';
    checkOptions(name, options, ['maxLen', 'base', 'interleaved', 'dtype']);
    checkFlags(name, options as Readonly<Record<string, unknown>>, ['interleaved']);
    if (checkCount(name, 'size', size) % 2 !== 0) {
      throw new TensorError('ERR_ARGUMENT', `[${name}] size must be even, not ${size}`);
    }
    const dtype = checkDType(name, options.dtype);
    const base = checkNumber(name, 'base', options.base ?? BASE, 1);
    this.maxLen = checkCount(name, 'maxLen', options.maxLen ?? 4096);
    this.interleaved = options.interleaved ?? true;
    const table = (f: (angle: number) => number) => {
      const t = waves(this.maxLen, size, base, dtype, size / 2, (row, pair, angle) => {
        row[pair] = f(angle);
      });
      keepStorage(t.storage);
      return t;
    };
    this.cos = table(Math.cos);
    this.sin = table(Math.sin);
  }

  /**
   * x with its pairs rotated.
   * @param x shape [..., L, size], of positions offset, offset + 1, ...
   * @throws TensorError ERR_SHAPE for other shapes and positions beyond maxLen, ERR_DTYPE, ERR_ARGUMENT
   */
  forward(x: Tensor, options: RotaryCall = {}): Tensor {
    const name = 'RotaryEmbedding';
    checkOptions(name, options, ['offset']);
    const { offset = 0 } = options;
    checkCount(name, 'offset', offset, 0);
    const { interleaved, size } = this;
    const maxLen = this.maxLen - offset;
    const length = checkSequence(name, x, { size, maxLen, lengthDim: -2 });
    const range = [[offset, offset + length]] as [[number, number]];
    const [cos, sin] = [this.cos.slice(range), this.sin.slice(range)] as [Tensor, Tensor];
    const at = interleaved ? -1 : -2;
    const pairs = unflatten(x, -1, interleaved ? [size / 2, 2] : [2, size / 2]);
    const [a, b] = pairs.unbind(at) as [Tensor, Tensor];
    const turned = stack([a.mul(cos).sub(b.mul(sin)), a.mul(sin).add(b.mul(cos))], at);
    return reshape(turned, x.shape);
  }
}
