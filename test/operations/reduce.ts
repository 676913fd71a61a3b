/** Reductions over any dimensions. */

import type { Tensor } from 'tilegrad';
import * as tilegrad from 'tilegrad';
import { zeros } from 'tilegrad';
import { dtypes, type Float, hostile, MANY, numbers, withGradients } from './bits.js';
import { type Case, reductions as cases, one } from './gradients.js';
import { dims, half, type Misuse, noHalf, reduction, wrong, x } from './misuse.js';
import type { Family, Operation } from './operation.js';

type Call = (x: Tensor, options?: object) => unknown;

const ofNumbers: Misuse = [() => tilegrad.sum(half), 'ERR_DTYPE', "convert with to('float32')"];
const emptyOf = (call: Call): Misuse[] => [
  [() => call(zeros([0])), 'ERR_SHAPE'],
  [() => call(zeros([2, 0]), { dim: 1 }), 'ERR_SHAPE'],
];
const any = (name: string, call: Call) => reduction(name, call, { takesIntegers: true });

/** `max` and `min`: all elements, or along one dimension with the indices. */
const chosen = (name: 'max' | 'min', call: Call): Operation => {
  return {
    misuse: [
      ...any(name, (t, options) => call(t, options)),
      ...emptyOf(call),
      [() => call(x, {}), 'ERR_ARGUMENT', `[${name}] the options need a dim`],
      [() => call(x, { keepDim: true }), 'ERR_ARGUMENT', `[${name}] the options need a dim`],
      ...dims((dim) => call(x, { dim })),
      ...dims((dim) => call(zeros([]), { dim: wrong(dim === 2 ? 1 : dim === -3 ? -2 : dim) })),
    ],
    gradients: [
      one((t) => t[name](), [2, 3]),
      one((t) => t[name](), []),
      one((t) => t[name]({ dim: 0 }).values, [3, 4]),
      one((t) => t[name]({ dim: -1, keepDim: true }).values, [2, 3, 4]),
      one((t) => t[name]({ dim: 1 }).values, [2, 3, 4]),
      one((t) => t[name]({ dim: 0 }).values, []),
      one((t) => t[name]({ dim: 0 }).values, [2, 0]),
    ],
  };
};

const spread = (named: string, call: Call, pick: Fn): Operation => {
  return {
    misuse: [
      ...reduction(named, call),
      [
        () => call(x, { correction: '1' }),
        'ERR_ARGUMENT',
        `[${named}] correction must be a number`,
      ],
      [() => call(x, { correction: Number.NaN }), 'ERR_ARGUMENT'],
    ],
    gradients: [
      one((t) => pick(t), [2, 3]),
      one((t) => pick(t, { dim: 0 }), [3, 4]),
      one((t) => pick(t, { dim: [0, 2], keepDim: true, correction: 0 }), [2, 3, 4]),
      one((t) => pick(t, { dim: 1, correction: 0.5 }), [2, 3]),
      one((t) => pick(t.expand([3, 2, 2]), { dim: [0, 1] }), [2, 1]),
    ],
  };
};
type Fn = (x: Tensor, options?: object) => Tensor;

/** Away from 0, where orders below 1 have no derivative. */
const normCases = (p: number): Case[] =>
  cases((t, options) => tilegrad.norm(t, { ...options, p })).map((c) => ({ ...c, around: 20 }));

const ofEverything = (op: (x: Tensor, options?: { dim: number | number[] }) => Tensor[]) =>
  dtypes.map((dtype) => [dtype, () => everyLayout(op, dtype)] as const);

/** All paths: contiguous, along rows and columns, strided, several dimensions, stretched. */
function everyLayout(
  op: (x: Tensor, options?: { dim: number | number[] }) => Tensor[],
  dtype: Float,
): Tensor[] {
  const matrix = numbers([203, 597], dtype);
  const cube = numbers([17, 31, 23], dtype);
  const thin = matrix.slice([
    [0, null, 3],
    [1, null, 2],
  ]);
  return [
    ...[1, 100, 4097, MANY].flatMap((n) => op(numbers([n], dtype))),
    ...[matrix, matrix.transpose(), thin].flatMap((t) => [
      ...op(t),
      ...op(t, { dim: 0 }),
      ...op(t, { dim: 1 }),
    ]),
    // Few results of many values: threads share the values.
    ...op(numbers([MANY, 2], dtype), { dim: 0 }),
    ...op(numbers([2, MANY], dtype), { dim: 1 }),
    ...op(cube, { dim: 1 }),
    ...op(cube, { dim: [0, 2] }),
    ...op(cube, { dim: [0, 1] }),
    ...op(numbers([5, 1], dtype).expand([5, 1001]), { dim: 1 }),
    ...op(hostile(1003, dtype)),
    ...op(hostile(1003, dtype).reshape([17, 59]), { dim: 0 }),
  ];
}

export const reductions: Family = {
  title: 'Reductions',
  operations: {
    sum: {
      misuse: [...any('sum', tilegrad.sum), ofNumbers],
      gradients: [...cases(tilegrad.sum), one((t) => tilegrad.sum(t, { dim: 1 }), [3, 0])],
    },
    mean: { misuse: reduction('mean', tilegrad.mean), gradients: cases(tilegrad.mean) },
    prod: {
      misuse: [
        ...any('prod', tilegrad.prod),
        [() => tilegrad.prod(half), 'ERR_DTYPE', "convert with to('float32')"],
      ],
      gradients: [
        ...cases(tilegrad.prod),
        one((t) => tilegrad.prod(t, { dim: [2, 0] }), [2, 3, 2, 1]),
        one((t) => tilegrad.prod(t, { dim: 1 }), [3, 0]),
      ],
    },
    nansum: {
      misuse: [
        ...any('nansum', tilegrad.nansum),
        [() => tilegrad.nansum(half), 'ERR_DTYPE', "convert with to('float32')"],
      ],
      gradients: cases(tilegrad.nansum),
    },
    nanmean: { misuse: reduction('nanmean', tilegrad.nanmean), gradients: cases(tilegrad.nanmean) },
    amax: {
      misuse: [...any('amax', tilegrad.amax), ...emptyOf(tilegrad.amax)],
      gradients: cases(tilegrad.amax).slice(0, -1),
    },
    amin: {
      misuse: [...any('amin', tilegrad.amin), ...emptyOf(tilegrad.amin)],
      gradients: cases(tilegrad.amin).slice(0, -1),
    },
    aminmax: {
      misuse: [...any('aminmax', tilegrad.aminmax), ...emptyOf(tilegrad.aminmax)],
      gradients: cases((t, options) => {
        const { min, max } = tilegrad.aminmax(t, options);
        return max.sub(min.mul(0.3));
      }).slice(0, -1),
    },
    max: chosen('max', tilegrad.max as Call),
    min: chosen('min', tilegrad.min as Call),
    argmax: {
      misuse: [...any('argmax', tilegrad.argmax as Call), ...emptyOf(tilegrad.argmax as Call)],
      gradients: 'none',
    },
    argmin: {
      misuse: [...any('argmin', tilegrad.argmin as Call), ...emptyOf(tilegrad.argmin as Call)],
      gradients: 'none',
    },
    all: { misuse: any('all', tilegrad.all), gradients: 'none' },
    any: { misuse: any('any', tilegrad.any), gradients: 'none' },
    countNonzero: { misuse: any('countNonzero', tilegrad.countNonzero), gradients: 'none' },
    variance: spread('variance', tilegrad.variance, tilegrad.variance),
    std: spread('std', tilegrad.std, tilegrad.std),
    varMean: spread('varMean', tilegrad.varMean, (t, options) => {
      const { variance, mean } = tilegrad.varMean(t, options);
      return variance.add(mean);
    }),
    stdMean: spread('stdMean', tilegrad.stdMean, (t, options) => {
      const { std, mean } = tilegrad.stdMean(t, options);
      return std.add(mean);
    }),
    norm: {
      misuse: [
        ...reduction('norm', tilegrad.norm),
        [() => tilegrad.norm(x, { p: wrong('2') }), 'ERR_ARGUMENT', '[norm] p must be a number'],
        [() => tilegrad.norm(x, { p: Number.NaN }), 'ERR_ARGUMENT'],
        [() => tilegrad.norm(zeros([0]), { p: Infinity }), 'ERR_SHAPE'],
        [() => tilegrad.norm(zeros([0]), { p: -1 }), 'ERR_SHAPE'],
      ],
      gradients: [
        ...[0.5, 1, 2, 3, -1.5].flatMap((p) =>
          p < 0 ? normCases(p).filter(({ shapes }) => !shapes[0]?.includes(0)) : normCases(p),
        ),
        ...[Infinity, -Infinity].flatMap((p) => normCases(p).slice(0, 5)),
      ],
    },
    logsumexp: {
      misuse: [
        ...reduction('logsumexp', tilegrad.logsumexp, { takesIntegers: true }),
        noHalf((t) => tilegrad.logsumexp(t)),
      ],
      gradients: cases(tilegrad.logsumexp),
    },
  },

  bits(add) {
    for (const dtype of dtypes) {
      for (const op of ['sum', 'mean', 'amax', 'amin', 'argmax'] as const) {
        add(`${op} ${dtype}`, () => {
          const sizes = [1, 100, 100_003, 1_000_003].map((n) => numbers([n], dtype));
          const matrix = numbers([1003, 997], dtype);
          const cube = numbers([37, 101, 53], dtype);
          const all = [...sizes, matrix, matrix.transpose()].map((t) => t[op]());
          const along = [0, 1].flatMap((dim) => [
            matrix[op]({ dim }),
            matrix.transpose()[op]({ dim }),
            matrix
              .slice([
                [0, null, 3],
                [1, null, 2],
              ])
              [op]({ dim }),
          ]);
          const middle = [0, 1, 2].map((dim) => cube[op]({ dim }));
          if (op === 'argmax') return [...all, ...along, ...middle];
          const several = [
            [0, 2],
            [0, 1],
            [1, 2],
          ].map((dim) => cube[op]({ dim }));
          const stretched = numbers([5, 1], dtype).expand([5, 10_001])[op]({ dim: 1 });
          const gradients = withGradients((t) => t[op]({ dim: 1 }), numbers([33, 1003], dtype));
          return [...all, ...along, ...middle, ...several, stretched, ...gradients];
        });
      }
    }
    for (const op of ['prod', 'nansum', 'var', 'logsumexp', 'countNonzero'] as const) {
      for (const [dtype, run] of ofEverything((t, options) => [t[op](options)])) {
        add(`${op} ${dtype}`, run);
      }
    }
    for (const p of [1, 2, Infinity, 3.5, -1]) {
      for (const [dtype, run] of ofEverything((t, options) => [t.norm({ ...options, p })])) {
        add(`norm ${p} ${dtype}`, run);
      }
    }
    for (const [dtype, run] of ofEverything((t, options) => {
      if (typeof options?.dim === 'object') return [];
      const along = options && t.min(options as { dim: number });
      return [t.argmin(options as object), ...(along ? [along.values, along.indices] : [])];
    })) {
      add(`argmin and min ${dtype}`, run);
    }
    add('reductions of integers', () =>
      (['int32', 'int8', 'uint8', 'bool'] as const).flatMap((dtype) =>
        (['sum', 'prod', 'amax', 'amin', 'all', 'any', 'argmax'] as const).flatMap((op) => {
          const t = numbers([203, 597], 'float64').mul(100).to(dtype);
          return [t, t.transpose()].flatMap((u) => [u[op](), u[op]({ dim: 0 }), u[op]({ dim: 1 })]);
        }),
      ),
    );
    for (const dtype of dtypes) {
      add(`gradients of reductions ${dtype}`, () => {
        const t = numbers([33, 103], dtype);
        return [
          ...withGradients((u) => u.prod({ dim: 1 }), t),
          ...withGradients((u) => u.prod({ dim: 0 }), t),
          ...withGradients((u) => u.std({ dim: 1 }), t),
          ...withGradients((u) => u.norm({ dim: 0 }), t),
          ...withGradients((u) => u.norm({ dim: 1, p: 3 }), t),
          ...withGradients((u) => u.logsumexp({ dim: 1 }), t),
          ...withGradients((u) => u.max({ dim: 0 }).values, t),
        ];
      });
    }
  },
};
