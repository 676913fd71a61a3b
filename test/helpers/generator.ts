/** A small generator of numbers in [0, 1) with a fixed seed: cases are the same in every run. */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // Knuth's linear congruential generator
    return state / 2 ** 32;
  };
}
