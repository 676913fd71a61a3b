/** einsum and the products by name. */
import * as tilegrad from 'tilegrad';
import { einsum, einsumPath, ones, type Tensor, zeros } from 'tilegrad';
import { dtypes, numbers, withGradients } from './bits.js';
import { one } from './gradients.js';
import { half16, type Misuse, notFinite, optionsOf, tensorArguments, wrong, x } from './misuse.js';
import type { Family, Operation } from './operation.js';

const v2 = ones([2]);
const v3 = ones([3]);
const cube = ones([2, 2, 3]);

/** Two operands; every one of `bad` has a wrong shape beside a right one. */
function pair(
  name: string,
  call: (a: Tensor, b: Tensor) => unknown,
  good: readonly [Tensor, Tensor],
  bad: readonly (readonly [Tensor, Tensor])[],
): Misuse[] {
  return [
    ...tensorArguments((a) => call(a, good[1]), { takesHalf: true, takesWhole: true }),
    ...tensorArguments((b) => call(good[0], b), { takesHalf: true, takesWhole: true }),
    ...bad.map(([a, b]): Misuse => [() => call(a, b), 'ERR_SHAPE', `[${name}]`]),
  ];
}

/** What addmm's relatives refuse. */
const addends = (
  name: string,
  call: typeof tilegrad.addmv,
  left: Tensor,
  right: Tensor,
  fits: Tensor,
): Misuse[] => [
  ...tensorArguments((t) => call(t, left, right), { takesWhole: true, half: name }),
  ...tensorArguments((t) => call(fits, t, right), { takesWhole: true, half: name }),
  ...tensorArguments((t) => call(fits, left, t), { takesWhole: true, half: name }),
  ...optionsOf(name, (options) => call(fits, left, right, options)),
  ...notFinite.flatMap((factor): Misuse[] => [
    [() => call(fits, left, right, { alpha: wrong(factor) }), 'ERR_ARGUMENT'],
    [() => call(fits, left, right, { beta: wrong(factor) }), 'ERR_ARGUMENT'],
  ]),
  ...['alpha', 'beta'].map((factor): Misuse => {
    const [c, a, b] = [fits, left, right].map((t) => t.to('int32')) as [Tensor, Tensor, Tensor];
    return [() => call(c, a, b, { [factor]: 0.5 }), 'ERR_ARGUMENT', `[${name}] ${factor}`];
  }),
  [() => call(fits, left, left.to('float64')), 'ERR_DTYPE'],
  [() => call(fits.to('float64'), left, right), 'ERR_DTYPE'],
  [() => call(fits, ones([2, 2, 2, 2]), right), 'ERR_SHAPE'],
  [() => call(ones([7]), left, right), 'ERR_SHAPE', ''],
];

const products = (equation: string, ...shapes: number[][]) =>
  one((...operands) => einsum(equation, ...operands), ...shapes);

const equations = (name: string, call: (equation: string, ...operands: never[]) => unknown) =>
  [
    ...[undefined, null, 5, {}, [1], () => 'ij'].map(
      (equation): Misuse => [() => call(wrong(equation), wrong(x)), 'ERR_ARGUMENT'],
    ),
    ...[
      'i1',
      'i.j',
      '....',
      'i*j',
      'ij->ij->ij',
      'ij->k',
      'ij->ii',
      'ij,jk->ik',
      'i...j...',
      'ij;',
    ].map((equation): Misuse => [() => call(equation, wrong(x)), 'ERR_ARGUMENT', `[${name}]`]),
    ...['i', 'ijk', '', '...ijk'].map(
      (equation): Misuse => [() => call(equation, wrong(x)), 'ERR_SHAPE', `[${name}]`],
    ),
    [() => call('ii', wrong(x)), 'ERR_SHAPE', 'comes twice in operand 0, with sizes 2 and 3'],
    [() => call('ij,jk', wrong(x), wrong(x)), 'ERR_SHAPE', 'index "j" has sizes 3 and 2'],
    [() => call('...,...', wrong(v3), wrong(v2)), 'ERR_SHAPE', 'a dimension of "..." has sizes'],
    [() => call('abc,def,ghi', ...[cube, cube, cube].map(wrong)), 'ERR_SHAPE', 'more than 8'],
    ...[undefined, null, 5, 'text', true].map(
      (operand): Misuse => [() => call('i', wrong(operand)), 'ERR_ARGUMENT'],
    ),
    [() => call('ij', wrong(half16)), 'ERR_DTYPE', "convert with to('float32')"],
  ] as Misuse[];

const paths = (
  name: string,
  call: (equation: string, operands: never, options: never) => unknown,
) =>
  [
    ...optionsOf(name, (options) => call('ij', wrong([x]), options)).filter((_, i) => i !== 1),
    ...[
      'best',
      5,
      {},
      [[0, 1]],
      [
        [0, 1],
        [0, 2],
      ],
      [
        [0, 0],
        [0, 1],
      ],
      [[0, 1, 2]],
      [0, 1],
      [
        [0, 1],
        [0.5, 1],
      ],
    ].map(
      (path): Misuse => [
        () => call('ij,jk,kl', wrong([ones([1, 2]), x, ones([3, 2])]), wrong({ path })),
        'ERR_ARGUMENT',
        `[${name}] path is`,
      ],
    ),
    [() => call('i', wrong([v2]), wrong({ path: 'best' })), 'ERR_ARGUMENT'],
  ] as Misuse[];

const operations: Record<string, Operation> = {
  einsum: {
    misuse: [...equations('einsum', einsum), ...paths('einsum', einsum)],
    gradients: [
      products('ij,jk->ik', [2, 3], [3, 2]),
      products('ij,kj->ki', [2, 3], [2, 3]),
      products('bij,bjk->bik', [2, 2, 3], [2, 3, 2]),
      products('ij,jk,kl->li', [2, 3], [3, 2], [2, 2]),
      products('iij->ji', [2, 2, 3]),
      products('ii', [3, 3]),
      products('ij->', [2, 3]),
      products('i,j->ij', [2], [3]),
      products('ij,ij->i', [2, 3], [2, 3]),
      products('...i,...i->...', [2, 3], [3]),
      products('ij,jk->ik', [2, 1], [3, 2]),
      products('ij,jk->ik', [2, 0], [0, 2]),
      products(',i->i', [], [3]),
    ],
  },
  einsumPath: {
    misuse: [
      ...equations('einsumPath', einsumPath),
      ...paths('einsumPath', einsumPath),
      ...[[-1], [0.5], ['1']].map(
        (shape): Misuse => [() => einsumPath('i', [wrong(shape)]), 'ERR_SHAPE'],
      ),
      [
        () =>
          einsumPath(
            Array.from({ length: 17 }, () => 'i').join(),
            Array.from({ length: 17 }, () => [2]),
            { path: 'optimal' },
          ),
        'ERR_ARGUMENT',
        'use "greedy"',
      ],
    ],
    gradients: 'none',
  },
  dot: {
    misuse: pair(
      'dot',
      tilegrad.dot,
      [v3, v3],
      [
        [v3, v2],
        [x, v3],
        [v3, ones([])],
      ],
    ),
    gradients: [
      one((a, b) => tilegrad.dot(a!, b!), [3], [3]),
      one((a, b) => tilegrad.dot(a!, b!), [0], [0]),
    ],
  },
  mv: {
    misuse: pair(
      'mv',
      tilegrad.mv,
      [x, v3],
      [
        [x, v2],
        [v3, v3],
        [x, x],
      ],
    ),
    gradients: [one((a, b) => tilegrad.mv(a!, b!), [2, 3], [3])],
  },
  mm: {
    misuse: pair(
      'mm',
      tilegrad.mm,
      [x, ones([3, 2])],
      [
        [x, x],
        [x, v3],
        [cube, ones([3, 2])],
      ],
    ),
    gradients: [one((a, b) => tilegrad.mm(a!, b!), [2, 3], [3, 2])],
  },
  bmm: {
    misuse: pair(
      'bmm',
      tilegrad.bmm,
      [cube, ones([2, 3, 2])],
      [
        [cube, ones([3, 2])],
        [cube, ones([1, 3, 2])],
        [cube, cube],
      ],
    ),
    gradients: [one((a, b) => tilegrad.bmm(a!, b!), [2, 2, 3], [2, 3, 2])],
  },
  outer: {
    misuse: [
      ...tensorArguments((a) => tilegrad.outer(a, v2), { takesIntegers: true }),
      ...tensorArguments((b) => tilegrad.outer(v2, b), { takesIntegers: true }),
      [() => tilegrad.outer(x, v2), 'ERR_SHAPE'],
      [() => tilegrad.outer(v2, ones([])), 'ERR_SHAPE'],
      [() => tilegrad.outer(v2.to('float16'), v2.to('float16')), 'ERR_DTYPE'],
    ],
    gradients: [one((a, b) => tilegrad.outer(a!, b!), [2], [3])],
  },
  kron: {
    misuse: [
      ...tensorArguments((a) => tilegrad.kron(a, v2), { takesIntegers: true }),
      ...tensorArguments((b) => tilegrad.kron(v2, b), { takesIntegers: true }),
      [() => tilegrad.kron(ones([1, 1, 1, 1, 1]), v2), 'ERR_SHAPE'],
      [() => tilegrad.kron(half16, half16), 'ERR_DTYPE'],
    ],
    gradients: [
      one((a, b) => tilegrad.kron(a!, b!), [2, 2], [2, 3]),
      one((a, b) => tilegrad.kron(a!, b!), [2], [2, 1]),
    ],
  },
  inner: {
    misuse: pair(
      'inner',
      tilegrad.inner,
      [x, v3],
      [
        [x, v2],
        [ones([1, 1, 1, 1, 2]), ones([1, 1, 1, 1, 1, 2])],
      ],
    ),
    gradients: [
      one((a, b) => tilegrad.inner(a!, b!), [2, 3], [2, 3]),
      one((a, b) => tilegrad.inner(a!, b!), [], [2]),
    ],
  },
  tensordot: {
    misuse: [
      ...pair(
        'tensordot',
        tilegrad.tensordot,
        [x, x],
        [
          [x, ones([3, 2])],
          [cube, cube],
        ],
      ),
      ...optionsOf('tensordot', (options) => tilegrad.tensordot(x, x, options)),
      ...[
        -1,
        3,
        0.5,
        'text',
        {},
        [0],
        [[0], 1],
        [[0], [0, 1]],
        [
          [0, 0],
          [0, 1],
        ],
      ].map(
        (dims): Misuse => [() => tilegrad.tensordot(x, x, { dims: wrong(dims) }), 'ERR_ARGUMENT'],
      ),
      ...[2, -3, 0.5, '0', null].map(
        (d): Misuse => [() => tilegrad.tensordot(x, x, { dims: wrong([[0], [d]]) }), 'ERR_INDEX'],
      ),
      [
        () => tilegrad.tensordot(ones([1, 1, 1, 1, 1]), ones([1, 1, 1, 1]), { dims: 0 }),
        'ERR_SHAPE',
      ],
    ],
    gradients: [
      one((a, b) => tilegrad.tensordot(a!, b!), [2, 2, 3], [2, 3, 2]),
      one((a, b) => tilegrad.tensordot(a!, b!, { dims: [[0], [-1]] }), [2, 3], [2, 2]),
      one((a, b) => tilegrad.tensordot(a!, b!, { dims: 0 }), [2], [3]),
    ],
  },
  multiDot: {
    misuse: [
      ...[undefined, null, 5, 'text', {}, [], [x]].map(
        (list): Misuse => [() => tilegrad.multiDot(wrong(list)), 'ERR_ARGUMENT'],
      ),
      ...tensorArguments((t) => tilegrad.multiDot([v2, t, v3]), {
        takesHalf: true,
        takesWhole: true,
      }),
      [() => tilegrad.multiDot([x, x]), 'ERR_SHAPE'],
      [() => tilegrad.multiDot([v2, v3]), 'ERR_SHAPE'],
      [() => tilegrad.multiDot([x, v3, x]), 'ERR_SHAPE'],
      [() => tilegrad.multiDot([x, ones([])]), 'ERR_SHAPE'],
    ],
    gradients: [
      one((...list) => tilegrad.multiDot(list), [2, 3], [3, 2], [2, 2]),
      one((...list) => tilegrad.multiDot(list), [2], [2, 3], [3]),
    ],
  },
  chainMatmul: {
    misuse: [
      [() => tilegrad.chainMatmul(), 'ERR_ARGUMENT'],
      ...tensorArguments((t) => tilegrad.chainMatmul(x, t), { takesHalf: true, takesWhole: true }),
      [() => tilegrad.chainMatmul(v3), 'ERR_SHAPE'],
      [() => tilegrad.chainMatmul(x, x), 'ERR_SHAPE'],
    ],
    gradients: [
      one((...list) => tilegrad.chainMatmul(...list), [2, 3], [3, 2], [2, 2]),
      one((a) => tilegrad.chainMatmul(a!), [2, 3]),
    ],
  },
  addmv: {
    misuse: [
      ...addends('addmv', tilegrad.addmv, x, v3, v2),
      [() => tilegrad.addmv(v2, x, v2), 'ERR_SHAPE'],
      [() => tilegrad.addmv(v2, x, x), 'ERR_SHAPE'],
    ],
    gradients: [
      one((c, a, b) => tilegrad.addmv(c!, a!, b!), [2], [2, 3], [3]),
      one((c, a, b) => tilegrad.addmv(c!, a!, b!, { alpha: -2, beta: 0.5 }), [1], [2, 3], [3]),
    ],
  },
  addr: {
    misuse: [
      ...addends('addr', tilegrad.addr, v2, v3, x),
      [() => tilegrad.addr(x, x, v3), 'ERR_SHAPE'],
    ],
    gradients: [
      one((c, a, b) => tilegrad.addr(c!, a!, b!), [2, 3], [2], [3]),
      one((c, a, b) => tilegrad.addr(c!, a!, b!, { alpha: -2, beta: 0.5 }), [3], [2], [3]),
    ],
  },
  addbmm: {
    misuse: [
      ...addends('addbmm', tilegrad.addbmm, cube, ones([2, 3, 2]), ones([2, 2])),
      [() => tilegrad.addbmm(ones([2, 2]), cube, ones([1, 3, 2])), 'ERR_SHAPE'],
      [() => tilegrad.addbmm(ones([2, 2]), cube, cube), 'ERR_SHAPE'],
    ],
    gradients: [
      one((c, a, b) => tilegrad.addbmm(c!, a!, b!), [2, 2], [2, 2, 3], [2, 3, 2]),
      one(
        (c, a, b) => tilegrad.addbmm(c!, a!, b!, { alpha: 3, beta: 0.5 }),
        [1],
        [2, 2, 3],
        [2, 3, 2],
      ),
    ],
  },
};

export const tensorProducts: Family = {
  title: 'Products of tensors',
  operations,
  bits(add) {
    for (const dtype of dtypes) {
      add(`einsum ${dtype}`, () => [
        ...withGradients(
          (a, b) => einsum('bhqd,bhkd->bhqk', a, b),
          numbers([2, 3, 19, 8], dtype),
          numbers([2, 3, 21, 8], dtype, 3),
        ),
        ...withGradients(
          (a, b, c) => einsum('ij,jk,kl->li', a, b, c),
          numbers([33, 7], dtype),
          numbers([7, 65], dtype, 3),
          numbers([65, 5], dtype, 4),
        ),
        ...withGradients((a) => einsum('iij->j', a), numbers([17, 17, 9], dtype)),
        ...withGradients(
          (a, b) => einsum('bi,bi->b', a, b),
          numbers([37, 130], dtype),
          numbers([37, 130], dtype, 3),
        ),
      ]);
      add(`products by name ${dtype}`, () => [
        ...withGradients(tilegrad.kron, numbers([3, 17], dtype), numbers([5, 7], dtype, 3)),
        ...withGradients(
          (c, a, b) => tilegrad.addbmm(c, a, b),
          numbers([9, 11], dtype),
          numbers([3, 9, 17], dtype, 3),
          numbers([3, 17, 11], dtype, 4),
        ),
        tilegrad.addmv(zeros([33], { dtype }), numbers([33, 65], dtype), numbers([65], dtype, 3)),
      ]);
      add(`dot ${dtype}`, () =>
        withGradients(tilegrad.dot, numbers([70001], dtype), numbers([70001], dtype, 3)),
      );
    }
  },
};
