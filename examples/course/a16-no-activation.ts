/** Two linear layers without an activation between them are one linear layer. */
import { Generator, nn, noGrad, randn } from 'tilegrad';
import type { RunOptions, Topic } from './lib/topic.js';

interface Result {
  /** Largest difference between two layers and the one that they amount to. */
  linear: number;
  /** The same with a ReLU between the two. */
  withRelu: number;
  /** Largest output, for scale. */
  scale: number;
}

function run({ print }: RunOptions): Result {
  const generator = new Generator(16);
  const options = { dtype: 'float64', generator } as const;
  const first = new nn.Linear(5, 8, options);
  const second = new nn.Linear(8, 3, options);
  const x = randn([100, 5], options);
  return noGrad(() => {
    // W2 (W1 x + b1) + b2 = (W2 W1) x + (W2 b1 + b2)
    const one = new nn.Linear(5, 3, { dtype: 'float64' });
    one.loadStateDict({
      weight: second.weight.matmul(first.weight),
      bias: second.weight.matmul(first.bias!).add(second.bias!),
    });
    const expected = one.forward(x);
    const difference = (...layers: nn.Module[]): number =>
      new nn.Sequential(...layers).forward(x).sub(expected).abs().max().item();
    const linear = difference(first, second);
    const withRelu = difference(first, new nn.ReLU(), second);
    const scale = expected.abs().max().item();
    print(
      `W2 (W1 x + b1) + b2 and (W2 W1) x + (W2 b1 + b2) differ by ${linear.toExponential(1)} at most`,
    );
    print(
      `with a ReLU between the layers by ${withRelu.toFixed(3)} (outputs reach ${scale.toFixed(3)})`,
    );
    return { linear, withRelu, scale };
  });
}

export const topic: Topic<Result> = {
  id: 'A16',
  title: 'Two linear layers without activation are one',
  run,
};
