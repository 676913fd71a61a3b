/** One neuron in column form and in row form, and logistic regression as one neuron. */
import {
  addmm,
  binaryCrossEntropyWithLogits,
  concat,
  Generator,
  nn,
  noGrad,
  optim,
  randn,
  type Tensor,
  tensor,
} from 'tilegrad';
import { descend } from './lib/fit.js';
import { fixed, list } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

interface Result {
  /** Outputs of the neuron for all examples: as columns, as rows, by the library's layer. */
  columns: number[];
  rows: number[];
  layer: number[];
  /** The same after logistic regression: by the formula with the learned numbers, and by the module. */
  byFormula: number[];
  byModule: number[];
  accuracy: number;
}

const numbers = (x: Tensor): number[] => x.flatten().toArray() as number[];

function run({ print }: RunOptions): Result {
  const generator = new Generator(5);
  const w = tensor([[0.5], [-1.25], [2]]); // 3 x 1
  const b = 0.75;
  // An example in each column. In quarters, so that sums are exact and don't depend on where b is added.
  const X = randn([3, 5], { generator }).mul(4).round().div(4);

  // Column form, as on the blackboard: a = g(w^T x + b), with examples side by side.
  const columns = w.transpose().matmul(X).add(b).sigmoid(); // 1 x 5
  // Row form, as in programs: an example in each row (batch first), a = g(x W^T + b).
  const rows = X.transpose().matmul(w).add(b).sigmoid(); // 5 x 1
  // The library's layer keeps W with a row for each neuron.
  const neuron = new nn.Sequential(new nn.Linear(3, 1), new nn.Sigmoid());
  neuron.loadStateDict({ '0.weight': w.transpose(), '0.bias': tensor([b]) });
  const layer = noGrad(() => neuron.forward(X.transpose()));
  print(
    `column form, shapes ${w.transpose().shape.join(' x ')} times ${X.shape.join(' x ')}: ${list(numbers(columns), 4)}`,
  );
  print(
    `row form, shapes ${X.transpose().shape.join(' x ')} times ${w.shape.join(' x ')}:    ${list(numbers(rows), 4)}`,
  );
  print(`nn.Linear(3, 1), nn.Sigmoid():        ${list(numbers(layer), 4)}`);

  // Two clouds of points; logistic regression is one neuron with a sigmoid and the cross entropy.
  const cloud = (x: number, y: number) => randn([100, 2], { generator }).add(tensor([x, y]));
  const points = concat([cloud(1.2, 1), cloud(-1, -1.2)], 0);
  const labels = tensor(Array.from({ length: 200 }, (_, i) => (i < 100 ? 1 : 0))).unsqueeze(1);
  const logistic = new nn.Linear(2, 1, { generator });
  const optimizer = new optim.SGD([...logistic.parameters()], { lr: 0.5 });
  descend(optimizer, 200, () => binaryCrossEntropyWithLogits(logistic.forward(points), labels));
  const { weight, bias } = logistic;
  return noGrad(() => {
    const module = new nn.Sequential(logistic, new nn.Sigmoid()).forward(points);
    const formula = addmm(bias!, points, weight.transpose()).sigmoid();
    const accuracy = module.gt(0.5).eq(labels.gt(0.5)).to('float32').mean().item();
    print('');
    print(
      `logistic regression: P(y = 1) = sigmoid(${list(numbers(weight), 3)} . x + ${fixed(bias!.item(), 3)})`,
    );
    print(`  right for ${fixed(100 * accuracy, 1)} % of two clouds of 100 points`);
    return {
      columns: numbers(columns),
      rows: numbers(rows),
      layer: numbers(layer),
      byFormula: numbers(formula),
      byModule: numbers(module),
      accuracy,
    };
  });
}

export const topic: Topic<Result> = {
  id: 'A5',
  title: 'One neuron in column form and in row form; logistic regression',
  run,
};
