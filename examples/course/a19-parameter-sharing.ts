/** Parameter sharing: one 4 x 4 filter slid over a picture, and a ball that is found anywhere. */
import { cell, frame } from '@observablehq/plot';
import {
  binaryCrossEntropyWithLogits,
  Generator,
  nn,
  noGrad,
  optim,
  rand,
  randint,
  type Tensor,
  tensor,
  zeros,
} from 'tilegrad';
import { descend } from './lib/fit.js';
import { fixed, printTable } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

const SIDE = 16;
/** A ball: round, and brighter in the middle. */
const BALL = [
  [0, 0.8, 0.8, 0],
  [0.8, 1, 1, 0.8],
  [0.8, 1, 1, 0.8],
  [0, 0.8, 0.8, 0],
];
const SIZE = BALL.length;
/** Places that a ball can be at, along each side. */
const PLACES = SIDE - SIZE + 1;
/** In training balls lie in columns before this one; in the test behind it. */
const HALF = SIDE / 2;
const COUNT = 200;

interface Scores {
  /** Shares of the pictures that are right: where balls lay in training, and where they never did. */
  seen: number;
  unseen: number;
}

interface Result {
  /** Whether the filter's largest answer is at the ball, for each place. */
  found: number;
  places: number;
  /** Largest difference between the layer and the sums of theta_ij x_ij written out. */
  difference: number;
  cnn: Scores;
  logistic: Scores;
  parameters: { cnn: number; logistic: number };
}

/** Slides a filter: its answer at each place. */
class BallFinder extends nn.Module {
  readonly filters: nn.Conv2d;
  readonly decide: nn.Linear;

  constructor(channels: number, generator: Generator) {
    super();
    this.filters = new nn.Conv2d(1, channels, SIZE, { generator });
    this.decide = new nn.Linear(channels, 1, { generator });
  }

  forward(pictures: Tensor): Tensor {
    const answers = this.filters.forward(pictures).relu();
    return this.decide.forward(answers.amax({ dim: [2, 3] })); // is it anywhere?
  }
}

/** Pictures `[count, 1, 16, 16]`; the first half have a ball, the others its ink in loose grains. */
function makePictures(count: number, columns: [from: number, to: number], generator: Generator) {
  const noise = rand([count, SIDE, SIDE], { generator }).mul(0.3);
  const pixels = noise.data as Float32Array;
  const draw = (n: number, from: number, to: number) =>
    randint(from, to, [n], { generator, dtype: 'int32' }).data;
  const [rows, lefts] = [draw(count, 0, PLACES), draw(count, ...columns)];
  const ink = BALL.flat().filter((value) => value > 0);
  for (let i = 0; i < count; i++) {
    const at = (row: number, column: number) => (i * SIDE + row) * SIDE + column;
    if (i < count / 2) {
      BALL.forEach((line, r) => {
        line.forEach((value, c) => {
          const place = at(rows[i]! + r, lefts[i]! + c);
          pixels[place] = Math.max(pixels[place]!, value);
        });
      });
    } else {
      const [ys, xs] = [
        draw(ink.length, 0, SIDE),
        draw(ink.length, columns[0], columns[1] + SIZE - 1),
      ];
      ink.forEach((value, k) => {
        pixels[at(ys[k]!, xs[k]!)] = value;
      });
    }
  }
  const labels = tensor(Array.from({ length: count }, (_, i) => [i < count / 2 ? 1 : 0]));
  return { x: noise.unsqueeze(1), y: labels };
}

function run({ print, draw }: RunOptions): Result {
  const generator = new Generator(19);
  // theta: bright where the ball is, dark around it.
  const ball = tensor(BALL);
  const theta = ball.sub(ball.mean());
  const layer = new nn.Conv2d(1, 1, SIZE, { bias: false });
  layer.loadStateDict({ weight: theta.reshape([1, 1, SIZE, SIZE]) });
  let found = 0;
  let difference = 0;
  let shown: { picture: number[][]; answers: number[][] } | undefined;
  noGrad(() => {
    for (let place = 0; place < PLACES * PLACES; place++) {
      const [row, column] = [Math.floor(place / PLACES), place % PLACES];
      const picture = zeros([SIDE, SIDE]);
      picture
        .slice([
          [row, row + SIZE],
          [column, column + SIZE],
        ])
        .copy_(ball);
      const answers = layer.forward(picture.reshape([1, 1, SIDE, SIDE])).reshape([PLACES, PLACES]);
      if (answers.argmax().item() === place) found++;
      // a = sum theta_ij x_ij at every place, written out.
      const written = picture
        .unfold(0, SIZE, 1)
        .unfold(1, SIZE, 1)
        .mul(theta)
        .sum({ dim: [2, 3] });
      difference = Math.max(difference, answers.sub(written).abs().max().item());
      if (row === 3 && column === 9) {
        shown = {
          picture: picture.toArray() as number[][],
          answers: answers.toArray() as number[][],
        };
      }
    }
  });
  print(
    `one filter of ${SIZE} x ${SIZE} numbers, ball at each of ${PLACES * PLACES} places: found ${found} times`,
  );

  // Balls lie left in training; a network that shares its filter knows them on the right as well.
  const left: [number, number] = [0, HALF - SIZE + 1];
  const right: [number, number] = [HALF, PLACES];
  const train = makePictures(COUNT, left, generator);
  const seen = makePictures(COUNT, left, generator);
  const unseen = makePictures(COUNT, right, generator);
  const flatten = (x: Tensor) => x.flatten(1);
  const learn = (model: nn.Module, form: (x: Tensor) => Tensor): Scores => {
    const optimizer = new optim.Adam([...model.parameters()], { lr: 0.02 });
    descend(optimizer, 80, () =>
      binaryCrossEntropyWithLogits(model.forward(form(train.x)), train.y),
    );
    const right = ({ x, y }: typeof train) =>
      noGrad(() => model.forward(form(x)).gt(0).eq(y.gt(0.5)).to('float32').mean().item());
    return { seen: right(seen), unseen: right(unseen) };
  };
  const finder = new BallFinder(4, generator);
  const regression = new nn.Linear(SIDE * SIDE, 1, { generator });
  const cnn = learn(finder, (x) => x);
  const logistic = learn(regression, flatten);
  const count = (model: nn.Module) => [...model.parameters()].reduce((sum, p) => sum + p.numel, 0);
  const parameters = { cnn: count(finder), logistic: count(regression) };
  print('is there a ball in the picture? In training there were some in the left half only:');
  printTable(
    print,
    ['', 'parameters', 'right, ball on the left', 'ball on the right'],
    [
      ['convolution', parameters.cnn, fixed(cnn.seen), fixed(cnn.unseen)],
      ['logistic regression', parameters.logistic, fixed(logistic.seen), fixed(logistic.unseen)],
    ],
  );

  const cells = (values: number[][]) =>
    values
      .flatMap((line, y) => line.map((value, x) => ({ x, y, value })))
      .filter(({ value }) => value !== 0); // the ground
  const grid = (title: string, values: number[][], size: number) => ({
    title,
    width: size,
    height: size,
    margin: 12,
    marginLeft: 12,
    marginBottom: 12,
    axis: null,
    padding: 0,
    x: { domain: values.map((_, i) => i) },
    y: { domain: values.map((_, i) => i) },
    color: {
      type: 'linear' as const,
      scheme: 'Greys' as const,
      domain: [Math.min(0, ...values.flat()), Math.max(...values.flat())],
    },
    marks: [cell(cells(values), { x: 'x', y: 'y', fill: 'value' }), frame({ stroke: '#bbb' })],
  });
  draw('a19-parameter-sharing', {
    title: 'A filter slid over a picture',
    plots: [
      grid('the picture', shown!.picture, 230),
      grid('the filter', theta.toArray() as number[][], 110),
      grid('its answers', shown!.answers, 230),
    ],
  });
  return { found, places: PLACES * PLACES, difference, cnn, logistic, parameters };
}

export const topic: Topic<Result> = {
  id: 'A19',
  title: 'Parameter sharing: a filter finds the ball anywhere',
  run,
};
