/**
 * A small generator for orders of samples. Whole numbers only, so that a seed gives the same
 * sequence on every machine; apart from the generator of random tensors, so that shuffling doesn't
 * change which weights are drawn.
 *
 * The algorithm is sfc32 by Chris Doty-Humphrey (PractRand): 96 bits that mix and a 32-bit counter,
 * so the period is at least 2^32. Seeded as PractRand does, with 12 rounds to spread the seed.
 */
export class Random {
  private a = 0;
  private b: number;
  private c: number;
  private counter = 1;

  /** Two whole numbers choose the sequence; the low 32 bits of each count. */
  constructor(seed: number, stream = 0) {
    this.b = seed | 0;
    this.c = stream | 0;
    for (let round = 0; round < 12; round++) this.uint32();
  }

  /** A whole number, uniform in [0, 2^32). */
  uint32(): number {
    const result = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + result) | 0;
    return result >>> 0;
  }

  /** A whole number, uniform in [0, n), for n from 1 to 2^32. */
  below(n: number): number {
    // The numbers at the top that would make the first remainders likelier are drawn again.
    const limit = 2 ** 32 - (2 ** 32 % n);
    let value = this.uint32();
    while (value >= limit) value = this.uint32();
    return value % n;
  }

  /**
   * The numbers 0 to n - 1 in a random order, every order equally likely as far as the generator's
   * state reaches (Fisher-Yates).
   */
  permutation(n: number): Uint32Array {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const swapped = order[i]!;
      order[i] = order[j]!;
      order[j] = swapped;
    }
    return order;
  }
}
