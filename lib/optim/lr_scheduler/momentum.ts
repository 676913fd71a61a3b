import { TensorError } from '../../errors.js';
import type { ParameterGroup } from '../group.js';
import { type AnyOptimizer, numberPerGroup } from './checks.js';

/** Options of schedules that cycle the momentum against the rate. */
export interface MomentumCycleOptions {
  /**
   * Whether the momentum falls while the rate rises and the other way round: `momentum` of SGD and
   * RMSprop (which must have been made with one), `betas[0]` of Adam and its family. Default true.
   */
  cycleMomentum?: boolean;
  /** The lowest momentum, of all groups or one for each. */
  baseMomentum?: number | readonly number[];
  /** The highest momentum, of all groups or one for each. */
  maxMomentum?: number | readonly number[];
}

/** The momenta of an optimizer's groups between two bounds each. */
export class MomentumCycle {
  readonly base: readonly number[];
  readonly max: readonly number[];

  /**
   * Sets the highest momenta, with which a cycle begins.
   * @throws TensorError ERR_ARGUMENT for an optimizer without a momentum and numbers outside of [0, 1),
   * ERR_STATE for a group that was made with momentum 0
   */
  constructor(
    name: string,
    optimizer: AnyOptimizer,
    baseMomentum: number | readonly number[],
    maxMomentum: number | readonly number[],
  ) {
    this.base = numberPerGroup(name, 'baseMomentum', baseMomentum, optimizer, 1);
    this.max = numberPerGroup(name, 'maxMomentum', maxMomentum, optimizer, 1);
    for (const group of optimizer.groups) {
      if (!group.has('beta1') && !group.has('momentum')) {
        throw new TensorError(
          'ERR_ARGUMENT',
          `[${name}] the optimizer has neither a momentum nor betas; set cycleMomentum: false`,
        );
      }
    }
    for (const [i, group] of optimizer.groups.entries()) this.set(group, this.max[i] as number);
  }

  /** Sets a group's momentum. */
  set(group: ParameterGroup, momentum: number): void {
    if (group.has('beta1')) group.betas = [momentum, group.betas[1]];
    else group.momentum = momentum;
  }
}
