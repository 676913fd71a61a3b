import { TensorError } from '../../errors.js';
import { printAsText } from '../../tensor/inspect.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { ParameterGroup } from '../group.js';
import { type AnyOptimizer, checkOptimizer } from './checks.js';
import { loadSlots, type SchedulerState, type Slots, saveSlots } from './state.js';

/**
 * Sets the learning rates of an optimizer's groups from step to step (or epoch to epoch, as the caller
 * counts). A schedule sets the rates of its step 0 when it is made, and of the next one with every
 * `step()`, which belongs behind `optimizer.step()`. The rules are PyTorch's, in its order of
 * operations: most compute a rate from the one before, so that several schedules of one optimizer
 * multiply (see {@link ChainedScheduler}).
 * @example
 * ```ts
 * const w = tensor([1], { requiresGrad: true });
 * const optimizer = new optim.SGD([w], { lr: 1 });
 * const schedule = new optim.lrScheduler.ExponentialLR(optimizer, 0.5);
 * optimizer.step();
 * schedule.step();
 * optimizer.lr; // => 0.5
 * schedule.getLastLr(); // => [0.5]
 * ```
 */
export abstract class LRScheduler {
  /** How many steps the schedule has taken, -1 before it has set its first rates. */
  lastEpoch = -1;
  /** The rates that the schedule starts from, one for each group. */
  protected baseLrs: readonly number[] = [];
  /** Whether `computeLrs` is asked for the first rates: rules that multiply then leave them. */
  protected isInitial = false;
  private stepCount = 0;
  private lastLrs: readonly number[] = [];

  /**
   * @param name the schedule's name, for errors
   * @throws TensorError ERR_ARGUMENT unless it is an optimizer
   */
  constructor(
    /** Whose rates are set. */
    readonly optimizer: AnyOptimizer,
    protected readonly name: string,
  ) {
    checkOptimizer(name, optimizer);
  }

  /** Sets the first rates: the last thing that a constructor does. */
  protected start(): void {
    for (const group of this.optimizer.groups) group.initialLr ??= group.lr;
    this.baseLrs = this.optimizer.groups.map(({ initialLr }) => initialLr as number);
    this.takeFirst();
  }

  /** The groups, which must be those that the schedule was made for. */
  protected get groups(): readonly ParameterGroup[] {
    const { groups } = this.optimizer;
    if (groups.length !== this.baseLrs.length) {
      throw new TensorError(
        'ERR_STATE',
        `[${this.name}] the schedule was made for ${this.baseLrs.length} parameter groups, and now ` +
          `there are ${groups.length}; make a new one after addParamGroup`,
      );
    }
    return groups;
  }

  /** The rates of step `lastEpoch`, from those that the groups have or from `baseLrs`. */
  protected abstract computeLrs(): readonly number[];

  /** The rates of step `lastEpoch` from `baseLrs` alone, where the rule has such a form. */
  protected closedForm(): readonly number[] | null {
    return null;
  }

  /**
   * Sets the rates of the next step.
   * @param _metric what {@link ReduceLROnPlateau} looks at; the others need nothing
   */
  step(_metric?: number | Tensor): void {
    this.stepCount++;
    this.lastEpoch++;
    this.setLrs(this.computeLrs());
  }

  /** Takes the first step, at which rules that multiply leave the rates as they are. */
  takeFirst(): void {
    this.stepCount = 0;
    this.isInitial = true;
    try {
      this.step();
    } finally {
      this.isInitial = false;
    }
  }

  /** Goes back to before the first step, without setting rates: a {@link SequentialLR} begins later. */
  rewind(): void {
    this.lastEpoch = -1;
  }

  /** Sets the rates of step 0, whatever rates there are now. */
  restart(): void {
    this.lastEpoch = 0;
    this.setLrs(this.closedForm() ?? this.computeLrs());
  }

  /** Sets the groups' rates and notes them. */
  protected setLrs(lrs: readonly number[]): void {
    for (const [i, group] of this.groups.entries()) group.lr = lrs[i] as number;
    this.noteLrs();
  }

  /** Notes the rates that the groups have now. */
  protected noteLrs(): void {
    this.lastLrs = this.optimizer.groups.map(({ lr }) => lr);
  }

  /** The rates that the last step set, one for each group. */
  getLastLr(): number[] {
    return [...this.lastLrs];
  }

  /** How far the schedule is, and the rates that it set: what `console.log` prints. */
  toString(): string {
    return `${this.name}(lastEpoch=${this.lastEpoch}, lr=[${this.lastLrs.join(', ')}])`;
  }

  /** The numbers that change from step to step, by PyTorch's names. */
  protected slots(): Slots {
    const groups = this.optimizer.groups.length;
    return {
      last_epoch: {
        read: () => this.lastEpoch,
        write: ([value]) => {
          this.lastEpoch = value as number;
        },
      },
      _step_count: {
        read: () => this.stepCount,
        write: ([value]) => {
          this.stepCount = value as number;
        },
      },
      base_lrs: {
        read: () => this.baseLrs,
        length: groups,
        write: (values) => {
          this.baseLrs = values;
        },
      },
      _last_lr: {
        read: () => this.lastLrs,
        length: groups,
        write: (values) => {
          this.lastLrs = values;
        },
      },
    };
  }

  /** All numbers that change, those of schedules inside too. For what contains schedules. */
  allSlots(): Slots {
    return this.slots();
  }

  /** Sets what the schedule had set when its state was saved. */
  resume(): void {
    const { lastLrs } = this;
    for (const [i, group] of this.groups.entries()) {
      group.initialLr ??= this.baseLrs[i] as number;
      group.lr = lastLrs[i] as number;
    }
  }

  /**
   * The numbers that change from step to step, under PyTorch's names, as float64 tensors, so that
   * `saveSafetensors` takes them. Options and functions are not among them: make the schedule with
   * the same ones again.
   */
  stateDict(): SchedulerState {
    return saveSlots(this.allSlots());
  }

  /**
   * Goes on where a schedule of the same kind and options was when `stateDict` saved it, and sets the
   * groups' rates (and momenta) of then, whether the optimizer's own state was loaded before or will
   * be afterwards. Of several schedules that take turns load the one that stepped last at last. All of
   * the state is checked first; when something doesn't fit, nothing is changed.
   * @throws TensorError ERR_ARGUMENT for missing or unknown names and for anything but tensors,
   * ERR_SHAPE for another number of groups, ERR_DTYPE, ERR_DISPOSED
   */
  loadStateDict(state: Readonly<SchedulerState>): void {
    loadSlots(this.allSlots(), state);
    this.resume();
  }
}

printAsText(LRScheduler);
