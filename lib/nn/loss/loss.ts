/** What modules of losses share. */
import type { LossReduction } from '../../ops/loss/loss.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module/module.js';

/** A loss of a model's output and its target, which keeps its options. */
export abstract class Loss<
  Inputs extends readonly unknown[] = [input: Tensor, target: Tensor],
> extends Module<Inputs> {
  constructor(
    /** What becomes of the single losses. */
    readonly reduction: LossReduction,
  ) {
    super();
  }
}
