/** Philox4x32-10 from the paper's definition (Salmon et al. 2011), one counter at a time. */
export type FourWords = readonly [number, number, number, number];

const MULTIPLIERS = [0xd2511f53n, 0xcd9e8d57n] as const;
const WEYL = [0x9e3779b9n, 0xbb67ae85n] as const;
const LOW = 0xffffffffn;

export function philox(counter: FourWords, key: readonly [number, number]): FourWords {
  let [c0, c1, c2, c3] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [k0, k1] = key.map(BigInt) as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const a = MULTIPLIERS[0] * c0;
    const b = MULTIPLIERS[1] * c2;
    [c0, c1, c2, c3] = [(b >> 32n) ^ c1 ^ k0, b & LOW, (a >> 32n) ^ c3 ^ k1, a & LOW];
    k0 = (k0 + WEYL[0]) & LOW;
    k1 = (k1 + WEYL[1]) & LOW;
  }
  return [Number(c0), Number(c1), Number(c2), Number(c3)];
}

/** The first `count` words of a seed's stream, from a position on. */
export function streamWords(seed: number, count: number, first = 0): number[] {
  const key = [seed % 2 ** 32, Math.floor(seed / 2 ** 32)] as const;
  return Array.from({ length: Math.ceil(count / 4) }, (_, i) => {
    const position = first + i;
    return philox([position % 2 ** 32, Math.floor(position / 2 ** 32), 0, 0], key);
  })
    .flat()
    .slice(0, count);
}

/** The stream's uniform numbers of [0, 1). */
export function streamUnits(
  seed: number,
  count: number,
  dtype: 'float32' | 'float64',
  first = 0,
): number[] {
  if (dtype === 'float32') {
    return streamWords(seed, count, first).map((w) => (w >>> 8) * 2 ** -24);
  }
  const words = streamWords(seed, 2 * count, first);
  return Array.from({ length: count }, (_, i) => {
    const high = (words[2 * i] as number) >>> 5;
    const low = (words[2 * i + 1] as number) >>> 6;
    return (high * 2 ** 26 + low) * 2 ** -53;
  });
}
