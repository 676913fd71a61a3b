/** Schedules whose next rate is a factor of the one before, or that fall along a power. */
import { TensorError } from '../../errors.js';
import { checkNumber, checkOptions, describe } from '../../tensor/shape.js';
import { type AnyOptimizer, checkCount, checkWithin } from './checks.js';
import { LRScheduler } from './scheduler.js';

/** Options of {@link StepLR} and {@link MultiStepLR}. */
export interface GammaOptions {
  /** The factor. Default 0.1. */
  gamma?: number;
}

function checkGamma(name: string, options: GammaOptions): number {
  checkOptions(name, options, ['gamma']);
  const { gamma = 0.1 } = options;
  return checkNumber(name, 'gamma', gamma, 0);
}

/** How many of the ascending numbers are <= x. */
export function countUpTo(ascending: readonly number[], x: number): number {
  let count = 0;
  while (count < ascending.length && (ascending[count] as number) <= x) count++;
  return count;
}

/**
 * Multiplies the rates by gamma every `stepSize` steps: lr_t = lr_0 gamma^floor(t / stepSize).
 * @example
 * ```ts
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const schedule = new optim.lrScheduler.StepLR(optimizer, 2, { gamma: 0.5 });
 * const rates = [0, 1, 2, 3, 4].map(() => {
 *   const { lr } = optimizer;
 *   schedule.step();
 *   return lr;
 * });
 * rates; // => [1, 1, 0.5, 0.5, 0.25]
 * ```
 */
export class StepLR extends LRScheduler {
  private readonly stepSize: number;
  private readonly gamma: number;

  /** @throws TensorError ERR_ARGUMENT for a stepSize that isn't a whole number >= 1, or a negative gamma */
  constructor(optimizer: AnyOptimizer, stepSize: number, options: GammaOptions = {}) {
    super(optimizer, 'StepLR');
    this.stepSize = checkCount('StepLR', 'stepSize', stepSize);
    this.gamma = checkGamma('StepLR', options);
    this.start();
  }

  protected computeLrs(): number[] {
    const stays = this.lastEpoch === 0 || this.lastEpoch % this.stepSize !== 0;
    return this.groups.map(({ lr }) => (stays ? lr : lr * this.gamma));
  }

  protected override closedForm(): number[] {
    const power = this.gamma ** Math.floor(this.lastEpoch / this.stepSize);
    return this.baseLrs.map((lr) => lr * power);
  }
}

/**
 * Multiplies the rates by gamma at each of the milestones (one that is named twice counts twice).
 * @example
 * ```ts
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const schedule = new optim.lrScheduler.MultiStepLR(optimizer, [1, 3], { gamma: 0.5 });
 * const rates = [0, 1, 2, 3].map(() => {
 *   const { lr } = optimizer;
 *   schedule.step();
 *   return lr;
 * });
 * rates; // => [1, 0.5, 0.5, 0.25]
 * ```
 */
export class MultiStepLR extends LRScheduler {
  private readonly milestones: readonly number[];
  private readonly gamma: number;

  /** @throws TensorError ERR_ARGUMENT for milestones that aren't whole numbers >= 0, or a negative gamma */
  constructor(optimizer: AnyOptimizer, milestones: readonly number[], options: GammaOptions = {}) {
    super(optimizer, 'MultiStepLR');
    if (!Array.isArray(milestones)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[MultiStepLR] milestones are a list of steps, not ${describe(milestones)}`,
      );
    }
    this.milestones = milestones
      .map((milestone) => checkCount('MultiStepLR', 'a milestone', milestone, 0))
      .sort((a, b) => a - b);
    this.gamma = checkGamma('MultiStepLR', options);
    this.start();
  }

  protected computeLrs(): number[] {
    const times = this.milestones.filter((milestone) => milestone === this.lastEpoch).length;
    return this.groups.map(({ lr }) => (times === 0 ? lr : lr * this.gamma ** times));
  }

  protected override closedForm(): number[] {
    const power = this.gamma ** countUpTo(this.milestones, this.lastEpoch);
    return this.baseLrs.map((lr) => lr * power);
  }
}

/**
 * Multiplies the rates by gamma at every step: lr_t = lr_0 gamma^t.
 * @example
 * ```ts
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const schedule = new optim.lrScheduler.ExponentialLR(optimizer, 0.9);
 * schedule.step();
 * schedule.step();
 * optimizer.lr; // => 0.81
 * ```
 */
export class ExponentialLR extends LRScheduler {
  private readonly gamma: number;

  /** @throws TensorError ERR_ARGUMENT for a negative gamma */
  constructor(optimizer: AnyOptimizer, gamma: number) {
    super(optimizer, 'ExponentialLR');
    this.gamma = checkNumber('ExponentialLR', 'gamma', gamma, 0);
    this.start();
  }

  protected computeLrs(): number[] {
    return this.groups.map(({ lr }) => (this.isInitial ? lr : lr * this.gamma));
  }

  protected override closedForm(): number[] {
    const power = this.gamma ** this.lastEpoch;
    return this.baseLrs.map((lr) => lr * power);
  }
}

/** Options of {@link ConstantLR}. */
export interface ConstantLROptions {
  /** The factor, in (0, 1]. Default 1/3. */
  factor?: number;
  /** For how many steps it holds. Default 5. */
  totalIters?: number;
}

/** A factor in (0, 1]. */
function checkFactor(name: string, option: string, value: unknown): number {
  const factor = checkWithin(name, option, value, 0, 1);
  // The rate is found again by a division.
  if (factor === 0) throw new TensorError('ERR_ARGUMENT', `[${name}] ${option} must be > 0`);
  return factor;
}

/**
 * Multiplies the rates by a factor for `totalIters` steps; then they are what they would be without.
 * @example
 * ```ts
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const options = { factor: 0.5, totalIters: 2 };
 * const schedule = new optim.lrScheduler.ConstantLR(optimizer, options);
 * optimizer.lr; // => 0.5
 * schedule.step();
 * schedule.step();
 * optimizer.lr; // => 1
 * ```
 */
export class ConstantLR extends LRScheduler {
  private readonly factor: number;
  private readonly totalIters: number;

  /** @throws TensorError ERR_ARGUMENT for options out of range */
  constructor(optimizer: AnyOptimizer, options: ConstantLROptions = {}) {
    super(optimizer, 'ConstantLR');
    checkOptions('ConstantLR', options, ['factor', 'totalIters']);
    const { factor = 1 / 3, totalIters = 5 } = options;
    this.factor = checkFactor('ConstantLR', 'factor', factor);
    this.totalIters = checkCount('ConstantLR', 'totalIters', totalIters);
    this.start();
  }

  protected computeLrs(): number[] {
    const { lastEpoch, totalIters, factor } = this;
    const change = lastEpoch === 0 ? factor : lastEpoch === totalIters ? 1 / factor : 1;
    return this.groups.map(({ lr }) => lr * change);
  }

  protected override closedForm(): number[] {
    const factor = this.lastEpoch >= this.totalIters ? 1 : this.factor;
    return this.baseLrs.map((lr) => lr * factor);
  }
}

/** Options of {@link LinearLR}. */
export interface LinearLROptions {
  /** The factor of step 0, in (0, 1]. Default 1/3. */
  startFactor?: number;
  /** The factor of step `totalIters` and all that follow, in [0, 1]. Default 1. */
  endFactor?: number;
  /** How many steps it takes from one to the other. Default 5. */
  totalIters?: number;
}

/**
 * Multiplies the rates by a factor that goes in a straight line from `startFactor` to `endFactor`, as
 * in a warm-up: lr_t = lr_0 (start + (end - start) min(t, totalIters) / totalIters).
 * @example
 * ```ts
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const options = { startFactor: 0.5, totalIters: 4 };
 * const schedule = new optim.lrScheduler.LinearLR(optimizer, options);
 * optimizer.lr; // => 0.5
 * schedule.step();
 * optimizer.lr; // => 0.625
 * ```
 */
export class LinearLR extends LRScheduler {
  private readonly startFactor: number;
  private readonly endFactor: number;
  private readonly totalIters: number;

  /** @throws TensorError ERR_ARGUMENT for options out of range */
  constructor(optimizer: AnyOptimizer, options: LinearLROptions = {}) {
    super(optimizer, 'LinearLR');
    checkOptions('LinearLR', options, ['startFactor', 'endFactor', 'totalIters']);
    const { startFactor = 1 / 3, endFactor = 1, totalIters = 5 } = options;
    this.startFactor = checkFactor('LinearLR', 'startFactor', startFactor);
    this.endFactor = checkWithin('LinearLR', 'endFactor', endFactor, 0, 1);
    this.totalIters = checkCount('LinearLR', 'totalIters', totalIters);
    this.start();
  }

  protected computeLrs(): number[] {
    const { lastEpoch, totalIters, startFactor } = this;
    if (lastEpoch === 0) return this.groups.map(({ lr }) => lr * startFactor);
    if (lastEpoch > totalIters) return this.groups.map(({ lr }) => lr);
    const rise = this.endFactor - startFactor;
    const change = 1 + rise / (totalIters * startFactor + (lastEpoch - 1) * rise);
    return this.groups.map(({ lr }) => lr * change);
  }

  protected override closedForm(): number[] {
    const { startFactor, endFactor, totalIters } = this;
    const part = ((endFactor - startFactor) * Math.min(totalIters, this.lastEpoch)) / totalIters;
    return this.baseLrs.map((lr) => lr * (startFactor + part));
  }
}

/** Options of {@link PolynomialLR}. */
export interface PolynomialLROptions {
  /** After how many steps the rates are 0. Default 5. */
  totalIters?: number;
  /** The power. Default 1: a straight line. */
  power?: number;
}

/**
 * Lets the rates fall to 0 along a power: lr_t = lr_0 (1 - min(t, totalIters) / totalIters)^power.
 * @example
 * ```ts
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const options = { totalIters: 4, power: 2 };
 * const schedule = new optim.lrScheduler.PolynomialLR(optimizer, options);
 * schedule.step();
 * schedule.step();
 * optimizer.lr; // => 0.25
 * ```
 */
export class PolynomialLR extends LRScheduler {
  private readonly totalIters: number;
  private readonly power: number;

  /** @throws TensorError ERR_ARGUMENT for options out of range */
  constructor(optimizer: AnyOptimizer, options: PolynomialLROptions = {}) {
    super(optimizer, 'PolynomialLR');
    checkOptions('PolynomialLR', options, ['totalIters', 'power']);
    const { totalIters = 5, power = 1 } = options;
    this.totalIters = checkCount('PolynomialLR', 'totalIters', totalIters);
    this.power = checkNumber('PolynomialLR', 'power', power, 0);
    this.start();
  }

  protected computeLrs(): number[] {
    const { lastEpoch, totalIters } = this;
    if (this.isInitial || lastEpoch > totalIters) return this.groups.map(({ lr }) => lr);
    const left = (1 - lastEpoch / totalIters) / (1 - (lastEpoch - 1) / totalIters);
    return this.groups.map(({ lr }) => lr * left ** this.power);
  }

  protected override closedForm(): number[] {
    const left = 1 - Math.min(this.totalIters, this.lastEpoch) / this.totalIters;
    return this.baseLrs.map((lr) => lr * left ** this.power);
  }
}
