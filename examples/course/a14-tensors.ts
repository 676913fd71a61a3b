/** Rank, lengths, shape and volume of tensors; a color picture as height x width x 3. */
import { arange, type Tensor, tensor, zeros } from 'tilegrad';
import { printTable } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

interface Facts {
  rank: number;
  shape: readonly number[];
  volume: number;
}

interface Result {
  matrix: Facts;
  cube: Facts;
  picture: Facts;
  /** Red, green and blue of the picture's pixel in row 1, column 2. */
  pixel: number[];
  /** The red channel, on its own. */
  red: Facts;
}

const factsOf = (x: Tensor): Facts => ({ rank: x.ndim, shape: x.shape, volume: x.numel });

function run({ print }: RunOptions): Result {
  const matrix = arange(16).reshape([4, 4]);
  const cube = zeros([4, 5, 6]);
  // 2 rows of 3 pixels: red, green, blue; black, white, orange.
  const picture = tensor([
    [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
    [
      [0, 0, 0],
      [1, 1, 1],
      [1, 0.5, 0],
    ],
  ]);
  const red = picture.select(2, 0);
  const all: [string, Tensor][] = [
    ['a number', tensor(5)],
    ['a vector', arange(4)],
    ['a 4 x 4 matrix', matrix],
    ['a 4 x 5 x 6 tensor', cube],
    ['a picture, height x width x 3', picture],
    ['its red channel', red],
  ];
  printTable(
    print,
    ['', 'rank', 'lengths', 'volume'],
    all.map(([name, x]) => [name, x.ndim, `[${x.shape.join(', ')}]`, x.numel]),
  );
  const pixel = picture.select(0, 1).select(0, 2).toArray() as number[];
  print(`the pixel in row 1, column 2 is (${pixel.join(', ')}): orange`);
  return {
    matrix: factsOf(matrix),
    cube: factsOf(cube),
    picture: factsOf(picture),
    pixel,
    red: factsOf(red),
  };
}

export const topic: Topic<Result> = {
  id: 'A14',
  title: 'Tensors: rank, lengths, shape and volume',
  run,
};
