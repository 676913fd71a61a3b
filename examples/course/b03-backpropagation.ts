/** Backpropagation by hand for the 3-2-1 sigmoid network, against autograd. */
import { Generator, nn, noGrad, randn, type Tensor, tensor } from 'tilegrad';
import { list } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

const float64 = { dtype: 'float64' } as const;

interface Result {
  /** Gradients by the notes' formulas and by autograd, by the parameter's name. */
  gradients: Record<string, { byHand: number[]; byAutograd: number[] }>;
}

/** g'(z) for the sigmoid, from a = g(z). */
const derivative = (a: Tensor): Tensor => a.mul(a.neg().add(1));

function run({ print }: RunOptions): Result {
  const generator = new Generator(3);
  const layer = (inputs: number, outputs: number) =>
    new nn.Linear(inputs, outputs, { ...float64, generator });
  // Layer 1 is the notes' first one with three neurons; then two, then one.
  const model = new nn.Sequential(
    layer(4, 3),
    new nn.Sigmoid(),
    layer(3, 2),
    new nn.Sigmoid(),
    layer(2, 1),
    new nn.Sigmoid(),
  );
  const x = randn([4, 1], { ...float64, generator }); // a column, as in the notes
  const y = tensor([[1]], float64);

  const a3ByModule = model.forward(x.transpose());
  const loss = y
    .mul(a3ByModule.log())
    .add(y.neg().add(1).mul(a3ByModule.neg().log1p()))
    .sum()
    .neg();
  loss.backward();

  const byHand = noGrad(() => {
    const {
      '0.weight': W1,
      '0.bias': b1,
      '2.weight': W2,
      '2.bias': b2,
      '4.weight': W3,
      '4.bias': b3,
    } = model.stateDict() as Record<string, Tensor>;
    const forward = (W: Tensor, a: Tensor, b: Tensor) => W.matmul(a).add(b.unsqueeze(1)).sigmoid();
    const a1 = forward(W1!, x, b1!);
    const a2 = forward(W2!, a1, b2!);
    const a3 = forward(W3!, a2, b3!);
    const d3 = a3.sub(y); // dL/dz3
    const d2 = W3!.transpose().mul(derivative(a2)).matmul(d3); // (W3^T o g'(z2)) (a3 - y)
    const d1 = W2!.transpose().matmul(d2).mul(derivative(a1));
    return {
      '4.weight': d3.matmul(a2.transpose()), // (a3 - y) a2^T
      '4.bias': d3,
      '2.weight': d2.matmul(a1.transpose()),
      '2.bias': d2,
      '0.weight': d1.matmul(x.transpose()),
      '0.bias': d1,
    };
  });
  const parameters = new Map(model.namedParameters());
  const numbers = (t: Tensor) => t.flatten().toArray() as number[];
  const gradients: Result['gradients'] = {};
  const names: Record<string, string> = {
    '4.weight': 'dL/dW3 = (a3 - y) a2^T',
    '2.weight': "dL/dW2 = (W3^T o g'(z2)) (a3 - y) a1^T",
    '0.weight': "dL/dW1 = (W2^T (dL/dz2) o g'(z1)) x^T",
  };
  for (const [name, gradient] of Object.entries(byHand)) {
    const both = { byHand: numbers(gradient), byAutograd: numbers(parameters.get(name)!.grad!) };
    gradients[name] = both;
    if (names[name] === undefined) continue;
    print(names[name]);
    print(`  by hand:  ${list(both.byHand, 8)}`);
    print(`  autograd: ${list(both.byAutograd, 8)}`);
  }
  return { gradients };
}

export const topic: Topic<Result> = {
  id: 'B3',
  title: 'Backpropagation by hand for the 3-2-1 network',
  run,
};
