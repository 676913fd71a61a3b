import { TensorError } from '../../errors.js';
import { checkNumber, checkOptions, describe } from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';
import { type AnyOptimizer, checkChoice, checkCount, numberPerGroup } from './checks.js';
import { LRScheduler } from './scheduler.js';
import type { Slots } from './state.js';

/** Options of {@link ReduceLROnPlateau}. */
export interface ReduceLROnPlateauOptions {
  /** Whether the metric should fall (a loss) or rise (an accuracy). Default 'min'. */
  mode?: 'min' | 'max';
  /** The factor of a reduction, in [0, 1). Default 0.1. */
  factor?: number;
  /** After how many steps without progress nothing happens yet. Default 10. */
  patience?: number;
  /** What counts as progress. Default 1e-4. */
  threshold?: number;
  /**
   * Whether progress is below best (1 - threshold), or above best (1 + threshold) for 'max' ('rel'); or
   * beyond best -+ threshold ('abs'). Default 'rel'.
   */
  thresholdMode?: 'rel' | 'abs';
  /** For how many steps after a reduction none is counted as without progress. Default 0. */
  cooldown?: number;
  /** The lowest rate, of all groups or one for each. Default 0. */
  minLr?: number | readonly number[];
  /** Smaller reductions are left out. Default 1e-8. */
  eps?: number;
}

const OPTIONS = [
  ...['mode', 'factor', 'patience', 'threshold', 'thresholdMode', 'cooldown', 'minLr', 'eps'],
];

/**
 * Multiplies the rates by a factor when a metric (the loss on validation data) has made no progress
 * for more than `patience` steps.
 * @example
 * ```ts
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const schedule = new optim.lrScheduler.ReduceLROnPlateau(optimizer, { patience: 1 });
 * for (const loss of [3, 2, 2, 2]) schedule.step(loss);
 * optimizer.lr; // => 0.1
 * ```
 */
export class ReduceLROnPlateau extends LRScheduler {
  private readonly mode: 'min' | 'max';
  private readonly factor: number;
  private readonly patience: number;
  private readonly threshold: number;
  private readonly isRelative: boolean;
  private readonly cooldown: number;
  private readonly minLrs: readonly number[];
  private readonly eps: number;
  private best: number;
  private badEpochs = 0;
  private cooldownLeft = 0;

  /** @throws TensorError ERR_ARGUMENT for options out of range */
  constructor(optimizer: AnyOptimizer, options: ReduceLROnPlateauOptions = {}) {
    const name = 'ReduceLROnPlateau';
    super(optimizer, name);
    checkOptions(name, options, OPTIONS);
    const {
      mode = 'min',
      factor = 0.1,
      patience = 10,
      threshold = 1e-4,
      thresholdMode = 'rel',
      cooldown = 0,
      minLr = 0,
      eps = 1e-8,
    } = options;
    this.mode = checkChoice(name, 'mode', mode, ['min', 'max']);
    this.factor = checkNumber(name, 'factor', factor, 0, 1);
    this.patience = checkCount(name, 'patience', patience, 0);
    this.threshold = checkNumber(name, 'threshold', threshold, 0);
    checkChoice(name, 'thresholdMode', thresholdMode, ['rel', 'abs']);
    this.isRelative = thresholdMode === 'rel';
    this.cooldown = checkCount(name, 'cooldown', cooldown, 0);
    this.minLrs = numberPerGroup(name, 'minLr', minLr, optimizer);
    this.eps = checkNumber(name, 'eps', eps, 0);
    this.best = this.mode === 'min' ? Infinity : -Infinity;
    this.lastEpoch = 0;
    this.baseLrs = optimizer.groups.map(({ lr }) => lr);
    this.noteLrs();
  }

  private isBetter(metric: number): boolean {
    const { best, threshold } = this;
    if (this.mode === 'min')
      return metric < (this.isRelative ? best * (1 - threshold) : best - threshold);
    return metric > (this.isRelative ? best * (threshold + 1) : best + threshold);
  }

  protected computeLrs(): number[] {
    return this.groups.map(({ lr }, i) => {
      const reduced = Math.max(lr * this.factor, this.minLrs[i] as number);
      return lr - reduced > this.eps ? reduced : lr;
    });
  }

  /**
   * Looks at a metric and reduces the rates if there was no progress for too long.
   * @param metric a number, or a tensor of one element; NaN is no progress
   * @throws TensorError ERR_ARGUMENT without one
   */
  override step(metric?: number | Tensor): void {
    const current = metric instanceof Tensor ? Number(metric.item()) : metric;
    if (typeof current !== 'number') {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${this.name}] step takes the metric to look at, a number, not ${describe(metric)}`,
      );
    }
    this.lastEpoch++;
    if (this.isBetter(current)) {
      this.best = current;
      this.badEpochs = 0;
    } else {
      this.badEpochs++;
    }
    if (this.cooldownLeft > 0) {
      this.cooldownLeft--;
      this.badEpochs = 0;
    }
    if (this.badEpochs > this.patience) {
      this.setLrs(this.computeLrs());
      this.cooldownLeft = this.cooldown;
      this.badEpochs = 0;
    }
    this.noteLrs();
  }

  protected override slots(): Slots {
    return {
      ...super.slots(),
      best: {
        read: () => this.best,
        write: ([value]) => {
          this.best = value as number;
        },
      },
      num_bad_epochs: {
        read: () => this.badEpochs,
        write: ([value]) => {
          this.badEpochs = value as number;
        },
      },
      cooldown_counter: {
        read: () => this.cooldownLeft,
        write: ([value]) => {
          this.cooldownLeft = value as number;
        },
      },
    };
  }
}
