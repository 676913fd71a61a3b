/** The benchmark's own arithmetic: what it checks, and how it sums up. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callCases, layerCases, shapeCases, sweepCases } from '../../bench/gemm/cases.js';
import { layerSummary, sweepReport, sweepSummary } from '../../bench/gemm/report.js';
import { float64, sweep } from '../../bench/gemm/sections.js';
import type { Case, GemmCase, Layout } from '../../bench/lib/cases.js';
import { quickCases } from '../../bench/lib/cases.js';
import { compare, type Result } from '../../bench/lib/compare.js';
import type { GemmDType } from '../../bench/lib/dtypes.js';
import { operands, productCheck } from '../../bench/lib/inputs.js';
import type { Contender } from '../../bench/lib/measure.js';
import { disagreement, reference } from '../../bench/lib/reference.js';
import { type Machine, writeResults } from '../../bench/lib/report.js';
import { geometricMean, middleHalf, quantile } from '../../bench/lib/statistics.js';

function gemmCase(m: number, k: number, n: number, layout: Layout, dtype: GemmDType): GemmCase {
  return { kind: 'gemm', name: `${m}x${k}x${n} ${layout} ${dtype}`, m, k, n, layout, dtype };
}

/** C, every sum rounded to what `round` makes of it. */
function multiply(c: GemmCase, round: (x: number) => number): Float64Array {
  const [a, b] = operands(c);
  const result = new Float64Array(c.m * c.n);
  for (let i = 0; i < c.m; i++) {
    for (let j = 0; j < c.n; j++) {
      let sum = 0;
      for (let p = 0; p < c.k; p++) {
        const left = a.data[i * a.rowStep + p * a.colStep]!;
        sum = round(sum + left * b.data[p * b.rowStep + j * b.colStep]!);
      }
      result[i * c.n + j] = sum;
    }
  }
  return result;
}

const verdict = (c: GemmCase, result: ArrayLike<number>): string | null =>
  disagreement(productCheck(result, c.m, c.n), reference(c)!);

describe('the check of a product', () => {
  const identity = (x: number): number => x;

  it.each(['NN', 'NT', 'TN'] as const)(
    'accepts right results and refuses wrong ones: %s',
    (layout) => {
      for (const [m, k, n] of [
        [1, 1, 1],
        [7, 33, 5],
        [40, 17, 90],
      ] as const) {
        const single = gemmCase(m, k, n, layout, 'float32');
        const double = gemmCase(m, k, n, layout, 'float64');
        expect(verdict(single, multiply(single, Math.fround))).toBeNull();
        expect(verdict(double, multiply(double, identity))).toBeNull();
        // An element between the sampled ones, off by one.
        const wrong = multiply(single, Math.fround);
        const at = m * n > 40 ? 3 : 0;
        wrong[at]! += 1;
        expect(verdict(single, wrong)).toMatch(/expected/);
      }
    },
  );

  it('refuses float64 that was computed in float32', () => {
    const c = gemmCase(40, 65, 90, 'NN', 'float64');
    expect(verdict(c, multiply(c, Math.fround))).toMatch(/expected/);
  });

  it('refuses an operand read in another layout, a missing row and NaN', () => {
    const c = gemmCase(24, 24, 24, 'NT', 'float32');
    expect(verdict(c, multiply({ ...c, layout: 'NN' }, Math.fround))).toMatch(/expected/);
    const result = multiply(c, Math.fround);
    expect(
      verdict(
        c,
        result.map((x, i) => (i >= 240 && i < 264 ? 0 : x)),
      ),
    ).toMatch(/expected/);
    expect(
      verdict(
        c,
        result.map((x, i) => (i === 1 ? Number.NaN : x)),
      ),
    ).toMatch(/expected/);
    const short = productCheck(result, 23, 24);
    expect(disagreement(short, reference(c)!)).toMatch(/values, not/);
  });
});

describe('the cases', () => {
  it('have names of their own within what one peer is asked', () => {
    const all: Case[] = [...shapeCases(), ...layerCases(), ...float64.cases(), ...callCases()];
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    expect(new Set(sweepCases().map(({ name }) => name)).size).toBe(200);
  });

  it('of the sweep are the same ones always, log-uniform in 1 to 2048', () => {
    const cases = sweepCases();
    expect(cases).toEqual(sweepCases());
    const sizes = cases.flatMap(({ m, k, n }) => [m, k, n]);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2048);
    // Of 600 independent sizes a share p is below 2049^p, with a deviation of at most
    // sqrt(0.25 / 600) = 0.02; five of them are allowed.
    for (const p of [0.25, 0.5, 0.75]) {
      const share = sizes.filter((size) => size + 1 <= 2049 ** p).length / sizes.length;
      expect(Math.abs(share - p)).toBeLessThan(0.1);
    }
  });

  it('of a quick run are the small ones, and one at least', () => {
    expect(quickCases(shapeCases()).map(({ name }) => name)).not.toContain('4096x4096x4096');
    expect(quickCases(float64.cases()).map(({ name }) => name)).toEqual(['512x512x512 float64']);
  });
});

/** A contender whose rounds take these seconds. */
function contender(name: string, rounds: readonly number[]): Contender {
  let round = 0;
  return {
    name,
    threads: 1,
    measure: async () => ({ seconds: [rounds[round++]!], check: [] }),
    close: () => {},
  };
}

describe('rounds', () => {
  it('give ratios within the round, of peers and yardsticks', async () => {
    const c = gemmCase(2, 2, 2, 'NN', 'float32');
    const result = await compare(
      c,
      contender('ours', [1, 2, 4]),
      [contender('p', [2, 2, 2]), contender('q', [1, 6, 12])],
      { rounds: 3, seconds: 0, repeats: 1 },
      () => null,
      [
        { name: 'limit', seconds: async () => 0.5 },
        { name: 'nothing', seconds: async () => null },
      ],
    );
    expect(result.seconds).toBe(2);
    expect(result.marks).toEqual({ limit: { median: 0.25, low: 0.125, high: 0.5 } });
    expect(result.peers.map(({ ratio }) => ratio)).toEqual([
      { median: 1, low: 0.5, high: 2 },
      { median: 3, low: 1, high: 3 },
    ]);
    expect(result.peers[0]!.marks.limit).toEqual({ median: 0.25, low: 0.25, high: 0.25 });
    expect(result.best).toEqual({ median: 1, low: 0.5, high: 1 });
    expect(result.ratios).toEqual([1, 1, 0.5]);
    expect(result.packed).toBeNull();
  });

  const c = gemmCase(2, 2, 2, 'NN', 'float32');
  const plan = { rounds: 2, seconds: 0, repeats: 1 };
  const right = () => null;

  it('hold peers that pack ahead against ours that does, and the others against ours that packs', async () => {
    const result = await compare(
      c,
      contender('ours', [4, 4]),
      [contender('plain', [6, 5]), { ...contender('packed', [3, 3]), packsAhead: true }],
      plan,
      right,
      [],
      contender('ours packed', [2, 1]),
    );
    expect(result.ratios).toEqual([0.75, 0.75]);
    expect(result.peers.map(({ name }) => name)).toEqual(['plain', 'packed']);
    expect(result.packed).toEqual({
      ratio: { median: 0.375, low: 0.25, high: 0.5 },
      peers: [{ name: 'packed', threads: 1, ratio: { median: 2.25, low: 1.5, high: 3 } }],
      best: { median: 1.375, low: 1.25, high: 1.5 },
    });
  });

  it('judge our packed product, too', async () => {
    const contenders = [contender('ours', [1]), contender('ours packed', [1])] as const;
    const wrong = () => 'wrong';
    const once = { ...plan, rounds: 1 };
    const result = await compare(c, contenders[0], [], once, wrong, [], contenders[1]);
    expect(result.problems).toEqual(['ours: wrong', 'ours packed: wrong']);
    const skipping: Contender = { ...contenders[1], measure: async () => ({ skip: 'none' }) };
    expect((await compare(c, contenders[0], [], once, right, [], skipping)).packed).toBeNull();
  });

  it('go on where they differ, up to the plan’s most, whoever is faster', async () => {
    const rounds = async (ours: readonly number[], peer: readonly number[], most?: number) => {
      const measured = { ...plan, ...(most === undefined ? {} : { most }) };
      const beside = [contender('p', peer)];
      const result = await compare(c, contender('ours', ours), beside, measured, right, []);
      return { rounds: result.ratios.length, agreed: result.agreed };
    };
    const same = [1, 1, 1, 1, 1, 1];
    for (const [times, most, expected] of [
      [[1, 1.19], 6, { rounds: 2, agreed: true }],
      [[1, 2], undefined, { rounds: 2, agreed: false }],
      // The fourth round leaves 1 and 1.1 in the middle; an outlier at either end counts no more.
      [[1, 2, 0.2, 1.1, 9], 6, { rounds: 4, agreed: true }],
      [[1, 2, 1, 2, 1, 2], 6, { rounds: 6, agreed: false }],
    ] as const) {
      // At par, far behind and far ahead.
      for (const factor of [1, 10, 0.1]) {
        const scaled = times.map((x) => x * factor);
        expect(await rounds(same, scaled, most)).toEqual(expected);
        expect(await rounds(scaled, same, most)).toEqual(expected);
      }
    }
  });

  it('go on where they differ like for like only', async () => {
    const peer = { ...contender('p', [1, 1, 1, 1]), packsAhead: true };
    const ours = contender('ours', [1, 1, 1, 1]);
    const packed = contender('ours packed', [1, 2, 1, 1]);
    const result = await compare(c, ours, [peer], { ...plan, most: 9 }, right, [], packed);
    expect(result.ratios).toHaveLength(4);
    expect(result.packed!.best).toEqual({ median: 1, low: 0.5, high: 1 });
  });
});

function measured(c: Case, ratio: number | null): Result {
  const same = (x: number) => ({ median: x, low: x, high: x });
  return {
    case: c,
    threads: 1,
    seconds: 1,
    peers:
      ratio === null
        ? []
        : [{ name: 'peer', threads: 1, seconds: ratio, ratio: same(ratio), marks: {} }],
    best: ratio === null ? null : same(ratio),
    ratios: ratio === null ? [] : [ratio],
    agreed: true,
    packed: null,
    marks: { peak: same(0.5), rowMajor: same(2) },
    problems: [],
  };
}

describe('sums', () => {
  it('are the geometric mean and interpolated quantiles', () => {
    expect(geometricMean([0.5, 2, 1])).toBeCloseTo(1, 14);
    expect(quantile([3, 1, 2], 0.5)).toBe(2);
    expect(quantile([0, 10], 0.25)).toBe(2.5);
    expect(quantile([7], 0.99)).toBe(7);
    expect(quantile([], 0.5)).toBeNaN();
    expect(middleHalf([3, 1, 2])).toEqual({ low: 1, high: 3 });
    expect(middleHalf([9, 3, 0, 4])).toEqual({ low: 3, high: 4 });
    expect(middleHalf([8, 7, 6, 5, 4, 3, 2, 1, 0])).toEqual({ low: 2, high: 6 });
  });

  it('of the sweep name the ten worst shapes in order', () => {
    const results = sweepCases().map((c, i) => measured(c, 0.5 + i / 100));
    const text = sweepReport(results);
    const worst = text.split('\n').slice(-10);
    expect(worst.map((row) => row.split(' | ')[0])).toEqual(
      results.slice(0, 10).map((r) => `| ${r.case.name}`),
    );
    expect(text).toContain('at least 1 in 150');
    expect(text).toContain('| fastest peer | 200 |');
    expect(sweepSummary(results.map((r) => measured(r.case, null)))).toContain('no peer');
    expect(sweepReport(results.map((r) => measured(r.case, null)))).toContain('50 %');
  });

  it('of the sweep say what is like for like, and how often it was measured', () => {
    const same = { median: 2, low: 2, high: 2 };
    const packed = { ratio: same, peers: [{ name: 'peer', threads: 1, ratio: same }], best: same };
    const results = sweepCases().map((c, i): Result => {
      const ratios = i < 3 ? [0.5, 0.6, 0.7, 9] : [0.5, 0.6];
      return { ...measured(c, 0.6), ratios, agreed: i > 0, packed };
    });
    const text = sweepReport(results);
    expect(text.indexOf('200 shapes, the fastest peer')).toBe(0);
    expect(text).toContain('packed: geometric mean 2.000, smallest 2.00');
    expect(text).toContain('3 shapes whose 2 rounds differed by more than a fifth');
    expect(text).toContain('up to 4; 1 still differ so');
    expect(text).toContain('| fastest peer, like for like | 200 | 2.000');
    expect(text).toContain('| peer over ours packed | 200 | 2.000');
    expect(text).toContain('| ours packed | 200 | 2.000');
    expect(text).toContain('| 0.60 (0.60-0.70) | 2.00 | 4 |');
  });

  it('of the layers are told by layout', () => {
    const text = layerSummary(layerCases().map((c) => measured(c, 1.5)));
    expect(text).toContain("- NT, our NN's time over ours: geometric mean 2.000");
    expect(text).toContain("- TN, the fastest peer's time over ours: geometric mean 1.500");
  });
});

describe('the results file', () => {
  it('gets a section replaced and keeps the others', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tilegrad-bench-'));
    const file = join(folder, 'RESULTS.md');
    const machine: Machine = {
      cpu: 'a CPU',
      cores: 2,
      memoryGiB: 1,
      system: 'a system',
      node: 'v0',
      version: '0',
    };
    const state = { level: 'scalar', dtype: 'float32', peak: 1 } as const;
    const results = [measured(sweepCases()[0]!, 1.25)];
    try {
      writeFileSync(file, 'before\n');
      writeResults(file, [{ section: sweep, results, state }], machine, 'first');
      writeResults(file, [{ section: float64, results, state }], machine, 'second');
      writeResults(file, [{ section: sweep, results, state }], machine, 'third');
      const text = readFileSync(file, 'utf8');
      expect(text).toMatch(/^before\n/);
      expect(text).not.toContain('`first`');
      expect(text.match(/^## /gm)).toHaveLength(2);
      expect(text.indexOf('`third`')).toBeGreaterThan(0);
      expect(text.indexOf('`third`')).toBeLessThan(text.indexOf('`second`'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
