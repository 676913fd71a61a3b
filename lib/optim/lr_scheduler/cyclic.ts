import { TensorError } from '../../errors.js';
import { checkNumber, checkOptions, describe } from '../../tensor/shape.js';
import { type AnyOptimizer, checkChoice, checkCount, numberPerGroup } from './checks.js';
import { MomentumCycle, type MomentumCycleOptions } from './momentum.js';
import { LRScheduler } from './scheduler.js';

/** Options of {@link CyclicLR}. */
export interface CyclicLROptions extends MomentumCycleOptions {
  /** Steps in which the rate rises. Default 2000. */
  stepSizeUp?: number;
  /** Steps in which it falls. Default: as many as it rises. */
  stepSizeDown?: number;
  /**
   * All cycles alike ('triangular'), each half as high as the one before ('triangular2'), or heights of
   * gamma^step ('exp_range'). Default 'triangular'.
   */
  mode?: 'triangular' | 'triangular2' | 'exp_range';
  /** The base of 'exp_range'. Default 1. */
  gamma?: number;
  /** A cycle's height as a function of the cycle (from 1) or the step, in the place of `mode`. */
  scaleFn?: (x: number) => number;
  /** What `scaleFn` is a function of. Default 'cycle'. */
  scaleMode?: 'cycle' | 'iterations';
}

const OPTIONS = [
  ...['stepSizeUp', 'stepSizeDown', 'mode', 'gamma', 'scaleFn', 'scaleMode'],
  ...['cycleMomentum', 'baseMomentum', 'maxMomentum'],
];

/**
 * Rates that rise and fall in straight lines between two bounds (Smith 2017, "Cyclical learning rates
 * for training neural networks"), the momentum the other way round; a step after every batch.
 * @example
 * ```ts
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { momentum: 0.9 });
 * const schedule = new optim.lrScheduler.CyclicLR(optimizer, 0, 1, { stepSizeUp: 2 });
 * const rates = [0, 1, 2, 3, 4].map(() => {
 *   const { lr } = optimizer;
 *   schedule.step();
 *   return lr;
 * });
 * rates; // => [0, 0.5, 1, 0.5, 0]
 * ```
 */
export class CyclicLR extends LRScheduler {
  private readonly maxLrs: readonly number[];
  private readonly totalSize: number;
  private readonly stepRatio: number;
  private readonly scaleFn: (x: number) => number;
  private readonly scalesCycles: boolean;
  private readonly momenta: MomentumCycle | null;

  /**
   * @param baseLr the lowest rate, of all groups or one for each; it becomes the groups' rate
   * @param maxLr the highest rate of a cycle of height 1
   * @throws TensorError ERR_ARGUMENT for options out of range, or an optimizer without a momentum to
   * cycle; ERR_STATE for a group that was made with momentum 0
   */
  constructor(
    optimizer: AnyOptimizer,
    baseLr: number | readonly number[],
    maxLr: number | readonly number[],
    options: CyclicLROptions = {},
  ) {
    const name = 'CyclicLR';
    super(optimizer, name);
    checkOptions(name, options, OPTIONS);
    const { stepSizeUp = 2000, stepSizeDown = stepSizeUp, gamma = 1, scaleFn } = options;
    const { mode = 'triangular', scaleMode = 'cycle', cycleMomentum = true } = options;
    const baseLrs = numberPerGroup(name, 'baseLr', baseLr, optimizer);
    this.maxLrs = numberPerGroup(name, 'maxLr', maxLr, optimizer);
    const up = checkCount(name, 'stepSizeUp', stepSizeUp);
    const down = checkCount(name, 'stepSizeDown', stepSizeDown);
    this.totalSize = up + down;
    this.stepRatio = up / this.totalSize;
    const { baseMomentum = 0.8, maxMomentum = 0.9 } = options;
    checkChoice(name, 'mode', mode, [...['triangular', 'triangular2', 'exp_range']]);
    checkNumber(name, 'gamma', gamma, 0);
    checkChoice(name, 'scaleMode', scaleMode, [...['cycle', 'iterations']]);
    if (scaleFn !== undefined && typeof scaleFn !== 'function') {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${name}] scaleFn is a function, not ${describe(scaleFn)}`,
      );
    }
    const ofMode = {
      triangular: () => 1,
      triangular2: (cycle: number) => 1 / 2 ** (cycle - 1),
      exp_range: (step: number) => gamma ** step,
    };
    this.scaleFn = scaleFn ?? ofMode[mode];
    this.scalesCycles = scaleFn === undefined ? mode !== 'exp_range' : scaleMode === 'cycle';
    this.momenta = cycleMomentum
      ? new MomentumCycle(name, optimizer, baseMomentum, maxMomentum)
      : null;
    for (const [i, group] of optimizer.groups.entries()) {
      group.lr = baseLrs[i] as number;
      group.initialLr ??= group.lr;
    }
    this.baseLrs = baseLrs;
    this.takeFirst();
  }

  /** How high above its lowest point the step's rate is, as a part of the way to the highest. */
  private height(): number {
    const { lastEpoch, totalSize, stepRatio } = this;
    const cycle = Math.floor(1 + lastEpoch / totalSize);
    const x = 1 + lastEpoch / totalSize - cycle;
    const part = x <= stepRatio ? x / stepRatio : (x - 1) / (stepRatio - 1);
    return part * this.scaleFn(this.scalesCycles ? cycle : lastEpoch);
  }

  protected computeLrs(): number[] {
    this.setMomenta();
    const height = this.height();
    return this.baseLrs.map((lr, i) => lr + ((this.maxLrs[i] as number) - lr) * height);
  }

  private setMomenta(): void {
    const { momenta } = this;
    if (momenta === null) return;
    const height = this.height();
    for (const [i, group] of this.groups.entries()) {
      const [low, high] = [momenta.base[i] as number, momenta.max[i] as number];
      momenta.set(group, high - (high - low) * height);
    }
  }

  override resume(): void {
    super.resume();
    this.setMomenta();
  }
}
