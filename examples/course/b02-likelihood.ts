/** Binary cross entropy from the maximum likelihood: the gradient of logistic regression is (a - y) x. */
import { Generator, grad, randn, type Tensor, tensor } from 'tilegrad';
import { list } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

const float64 = { dtype: 'float64' } as const;
const COUNT = 20;

interface Result {
  /** d loss / d w and d loss / d b by the formula, and by autograd. */
  byHand: number[];
  byAutograd: number[];
  /** -log of the product of all probabilities, and the sum of the cross entropies. */
  minusLogOfProduct: number;
  sumOfLosses: number;
}

function run({ print }: RunOptions): Result {
  const generator = new Generator(2);
  const x = randn([COUNT, 3], { ...float64, generator });
  const y = tensor(
    Array.from({ length: COUNT }, (_, i) => i % 2),
    float64,
  );
  const w = tensor([0.5, -1, 0.25], { ...float64, requiresGrad: true });
  const b = tensor(0.1, { ...float64, requiresGrad: true });

  const a = x.matmul(w).add(b).sigmoid();
  // P(y) is a where y = 1 and 1 - a where y = 0, in one formula: a^y (1 - a)^(1 - y).
  const p = a.pow(y).mul(a.neg().add(1).pow(y.neg().add(1)));
  const minusLogOfProduct = p.prod().log().neg();
  const losses = y.mul(a.log()).add(y.neg().add(1).mul(a.neg().log1p())).neg();
  const sum = losses.sum();
  print(`-log of the product of ${COUNT} probabilities  ${minusLogOfProduct.item().toFixed(10)}`);
  print(`sum of ${COUNT} cross entropies                ${sum.item().toFixed(10)}`);

  const error = a.detach().sub(y);
  const byHand = [error.unsqueeze(1).mul(x).sum({ dim: 0 }), error.sum()];
  const byAutograd = grad(sum, [w, b]);
  const flat = (tensors: readonly Tensor[]) =>
    tensors.flatMap((t) => t.flatten().toArray() as number[]);
  print(`sum of (a - y) x and of (a - y): ${list(flat(byHand), 10)}`);
  print(`autograd:                        ${list(flat(byAutograd), 10)}`);
  return {
    byHand: flat(byHand),
    byAutograd: flat(byAutograd),
    minusLogOfProduct: minusLogOfProduct.item(),
    sumOfLosses: sum.item(),
  };
}

export const topic: Topic<Result> = {
  id: 'B2',
  title: 'Cross entropy from the maximum likelihood; its gradient',
  run,
};
