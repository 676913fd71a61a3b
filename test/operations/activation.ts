/** Activations, with parameters and without, and their modules. */
import * as tilegrad from 'tilegrad';
import { nn, ones, type Tensor } from 'tilegrad';
import { dtypes, type Float, hostile, lengths, MANY, numbers, withGradients } from './bits.js';
import { type Case, type Fn, unary as gradientsOf, one } from './gradients.js';
import {
  dims,
  dtypesOf,
  floatUnary,
  integers,
  type Misuse,
  notFinite,
  numberUnary,
  optionsOf,
  tensorArguments,
  unary,
  wrong,
  x,
} from './misuse.js';
import type { Family, Operation } from './operation.js';

type Activation = (x: Tensor, options?: never) => Tensor;

/** A function of the tensor alone. */
const plain = (
  fn: Activation,
  gradients: readonly Case[] = gradientsOf((x) => fn(x)),
): Operation => ({
  misuse: floatUnary(fn),
  gradients,
});

/**
 * A function with options that are all finite numbers. Gradients are checked without and with some
 * choices of them, at the inputs times `scale`.
 */
function withNumbers(
  name: string,
  fn: Activation,
  keys: readonly string[],
  choices: readonly object[],
  more: readonly Misuse[] = [],
  scale = 1,
): Operation {
  return {
    misuse: [
      ...floatUnary((t) => fn(t)),
      ...optionsOf(name, (options) => fn(x, options)),
      ...wrongNumbers(name, keys, (options) => fn(x, wrong(options))),
      ...more,
    ],
    gradients: [{}, ...choices].flatMap((options) =>
      gradientsOf((t) => fn(t.mul(scale), wrong(options))),
    ),
  };
}

/** Everything but a finite number for each of the options. */
const wrongNumbers = (
  name: string,
  keys: readonly string[],
  call: (options: object) => unknown,
): Misuse[] =>
  keys.flatMap((key) =>
    notFinite.map(
      (value): Misuse => [
        () => call({ [key]: value }),
        'ERR_ARGUMENT',
        `[${name}] ${key} must be a finite number`,
      ],
    ),
  );

const zero = (name: string, key: string, call: () => unknown): Misuse => [
  call,
  'ERR_ARGUMENT',
  `[${name}] ${key} is divided by`,
];

const crossed = (name: string, call: () => unknown): Misuse => [
  call,
  'ERR_ARGUMENT',
  `[${name}] minVal 2 is above maxVal 1`,
];

const negative = (name: string, call: () => unknown): Misuse => [
  call,
  'ERR_ARGUMENT',
  `[${name}] lambda must be a finite number >= 0`,
];

const limits = (name: string, call: (limit: never, value: never) => unknown): Misuse[] =>
  [undefined, null, ...notFinite].flatMap((number): Misuse[] => [
    [() => call(wrong(number), wrong(0)), 'ERR_ARGUMENT', `[${name}] threshold must be`],
    [() => call(wrong(0), wrong(number)), 'ERR_ARGUMENT', `[${name}] value must be`],
  ]);

const approximations = (name: string, call: (approximate: never) => unknown): Misuse[] =>
  [null, 5, 'erf', true].map(
    (approximate): Misuse => [
      () => call(wrong(approximate)),
      'ERR_ARGUMENT',
      `[${name}] approximate is none or tanh`,
    ],
  );

/** Moves the inputs, which are multiples of 0.1, off the ends of pieces. */
const BESIDE = 1.03;

const operations: Record<string, Operation> = {
  tanh: { ...plain(tilegrad.tanh), misuse: unary(tilegrad.tanh) },
  sigmoid: { ...plain(tilegrad.sigmoid), misuse: unary(tilegrad.sigmoid) },
  logsigmoid: plain(tilegrad.logsigmoid),
  relu: { ...plain(tilegrad.relu), misuse: numberUnary(tilegrad.relu) },
  silu: plain(tilegrad.silu),
  selu: plain(tilegrad.selu),
  mish: plain(tilegrad.mish),
  softsign: plain(tilegrad.softsign),
  tanhshrink: plain(tilegrad.tanhshrink),
  relu6: plain(
    tilegrad.relu6,
    gradientsOf((t) => tilegrad.relu6(t.mul(4 * BESIDE))),
  ),
  hardsigmoid: plain(
    tilegrad.hardsigmoid,
    gradientsOf((t) => tilegrad.hardsigmoid(t.mul(BESIDE))),
  ),
  hardswish: plain(
    tilegrad.hardswish,
    gradientsOf((t) => tilegrad.hardswish(t.mul(BESIDE))),
  ),
  softplus: withNumbers(
    'softplus',
    tilegrad.softplus,
    ['beta', 'threshold'],
    [{ beta: 2 }, { beta: -0.5 }, { beta: 3, threshold: 40 }],
    [zero('softplus', 'beta', () => tilegrad.softplus(x, { beta: 0 }))],
  ),
  // A negative slope makes outputs above 0 of inputs below it.
  leakyRelu: withNumbers(
    'leakyRelu',
    tilegrad.leakyRelu,
    ['negativeSlope'],
    [0, 0.3, -0.3, 2].map((negativeSlope) => ({ negativeSlope })),
  ),
  elu: withNumbers('elu', tilegrad.elu, ['alpha'], [{ alpha: 0.3 }, { alpha: -2 }]),
  celu: withNumbers(
    'celu',
    tilegrad.celu,
    ['alpha'],
    [{ alpha: 0.3 }, { alpha: 2 }],
    [zero('celu', 'alpha', () => tilegrad.celu(x, { alpha: 0 }))],
  ),
  gelu: {
    misuse: [
      ...floatUnary(tilegrad.gelu),
      ...optionsOf('gelu', (options) => tilegrad.gelu(x, options)),
      ...approximations('gelu', (approximate) => x.gelu({ approximate })),
    ],
    gradients: [
      ...gradientsOf((t) => tilegrad.gelu(t)),
      ...gradientsOf((t) => tilegrad.gelu(t, { approximate: 'tanh' })),
    ],
  },
  rrelu: (() => {
    const { misuse, gradients } = withNumbers(
      'rrelu',
      tilegrad.rrelu,
      ['lower', 'upper'],
      [{ lower: 0.1, upper: 0.7 }],
      [
        [() => tilegrad.rrelu(x, { lower: 1, upper: 0 }), 'ERR_ARGUMENT'],
        [() => tilegrad.rrelu(x, { generator: wrong(5) }), 'ERR_ARGUMENT'],
      ],
    );
    // Of the same slopes every time.
    const drawn = (t: Tensor) =>
      tilegrad.rrelu(t, { training: true, generator: new tilegrad.Generator(1) });
    return { misuse, gradients: [...(gradients as Case[]), one(drawn, [3, 4])] };
  })(),
  hardtanh: withNumbers(
    'hardtanh',
    tilegrad.hardtanh,
    ['minVal', 'maxVal'],
    [{ minVal: -0.25, maxVal: 2 }, { minVal: 0.25 }],
    [crossed('hardtanh', () => tilegrad.hardtanh(x, { minVal: 2 }))],
    BESIDE,
  ),
  softshrink: withNumbers(
    'softshrink',
    tilegrad.softshrink,
    ['lambda'],
    [{ lambda: 0 }, { lambda: 1.25 }],
    [negative('softshrink', () => tilegrad.softshrink(x, { lambda: -1 }))],
    BESIDE,
  ),
  hardshrink: withNumbers(
    'hardshrink',
    tilegrad.hardshrink,
    ['lambda'],
    [{ lambda: 0 }, { lambda: 1.25 }, { lambda: -1 }],
    [],
    BESIDE,
  ),
  threshold: {
    misuse: [
      ...tensorArguments((t) => tilegrad.threshold(t, 1, 2)),
      ...limits('threshold', (limit, value) => tilegrad.threshold(x, limit, value)),
    ],
    gradients: [
      ...gradientsOf((t) => tilegrad.threshold(t, 0.55, 20)),
      ...gradientsOf((t) => tilegrad.threshold(t, -0.55, -3)),
    ],
  },
  prelu: {
    misuse: [
      ...tensorArguments((t) => tilegrad.prelu(t, x.slice([0, 0]))),
      ...tensorArguments((t) => tilegrad.prelu(x, t)),
      [() => tilegrad.prelu(x, ones([3], { dtype: 'float64' })), 'ERR_DTYPE', 'the weight float64'],
      [() => tilegrad.prelu(x, ones([2])), 'ERR_SHAPE', '3 channels'],
      [() => tilegrad.prelu(x, ones([1, 3])), 'ERR_SHAPE'],
      [() => tilegrad.prelu(ones([3]), ones([3])), 'ERR_SHAPE', '1 channels'],
    ],
    gradients: (
      [
        [[2, 3], [3]],
        [[2, 3], [1]],
        [[2, 3], []],
        [[4], [1]],
        [[], []],
        [[2, 3, 2], [3]],
        [[0, 3], [3]],
      ] as number[][][]
    ).map((shapes) => one((t, weight) => tilegrad.prelu(t, weight), ...shapes)),
  },
  glu: {
    misuse: [
      ...tensorArguments((t) => tilegrad.glu(t)),
      ...dims((dim) => tilegrad.glu(x, dim)),
      [() => tilegrad.glu(x), 'ERR_SHAPE', '3 is odd'],
      [() => tilegrad.glu(ones([])), 'ERR_INDEX'],
    ],
    gradients: [
      one((t) => tilegrad.glu(t), [3, 4]),
      one((t) => tilegrad.glu(t, 0), [4, 3]),
      one((t) => tilegrad.glu(t, 1), [2, 6, 3]),
      one((t) => tilegrad.glu(t), [2]),
      one((t) => tilegrad.glu(t), [3, 0]),
      one((t) => tilegrad.glu(t), [0, 2]),
    ],
  },
};

/** A module without options: the errors are the function's. */
const plainModule = (fn: string, make: () => nn.Module, misuse = floatUnary): Misuse[] =>
  misuse((t) => make().forward(t)).map(([call, code]): Misuse => [call, code, `[${fn}]`]);

/** A module whose options are all finite numbers. */
const moduleOf = (
  name: string,
  fn: string,
  keys: readonly string[],
  make: (options?: never) => nn.Module,
): Misuse[] => [
  ...plainModule(fn, () => make()),
  ...optionsOf(name, make),
  ...wrongNumbers(name, keys, (options) => make(wrong(options))),
];

const alongDim = (name: string, fn: string, make: (dim?: never) => nn.Module): Misuse[] =>
  [
    ...plainModule(fn, () => make()),
    ...[0.5, '0', null, {}, Number.NaN].map((dim): Misuse => [() => make(wrong(dim)), 'ERR_INDEX']),
    [() => make(wrong(2)).forward(x), 'ERR_INDEX', `[${fn}]`],
  ].map(([call, code, message = `[${name}]`]): Misuse => [call, code, message] as Misuse);

const modules: Record<string, readonly Misuse[]> = {
  ReLU: plainModule('relu', () => new nn.ReLU(), numberUnary),
  ReLU6: plainModule('relu6', () => new nn.ReLU6()),
  SiLU: plainModule('silu', () => new nn.SiLU()),
  SELU: plainModule('selu', () => new nn.SELU()),
  Sigmoid: plainModule('sigmoid', () => new nn.Sigmoid(), unary),
  LogSigmoid: plainModule('logsigmoid', () => new nn.LogSigmoid()),
  Tanh: plainModule('tanh', () => new nn.Tanh(), unary),
  Tanhshrink: plainModule('tanhshrink', () => new nn.Tanhshrink()),
  Softsign: plainModule('softsign', () => new nn.Softsign()),
  Mish: plainModule('mish', () => new nn.Mish()),
  Hardsigmoid: plainModule('hardsigmoid', () => new nn.Hardsigmoid()),
  Hardswish: plainModule('hardswish', () => new nn.Hardswish()),
  LeakyReLU: moduleOf('LeakyReLU', 'leakyRelu', ['negativeSlope'], (o) => new nn.LeakyReLU(o)),
  ELU: moduleOf('ELU', 'elu', ['alpha'], (o) => new nn.ELU(o)),
  CELU: [
    ...moduleOf('CELU', 'celu', ['alpha'], (o) => new nn.CELU(o)),
    zero('CELU', 'alpha', () => new nn.CELU({ alpha: 0 })),
  ],
  Softplus: [
    ...moduleOf('Softplus', 'softplus', ['beta', 'threshold'], (o) => new nn.Softplus(o)),
    zero('Softplus', 'beta', () => new nn.Softplus({ beta: 0 })),
  ],
  GELU: [
    ...plainModule('gelu', () => new nn.GELU()),
    ...optionsOf('GELU', (options) => new nn.GELU(options)),
    ...approximations('GELU', (approximate) => new nn.GELU({ approximate })),
  ],
  Hardtanh: [
    ...moduleOf('Hardtanh', 'hardtanh', ['minVal', 'maxVal'], (o) => new nn.Hardtanh(o)),
    crossed('Hardtanh', () => new nn.Hardtanh({ minVal: 2 })),
  ],
  Softshrink: [
    ...moduleOf('Softshrink', 'softshrink', ['lambda'], (o) => new nn.Softshrink(o)),
    negative('Softshrink', () => new nn.Softshrink({ lambda: -1 })),
  ],
  Hardshrink: moduleOf('Hardshrink', 'hardshrink', ['lambda'], (o) => new nn.Hardshrink(o)),
  RReLU: [
    ...moduleOf('RReLU', 'rrelu', ['lower', 'upper'], (o) => new nn.RReLU(o)),
    [() => new nn.RReLU({ lower: 1, upper: 0 }), 'ERR_ARGUMENT'],
    [() => new nn.RReLU({ generator: wrong(5) }), 'ERR_ARGUMENT'],
  ],
  Threshold: [
    ...plainModule('threshold', () => new nn.Threshold(0, 1)),
    ...limits('Threshold', (limit, value) => new nn.Threshold(limit, value)),
  ],
  PReLU: [
    ...plainModule('prelu', () => new nn.PReLU()),
    ...[null, 0, -1, 1.5, '3', [3]].map(
      (count): Misuse => [() => new nn.PReLU(wrong(count)), 'ERR_ARGUMENT'],
    ),
    ...optionsOf('PReLU', (options) => new nn.PReLU(1, options)),
    ...wrongNumbers('PReLU', ['init'], (options) => new nn.PReLU(1, options)),
    ...dtypesOf((options) => new nn.PReLU(1, options)),
    [() => new nn.PReLU(1, { dtype: 'int32' }), 'ERR_DTYPE'],
    [() => new nn.PReLU(2).forward(x), 'ERR_SHAPE', '[prelu]'],
    [() => new nn.PReLU(3).forward(integers), 'ERR_DTYPE', '[prelu]'],
  ],
  GLU: alongDim('GLU', 'glu', (dim) => new nn.GLU(dim)),
  Softmax: alongDim('Softmax', 'softmax', (dim) => new nn.Softmax(dim)),
  Softmin: alongDim('Softmin', 'softmin', (dim) => new nn.Softmin(dim)),
  Softmax2d: [
    ...plainModule('Softmax2d', () => new nn.Softmax2d()).filter(
      ([, code]) => code === 'ERR_ARGUMENT',
    ),
    [() => new nn.Softmax2d().forward(x), 'ERR_SHAPE'],
  ],
  LogSoftmax: alongDim('LogSoftmax', 'logSoftmax', (dim) => new nn.LogSoftmax(dim)),
};

/** Calls with parameters other than the defaults too. */
const variants: Record<string, (x: Tensor) => Tensor> = {
  'softplus beta': (t) => t.softplus({ beta: 2.5, threshold: 20 }),
  logsigmoid: (t) => t.logsigmoid(),
  elu: (t) => t.elu({ alpha: 0.7 }),
  selu: (t) => t.selu(),
  celu: (t) => t.celu({ alpha: 1.3 }),
  mish: (t) => t.mish(),
  softsign: (t) => t.softsign(),
  tanhshrink: (t) => t.tanhshrink(),
  relu6: (t) => t.relu6(),
  hardtanh: (t) => t.hardtanh({ minVal: -0.5, maxVal: 2 }),
  hardsigmoid: (t) => t.hardsigmoid(),
  hardswish: (t) => t.hardswish(),
  softshrink: (t) => t.softshrink(),
  hardshrink: (t) => t.hardshrink(),
  threshold: (t) => t.threshold(0.3, -1),
};

const geluTanh: Fn = (t) => t.gelu({ approximate: 'tanh' });

export const activations: Family = {
  title: 'Activations',
  operations,
  modules,
  bits(add) {
    const everyLength = (dtype: Float, fn: (t: Tensor) => Tensor): Tensor[] => [
      ...lengths.flatMap((n) => withGradients(fn, hostile(n, dtype))),
      ...withGradients((t) => fn(t.transpose()), numbers([31, 67], dtype)),
    ];
    for (const dtype of dtypes) {
      for (const op of [
        ...(['tanh', 'sigmoid', 'softplus', 'relu', 'gelu', 'silu', 'leakyRelu'] as const),
      ]) {
        add(`${op} ${dtype}`, () => everyLength(dtype, (t) => t[op]()));
      }
      add(`gelu tanh ${dtype}`, () => everyLength(dtype, geluTanh));
      for (const [name, fn] of Object.entries(variants)) {
        add(`${name} ${dtype}`, () => [
          ...[33, 1003].flatMap((n) => withGradients(fn, hostile(n, dtype))),
          ...withGradients((t) => fn(t.transpose()), numbers([31, 67], dtype)),
        ]);
      }
      add(`activations in threads ${dtype}`, () =>
        [variants.elu, variants.mish, variants.hardswish].flatMap((fn) =>
          withGradients(fn as Fn, hostile(MANY, dtype)),
        ),
      );
      add(`prelu ${dtype}`, () => [
        ...withGradients((t, w) => t.prelu(w), numbers([61, 33], dtype), numbers([33], dtype, 3)),
        ...withGradients(
          (t, w) => t.prelu(w),
          numbers([3, 5, 7001], dtype),
          numbers([5], dtype, 3),
        ),
        ...withGradients((t, w) => t.prelu(w), hostile(1003, dtype), numbers([1], dtype, 3)),
      ]);
      add(`glu ${dtype}`, () => [
        ...withGradients((t) => t.glu(), numbers([1003, 38], dtype)),
        ...withGradients((t) => t.glu(0), numbers([38, 2003], dtype)),
        ...withGradients((t) => t.glu(1), numbers([7, 6, 33], dtype)),
        ...withGradients((t) => t.glu(), numbers([2, 100_002], dtype)),
        ...withGradients((t) => t.transpose().glu(), numbers([38, 61], dtype)),
        hostile(1002, dtype).glu(),
      ]);
    }
  },
};
