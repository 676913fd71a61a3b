/**
 * Work that threads share by the time that it takes: the same bits with one thread and with several,
 * at sizes around those at which they begin to share, and from the calls after which workers are awake.
 */
import { createHash } from 'node:crypto';
import * as tilegrad from 'tilegrad';
import { Generator, randn, type Tensor, tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { restoreSettings } from '../helpers/settings.js';

restoreSettings();

const generator = () => new Generator(7);
const normal = (...shape: number[]) => randn(shape, { generator: generator() });
const indices = (count: number, below: number, shape: number[]) =>
  tensor(
    Int32Array.from({ length: count }, (_, i) => (i * 7919 + (i >> 5)) % below),
    { dtype: 'int32' },
  ).reshape(shape);

function hash(t: Tensor): string {
  const { buffer, byteOffset, byteLength } = t.contiguous().data as Float32Array;
  return createHash('sha256')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest('hex');
}

type Case = readonly [name: string, run: () => Tensor[]];

/** Each at sizes that one thread has alone, that are two shares, and that are many and odd. */
const cases: readonly Case[] = [
  ...[300, 4099, 5003, 65_537].flatMap((n): Case[] => [
    [`lgamma of ${n}`, () => [normal(n).lgamma()]],
    [`digamma and erfinv of ${n}`, () => [normal(n).digamma(), normal(n).tanh().erfinv()]],
    [`pow of ${n}`, () => [normal(n).abs().pow(2.3), normal(n).to('float64').abs().pow(1.7)]],
    [`gcd of ${n}`, () => [tilegrad.gcd(indices(n, 5000, [n]), indices(n, 360, [n]))]],
    [`searches for ${n}`, () => [tilegrad.searchsorted(tensor([-1, -0.5, 0, 0.25, 1]), normal(n))]],
    [`places of ${n}`, () => [tilegrad.nonzero(normal(n).gt(0.2))]],
    [`masks of ${n}`, () => [normal(n).maskedSelect(normal(n).lt(0.5))]],
  ]),
  ...[32_767, 32_768, 50_001].map(
    (n): Case => [
      `mode of a line of ${n}`,
      () => Object.values(tilegrad.mode(indices(n, 9001, [n]))),
    ],
  ),
  ...[8191, 8192, 8193, 24_577].map(
    (n): Case => [
      `masked scatter of ${n}`,
      () => [normal(n).maskedScatter(normal(n).gt(0), normal(n).mul(2))],
    ],
  ),
  ...[3, 16, 67].flatMap((rows): Case[] => [
    [`topk of ${rows} rows`, () => Object.values(normal(rows, 1000).topk(5))],
    [`argmax of ${rows} rows`, () => [normal(rows, 300).argmax({ dim: 1 })]],
    [`sort of ${rows} rows`, () => Object.values(tilegrad.sort(normal(rows, 257)))],
    [
      `mode of ${rows} rows`,
      () => Object.values(tilegrad.mode(indices(rows * 257, 71, [rows, 257]).to('float32'))),
    ],
    [`median of ${rows} rows`, () => Object.values(normal(rows, 501).median({ dim: 1 }))],
    [
      `gather in ${rows} rows`,
      () => [normal(rows, 300).gather(1, indices(rows * 411, 300, [rows, 411]))],
    ],
    [
      `scatter in ${rows} rows`,
      () =>
        (['sum', 'mean', 'amax'] as const).map((kind) =>
          tilegrad.scatterReduce(
            normal(rows, 300),
            1,
            indices(rows * 411, 300, [rows, 411]),
            normal(rows, 411),
            kind,
          ),
        ),
    ],
    [
      `scatter down ${rows} columns`,
      () => [
        normal(90, rows).scatterAdd(0, indices(rows * 700, 90, [700, rows]), normal(700, rows)),
      ],
    ],
    ...(['nearest', 'bilinear', 'bicubic'] as const).map(
      (mode): Case => [
        `${mode} interpolation of ${rows} planes`,
        () => [tilegrad.interpolate(normal(1, rows, 17, 19), { size: [35, 33], mode })],
      ],
    ),
    [
      `triangles of ${rows}`,
      () => [normal(rows, 131, 67).triu(-3), normal(rows, 67, 131).transpose().tril(2)],
    ],
  ]),
];

describe('shares of work by time', () => {
  test.each(cases)('%s', (_, run) => {
    const bytes = (threads: number) => {
      tilegrad.setNumThreads(threads);
      // A product that is worth waking others for.
      if (threads > 1) normal(256, 256).matmul(normal(256, 256));
      return run().map(hash);
    };
    const alone = bytes(1);
    for (const threads of [2, 3, 4]) expect(bytes(threads)).toEqual(alone);
  });
});
