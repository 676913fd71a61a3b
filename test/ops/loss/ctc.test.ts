/** The rows of temporal classification against their composition, which is the gradient's gradient. */
import {
  ctcLoss,
  Generator,
  getNumThreads,
  grad,
  logSoftmax,
  randn,
  setNumThreads,
  type Tensor,
  tensor,
} from 'tilegrad';
import { afterAll, describe, expect, test } from 'vitest';

const threads = getNumThreads();
afterAll(() => setNumThreads(threads));

const generator = new Generator(21);

interface Case {
  readonly name: string;
  readonly x: Tensor;
  readonly targets: number[][];
  readonly lengths: number[];
  readonly blank?: number;
}

const of = (time: number, batch: number, classes: number) =>
  logSoftmax(randn([time, batch, classes], { dtype: 'float64', generator }), -1);

const certain = tensor([[[1, 0, 0]], [[0, 1, 0]], [[0.5, 0, 0.5]]], { dtype: 'float64' }).log();

const cases: Case[] = [
  { name: 'one frame, one label', x: of(1, 1, 2), targets: [[1]], lengths: [1] },
  { name: 'no label', x: of(4, 2, 3), targets: [[], [2]], lengths: [4, 3] },
  {
    name: 'labels that repeat, of several lengths',
    ...{ x: of(12, 3, 5), targets: [[1, 1, 2, 1], [3], [4, 2, 2]], lengths: [12, 7, 9] },
  },
  { name: 'the last class as blank', x: of(9, 1, 4), targets: [[0, 2, 0]], lengths: [9], blank: 3 },
  {
    name: 'inputs that are too short, and empty ones',
    ...{ x: of(5, 3, 3), targets: [[1, 1, 1], [], [2]], lengths: [5, 0, 0] },
  },
  { name: 'logarithms of 0', x: certain, targets: [[1]], lengths: [3] },
  { name: 'far below 0', x: of(8, 1, 3).mul(900), targets: [[2, 1]], lengths: [8] },
  {
    name: 'more frames than a register',
    x: of(70, 2, 9),
    targets: [
      [1, 2, 3],
      [8, 8],
    ],
    lengths: [70, 33],
  },
];

describe.each(cases)('$name', ({ x, targets, lengths, blank = 0 }) => {
  const most = Math.max(...targets.map((labels) => labels.length));
  const rows = targets.map((labels) => [...labels, ...new Array(most - labels.length).fill(0)]);
  const index = tensor(Int32Array.from(rows.flat())).reshape([rows.length, most]);
  const counts = targets.map((labels) => labels.length);
  const weights = randn([rows.length], { dtype: 'float64', generator });

  test.each([false, true])('zeroInfinity %s', (zeroInfinity) => {
    const options = { blank, zeroInfinity, reduction: 'none' } as const;
    const loss = (leaf: Tensor) =>
      ctcLoss(leaf, index, lengths, counts, options).mul(weights).sum();
    const [leaf, other] = [x.clone().detach(), x.clone().detach()];
    for (const t of [leaf, other]) t.requiresGrad = true;
    const [fused] = grad(loss(leaf), [leaf]) as [Tensor];
    const [composed] = grad(loss(other), [other], { createGraph: true }) as [Tensor];
    const [values, expected] = [fused, composed].map(
      (t) => t.detach().flatten().toArray() as number[],
    );
    values?.forEach((value, i) => {
      const wanted = expected?.[i] as number;
      if (Number.isNaN(wanted)) expect(value).toBeNaN();
      else expect(Math.abs(value - wanted)).toBeLessThan(1e-12 * Math.max(1, Math.abs(wanted)));
    });
  });
});

test('the probability of all paths, written out', () => {
  const x = of(4, 1, 3);
  const p = x.exp().toArray() as number[][][];
  let total = 0;
  for (let path = 0; path < 3 ** 4; path++) {
    const classes = [0, 1, 2, 3].map((t) => Math.floor(path / 3 ** t) % 3);
    const labels = classes.filter((c, t) => c !== 0 && c !== classes[t - 1]);
    if (labels.join() !== '1,2') continue;
    total += classes.reduce((product, c, t) => product * (p[t]?.[0]?.[c] as number), 1);
  }
  expect(ctcLoss(x, [[1, 2]], [4], [2], { reduction: 'sum' }).item()).toBeCloseTo(
    -Math.log(total),
    12,
  );
});

test('the same bits on any number of threads', () => {
  const leaf = of(60, 7, 6).to('float32').detach();
  leaf.requiresGrad = true;
  const targets = Array.from({ length: 7 }, (_, n) => [1 + (n % 5), 2, 2, 5, 1 + (n % 3)]);
  const results = [1, 2, 3].map((count) => {
    setNumThreads(count);
    const loss = ctcLoss(leaf, targets, new Array(7).fill(60), new Array(7).fill(5));
    const [g] = grad(loss, [leaf]) as [Tensor];
    return [loss.item(), ...(g.flatten().toArray() as number[])];
  });
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
});
