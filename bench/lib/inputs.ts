/**
 * The numbers that every program of the benchmark computes on. bench/peers/python_peer.py makes the
 * same ones, bit for bit.
 */

/**
 * n float32 in [-1, 1): the top 24 bits of the 32-bit hash lowbias32 (Wellons, "Prospecting for hash
 * functions", 2018) of index + seed * 0x9e3779b9.
 */
export function uniform(n: number, seed: number): Float32Array {
  const values = new Float32Array(n);
  const start = Math.imul(seed, 0x9e3779b9);
  for (let i = 0; i < n; i++) {
    let x = i + start;
    x ^= x >>> 16;
    x = Math.imul(x, 0x7feb352d);
    x ^= x >>> 15;
    x = Math.imul(x, 0x846ca68b);
    x ^= x >>> 16;
    values[i] = (x >>> 8) * 2 ** -23 - 1;
  }
  return values;
}

export interface Layer {
  /** [outputs, inputs], row-major. */
  weight: Float32Array;
  bias: Float32Array;
}

/** The layers of a multilayer perceptron, weights and biases uniform within 1 / sqrt(inputs). */
export function layers(dims: readonly number[]): Layer[] {
  return dims.slice(1).map((outputs, i) => {
    const inputs = dims[i]!;
    const bound = 1 / Math.sqrt(inputs);
    return {
      weight: uniform(inputs * outputs, 2 * i).map((v) => v * bound),
      bias: uniform(outputs, 2 * i + 1).map((v) => v * bound),
    };
  });
}

/** The examples of an MLP case, [batch, dims[0]]. */
export function batchOf(batch: number, inputs: number): Float32Array {
  return uniform(batch * inputs, 100);
}

/** Positions of the values that are checked: 16, evenly spread from the first to the last. */
export function samplePositions(n: number): number[] {
  return Array.from({ length: 16 }, (_, i) => Math.floor(((n - 1) * i) / 15));
}
