/** Schedules by functions of the user's. */
import { TensorError } from '../../errors.js';
import { describe } from '../../tensor/shape.js';
import { type AnyOptimizer, perGroup } from './checks.js';
import { LRScheduler } from './scheduler.js';

/** A factor for a step, which is 0 at first. */
export type LrLambda = (epoch: number) => number;

function checkLambda(name: string, value: unknown): LrLambda {
  if (typeof value !== 'function') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${name}] lrLambda is a function, or one for each group, not ${describe(value)}`,
    );
  }
  return value as LrLambda;
}

/**
 * Rates by functions: lr_t = lr_0 lrLambda(t). What the functions keep is not saved.
 * @example
 * ```ts
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const schedule = new optim.lrScheduler.LambdaLR(optimizer, (epoch) => 1 / (1 + epoch));
 * schedule.step();
 * schedule.step();
 * schedule.step();
 * optimizer.lr; // => 0.25
 * ```
 */
export class LambdaLR extends LRScheduler {
  private readonly lambdas: readonly LrLambda[];

  /**
   * @param lrLambda a function of the step, or one for each group
   * @throws TensorError ERR_ARGUMENT for anything else, and for rates that aren't finite numbers >= 0
   */
  constructor(optimizer: AnyOptimizer, lrLambda: LrLambda | readonly LrLambda[]) {
    super(optimizer, 'LambdaLR');
    const check = (value: unknown): LrLambda => checkLambda('LambdaLR', value);
    this.lambdas = perGroup('LambdaLR', 'lrLambda', lrLambda, optimizer, check);
    this.start();
  }

  protected computeLrs(): number[] {
    return this.baseLrs.map((lr, i) => lr * (this.lambdas[i] as LrLambda)(this.lastEpoch));
  }
}

/**
 * Multiplies the rates at every step by what a function says: lr_t = lr_(t-1) lrLambda(t).
 * @example
 * ```ts
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const schedule = new optim.lrScheduler.MultiplicativeLR(optimizer, (epoch) => 1 / epoch);
 * schedule.step();
 * schedule.step();
 * schedule.step();
 * optimizer.lr; // => 0.1666667
 * ```
 */
export class MultiplicativeLR extends LRScheduler {
  private readonly lambdas: readonly LrLambda[];

  /**
   * @param lrLambda a function of the step, from 1 on, or one for each group
   * @throws TensorError ERR_ARGUMENT for anything else, and for rates that aren't finite numbers >= 0
   */
  constructor(optimizer: AnyOptimizer, lrLambda: LrLambda | readonly LrLambda[]) {
    super(optimizer, 'MultiplicativeLR');
    const check = (value: unknown): LrLambda => checkLambda('MultiplicativeLR', value);
    this.lambdas = perGroup('MultiplicativeLR', 'lrLambda', lrLambda, optimizer, check);
    this.start();
  }

  protected computeLrs(): number[] {
    return this.groups.map(({ lr }, i) =>
      this.isInitial ? lr : lr * (this.lambdas[i] as LrLambda)(this.lastEpoch),
    );
  }
}
