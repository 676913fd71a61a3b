import { checkOptions } from '../../tensor/shape.js';
import { type AnyOptimizer, checkChoice, checkCount, numberPerGroup } from './checks.js';
import { LRScheduler } from './scheduler.js';

/** Options of {@link SWALR}. */
export interface SWALROptions {
  /** How many steps it takes to get there. Default 10. */
  annealEpochs?: number;
  /** Along half a cosine or a straight line. Default 'cos'. */
  annealStrategy?: 'cos' | 'linear';
}

/**
 * Leads the rates to a constant one, at which weights are averaged (stochastic weight averaging: Izmailov et
 * al. 2018; see {@link AveragedModel}): lr_t = a swaLr + (1 - a) lr, where a rises from 0 to 1 within
 * `annealEpochs` steps. lr is the rate that the groups would have without: it is found again from the
 * rate of now, as in PyTorch.
 * @example
 * ```ts
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const options = { annealEpochs: 2, annealStrategy: 'linear' };
 * const schedule = new optim.lrScheduler.SWALR(optimizer, 0.5, options);
 * const rates = [0, 1, 2, 3].map(() => {
 *   const { lr } = optimizer;
 *   schedule.step();
 *   return lr;
 * });
 * rates; // => [1, 0.75, 0.5, 0.5]
 * ```
 */
export class SWALR extends LRScheduler {
  private readonly swaLrs: readonly number[];
  private readonly annealEpochs: number;
  private readonly isCosine: boolean;

  /**
   * @param swaLr the rate at the end, of all groups or one for each
   * @throws TensorError ERR_ARGUMENT for rates below 0, an annealEpochs that isn't a whole number >= 0 and
   * unknown options
   */
  constructor(
    optimizer: AnyOptimizer,
    swaLr: number | readonly number[],
    options: SWALROptions = {},
  ) {
    const name = 'SWALR';
    super(optimizer, name);
    checkOptions(name, options, ['annealEpochs', 'annealStrategy']);
    const { annealEpochs = 10, annealStrategy = 'cos' } = options;
    this.swaLrs = numberPerGroup(name, 'swaLr', swaLr, optimizer);
    this.annealEpochs = checkCount(name, 'annealEpochs', annealEpochs, 0);
    this.isCosine =
      checkChoice(name, 'annealStrategy', annealStrategy, ['cos', 'linear']) === 'cos';
    this.start();
  }

  /** The share of the last rate after so many steps. */
  private share(step: number): number {
    const t = Math.max(0, Math.min(1, step / Math.max(1, this.annealEpochs)));
    return this.isCosine ? (1 - Math.cos(Math.PI * t)) / 2 : t;
  }

  protected computeLrs(): number[] {
    const step = this.annealEpochs === 0 ? Math.max(1, this.lastEpoch) : this.lastEpoch;
    const [before, now] = [this.share(step - 1), this.share(step)];
    return this.groups.map(({ lr }, i) => {
      const last = this.swaLrs[i] as number;
      const without = before === 1 ? last : (lr - before * last) / (1 - before);
      return now * last + (1 - now) * without;
    });
  }
}
