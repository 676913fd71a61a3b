import { TensorError } from '../../errors.js';
import { checkNumber, checkOptions } from '../../tensor/shape.js';
import {
  type AnyOptimizer,
  checkChoice,
  checkCount,
  checkWithin,
  numberPerGroup,
} from './checks.js';
import { MomentumCycle, type MomentumCycleOptions } from './momentum.js';
import { LRScheduler } from './scheduler.js';

/** Options of {@link OneCycleLR}. */
export interface OneCycleLROptions extends MomentumCycleOptions {
  /** How many steps the cycle takes; or else `epochs` and `stepsPerEpoch`. */
  totalSteps?: number;
  /** How many epochs the cycle takes. */
  epochs?: number;
  /** Steps in an epoch. */
  stepsPerEpoch?: number;
  /** The part of the cycle in which the rate rises, in [0, 1]. Default 0.3. */
  pctStart?: number;
  /** Along half a cosine or a straight line. Default 'cos'. */
  annealStrategy?: 'cos' | 'linear';
  /** The first rate is maxLr / divFactor. Default 25. */
  divFactor?: number;
  /** The last rate is the first / finalDivFactor. Default 1e4. */
  finalDivFactor?: number;
  /** Whether the rate first falls as it has risen, and then from the first rate to the last. Default false. */
  threePhase?: boolean;
}

const OPTIONS = [
  ...['totalSteps', 'epochs', 'stepsPerEpoch', 'pctStart', 'annealStrategy', 'cycleMomentum'],
  ...['baseMomentum', 'maxMomentum', 'divFactor', 'finalDivFactor', 'threePhase'],
];

/** Which of its rates and momenta a phase begins and ends with. */
interface Phase {
  readonly end: number;
  readonly lrs: readonly ['first' | 'max', 'first' | 'max' | 'last'];
  readonly momenta: readonly ['base' | 'max', 'base' | 'max'];
}

function totalOf(name: string, options: OneCycleLROptions): number {
  const { totalSteps, epochs, stepsPerEpoch } = options;
  if (totalSteps !== undefined) return checkCount(name, 'totalSteps', totalSteps);
  if (epochs === undefined || stepsPerEpoch === undefined) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${name}] needs totalSteps, or both of epochs and stepsPerEpoch`,
    );
  }
  return checkCount(name, 'epochs', epochs) * checkCount(name, 'stepsPerEpoch', stepsPerEpoch);
}

/**
 * One cycle of a large rate (Smith & Topin 2018, "Super-convergence"): from maxLr / divFactor up to
 * maxLr and down to (maxLr / divFactor) / finalDivFactor, the momentum the other way round; a step
 * after every batch.
 * @example
 * ```ts
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { momentum: 0.9 });
 * const options = { totalSteps: 10, annealStrategy: 'linear', pctStart: 0.5 };
 * const schedule = new optim.lrScheduler.OneCycleLR(optimizer, 1, options);
 * optimizer.lr; // => 0.04
 * for (let i = 0; i < 4; i++) schedule.step();
 * optimizer.lr; // => 1
 * optimizer.groups[0].momentum; // => 0.85
 * ```
 */
export class OneCycleLR extends LRScheduler {
  private readonly totalSteps: number;
  private readonly isCosine: boolean;
  private readonly phases: readonly Phase[];
  private readonly maxLrs: readonly number[];
  private readonly finalDivFactor: number;
  private readonly momenta: MomentumCycle | null;

  /**
   * @param maxLr the highest rate, of all groups or one for each
   * @throws TensorError ERR_ARGUMENT for options out of range, or an optimizer without a momentum to
   * cycle; ERR_STATE for a group that was made with momentum 0
   */
  constructor(
    optimizer: AnyOptimizer,
    maxLr: number | readonly number[],
    options: OneCycleLROptions,
  ) {
    const name = 'OneCycleLR';
    super(optimizer, name);
    checkOptions(name, options, OPTIONS);
    const {
      pctStart = 0.3,
      annealStrategy = 'cos',
      divFactor = 25,
      cycleMomentum = true,
    } = options;
    this.maxLrs = numberPerGroup(name, 'maxLr', maxLr, optimizer);
    const total = totalOf(name, options);
    this.totalSteps = total;
    checkWithin(name, 'pctStart', pctStart, 0, 1);
    this.isCosine =
      checkChoice(name, 'annealStrategy', annealStrategy, ['cos', 'linear']) === 'cos';
    checkNumber(name, 'divFactor', divFactor, Number.MIN_VALUE);
    const { finalDivFactor = 1e4, baseMomentum = 0.85, maxMomentum = 0.95 } = options;
    this.finalDivFactor = checkNumber(name, 'finalDivFactor', finalDivFactor, Number.MIN_VALUE);
    const rise: Phase = {
      end: pctStart * total - 1,
      lrs: ['first', 'max'],
      momenta: ['max', 'base'],
    };
    this.phases = options.threePhase
      ? [
          rise,
          { end: 2 * pctStart * total - 2, lrs: ['max', 'first'], momenta: ['base', 'max'] },
          { end: total - 1, lrs: ['first', 'last'], momenta: ['max', 'max'] },
        ]
      : [rise, { end: total - 1, lrs: ['max', 'last'], momenta: ['base', 'max'] }];
    this.momenta = cycleMomentum
      ? new MomentumCycle(name, optimizer, baseMomentum, maxMomentum)
      : null;
    for (const [i, group] of optimizer.groups.entries())
      group.initialLr = (this.maxLrs[i] as number) / divFactor;
    this.start();
  }

  /** The phase of the step, and how much of it is over. */
  private position(): { phase: Phase; part: number } {
    let begin = 0;
    for (const [i, phase] of this.phases.entries()) {
      if (this.lastEpoch <= phase.end || i === this.phases.length - 1) {
        const length = phase.end - begin;
        return { phase, part: length === 0 ? 1 : (this.lastEpoch - begin) / length };
      }
      begin = phase.end;
    }
    throw new Error('there is a last phase');
  }

  private between(from: number, to: number, part: number): number {
    if (!this.isCosine) return (to - from) * part + from;
    return to + ((from - to) / 2) * (Math.cos(Math.PI * part) + 1);
  }

  /** @throws TensorError ERR_STATE after the last step */
  override step(): void {
    if (this.lastEpoch >= this.totalSteps) {
      throw new TensorError(
        'ERR_STATE',
        `[${this.name}] the cycle is over after ${this.totalSteps} steps`,
      );
    }
    super.step();
  }

  protected computeLrs(): number[] {
    this.setMomenta();
    const { phase, part } = this.position();
    return this.groups.map((_, i) => {
      const first = this.baseLrs[i] as number;
      const lrs = { first, max: this.maxLrs[i] as number, last: first / this.finalDivFactor };
      const [from, to] = phase.lrs;
      // The step after the last one goes beyond the straight line's end.
      return Math.max(this.between(lrs[from], lrs[to], part), 0);
    });
  }

  private setMomenta(): void {
    const { momenta } = this;
    if (momenta === null) return;
    const { phase, part } = this.position();
    const [from, to] = phase.momenta;
    for (const [i, group] of this.groups.entries()) {
      const [start, end] = [momenta[from][i] as number, momenta[to][i] as number];
      momenta.set(group, this.between(start, end, part));
    }
  }

  override resume(): void {
    super.resume();
    this.setMomenta();
  }
}
