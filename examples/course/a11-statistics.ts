/** Mean, variance and standard deviation in both forms; MSE, RMSE and MAE of a prediction. */
import { l1Loss, mseLoss, tensor } from 'tilegrad';
import { fixed } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

const MARKS = [72, 94, 79, 83, 65, 81, 73, 67, 85, 82];

interface Result {
  mean: number;
  /** Divided by n: these ten are all there are. */
  population: { variance: number; std: number };
  /** Divided by n - 1: these ten are a sample of more. */
  sample: { variance: number; std: number };
  /** Errors of predicting the mean for everyone. */
  mse: number;
  rmse: number;
  mae: number;
}

function run({ print }: RunOptions): Result {
  const marks = tensor(MARKS, { dtype: 'float64' });
  const mean = marks.mean();
  const form = (correction: number) => ({
    variance: marks.var({ correction }).item(),
    std: marks.std({ correction }).item(),
  });
  const population = form(0);
  const sample = form(1);
  const prediction = mean.expand([MARKS.length]);
  const mse = mseLoss(prediction, marks);
  const mae = l1Loss(prediction, marks);
  print(`marks ${MARKS.join(', ')}`);
  print(`mean ${fixed(mean.item(), 1)}`);
  print(
    `population (correction: 0): variance ${fixed(population.variance, 4)}, standard deviation ${fixed(population.std, 4)}`,
  );
  print(
    `sample (correction: 1):     variance ${fixed(sample.variance, 4)}, standard deviation ${fixed(sample.std, 4)}`,
  );
  print(
    `predicting the mean for everyone: MSE ${fixed(mse.item(), 4)}, RMSE ${fixed(mse.sqrt().item(), 4)}, MAE ${fixed(mae.item(), 4)}`,
  );
  return {
    mean: mean.item(),
    population,
    sample,
    mse: mse.item(),
    rmse: mse.sqrt().item(),
    mae: mae.item(),
  };
}

export const topic: Topic<Result> = {
  id: 'A11',
  title: 'Mean, variance, standard deviation; MSE, RMSE, MAE',
  run,
};
