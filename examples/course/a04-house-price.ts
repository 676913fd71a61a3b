/** House prices: from the area by one ReLU unit, and from four facts through three hidden units. */
import { dot, line } from '@observablehq/plot';
import {
  concat,
  Generator,
  linspace,
  nn,
  noGrad,
  optim,
  rand,
  randn,
  relu,
  type Tensor,
} from 'tilegrad';
import { descend } from './lib/fit.js';
import { fixed } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

const COUNT = 300;
const TRAIN = 200;

/** Starting values drawn with different seeds; a ReLU that is 0 everywhere doesn't learn any more. */
const STARTS = [1, 2, 3, 4, 5];

interface Result {
  /** The unit's max(a x + b, 0), and what the data was made with. */
  a: number;
  b: number;
  made: { a: number; b: number };
  /** The smallest prediction for areas from 0 up. */
  leastOfUnit: number;
  /** Share of the variance of the test prices that the network explains. */
  explained: number;
  /** The same for linear regression. */
  explainedLinear: number;
  /** The smallest prediction, also for houses far away from the data. */
  leastOfNetwork: number;
}

/** 1 for a perfect prediction, 0 for one no better than the mean. */
function explainedVariance(prediction: Tensor, y: Tensor): number {
  const rest = y.sub(prediction).square().mean().item();
  return 1 - rest / y.var({ correction: 0 }).item();
}

/** Four facts in units of their own size, and a price in 100,000 that three hidden causes make. */
function makeHouses(generator: Generator): { x: Tensor; y: Tensor } {
  const uniform = (): Tensor => rand([COUNT, 1], { generator });
  const [area, postcode, wealth] = [uniform().mul(2), uniform(), uniform()];
  const bedrooms = area.mul(2).add(uniform()).add(0.5).round().clamp({ min: 1 });
  const familySize = relu(area.add(bedrooms.mul(0.3)).sub(0.8));
  const walkability = relu(postcode.mul(2).sub(0.7));
  const school = relu(postcode.mul(0.6).add(wealth.mul(1.4)).sub(0.9));
  const price = familySize.mul(1.6).add(walkability).add(school.mul(1.5)).sub(0.3);
  const noise = randn([COUNT, 1], { generator }).mul(0.1);
  return { x: concat([area, bedrooms, postcode, wealth], 1), y: relu(price.add(noise)) };
}

function networkOf(seed: number): nn.Sequential {
  const generator = new Generator(seed);
  const model = new nn.Sequential(
    new nn.Linear(4, 3, { generator }),
    new nn.ReLU(),
    new nn.Linear(3, 1, { generator }),
    new nn.ReLU(), // a price is never negative
  );
  // Biases above 0: all units begin alive.
  for (const [name, parameter] of model.namedParameters()) {
    if (name.endsWith('bias')) nn.init.constant(parameter, 0.5);
  }
  return model;
}

function run({ print, draw }: RunOptions): Result {
  const generator = new Generator(4);
  const made = { a: 2.5, b: -1 };
  const area = rand([COUNT, 1], { generator }).mul(2);
  const noise = randn([COUNT, 1], { generator }).mul(0.15);
  const price = relu(area.mul(made.a).add(made.b).add(noise));

  const unit = new nn.Sequential(new nn.Linear(1, 1), new nn.ReLU());
  const [weight, bias] = [...unit.parameters()] as [nn.Parameter, nn.Parameter];
  nn.init.constant(weight, 1);
  nn.init.constant(bias, 0.5);
  const optimizer = new optim.Adam([weight, bias], { lr: 0.05 });
  descend(optimizer, 300, () => unit.forward(area).sub(price).square().mean());
  const [a, b] = [weight.item(), bias.item()];
  const areas = linspace(0, 2, 41).unsqueeze(1);
  const line1 = noGrad(() => unit.forward(areas));
  const leastOfUnit = line1.min().item();
  print(`price = max(a x + b, 0) in 100,000, area x in 100 square metres`);
  print(`  made with a = ${made.a}, b = ${made.b}; learned a = ${fixed(a)}, b = ${fixed(b)}`);
  print(`  smallest prediction for areas from 0 to 200: ${leastOfUnit}`);

  const { x, y } = makeHouses(generator);
  const [train, test] = [
    [0, TRAIN],
    [TRAIN, COUNT],
  ].map((range) => ({
    x: x.slice([range as [number, number]]),
    y: y.slice([range as [number, number]]),
  }));
  const lossAfterTraining = (model: nn.Module): number => {
    const lossOf = () => model.forward(train!.x).sub(train!.y).square().mean();
    descend(new optim.Adam([...model.parameters()], { lr: 0.02 }), 500, lossOf);
    return noGrad(lossOf).item();
  };
  const models = STARTS.map((seed) => {
    const model = networkOf(seed);
    return { model, loss: lossAfterTraining(model) };
  });
  const best = models.reduce((a, b) => (b.loss < a.loss ? b : a)).model;
  const linear = new nn.Linear(4, 1, { generator: new Generator(1) });
  lossAfterTraining(linear);
  return noGrad(() => {
    const explained = explainedVariance(best.forward(test!.x), test!.y);
    const explainedLinear = explainedVariance(linear.forward(test!.x), test!.y);
    const anything = randn([2000, 4], { generator }).mul(5);
    const leastOfNetwork = best
      .forward(concat([x, anything], 0))
      .min()
      .item();
    print('from area, bedrooms, postal code and wealth by way of three hidden units:');
    print(
      `  explains ${fixed(100 * explained, 1)} % of the variance of ${COUNT - TRAIN} other houses' prices`,
    );
    print(`  (linear regression: ${fixed(100 * explainedLinear, 1)} %)`);
    print(`  smallest prediction, also for impossible houses: ${leastOfNetwork}`);
    const points = (xs: Tensor, ys: Tensor) => {
      const values = ys.flatten().toArray() as number[];
      return (xs.flatten().toArray() as number[]).map((value, i) => ({
        x: value * 100,
        y: values[i]!,
      }));
    };
    draw('a04-house-price', {
      title: 'The price of a house by one ReLU unit',
      plots: [
        {
          x: { label: 'area (square metres)' },
          y: { label: 'price (100,000)', grid: true },
          marks: [
            dot(points(area, price), { x: 'x', y: 'y', r: 1.5, fill: '#56b4e9' }),
            line(points(areas, line1), { x: 'x', y: 'y', stroke: '#d55e00', strokeWidth: 2.5 }),
          ],
        },
      ],
    });
    return { a, b, made, leastOfUnit, explained, explainedLinear, leastOfNetwork };
  });
}

export const topic: Topic<Result> = {
  id: 'A4',
  title: 'The price of a house by one ReLU unit and by a small network',
  run,
};
