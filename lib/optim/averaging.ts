/** Averages of a model's weights over the steps of a training. */
import { noGrad } from '../autograd/mode.js';
import { TensorError } from '../errors.js';
import { rows, runGeometry, runTernaryContiguous } from '../native/commands.js';
import { lerp } from '../ops/elementwise/ternary.js';
import { clone, copyInto, scalar, to } from '../ops/operand.js';
import { dtypes } from '../tensor/dtype.js';
import { keepStorage, outsideScope } from '../tensor/memory.js';
import { broadcastStrides, checkNumber, checkOptions, describe } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { checkShape, checkTensor, numberOf } from './state_dict.js';

/** What has weights: a module of `nn`. */
export interface Weighted {
  /** What is learned, by name. */
  namedParameters(): Iterable<readonly [string, Tensor]>;
  /** What else belongs to the state, by name. */
  namedBuffers(): Iterable<readonly [string, Tensor]>;
}

/** Options of {@link AveragedModel}. */
export interface AveragedModelOptions {
  /** Whether buffers (running statistics) are averaged as well; otherwise they are copied. Default false. */
  useBuffers?: boolean;
}

/** Options of {@link ExponentialMovingAverage}. */
export interface ExponentialMovingAverageOptions extends AveragedModelOptions {
  /** How much of the average stays at an update, in [0, 1]. Default 0.999. */
  decay?: number;
}

/** A weight with its average. */
interface Pair {
  readonly name: string;
  readonly weight: Tensor;
  readonly average: Tensor;
  readonly isBuffer: boolean;
}

function isWeighted(value: unknown): value is Weighted {
  const { namedParameters, namedBuffers } = (value ?? {}) as Partial<Weighted>;
  return typeof namedParameters === 'function' && typeof namedBuffers === 'function';
}

/** Memory that lives as long as the average, lying as the weight does. */
function copyFor(weight: Tensor): Tensor {
  const copy = outsideScope(() => noGrad(() => clone(weight)));
  keepStorage(copy.storage);
  return copy;
}

function pairsOf(name: string, model: unknown): Pair[] {
  const pair = (name: string, weight: unknown, isBuffer: boolean): Pair => {
    if (!(weight instanceof Tensor)) throw wrongModel(weight);
    return { name, weight, average: copyFor(weight), isBuffer };
  };
  const wrongModel = (value: unknown): TensorError =>
    new TensorError(
      'ERR_ARGUMENT',
      `[${name}] the first argument is a module or a list of tensors, not ${describe(value)}`,
    );
  if (isWeighted(model)) {
    return [
      ...Array.from(model.namedParameters(), ([name, weight]) => pair(name, weight, false)),
      ...Array.from(model.namedBuffers(), ([name, weight]) => pair(name, weight, true)),
    ];
  }
  const isList =
    typeof (model as Iterable<unknown> | null | undefined)?.[Symbol.iterator] === 'function';
  if (!isList || model instanceof Tensor || typeof model === 'string') throw wrongModel(model);
  return Array.from(model as Iterable<unknown>, (weight, i) => pair(`${i}`, weight, false));
}

/** average += share (weight - average), in place and in one pass. */
function moveTo({ average, weight: given }: Pair, share: number): void {
  // The weight's dtype is another one after the model's `to`.
  const weight = given.dtype === average.dtype ? given : to(given.detach(), average.dtype);
  if (!dtypes[average.dtype].arithmetic) {
    // Counts and 16-bit floats: by way of float64, and cut or rounded as `to` does.
    const ends = [to(average, 'float64'), to(weight.detach(), 'float64')] as const;
    copyInto(average, lerp(...ends, share));
    return;
  }
  const part = scalar(share, average.dtype);
  const { shape } = average;
  const alike = average.strides.every((stride, d) => stride === weight.strides[d]);
  if (alike && (average.isContiguous || average.isDense)) {
    const operands = [average, weight, part] as const;
    runTernaryContiguous(rows.lerp, operands, [1, 1, 0], average, average.numel, 0);
  } else {
    const strides = broadcastStrides([], [], shape);
    const stretched = { array: part.array, offset: part.offset, strides };
    runGeometry(rows.lerp, shape, [average, weight, stretched, average], [0]);
  }
  average.storage.version++;
}

/** Averages that stand beside a model's weights. */
export abstract class WeightAverages {
  private readonly pairs: readonly Pair[];
  private readonly useBuffers: boolean;
  private count = 0;
  /** The weights that the averages stand for now. */
  private replaced: readonly Tensor[] | null = null;

  constructor(
    private readonly name: string,
    model: Weighted | Iterable<Tensor>,
    options: AveragedModelOptions,
  ) {
    this.pairs = pairsOf(name, model);
    this.useBuffers = options.useBuffers ?? false;
  }

  /** How many updates there were. */
  get nAveraged(): number {
    return this.count;
  }

  /** How far the average moves to the weights, after so many updates. */
  protected abstract share(updates: number): number;

  /**
   * Takes the weights of now into the average; the first time they become the average. After
   * `optimizer.step()`.
   * @throws TensorError ERR_STATE while the averages are applied
   */
  update(): void {
    this.checkNotApplied();
    const share = this.share(this.count);
    for (const pair of this.pairs) {
      const isCopied = this.count === 0 || (pair.isBuffer && !this.useBuffers);
      if (isCopied) copyInto(pair.average, pair.weight);
      else noGrad(() => moveTo(pair, share));
    }
    this.count++;
  }

  private checkNotApplied(): void {
    if (this.replaced !== null) {
      throw new TensorError(
        'ERR_STATE',
        `[${this.name}] the averages are in the model now; call restore() first`,
      );
    }
  }

  /**
   * Puts the averages into the model, to evaluate or save it; what they replace is kept.
   * @throws TensorError ERR_STATE when they are there already
   */
  apply(): void {
    this.checkNotApplied();
    this.replaced = this.pairs.map(({ weight }) => copyFor(weight));
    for (const { weight, average } of this.pairs) copyInto(weight, average);
  }

  /**
   * Puts the weights back that `apply` replaced, to go on training.
   * @throws TensorError ERR_STATE when nothing is applied
   */
  restore(): void {
    const { replaced } = this;
    if (replaced === null) {
      throw new TensorError('ERR_STATE', `[${this.name}] restore() follows apply()`);
    }
    for (const [i, { weight }] of this.pairs.entries()) copyInto(weight, replaced[i] as Tensor);
    this.replaced = null;
  }

  /**
   * The averages under PyTorch's names, `module.0.weight`, and the count of updates, `n_averaged`. They
   * share memory with this object: clone to keep them.
   */
  stateDict(): Record<string, Tensor> {
    const state: Record<string, Tensor> = { n_averaged: scalar(BigInt(this.count), 'int64') };
    for (const { name, average } of this.pairs) state[`module.${name}`] = average.detach();
    return state;
  }

  /**
   * Takes over a state that `stateDict` gave, also PyTorch's: values are copied, and converted if they are
   * of another dtype. All of it is checked first; when something doesn't fit, nothing is changed.
   * @throws TensorError ERR_ARGUMENT for missing or unknown names and for anything but tensors,
   * ERR_SHAPE for tensors that don't fit, ERR_DISPOSED
   */
  loadStateDict(state: Readonly<Record<string, Tensor>>): void {
    if (typeof state !== 'object' || state === null || state instanceof Tensor) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[loadStateDict] expected tensors by name, not ${describe(state)}`,
      );
    }
    const names = ['n_averaged', ...this.pairs.map(({ name }) => `module.${name}`)];
    const missing = names.filter((name) => !Object.hasOwn(state, name));
    const unknown = Object.keys(state).filter((name) => !names.includes(name));
    if (missing.length > 0 || unknown.length > 0) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[loadStateDict] missing: ${missing.join(', ') || 'nothing'}; unknown: ${unknown.join(', ') || 'nothing'}`,
      );
    }
    const count = numberOf('n_averaged', state.n_averaged);
    for (const { name, average } of this.pairs) {
      const value: unknown = state[`module.${name}`];
      checkTensor(`module.${name}`, value);
      checkShape(`module.${name}`, value, average.shape);
    }
    this.count = count;
    for (const { name, average } of this.pairs)
      copyInto(average, state[`module.${name}`] as Tensor);
  }
}

/**
 * The equal average of a model's weights over all updates (stochastic weight averaging: Izmailov et al.
 * 2018), as PyTorch's `swa_utils.AveragedModel`: avg += (w - avg) / (n + 1). The model itself goes on
 * training; `apply` puts the averages in its place and `restore` takes them out again.
 * @example
 * ```ts
 * const w = tensor([1, 2], { requiresGrad: true });
 * const averaged = new optim.AveragedModel([w]);
 * for (const step of [1, 2, 3]) {
 *   noGrad(() => w.fill_(step));
 *   averaged.update();
 * }
 * averaged.apply();
 * w; // => [2, 2]
 * averaged.restore();
 * w; // => [3, 3]
 * ```
 */
export class AveragedModel extends WeightAverages {
  /**
   * @param model a module, or tensors; its weights are found now, so replace parameters before
   * @throws TensorError ERR_ARGUMENT for anything else
   */
  constructor(model: Weighted | Iterable<Tensor>, options: AveragedModelOptions = {}) {
    checkOptions('AveragedModel', options, ['useBuffers']);
    super('AveragedModel', model, options);
  }

  protected share(updates: number): number {
    return 1 / (updates + 1);
  }
}

/**
 * The exponential moving average of a model's weights (Polyak averaging with a decay; in PyTorch an
 * `AveragedModel` with `get_ema_multi_avg_fn`): avg = decay avg + (1 - decay) w, and avg = w at the
 * first update. One pass of 12 bytes a float32 weight.
 * @example
 * ```ts
 * const w = tensor([1, 2], { requiresGrad: true });
 * const ema = new optim.ExponentialMovingAverage([w], { decay: 0.9 });
 * ema.update();
 * noGrad(() => w.fill_(0));
 * ema.update();
 * ema.stateDict()['module.0']; // => [0.9, 1.8]
 * ```
 */
export class ExponentialMovingAverage extends WeightAverages {
  private readonly decay: number;

  /**
   * @param model a module, or tensors; its weights are found now, so replace parameters before
   * @throws TensorError ERR_ARGUMENT for anything else, or a decay outside of [0, 1]
   */
  constructor(model: Weighted | Iterable<Tensor>, options: ExponentialMovingAverageOptions = {}) {
    checkOptions('ExponentialMovingAverage', options, ['decay', 'useBuffers']);
    const { decay = 0.999, ...rest } = options;
    if (checkNumber('ExponentialMovingAverage', 'decay', decay, 0) > 1) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[ExponentialMovingAverage] decay must be <= 1, not ${decay}`,
      );
    }
    super('ExponentialMovingAverage', model, rest);
    this.decay = decay;
  }

  protected share(): number {
    return 1 - this.decay;
  }
}
