/** Tests that go through the SIMD levels and numbers of threads by themselves. */
import {
  dotProduct,
  getNumThreads,
  setDotProduct,
  setNumThreads,
  setSimdLevel,
  simdLevel,
  simdLevels,
} from 'tilegrad/native/settings.js';
import { afterAll } from 'vitest';

/** Every level of this machine, each with 1 and 2 threads. */
export const settings = simdLevels().flatMap((name) =>
  [1, 2].map((count) => [name, count] as const),
);

/** After a file's tests the level, its dot product and the number of threads are what they were. */
export function restoreSettings(): void {
  const level = simdLevel();
  const dot = dotProduct();
  const threads = getNumThreads();
  afterAll(() => {
    setSimdLevel(level);
    setDotProduct(dot);
    setNumThreads(threads);
  });
}
