/** Sums of integers that the level widens a block at a time, and means by counts. */
import { type DType, scatterReduce, setNumThreads, setSimdLevel, tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { generator } from '../../helpers/generator.js';
import { restoreSettings, settings } from '../../helpers/settings.js';

restoreSettings();

const random = generator(31);
const ends: Partial<Record<DType, [number, number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int8: [-128, 127],
  uint8: [0, 255],
};

describe.each(settings)('%s, %i threads', (level, threads) => {
  test.each(['int32', 'int8', 'uint8'] as const)('sums of %s have 64 bits', (dtype) => {
    setSimdLevel(level);
    setNumThreads(threads);
    const [low, high] = ends[dtype] as [number, number];
    for (const n of [1, 15, 16, 17, 63, 65, 4095, 4096, 4097, 70000]) {
      const list = Array.from({ length: n + 1 }, () => (random() < 0.7 ? high : low));
      const whole = tensor(list, { dtype });
      const sum = (from: number, step: number) =>
        list.reduce((all, v, i) => (i >= from && (i - from) % step === 0 ? all + v : all), 0);
      expect(Number(whole.slice(['1:']).sum().item())).toBe(sum(1, 1));
      expect(Number(whole.slice(['::3']).sum().item())).toBe(sum(0, 3));
    }
  });

  test('means are divided by their counts where there are any', () => {
    setSimdLevel(level);
    setNumThreads(threads);
    for (const dtype of ['float32', 'float64', 'int32', 'int64'] as const) {
      for (const n of [1, 3, 255, 256, 257, 1000, 40000]) {
        const index = Array.from({ length: n }, () => Math.floor((random() * n) / 2));
        const source = Array.from({ length: n }, () => Math.floor(random() * 9) - 4);
        const [sums, counts] = [Array(n).fill(0), Array(n).fill(0)] as [number[], number[]];
        index.forEach((place, i) => {
          sums[place] = (sums[place] as number) + (source[i] as number);
          counts[place] = (counts[place] as number) + 1;
        });
        const x = tensor(Array(n).fill(7), { dtype });
        const y = scatterReduce(x, 0, index, tensor(source, { dtype }), 'mean', {
          includeSelf: false,
        });
        const mean = (i: number) => (sums[i] as number) / (counts[i] as number);
        const floor = dtype.startsWith('int');
        const wanted = sums.map((_, i) =>
          counts[i] === 0 ? 7 : floor ? Math.floor(mean(i)) : mean(i),
        );
        const round = dtype === 'float32' ? Math.fround : (v: number) => v;
        expect(y.to('float64').toArray()).toEqual(wanted.map((v) => round(v) + 0));
      }
    }
  });
});
