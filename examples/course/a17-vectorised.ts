/** A layer as loops over examples, neurons and inputs, and as one matrix product. */
import { arange, Generator, randint, randn, type Tensor } from 'tilegrad';
import { fixed } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

const EXAMPLES = 256;
const INPUTS = 256;
const NEURONS = 128;

/** Whole numbers are multiplied by this: sums of their products are exact, whatever the order. */
const SIXTEENTH = 1 / 16;

interface Result {
  /** Whether the outputs for exact numbers are the same to the bit. */
  identical: boolean;
  /** The largest difference for any numbers, relative to the largest output. */
  difference: number;
  /** Milliseconds. */
  loops: number;
  matrix: number;
}

/** Row by row, neuron by neuron, input by input. */
function byLoops(x: Float64Array, w: Float64Array, b: Float64Array): Float64Array {
  const out = new Float64Array(EXAMPLES * NEURONS);
  for (let i = 0; i < EXAMPLES; i++) {
    for (let j = 0; j < NEURONS; j++) {
      let sum = 0;
      for (let k = 0; k < INPUTS; k++) sum += x[i * INPUTS + k]! * w[j * INPUTS + k]!;
      out[i * NEURONS + j] = Math.max(0, sum + b[j]!);
    }
  }
  return out;
}

/** The shortest of a few runs, and the last one's result. */
function timed<T>(run: () => T): { result: T; ms: number } {
  let ms = Number.POSITIVE_INFINITY;
  let result!: T;
  for (let i = 0; i < 5; i++) {
    const start = performance.now();
    result = run();
    ms = Math.min(ms, performance.now() - start);
  }
  return { result, ms };
}

function run({ print }: RunOptions): Result {
  const generator = new Generator(17);
  const float64 = { dtype: 'float64', generator } as const;
  const compute = (x: Tensor, w: Tensor, b: Tensor) => {
    const arrays = [x, w, b].map((t) => t.data as Float64Array) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const loops = timed(() => byLoops(...arrays));
    const matrix = timed(() => x.matmul(w.transpose()).add(b).relu().data as Float64Array);
    return { loops, matrix };
  };
  const exact = (shape: number[]): Tensor => randint(-99, 100, shape, float64).mul(SIXTEENTH);
  const same = compute(
    exact([EXAMPLES, INPUTS]),
    exact([NEURONS, INPUTS]),
    arange(NEURONS).to('float64'),
  );
  const identical = same.loops.result.every((value, i) => value === same.matrix.result[i]);

  const any = (shape: number[]): Tensor => randn(shape, float64);
  const { loops, matrix } = compute(
    any([EXAMPLES, INPUTS]),
    any([NEURONS, INPUTS]),
    any([NEURONS]),
  );
  let [farthest, largest] = [0, 0];
  for (const [i, value] of loops.result.entries()) {
    farthest = Math.max(farthest, Math.abs(value - matrix.result[i]!));
    largest = Math.max(largest, Math.abs(value));
  }
  print(`a layer of ${NEURONS} neurons on ${EXAMPLES} examples of ${INPUTS} numbers`);
  print(`  numbers whose products are exact: outputs are ${identical ? 'identical' : 'different'}`);
  print(`  any numbers: they differ by ${(farthest / largest).toExponential(1)} of the largest`);
  print(
    `  loops ${fixed(loops.ms)} ms, one matrix product ${fixed(matrix.ms)} ms: ${fixed(loops.ms / matrix.ms, 0)} times as fast`,
  );
  return { identical, difference: farthest / largest, loops: loops.ms, matrix: matrix.ms };
}

export const topic: Topic<Result> = {
  id: 'A17',
  title: 'Loops over neurons and examples against one matrix product',
  run,
};
