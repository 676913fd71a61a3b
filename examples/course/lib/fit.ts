/** The loop that most topics train with. */
import type { optim, Tensor } from 'tilegrad';

type Schedule = optim.lrScheduler.LRScheduler;

/**
 * Takes steps down the gradient of a loss.
 *
 * @param lossOf computes the loss with the parameters as they are
 * @param schedule sets the learning rate after each step
 * @returns the loss before each step
 */
export function descend(
  optimizer: optim.Optimizer<object>,
  steps: number,
  lossOf: () => Tensor,
  schedule?: Schedule,
): number[] {
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const loss = lossOf();
    losses.push(loss.item());
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    schedule?.step();
  }
  return losses;
}
