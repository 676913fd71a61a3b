/** Schedules along a cosine. */
import { checkNumber, checkOptions } from '../../tensor/shape.js';
import { type AnyOptimizer, checkCount } from './checks.js';
import { LRScheduler } from './scheduler.js';
import type { Slots } from './state.js';

/** Options of {@link CosineAnnealingLR}. */
export interface CosineAnnealingLROptions {
  /** The lowest rate. Default 0. */
  etaMin?: number;
}

/** Half a cosine from one rate (angle 0) to another (angle pi). */
function between(high: number, low: number, angle: number): number {
  return low + ((high - low) * (1 + Math.cos(angle))) / 2;
}

/**
 * Lets the rates fall from lr_0 to `etaMin` within `tMax` steps along half a cosine, and rise again
 * (Loshchilov & Hutter 2017, without the restarts): lr_t = etaMin + (lr_0 - etaMin) (1 + cos(pi t /
 * tMax)) / 2. As in PyTorch each rate is computed from the one before.
 * @example
 * ```ts
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const schedule = new optim.lrScheduler.CosineAnnealingLR(optimizer, 4);
 * schedule.step();
 * optimizer.lr; // => 0.853553
 * schedule.step();
 * optimizer.lr; // => 0.5
 * ```
 */
export class CosineAnnealingLR extends LRScheduler {
  private readonly tMax: number;
  private readonly etaMin: number;

  /** @throws TensorError ERR_ARGUMENT for a tMax that isn't a whole number >= 1, or a negative etaMin */
  constructor(optimizer: AnyOptimizer, tMax: number, options: CosineAnnealingLROptions = {}) {
    super(optimizer, 'CosineAnnealingLR');
    this.tMax = checkCount('CosineAnnealingLR', 'tMax', tMax);
    checkOptions('CosineAnnealingLR', options, ['etaMin']);
    const { etaMin = 0 } = options;
    this.etaMin = checkNumber('CosineAnnealingLR', 'etaMin', etaMin, 0);
    this.start();
  }

  protected computeLrs(): number[] {
    const { lastEpoch, tMax, etaMin } = this;
    if (this.isInitial) return this.groups.map(({ lr }) => lr);
    // The rate before was etaMin, from which no factor leads away.
    if ((lastEpoch - 1 - tMax) % (2 * tMax) === 0) {
      const rise = 1 - Math.cos(Math.PI / tMax);
      return this.groups.map(
        ({ lr }, i) => lr + (((this.baseLrs[i] as number) - etaMin) * rise) / 2,
      );
    }
    const change =
      (1 + Math.cos((Math.PI * lastEpoch) / tMax)) /
      (1 + Math.cos((Math.PI * (lastEpoch - 1)) / tMax));
    return this.groups.map(({ lr }) => change * (lr - etaMin) + etaMin);
  }

  protected override closedForm(): number[] {
    const angle = (Math.PI * this.lastEpoch) / this.tMax;
    return this.baseLrs.map((lr) => between(lr, this.etaMin, angle));
  }
}

/** Options of {@link CosineAnnealingWarmRestarts}. */
export interface CosineAnnealingWarmRestartsOptions {
  /** Every cycle is so many times as long as the one before: a whole number >= 1. Default 1. */
  tMult?: number;
  /** The lowest rate. Default 0. */
  etaMin?: number;
}

/**
 * SGDR (Loshchilov & Hutter 2017): the rates fall from lr_0 towards `etaMin` along half a cosine
 * within `t0` steps, start again from lr_0, and so on, each cycle `tMult` times as long:
 * lr = etaMin + (lr_0 - etaMin) (1 + cos(pi tCur / tI)) / 2. `step` also takes a fraction of an epoch.
 * @example
 * ```ts
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const schedule = new optim.lrScheduler.CosineAnnealingWarmRestarts(optimizer, 2, { tMult: 2 });
 * const rates = [0, 1, 2, 3, 4].map(() => {
 *   const { lr } = optimizer;
 *   schedule.step();
 *   return lr;
 * });
 * rates; // => [1, 0.5, 1, 0.853553, 0.5]
 * schedule.step(0.5);
 * optimizer.lr; // => 0.853553
 * ```
 */
export class CosineAnnealingWarmRestarts extends LRScheduler {
  private readonly t0: number;
  private readonly tMult: number;
  private readonly etaMin: number;
  private tI: number;
  private tCur = -1;

  /** @throws TensorError ERR_ARGUMENT unless t0 and tMult are whole numbers >= 1 and etaMin >= 0 */
  constructor(
    optimizer: AnyOptimizer,
    t0: number,
    options: CosineAnnealingWarmRestartsOptions = {},
  ) {
    const name = 'CosineAnnealingWarmRestarts';
    super(optimizer, name);
    this.t0 = checkCount(name, 't0', t0);
    checkOptions(name, options, ['tMult', 'etaMin']);
    const { tMult = 1, etaMin = 0 } = options;
    this.tMult = checkCount(name, 'tMult', tMult);
    this.etaMin = checkNumber(name, 'etaMin', etaMin, 0);
    this.tI = this.t0;
    this.start();
  }

  protected computeLrs(): number[] {
    const angle = (Math.PI * this.tCur) / this.tI;
    return this.baseLrs.map((lr) => between(lr, this.etaMin, angle));
  }

  /**
   * Sets the rates of the next step, or of a time.
   * @param epoch a time since the beginning, which may have a fraction: epoch + batch / batches.
   * Default: one more than the last one.
   * @throws TensorError ERR_ARGUMENT for a negative time
   */
  override step(epoch?: number): void {
    if (epoch === undefined && this.lastEpoch >= 0) {
      this.tCur++;
      if (this.tCur >= this.tI) {
        this.tCur %= this.tI;
        this.tI *= this.tMult;
      }
      this.lastEpoch++;
    } else {
      this.goTo(checkNumber(this.name, 'epoch', epoch === undefined ? 0 : epoch, 0));
    }
    this.setLrs(this.computeLrs());
  }

  /** Finds the cycle of a time: cycle n begins at t0 (tMult^n - 1) / (tMult - 1). */
  private goTo(epoch: number): void {
    const { t0, tMult } = this;
    let length = t0;
    let begin = 0;
    while (tMult > 1 && epoch >= begin + length) {
      begin += length;
      length *= tMult;
    }
    this.tI = length;
    this.tCur = tMult > 1 ? epoch - begin : epoch % t0;
    this.lastEpoch = Math.floor(epoch);
  }

  override restart(): void {
    this.goTo(0);
    this.setLrs(this.computeLrs());
  }

  protected override slots(): Slots {
    return {
      ...super.slots(),
      T_cur: {
        read: () => this.tCur,
        write: ([value]) => {
          this.tCur = value as number;
        },
      },
      T_i: {
        read: () => this.tI,
        write: ([value]) => {
          this.tI = value as number;
        },
      },
    };
  }
}
