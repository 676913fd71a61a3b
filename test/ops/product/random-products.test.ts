/**
 * Products drawn at random: shapes, views of every kind, factors, activations, dtypes. Every level and
 * number of threads gives the same bits, a repeated call too (then weights are packed), and those are right
 * beside float64 loops. TILEGRAD_PRODUCT_CASES draws more, TILEGRAD_FUZZ_SEED others.
 */
import {
  addmm,
  baddbmm,
  type DType,
  linear,
  matmul,
  noGrad,
  setNumThreads,
  setSimdLevel,
  simdLevels,
  type Tensor,
  tensor,
} from 'tilegrad';
import { expect, test } from 'vitest';
import { generator } from '../../helpers/generator.js';
import { atMost } from '../../helpers/patience.js';
import { restoreSettings } from '../../helpers/settings.js';

restoreSettings();

const CASES = Number(process.env.TILEGRAD_PRODUCT_CASES ?? 500);
const random = generator(Number(process.env.TILEGRAD_FUZZ_SEED ?? 0) + 1);
const below = (n: number): number => Math.floor(random() * n);
const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;

/** Sizes around tiles and registers, and any others, small ones more often. */
function size(): number {
  const known = [0, 1, 2, 3, 4, 7, 8, 13, 14, 15, 16, 17, 28, 31, 32, 33, 48, 64, 129, 141, 257];
  return random() < 0.4 ? pick(known) : Math.floor(300 ** random());
}

function shapeOfProduct(): [m: number, n: number, k: number] {
  // Few rows or columns by a large matrix, which have paths of their own.
  if (random() < 0.1)
    return [1 + below(16), pick([257, 300, 1024, 1032]), pick([0, 512, 777, 1024])];
  if (random() < 0.1)
    return [pick([257, 300, 1024, 1032]), 1 + below(16), pick([0, 512, 777, 1024])];
  return [size(), size(), size()];
}

/** A tensor somewhere in a larger memory, with now and then a value that is no ordinary number. */
function filled(shape: readonly number[], dtype: DType): Tensor {
  const length = shape.reduce((a, b) => a * b, 1);
  const offset = below(20);
  const values = Float64Array.from({ length: length + offset + 3 }, () => random() * 2 - 1);
  if (random() < 0.08 && length > 0)
    values[offset + below(length)] = pick([Number.NaN, Infinity, -Infinity, -0, 1e-42]);
  return tensor(values)
    .to(dtype)
    .slice([[offset, offset + length]])
    .reshape([...shape]);
}

/** Steps between rows that make them share cache sets. */
const PITCHES = [256, 1024, 2048] as const;

/** A view of the shape [...batch, rows, cols]: of rows, columns, parts, steps, or of repeated values. */
function view(batch: readonly number[], rows: number, cols: number, dtype: DType): Tensor {
  const whole = batch.map(() => null);
  const [up, left, step] = [below(3), below(9), 1 + below(3)];
  const pitch = pick(PITCHES);
  switch (below(8)) {
    case 0:
      return filled([...batch, cols, rows], dtype).transpose();
    case 1:
      return filled([...batch, rows + up, cols * step + left], dtype).slice([
        ...whole,
        [up, up + rows],
        [0, cols * step, step],
      ]);
    case 2:
      return filled([...batch, cols * step + left, rows + up], dtype)
        .slice([...whole, [0, cols * step, step], [up, up + rows]])
        .transpose();
    case 3:
      if (batch.length > 0 || cols > pitch || rows * pitch > 5e5) break;
      return filled([rows, pitch], dtype).slice([null, [0, cols]]);
    case 4:
      if (batch.length > 0 || rows > pitch || cols * pitch > 5e5) break;
      return filled([cols, pitch], dtype)
        .slice([null, [0, rows]])
        .transpose();
    case 5:
      return filled(
        pick([
          [1, cols],
          [rows, 1],
          [1, 1],
        ]),
        dtype,
      ).expand([...batch, rows, cols]);
    case 6:
      if (batch.length > 0 || rows * cols === 0) break;
      return filled([(rows - 1) * step + (cols - 1) * up + 1], dtype).asStrided(
        [rows, cols],
        [step, up],
      );
  }
  return filled([...batch, rows, cols], dtype);
}

const bitsOf = (t: Tensor) => t.detach().contiguous().data;

/** Where two results differ first, or -1. A NaN of bfloat16 has a sign that nobody promises. */
function difference(a: Tensor, b: Tensor): number {
  const [x, y] = [bitsOf(a), bitsOf(b)];
  const isNan = (bits: number) => a.dtype === 'bfloat16' && (bits & 0x7fff) > 0x7f80;
  // The instruction for bfloat16 flushes sums of denormal size (docs/accuracy.md).
  const isTiny = (bits: number) => a.dtype === 'bfloat16' && (bits & 0x7fff) < 0x800;
  return x.findIndex((value: number | bigint, i: number) => {
    const [p, q] = [value as number, y[i] as number];
    return !(Object.is(p, q) || (isNan(p) && isNan(q)) || (isTiny(p) && isTiny(q)));
  });
}

interface Case {
  name: string;
  work: number;
  run: () => Tensor[];
  /** The first result in float64, with a bound of its error. */
  check: (result: Tensor) => void;
}

const numbersOf = (t: Tensor): Float64Array =>
  t.detach().to('float64').contiguous().data as Float64Array;

function draw(): Case {
  const dtype = pick(['float32', 'float32', 'float64', 'bfloat16'] as const);
  const op = pick(['matmul', 'matmul', 'linear', 'gradients', 'addmm', 'baddbmm'] as const);
  let [m, n, k] = shapeOfProduct();
  const batch = op === 'baddbmm' || (op === 'matmul' && random() < 0.3) ? [1 + below(5)] : [];
  if (batch.length > 0) [m, n, k] = [m % 50, n % 50, k % 100];
  const a = view(batch, m, k, dtype);
  const b = view(batch, k, n, dtype);
  const [alpha, beta] = [pick([1, -0.75, 0, 2]), pick([0, 1, 0.5])];
  const activation = pick([
    'none',
    'relu',
    'leakyRelu',
    'sigmoid',
    'tanh',
    'gelu',
    'silu',
  ] as const);
  const plain = op === 'matmul' || op === 'gradients' || (op === 'linear' && activation === 'none');
  const c = op === 'addmm' || op === 'baddbmm' ? view(batch, m, n, dtype) : null;
  const bias = op === 'linear' && random() < 0.6 ? filled([n], dtype) : null;
  const residual = op === 'linear' && random() < 0.4 ? view([], m, n, dtype) : null;
  const g = op === 'gradients' ? filled([m, n], dtype) : null;
  const once = (): Tensor[] => {
    if (op === 'matmul') return [matmul(a, b)];
    if (op === 'addmm') return [addmm(c!, a, b, { alpha, beta })];
    if (op === 'baddbmm') return [baddbmm(c!, a, b, { alpha, beta })];
    if (op === 'linear') {
      const weight = b.transpose();
      return noGrad(() => [1, 2, 3].map(() => linear(a, weight, bias, { activation, residual })));
    }
    const [x, w] = [a.detach(), b.transpose().detach()];
    x.requiresGrad = true;
    w.requiresGrad = true;
    const y = linear(x, w);
    y.backward(g!);
    return [y, x.grad!, w.grad!];
  };
  const check = (result: Tensor): void => {
    if (!plain && c === null) return;
    const [x, y, got] = [numbersOf(a), numbersOf(b), numbersOf(result)];
    const from = c === null ? null : numbersOf(c);
    const [low, added] = [bias, residual].map((t) => (t === null ? null : numbersOf(t)));
    const unit = dtype === 'float64' ? 2 ** -53 : 2 ** -24;
    const factor = c === null ? 1 : alpha;
    for (let at = 0; at < got.length; at++) {
      const [s, i, j] = [Math.floor(at / (m * n)), Math.floor(at / n) % m, at % n];
      let sum = 0;
      let terms = 0;
      const add = (term: number) => {
        sum += term;
        terms += Math.abs(term);
      };
      if (from !== null && beta !== 0) add(beta * from[at]!);
      if (low) add(low[j]!);
      for (let p = 0; p < k; p++) add(factor * x[(s * m + i) * k + p]! * y[(s * k + p) * n + j]!);
      if (added) add(added[at]!);
      // Roundings of the chain and of alpha times A, also of denormals, and of bfloat16 results.
      const rounded = dtype === 'bfloat16' ? 2 ** -8 * Math.abs(sum) + 2 ** -120 * k : 0;
      const bound = (k + 4) * (1.01 * unit * terms + 2 ** -149) + rounded;
      const isRight = Number.isFinite(sum)
        ? Math.abs(got[at]! - sum) <= bound
        : Object.is(got[at], sum);
      if (!isRight) throw new Error(`[${s}, ${i}, ${j}] is ${got[at]}, not ${sum}`);
    }
  };
  const lies = [a, b].map((t) => `[${t.shape}] by [${t.strides}] from ${t.offset}`).join(', ');
  const name = `${op} ${dtype} ${lies}; ${alpha}, ${beta}, ${activation}, ${bias !== null}`;
  return { name, work: m * n * k * (batch[0] ?? 1), run: once, check };
}

test(
  `${CASES} products`,
  () => {
    for (let i = 0; i < CASES; i++) {
      const { name, work, run, check } = draw();
      let want: Tensor[] | null = null;
      for (const level of simdLevels()) {
        // It emulates FMA.
        if (level === 'scalar' && work > 2e5 && simdLevels().length > 1) continue;
        for (const threads of pick([
          [1, 2],
          [3, 1],
        ])) {
          setSimdLevel(level);
          setNumThreads(threads);
          const got = run();
          if (want === null) {
            want = got;
            try {
              check(got[0]!);
            } catch (error) {
              throw new Error(`case ${i}, ${name}: ${(error as Error).message}`);
            }
          }
          const reference = want;
          const same = got.map((t, r) => difference(t, reference[r]!));
          expect(same, `case ${i}, ${level}, ${threads}: ${name}`).toEqual(same.map(() => -1));
          if (name.startsWith('linear')) expect(difference(got[2]!, got[0]!), name).toBe(-1);
        }
      }
    }
  },
  atMost(120_000),
);
