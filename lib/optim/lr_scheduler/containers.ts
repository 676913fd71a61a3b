/** Schedules made of schedules. */
import { TensorError } from '../../errors.js';
import { checkNumber, checkOptions, describe } from '../../tensor/shape.js';
import { type AnyOptimizer, checkCount, checkOptimizer } from './checks.js';
import { countUpTo, LinearLR } from './factors.js';
import { ReduceLROnPlateau } from './plateau.js';
import { LRScheduler } from './scheduler.js';
import type { Slots } from './state.js';

/** @throws TensorError ERR_ARGUMENT unless all are schedules of the optimizer that need no metric */
function checkSchedulers(name: string, optimizer: AnyOptimizer, list: unknown): LRScheduler[] {
  if (!Array.isArray(list) || list.length === 0) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${name}] schedulers are a list of at least one, not ${describe(list)}`,
    );
  }
  for (const item of list as unknown[]) {
    if (!(item instanceof LRScheduler)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${name}] schedulers must be schedules, not ${describe(item)}`,
      );
    }
    if (item instanceof ReduceLROnPlateau) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${name}] takes no ReduceLROnPlateau, which needs a metric; step it by itself`,
      );
    }
    if (item.optimizer !== optimizer) {
      throw new TensorError('ERR_ARGUMENT', `[${name}] the schedules are of several optimizers`);
    }
  }
  return [...list];
}

/** A schedule made of others, whose states are part of its own. */
abstract class Container extends LRScheduler {
  constructor(
    optimizer: AnyOptimizer,
    name: string,
    protected readonly schedulers: readonly LRScheduler[],
  ) {
    super(optimizer, name);
    this.baseLrs = optimizer.groups.map(({ initialLr, lr }) => initialLr ?? lr);
  }

  override rewind(): void {
    for (const scheduler of this.schedulers) scheduler.rewind();
  }

  override restart(): void {
    for (const [i, group] of this.groups.entries()) group.lr = this.baseLrs[i] as number;
    this.rewind();
    this.takeFirst();
  }

  protected computeLrs(): number[] {
    return this.groups.map(({ lr }) => lr);
  }

  override allSlots(): Slots {
    const inner = this.schedulers.flatMap((scheduler, i) =>
      Object.entries(scheduler.allSlots()).map(([name, slot]) => [
        `_schedulers.${i}.${name}`,
        slot,
      ]),
    );
    return { ...this.slots(), ...Object.fromEntries(inner) };
  }
}

/** One schedule after the other: at each milestone the next one begins. */
abstract class Sequence extends Container {
  private readonly milestones: readonly number[];

  constructor(
    optimizer: AnyOptimizer,
    name: string,
    schedulers: readonly LRScheduler[],
    milestones: readonly number[],
  ) {
    super(optimizer, name, checkSchedulers(name, optimizer, schedulers));
    if (!Array.isArray(milestones) || milestones.length !== schedulers.length - 1) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${name}] ${schedulers.length} schedules need ${schedulers.length - 1} milestones, ` +
          `not ${describe(milestones)}`,
      );
    }
    for (const [i, milestone] of milestones.entries())
      checkCount(name, 'a milestone', milestone, i === 0 ? 1 : milestones[i - 1] + 1);
    this.milestones = [...milestones];
    this.restart();
  }

  /** The schedule that sets the rates now. */
  private get current(): LRScheduler {
    return this.schedulers[countUpTo(this.milestones, this.lastEpoch)] as LRScheduler;
  }

  override takeFirst(): void {
    this.lastEpoch = 0;
    this.current.takeFirst();
    this.noteLrs();
  }

  override step(): void {
    this.lastEpoch++;
    if (this.milestones.includes(this.lastEpoch)) this.current.restart();
    else this.current.step();
    this.noteLrs();
  }

  override resume(): void {
    this.current.resume();
    super.resume();
  }
}

/**
 * One schedule after the other: at each milestone the next one begins with its step 0.
 * @example
 * ```ts
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const { ConstantLR, ExponentialLR, SequentialLR } = optim.lrScheduler;
 * const first = new ConstantLR(optimizer, { factor: 0.1, totalIters: 9 });
 * const second = new ExponentialLR(optimizer, 0.5);
 * const schedule = new SequentialLR(optimizer, [first, second], [2]);
 * const rates = [0, 1, 2, 3].map(() => {
 *   const { lr } = optimizer;
 *   schedule.step();
 *   return lr;
 * });
 * rates; // => [0.1, 0.1, 1, 0.5]
 * ```
 */
export class SequentialLR extends Sequence {
  /**
   * @param schedulers all of this optimizer, made before
   * @param milestones the step at which each but the first begins, ascending
   * @throws TensorError ERR_ARGUMENT for another number of milestones, schedules of another optimizer
   * or that need a metric
   */
  constructor(
    optimizer: AnyOptimizer,
    schedulers: readonly LRScheduler[],
    milestones: readonly number[],
  ) {
    checkOptimizer('SequentialLR', optimizer);
    super(optimizer, 'SequentialLR', schedulers, milestones);
  }
}

/**
 * Several schedules at once: each multiplies the rates that the one before has set.
 * @example
 * ```ts
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const { ChainedScheduler, ConstantLR, ExponentialLR } = optim.lrScheduler;
 * const first = new ConstantLR(optimizer, { factor: 0.1, totalIters: 2 });
 * const second = new ExponentialLR(optimizer, 0.5);
 * const schedule = new ChainedScheduler([first, second]);
 * const rates = [0, 1, 2, 3].map(() => {
 *   const { lr } = optimizer;
 *   schedule.step();
 *   return lr;
 * });
 * rates; // => [0.1, 0.05, 0.25, 0.125]
 * ```
 */
export class ChainedScheduler extends Container {
  /**
   * @param schedulers all of one optimizer, made before
   * @throws TensorError ERR_ARGUMENT for schedules of several optimizers or that need a metric
   */
  constructor(schedulers: readonly LRScheduler[]) {
    const optimizer = (schedulers as unknown as LRScheduler[] | undefined)?.[0]?.optimizer;
    const list = checkSchedulers('ChainedScheduler', optimizer as AnyOptimizer, schedulers);
    super(optimizer as AnyOptimizer, 'ChainedScheduler', list);
    // Its schedules have set the rates of step 0 when they were made.
    this.lastEpoch = 0;
    this.noteLrs();
  }

  override takeFirst(): void {
    this.lastEpoch = 0;
    for (const scheduler of this.schedulers) scheduler.takeFirst();
    this.noteLrs();
  }

  override step(): void {
    this.lastEpoch++;
    for (const scheduler of this.schedulers) scheduler.step();
    this.noteLrs();
  }

  override resume(): void {
    for (const scheduler of this.schedulers) scheduler.resume();
    super.resume();
  }
}

/** Options of {@link WarmupLR}. */
export interface WarmupLROptions {
  /** The factor of step 0, in (0, 1]. Default 0.01, as in torchvision's recipes. */
  startFactor?: number;
  /** The schedule that begins when the warm-up is over. Default: the full rate stays. */
  after?: LRScheduler;
}

/**
 * A linear warm-up before another schedule (Goyal et al. 2017): the rates rise in a straight line from
 * `startFactor` to all of lr_0 at step `warmupSteps`, where `after` begins with its step 0. The same as
 * `SequentialLR(optimizer, [LinearLR(startFactor, totalIters: warmupSteps), after], [warmupSteps])`.
 * @example
 * ```ts
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const { CosineAnnealingLR, WarmupLR } = optim.lrScheduler;
 * const after = new CosineAnnealingLR(optimizer, 4);
 * const schedule = new WarmupLR(optimizer, 2, { startFactor: 0.5, after });
 * const rates = [0, 1, 2, 3, 4].map(() => {
 *   const { lr } = optimizer;
 *   schedule.step();
 *   return lr;
 * });
 * rates; // => [0.5, 0.75, 1, 0.853553, 0.5]
 * ```
 */
export class WarmupLR extends Sequence {
  /** @throws TensorError ERR_ARGUMENT for options out of range, and as `SequentialLR` */
  constructor(optimizer: AnyOptimizer, warmupSteps: number, options: WarmupLROptions = {}) {
    const name = 'WarmupLR';
    checkOptimizer(name, optimizer);
    checkOptions(name, options, ['startFactor', 'after']);
    const { after, startFactor = 0.01 } = options;
    const totalIters = checkCount(name, 'warmupSteps', warmupSteps);
    checkNumber(name, 'startFactor', startFactor);
    if (after !== undefined) checkSchedulers(name, optimizer, [after]);
    const warmup = new LinearLR(optimizer, { startFactor, totalIters });
    if (after === undefined) super(optimizer, name, [warmup], []);
    else super(optimizer, name, [warmup, after], [totalIters]);
  }
}
