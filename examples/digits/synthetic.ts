/**
 * Made-up handwriting: grey pictures of the digits 0 to 9, drawn from strokes that are moved,
 * turned, slanted, stretched and bent a little differently each time. Needs no files, and a seed
 * gives the same pictures every time.
 */
import { fromTypedArray, Generator, rand, type Tensor } from 'tilegrad';

/** Width and height of a picture in pixels. */
export const SIDE = 16;

/** float32 `[count, SIDE, SIDE]` from 0 (paper) to 1 (ink), and int32 `[count]`. */
export interface Pictures {
  images: Tensor;
  labels: Tensor;
}

/** A pen's path: x to the right, y downwards, the digit filling the square from -1 to 1. */
type Stroke = readonly Point[];

type Point = readonly [x: number, y: number];

/** Corners per full turn of an arc: at 16 pixels the sides of such a polygon look round. */
const CORNERS_PER_TURN = 20;

/** Points on an ellipse around (x, y), angles in turns, clockwise from the right-hand end. */
function arc(
  x: number,
  y: number,
  radiusX: number,
  radiusY: number,
  from: number,
  to: number,
): Stroke {
  const steps = Math.ceil(Math.abs(to - from) * CORNERS_PER_TURN);
  return Array.from({ length: steps + 1 }, (_, i) => {
    const angle = 2 * Math.PI * (from + ((to - from) * i) / steps);
    return [x + radiusX * Math.cos(angle), y + radiusY * Math.sin(angle)] as const;
  });
}

/** The ways to write each digit; one of them is taken at random. */
const DIGITS: readonly (readonly (readonly Stroke[])[])[] = [
  [[arc(0, 0, 0.62, 0.95, 0, 1)], [arc(0, 0, 0.45, 0.95, 0, 1)]],
  [
    [
      [
        [0.05, -0.95],
        [0.05, 0.95],
      ],
    ],
    [
      [
        [-0.4, -0.5],
        [0.1, -0.95],
        [0.1, 0.95],
      ],
    ],
    [
      [
        [-0.4, -0.5],
        [0.1, -0.95],
        [0.1, 0.95],
      ],
      [
        [-0.4, 0.95],
        [0.55, 0.95],
      ],
    ],
  ],
  [
    [[...arc(0, -0.42, 0.58, 0.53, 0.5, 1.08), [-0.62, 0.95], [0.65, 0.95]]],
    [
      [
        ...arc(0, -0.42, 0.58, 0.53, 0.55, 1.12),
        ...arc(-0.4, 0.74, 0.2, 0.2, 0.5, 1),
        [0.65, 0.95],
      ],
    ],
  ],
  [
    [[...arc(-0.05, -0.47, 0.55, 0.48, 0.55, 1.25), ...arc(-0.05, 0.46, 0.62, 0.5, -0.25, 0.45)]],
    [[[-0.55, -0.95], [0.5, -0.95], [-0.05, -0.15], ...arc(-0.05, 0.42, 0.6, 0.53, -0.2, 0.42)]],
  ],
  [
    [
      [
        [0.3, 0.95],
        [0.3, -0.95],
        [-0.65, 0.35],
        [0.65, 0.35],
      ],
    ],
    [
      [
        [-0.5, -0.9],
        [-0.55, 0.1],
        [0.55, 0.1],
      ],
      [
        [0.4, -0.9],
        [0.35, 0.95],
      ],
    ],
  ],
  [
    [[[0.55, -0.95], [-0.45, -0.95], [-0.5, -0.1], ...arc(-0.05, 0.36, 0.6, 0.57, -0.35, 0.4)]],
    [
      [[-0.45, -0.9], [-0.45, -0.1], ...arc(-0.1, 0.4, 0.6, 0.53, -0.3, 0.42)],
      [
        [-0.45, -0.9],
        [0.5, -0.95],
      ],
    ],
  ],
  [
    [[[0.4, -0.92], [-0.2, -0.5], ...arc(0, 0.42, 0.55, 0.53, 0.5, 1.5)]],
    [[...arc(0.1, -0.1, 0.65, 0.85, 0.85, 0.5), ...arc(0, 0.42, 0.55, 0.53, 0.5, 1.5)]],
  ],
  [
    [
      [
        [-0.6, -0.92],
        [0.6, -0.92],
        [-0.1, 0.95],
      ],
    ],
    [
      [
        [-0.6, -0.92],
        [0.6, -0.92],
        [-0.1, 0.95],
      ],
      [
        [-0.3, 0.05],
        [0.5, 0.05],
      ],
    ],
  ],
  [
    [arc(0, -0.47, 0.46, 0.46, 0, 1), arc(0, 0.47, 0.58, 0.5, 0, 1)],
    [[...arc(0, -0.47, 0.5, 0.47, 0.25, -0.75), ...arc(0, 0.47, 0.55, 0.5, -0.25, 0.75)]],
  ],
  [
    [
      arc(0, -0.42, 0.52, 0.5, 0, 1),
      [
        [0.52, -0.42],
        [0.35, 0.95],
      ],
    ],
    [[...arc(0, -0.42, 0.52, 0.5, 1, 0), ...arc(-0.1, 0.3, 0.62, 0.65, 0, 0.4)]],
  ],
];

/** How far a picture strays from the pattern; each value is drawn evenly from its range. */
const SHIFT = [-1.3, 1.3] as const; // pixels, right and down
const SCALE = [5.2, 6.6] as const; // pixels that the pattern's 1 becomes; 8 would fill the picture
const STRETCH = [0.8, 1.15] as const; // width against height
const SLANT = [-0.05, 0.3] as const; // to the right per unit of height, as handwriting leans
const TURN = [-0.15, 0.15] as const; // radians
const BEND = [-0.12, 0.12] as const; // how far lines curve, in units of the pattern
const THICKNESS = [0.55, 1.25] as const; // half the stroke's width, in pixels
const INK = [0.7, 1] as const; // brightness of a stroke's middle
const NOISE = 0.25; // the most that a pixel's brightness changes

/** Gives a number, uniform in [from, to). */
type Uniform = (from: number, to: number) => number;

/** Random numbers drawn at a time: enough that a call of the library costs next to nothing. */
const DRAWS = 4096;

function uniformOf(generator: Generator): Uniform {
  let draws = rand([DRAWS], { generator }).data;
  let next = 0;
  return (from, to) => {
    if (next === DRAWS) {
      draws = rand([DRAWS], { generator }).data;
      next = 0;
    }
    return from + (to - from) * draws[next++]!;
  };
}

/**
 * Draws `count` pictures: 0, 1, ... 9 and again from 0.
 *
 * @param seed a whole number >= 0; equal seeds give equal pictures
 */
export function drawDigits(count: number, seed: number): Pictures {
  const uniform = uniformOf(new Generator(seed));
  const pixels = new Float32Array(count * SIDE * SIDE);
  const labels = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    labels[i] = i % DIGITS.length;
    drawDigit(labels[i]!, uniform, pixels.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE));
  }
  return {
    images: fromTypedArray(pixels, [count, SIDE, SIDE]),
    labels: fromTypedArray(labels, [count]),
  };
}

function drawDigit(digit: number, uniform: Uniform, pixels: Float32Array): void {
  const ways = DIGITS[digit]!;
  const strokes = ways[Math.floor(uniform(0, ways.length))]!;
  const toPixels = randomTransform(uniform);
  const radius = uniform(...THICKNESS);
  const ink = uniform(...INK);
  for (const stroke of strokes) {
    const path = stroke.map(toPixels);
    for (let i = 1; i < path.length; i++) drawSegment(pixels, path[i - 1]!, path[i]!, radius, ink);
  }
  for (let i = 0; i < pixels.length; i++) {
    // The product of two draws: most pixels hardly change, a few do.
    const noise = uniform(-NOISE, NOISE) * uniform(0, 1);
    pixels[i] = Math.min(1, Math.max(0, pixels[i]! + noise));
  }
}

/** A bent, slanted, turned, scaled and shifted view of the pattern, in pixels of the picture. */
function randomTransform(uniform: Uniform): (point: Point) => Point {
  const [bendX, bendY, twistX, twistY] = Array.from({ length: 4 }, () => uniform(...BEND));
  const scale = uniform(...SCALE);
  const stretch = uniform(...STRETCH);
  const slant = uniform(...SLANT);
  const turn = uniform(...TURN);
  const centerX = SIDE / 2 + uniform(...SHIFT);
  const centerY = SIDE / 2 + uniform(...SHIFT);
  const cos = scale * Math.cos(turn);
  const sin = scale * Math.sin(turn);
  return ([x, y]) => {
    const bentX = x + bendX! * y * y + twistX! * x * y;
    const bentY = y + bendY! * x * x + twistY! * x * y;
    const leaning = stretch * bentX - slant * bentY;
    return [centerX + cos * leaning - sin * bentY, centerY + sin * leaning + cos * bentY];
  };
}

/** Lays ink along a line; the edge fades over one pixel, by its distance from the line. */
function drawSegment(
  pixels: Float32Array,
  [ax, ay]: Point,
  [bx, by]: Point,
  radius: number,
  ink: number,
): void {
  const reach = radius + 0.5;
  const [dx, dy] = [bx - ax, by - ay];
  const lengthSquared = dx * dx + dy * dy;
  const left = Math.max(0, Math.floor(Math.min(ax, bx) - reach));
  const right = Math.min(SIDE - 1, Math.ceil(Math.max(ax, bx) + reach));
  const top = Math.max(0, Math.floor(Math.min(ay, by) - reach));
  const bottom = Math.min(SIDE - 1, Math.ceil(Math.max(ay, by) + reach));
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      const [px, py] = [column + 0.5 - ax, row + 0.5 - ay]; // from the line's start to the pixel
      const along = lengthSquared > 0 ? (px * dx + py * dy) / lengthSquared : 0;
      const nearest = Math.min(1, Math.max(0, along));
      const [ox, oy] = [px - nearest * dx, py - nearest * dy];
      const distance = Math.sqrt(ox * ox + oy * oy);
      const coverage = Math.min(1, Math.max(0, reach - distance));
      const index = row * SIDE + column;
      pixels[index] = Math.max(pixels[index]!, ink * coverage);
    }
  }
}
