/** The products that are measured. */
import type { GemmCase, Layout, OverheadCase, Product } from '../lib/cases.js';
import type { GemmDType } from '../lib/dtypes.js';
import { uniform } from '../lib/inputs.js';

type Shape = readonly [m: number, k: number, n: number];

function sizes([m, k, n]: Shape): string {
  return `${m}x${k}x${n}`;
}

/** A case's name tells it from every other case that a peer may be asked about before or after. */
function productCase(
  shape: Shape,
  layout: Layout = 'NN',
  dtype: GemmDType = 'float32',
  name: string = dtype === 'float32' ? sizes(shape) : `${sizes(shape)} ${dtype}`,
): GemmCase {
  const [m, k, n] = shape;
  return { kind: 'gemm', name, m, k, n, layout, dtype };
}

// Squares from the L1 cache to beyond the last one, the skinny products of small batches, and the
// layers of the benchmark's MLPs.
const shapes: readonly Shape[] = [
  [64, 64, 64],
  [128, 128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [1024, 1024, 1024],
  [2048, 2048, 2048],
  [4096, 4096, 4096],
  [1, 1024, 1024],
  [8, 1024, 1024],
  [32, 784, 128],
  [128, 784, 512],
  [128, 512, 10],
  [128, 512, 256],
  [256, 1024, 1024],
  [512, 4096, 1024],
];

export function shapeCases(): GemmCase[] {
  return shapes.map((shape) => productCase(shape));
}

/** Cubes of one element type. */
export function cubeCases(cubes: readonly number[], dtype: GemmDType): GemmCase[] {
  return cubes.map((size) => productCase([size, size, size], 'NN', dtype));
}

/** Cubes and a layer's forward product (its weight [outputs, inputs], contiguous) of a narrow type. */
export function narrowTypeCases(dtype: 'bfloat16' | 'int8'): GemmCase[] {
  return [
    ...cubeCases([512, 1024, 2048], dtype),
    productCase([32, 784, 128], 'NT', dtype),
    productCase([128, 1024, 1024], 'NT', dtype),
  ];
}

const batches = [1, 8, 32, 128, 512];
// A digit recognizer's two layers, a square one, and one that narrows and one that widens.
const linearLayers: readonly (readonly [inputs: number, outputs: number])[] = [
  [784, 128],
  [128, 10],
  [1024, 1024],
  [4096, 1024],
  [512, 4096],
];

/**
 * The three products of a linear layer whose weight W lies in memory as [inputs, outputs]: forward
 * Y = X W, the input's gradient dX = dY W^T, and the weight's gradient dW = X^T dY.
 */
export function layerCases(): GemmCase[] {
  return linearLayers.flatMap(([inputs, outputs]) =>
    batches.flatMap((batch) => {
      const of = (what: string, shape: Shape, layout: Layout): GemmCase =>
        productCase(
          shape,
          layout,
          'float32',
          `${inputs}-${outputs} b${batch} ${what} ${layout} ${sizes(shape)}`,
        );
      return [
        of('Y', [batch, inputs, outputs], 'NN'),
        of('dX', [batch, outputs, inputs], 'NT'),
        of('dW', [inputs, batch, outputs], 'TN'),
      ];
    }),
  );
}

const kSweepCases = 200;
const kSweepLargest = 2048;
const kSweepSeed = 2026; // any; the shapes must be the same in every run

/** Shapes whose logarithms are uniform: sizes from 1 to 2048, each octave as likely as another. */
export function sweepCases(): GemmCase[] {
  const values = uniform(3 * kSweepCases, kSweepSeed);
  // [-1, 1) to [0, 1), to [1, 2049).
  const size = (i: number): number => Math.floor((kSweepLargest + 1) ** ((values[i]! + 1) / 2));
  return Array.from({ length: kSweepCases }, (_, i) =>
    productCase([size(3 * i), size(3 * i + 1), size(3 * i + 2)]),
  );
}

/** One product that is nearly all overhead, its result allocated. */
export function callCases(): OverheadCase[] {
  const size = 8;
  const of = (what: string, recorded: boolean, disposed: boolean): OverheadCase => ({
    kind: 'overhead',
    name: `matmul ${sizes([size, size, size])}${what}`,
    op: 'matmul',
    size,
    recorded,
    disposed,
  });
  return [
    of('', false, true),
    of(', result left to the collector', false, false),
    of(', gradient recorded', true, false),
  ];
}

/** The bytes of a product's operands and result. */
export function traffic({ m, k, n }: Product, bytesPerElement: number): number {
  return bytesPerElement * (m * k + k * n + m * n);
}
