/**
 * Copies by the level's kernels: rows of every length, matrices that are turned, of every size around
 * vectors, and padding in one pass, at every level and number of threads.
 */
import { arange, fromTypedArray, type PadMode, pad, type Tensor, tensor, zeros } from 'tilegrad';
import { setNumThreads, setSimdLevel } from 'tilegrad/native/settings.js';
import { describe, expect, it } from 'vitest';
import { restoreSettings, settings } from '../../helpers/settings.js';

restoreSettings();

const dtypes = ['uint8', 'float16', 'float32', 'float64'] as const;

interface WithMemory {
  WebAssembly: { Memory: new (size: { initial: number }) => { buffer: ArrayBuffer } };
}
const { Memory } = (globalThis as unknown as WithMemory).WebAssembly;

/** Small whole numbers, so that every dtype has them. */
const numbered = (shape: number[], dtype: (typeof dtypes)[number]): Tensor => {
  const n = shape.reduce((product, size) => product * size, 1);
  return arange(0, n, 1, { dtype: 'int32' }).remainder(113).add(1).to(dtype).reshape(shape);
};

const values = (x: Tensor): number[] => Array.from(x.contiguous().to('float64').data as never);

describe.each(settings)('%s, %i threads', (level, threads) => {
  const use = () => {
    setSimdLevel(level);
    setNumThreads(threads);
  };

  it.each(dtypes)('turns matrices of any size, within their bounds (%s)', (dtype) => {
    use();
    const sizes = [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 24, 33];
    for (const rows of sizes) {
      for (const cols of sizes) {
        // From an odd place on, with gaps between rows.
        const x = numbered([2, rows + 1, cols + 3], dtype).slice([':', '1:', `1:${cols + 1}`]);
        const from = values(x);
        const into = zeros([2, cols + 2, rows + 2], { dtype });
        into.set(':', `1:${cols + 1}`, `1:${rows + 1}`, x.permute([0, 2, 1]));
        const wanted = new Array<number>(into.numel).fill(0);
        for (let k = 0; k < 2; k++) {
          for (let i = 0; i < rows; i++) {
            for (let j = 0; j < cols; j++) {
              const at = (k * (cols + 2) + j + 1) * (rows + 2) + i + 1;
              wanted[at] = from[(k * rows + i) * cols + j] as number;
            }
          }
        }
        expect(values(into), `${rows} x ${cols}`).toEqual(wanted);
      }
    }
  });

  it.each(dtypes)('turns matrices at the end of all memory (%s)', (dtype) => {
    use();
    // Behind a WebAssembly memory V8 keeps pages that nobody may touch.
    const bytes = 1 << 16;
    const { buffer } = new Memory({ initial: 1 });
    for (let rows = 1; rows <= 34; rows++) {
      for (const cols of [1, 2, 3, 5, 7, 8, 9, 15, 16, 17]) {
        const x = numbered([cols, rows], dtype).transpose(0, 1);
        const wanted = x.contiguous();
        const n = rows * cols;
        const Elements = wanted.data.constructor as typeof Uint8Array;
        const last = new Elements(buffer, bytes - n * Elements.BYTES_PER_ELEMENT, n);
        fromTypedArray(last, [rows, cols], { dtype }).copy_(x);
        if (!last.every((value, i) => value === wanted.data[i])) expect(last).toEqual(wanted.data);
      }
    }
  });

  it.each([
    [2, 8, 40, 33],
    [1, 3, 17, 16],
    [3, 5, 64, 64],
    [2, 16, 9, 31],
  ])('moves channels of images to the end and back: %i x %i x %i x %i', (n, c, h, w) => {
    use();
    const x = numbered([n, c, h, w], 'float32');
    const last = x.permute([0, 2, 3, 1]).contiguous();
    const from = values(x);
    const moved = values(last);
    for (let i = 0; i < moved.length; i++) {
      const [channel, pixel] = [i % c, Math.floor(i / c)];
      const image = Math.floor(pixel / (h * w));
      const at = (image * c + channel) * h * w + (pixel % (h * w));
      if (moved[i] !== from[at]) expect(moved[i], `place ${i}`).toBe(from[at]);
    }
    expect(values(last.permute([0, 3, 1, 2]).contiguous())).toEqual(from);
  });

  it.each(dtypes)('copies rows of every length, within their bounds (%s)', (dtype) => {
    use();
    for (let n = 1; n < 150; n++) {
      const x = numbered([3, n + 2], dtype).slice([':', `1:${n + 1}`]);
      const into = zeros([3, n + 3], { dtype });
      into.set(':', `2:${n + 2}`, x);
      const from = values(x);
      const wanted = [0, 1, 2].flatMap((i) => [0, 0, ...from.slice(i * n, (i + 1) * n), 0]);
      expect(values(into), `${n}`).toEqual(wanted);
    }
  });

  it('copies overlapping windows', () => {
    use();
    const x = numbered([5, 40], 'float32');
    for (const [size, step] of [
      [1, 1],
      [4, 2],
      [5, 3],
      [17, 1],
    ] as const) {
      const y = x.unfold(1, size, step);
      const [rows, windows] = y.shape as [number, number];
      const wanted: number[] = [];
      for (let i = 0; i < rows; i++)
        for (let k = 0; k < windows; k++)
          for (let j = 0; j < size; j++) wanted.push(((i * 40 + k * step + j) % 113) + 1);
      expect(values(y.contiguous())).toEqual(wanted);
    }
  });

  const sources: Record<PadMode, (i: number, n: number) => number> = {
    constant: (i, n) => (i < 0 || i >= n ? -1 : i),
    reflect: (i, n) => (i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i),
    replicate: (i, n) => Math.min(n - 1, Math.max(0, i)),
    circular: (i, n) => (i + n) % n,
  };

  /** The definition, place by place. */
  function padded(x: Tensor, pads: readonly number[], mode: PadMode, value: number): number[] {
    const from = values(x);
    const before = x.shape.map((_, d) => pads[2 * (x.ndim - 1 - d)] ?? 0);
    const shape = x.shape.map(
      (n, d) => n + (before[d] as number) + (pads[2 * (x.ndim - 1 - d) + 1] ?? 0),
    );
    const total = shape.reduce((product, n) => product * n, 1);
    return Array.from({ length: total }, (_, place) => {
      let [rest, at, step] = [place, 0, 1];
      for (let d = shape.length - 1; d >= 0; d--) {
        const n = x.shape[d] as number;
        const source = sources[mode]((rest % (shape[d] as number)) - (before[d] as number), n);
        rest = Math.floor(rest / (shape[d] as number));
        if (source < 0) return value;
        at += source * step;
        step *= n;
      }
      return from[at] as number;
    });
  }

  it.each(Object.keys(sources) as PadMode[])('pads: %s', (mode) => {
    use();
    const cases: [number[], number[]][] = [
      [[7], [2, 3]],
      [
        [1, 5],
        [4, 0],
      ],
      [
        [3, 4, 5],
        [0, 0, 2, 1],
      ],
      [
        [3, 4, 5],
        [1, 2, 0, 0, 2, 1],
      ],
      [
        [2, 3, 33, 32],
        [1, 1, 1, 1],
      ],
      [
        [2, 2, 3, 4, 5],
        [1, 0, 2, 1, 1, 1],
      ],
      [
        [2, 3, 3, 3, 3],
        [1, 0, 1, 1, 0, 0, 1, 1],
      ],
      [
        [3, 3, 3, 3],
        [1, 1, 1, 1, 1, 1, 1, 1],
      ],
      [
        [2, 300, 150],
        [2, 1, 1, 2],
      ],
    ];
    for (const [shape, pads] of cases) {
      for (const dtype of shape.includes(300) ? (['float32'] as const) : dtypes) {
        const x = numbered(shape, dtype);
        const options = mode === 'constant' ? { mode, value: 7 } : { mode };
        const wanted = padded(x, pads, mode, 7);
        const y = pad(x, pads, options);
        expect(values(y), `${shape} ${pads} ${dtype}`).toEqual(wanted);
        // And of elements that lie with gaps, which takes another way.
        const wide = zeros([...shape, 2], { dtype });
        const apart = wide.select(-1, 1);
        apart.set('...', x);
        expect(values(pad(apart, pads, options)), `${shape} ${pads} ${dtype}`).toEqual(wanted);
      }
    }
  });
});

it('keeps every bit of a constant of 64 bits', () => {
  const x = tensor([1n, 2n] as never, { dtype: 'int64' });
  expect(Array.from(pad(x, [1, 1], { value: 2 ** 53 - 1 }).data)).toEqual([
    9007199254740991n,
    1n,
    2n,
    9007199254740991n,
  ]);
});
