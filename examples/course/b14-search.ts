/** Train, validation and test sets; a search over hyper-parameters with k folds, and the best refit. */
import {
  batches,
  crossEntropy,
  Generator,
  kFold,
  type nn,
  noGrad,
  optim,
  rand,
  randn,
  stack,
  type Tensor,
  trainTestSplit,
} from 'tilegrad';
import { mlp } from './lib/mlp.js';
import { fixed, printTable } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

const CLASSES = 3;
const FOLDS = 4;
const EPOCHS = 8;

/** What is chosen by hand, or here by trying. */
interface Choice {
  layers: number;
  units: number;
  batchSize: number;
  lr: number;
}

const SPACE: { [K in keyof Choice]: number[] } = {
  layers: [0, 1, 2],
  units: [4, 16],
  batchSize: [16, 64],
  lr: [0.003, 0.03],
};

interface Examples {
  x: Tensor;
  y: Tensor;
}

interface Result {
  /** Sizes of the three sets, or of the folds that take the validation set's place. */
  sizes: { train: number; test: number; folds: number[] };
  /** Mean accuracies over the folds, the best first. */
  scores: { choice: Choice; accuracy: number; perFold: number[] }[];
  /** Of the best choice, trained again on everything but the test set. */
  refit: { accuracy: number };
}

/** Points on three spirals that wind around each other. */
function spirals(count: number, generator: Generator): Examples {
  const turn = rand([count], { generator });
  const label = rand([count], { generator }).mul(CLASSES).floor();
  const angle = turn.mul(4).add(label.mul((2 * Math.PI) / CLASSES));
  const noise = randn([count, 2], { generator }).mul(0.08);
  const x = stack([angle.cos(), angle.sin()], 1);
  return { x: x.mul(turn.add(0.2).unsqueeze(1)).mul(2).add(noise), y: label.to('int32') };
}

function* choices(): Iterable<Choice> {
  for (const layers of SPACE.layers) {
    for (const units of layers === 0 ? [0] : SPACE.units) {
      for (const batchSize of SPACE.batchSize) {
        for (const lr of SPACE.lr) yield { layers, units, batchSize, lr };
      }
    }
  }
}

function train(
  { layers, units, batchSize, lr }: Choice,
  { x, y }: Examples,
  epochs = EPOCHS,
): nn.Sequential {
  const hidden = new Array<number>(layers).fill(units);
  const model = mlp([2, ...hidden, CLASSES], new Generator(1));
  const optimizer = new optim.Adam([...model.parameters()], { lr });
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const batch of batches(x, y, { batchSize, shuffle: true, epoch })) {
      optimizer.zeroGrad();
      crossEntropy(model.forward(batch.x), batch.y).backward();
      optimizer.step();
    }
  }
  return model;
}

const accuracyOf = (model: nn.Sequential, { x, y }: Examples): number =>
  noGrad(() => model.forward(x).argmax({ dim: 1 }).eq(y).to('float32').mean().item());

function run({ print }: RunOptions): Result {
  const { x, y } = spirals(600, new Generator(14));
  // The test set is put aside, and looked at once, at the end.
  const split = trainTestSplit([x, y], { testSize: 0.2, seed: 1 });
  const [learnX, learnY] = split.train as [Tensor, Tensor];
  const [testX, testY] = split.test as [Tensor, Tensor];
  const folds = kFold(learnX.shape[0]!, { folds: FOLDS, seed: 1 }).map(({ train, validation }) => ({
    train: { x: learnX.indexSelect(0, train), y: learnY.indexSelect(0, train) },
    validation: { x: learnX.indexSelect(0, validation), y: learnY.indexSelect(0, validation) },
  }));

  const scores = [...choices()].map((choice) => {
    const perFold = folds.map((fold) => accuracyOf(train(choice, fold.train), fold.validation));
    return { choice, perFold, accuracy: perFold.reduce((sum, a) => sum + a) / FOLDS };
  });
  scores.sort((a, b) => b.accuracy - a.accuracy);
  const best = scores[0]!;
  const model = train(best.choice, { x: learnX, y: learnY });
  const accuracy = accuracyOf(model, { x: testX, y: testY });

  print(
    `${learnX.shape[0]} examples to learn from in ${FOLDS} folds, ${testX.shape[0]} to test with`,
  );
  print(`${scores.length} choices, each trained ${FOLDS} times; the best and the worst:`);
  printTable(
    print,
    ['layers', 'units', 'batch', 'learning rate', 'accuracy', 'in each fold'],
    [...scores.slice(0, 4), ...scores.slice(-2)].map(({ choice, accuracy, perFold }) => [
      ...[choice.layers, choice.units, choice.batchSize, choice.lr],
      fixed(accuracy, 3),
      perFold.map((a) => fixed(a)).join(' '),
    ]),
  );
  print(`the best one, trained on all folds: ${fixed(accuracy, 3)} of the test set`);
  return {
    sizes: {
      train: learnX.shape[0]!,
      test: testX.shape[0]!,
      folds: folds.map(({ validation }) => validation.x.shape[0]!),
    },
    scores,
    refit: { accuracy },
  };
}

export const topic: Topic<Result> = {
  id: 'B14',
  title: 'A hyper-parameter search with k folds, and the best refit',
  run,
};
