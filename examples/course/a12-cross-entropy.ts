/** Cross entropy of two distributions, with zeros in either of them. */
import { type Tensor, tensor, xlogy } from 'tilegrad';
import { fixed } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

/**
 * -sum p log(q) over what p gives any weight: 0 log 0 counts as 0. `xlogy(p, q)` gives the same value;
 * its gradient p / q would be 0 / 0 where both are 0.
 */
function crossEntropyOf(p: Tensor, q: Tensor): Tensor {
  const counts = p.gt(0);
  return p.maskedSelect(counts).mul(q.maskedSelect(counts).log()).sum().neg();
}

interface Result {
  ten: number;
  two: number;
  /** The first one by xlogy. */
  byXlogy: number;
  /** Whether the naive p log(q) gives NaN for the ten classes. */
  naiveIsNaN: boolean;
  /** Where the prediction gives the truth no weight at all. */
  impossible: number;
  /** Gradients of the first one with respect to the prediction. */
  gradient: number[];
}

function run({ print }: RunOptions): Result {
  const float64 = { dtype: 'float64' } as const;
  const truth = tensor([1, 0, 0, 0, 0, 0, 0, 0, 0, 0], float64);
  const prediction = tensor([0.9, 0.05, 0.05, 0, 0, 0, 0, 0, 0, 0], {
    ...float64,
    requiresGrad: true,
  });
  const ten = crossEntropyOf(truth, prediction);
  ten.backward();
  const two = crossEntropyOf(tensor([1, 0], float64), tensor([0.9, 0.1], float64)).item();
  const naive = truth.mul(prediction.log()).sum().neg().item();
  const byXlogy = xlogy(truth, prediction).sum().neg().item();
  const impossible = crossEntropyOf(tensor([0, 1], float64), tensor([1, 0], float64)).item();
  print(`10 classes: ${fixed(ten.item(), 5)}`);
  print(`2 classes:  ${fixed(two, 5)} = -log(0.9)`);
  print(`p * log(q) written out gives ${naive}, since 0 * -Infinity is; 0 log 0 has to count as 0`);
  print(`a prediction of 0 for what is true: ${impossible}`);
  return {
    ten: ten.item(),
    two,
    byXlogy,
    naiveIsNaN: Number.isNaN(naive),
    impossible,
    gradient: prediction.grad!.toArray() as number[],
  };
}

export const topic: Topic<Result> = {
  id: 'A12',
  title: 'Cross entropy against predictions with zeros',
  run,
};
