/** Module itself, containers, summary, Bilinear. */
import * as tilegrad from 'tilegrad';
import { nn, ones, zeros } from 'tilegrad';
import { type Add, type Float, numbers, withGradients } from './bits.js';
import { type Case, one } from './gradients.js';
import {
  bytes,
  dtypesOf,
  half,
  integers,
  kinds,
  learned,
  type Misuse,
  optionsOf,
  tensorArguments,
  wrong,
  x,
} from './misuse.js';
import type { Family } from './operation.js';

const double = ones([1, 3, 4], { dtype: 'float64' });
const weight = ones([2, 3, 4]);
const [x1, x2] = [ones([5, 3]), ones([5, 4])];

const bilinearCases: Case[] = [
  one((a, b, w) => tilegrad.bilinear(a!, b!, w!), [2, 3], [2, 2], [2, 3, 2]),
  one((a, b, w, c) => tilegrad.bilinear(a!, b!, w!, c), [2, 2, 3], [2, 2, 1], [2, 3, 1], [2]),
  one((a, b, w, c) => tilegrad.bilinear(a!, b!, w!, c), [3], [2], [1, 3, 2], [1]),
  one((a, b, w, c) => tilegrad.bilinear(a!, b!, w!, c), [0, 3], [0, 2], [2, 3, 2], [2]),
];

function bits(add: Add, dtype: Float): void {
  for (const [count, outputs, first, second] of [
    [33, 5, 19, 7],
    [3, 2, 70, 65],
  ] as const) {
    add(`bilinear ${count} of ${outputs}x${first}x${second} ${dtype}`, () =>
      withGradients(
        tilegrad.bilinear as never,
        numbers([count, first], dtype),
        numbers([count, second], dtype, 3),
        numbers([outputs, first, second], dtype, 4),
        numbers([outputs], dtype, 5),
      ),
    );
  }
}

const linear = (): nn.Linear => new nn.Linear(1, 1);
const notModules = [...kinds, x, nn.Linear];
const notFunctions = kinds.filter((value) => typeof value !== 'function');
/** Neither an object nor a list of pairs. */
const notNamed = [null, 5, 'text', true, [1, 2], [['a']], ['ab'], () => x, new Float32Array(2)];
const notNames = [undefined, null, 5, '', 'a.b', {}];
const notIndices = [undefined, null, '0', 0.5, 2, -3, Number.NaN];

const rejects = (
  values: readonly unknown[],
  call: (value: never) => unknown,
  message?: string,
): Misuse[] =>
  values.map((value): Misuse => {
    const wrongCall = (): unknown => call(wrong(value));
    return message === undefined
      ? [wrongCall, 'ERR_ARGUMENT']
      : [wrongCall, 'ERR_ARGUMENT', message];
  });

const indices = (call: (index: never) => unknown): Misuse[] =>
  notIndices.map((index): Misuse => [() => call(wrong(index)), 'ERR_INDEX']);

type Method = 'registerParameter' | 'registerBuffer' | 'registerModule';
function register(method: Method, name: string, value: unknown): unknown {
  const layer: Record<Method, (name: string, value: never) => unknown> = linear();
  return layer[method](name, wrong(value));
}

/** Wrong names, names that are taken, and values of another kind. */
const registrations: Misuse[] = [
  ...(['registerParameter', 'registerBuffer', 'registerModule'] as const).flatMap((method) => [
    ...rejects(
      [...notNames, 'forward', 'inFeatures', 'training'],
      (name) => register(method, name, null),
      `[${method}]`,
    ),
    ...rejects(
      kinds.filter((value) => value !== null),
      (value) => register(method, 'more', value),
      method === 'registerBuffer' ? '[Buffer]' : `[${method}]`,
    ),
  ]),
  ...rejects([x], (value) => linear().registerParameter('more', value), 'nn.Parameter'),
  [() => linear().registerModule('weight', new nn.ReLU()), 'ERR_ARGUMENT', '"weight" already'],
  [() => linear().registerBuffer('weight', x), 'ERR_ARGUMENT', '[registerBuffer]'],
  [
    () => linear().registerParameter('forward', new nn.Parameter(zeros([1]))),
    'ERR_ARGUMENT',
    '[registerParameter]',
  ],
];

const hooks: Misuse[] = (
  [
    'registerForwardPreHook',
    'registerForwardHook',
    'registerFullBackwardPreHook',
    'registerFullBackwardHook',
  ] as const
).flatMap((method) => rejects(notFunctions, (hook) => linear()[method](hook), `[${method}]`));

/** A linear layer's backward pass with hooks. */
function backwardWith(register: (layer: nn.Linear) => void, requiresGrad = true): void {
  const layer = new nn.Linear(3, 2);
  register(layer);
  layer
    .forward(ones([2, 3], { requiresGrad }))
    .sum()
    .backward();
}

const hookResults: Misuse[] = [
  ...rejects(
    [5, 'text', {}, [5], [x, x], []],
    (given) => backwardWith((layer) => void layer.registerFullBackwardHook(() => given)),
    '',
  ),
  ...rejects(
    [5, [x, x]],
    (given) => backwardWith((layer) => void layer.registerFullBackwardPreHook(() => given)),
    '',
  ),
  [
    () => backwardWith((layer) => void layer.registerFullBackwardHook(() => [x]), false),
    'ERR_ARGUMENT',
    'requires none',
  ],
];

const states: Misuse[] = [
  ...[undefined, null, 5, 'text'].map(
    (state): Misuse => [
      () => linear().loadStateDict(wrong(state)),
      'ERR_ARGUMENT',
      '[loadStateDict]',
    ],
  ),
  [() => linear().loadStateDict({}), 'ERR_ARGUMENT', 'weight, bias'],
  ...optionsOf('loadStateDict', (options) => linear().loadStateDict({}, options)).map(
    ([call, code]): Misuse => [call, code, '[loadStateDict]'],
  ),
];

const collections = (
  make: (items: never) => unknown,
  list: () => {
    at(index: number): unknown;
    append(item: never): unknown;
    insert(index: number, item: never): unknown;
    set(index: number, item: never): unknown;
    extend(items: never): unknown;
    forward(): unknown;
  },
  item: unknown,
  notItems: readonly unknown[],
): Misuse[] => [
  ...rejects([null, 5, true, {}, () => x], make),
  ...rejects(notItems, (value) => make(wrong([value]))),
  ...rejects(notItems, (value) => list().append(value)),
  ...rejects(notItems, (value) => list().insert(0, value)),
  ...rejects(notItems, (value) => list().set(0, value)),
  ...rejects(notItems, (value) => list().extend(wrong([value]))),
  ...indices((index) => list().at(index)),
  ...indices((index) => list().set(index, wrong(item))),
  ...indices((index) => (index === 2 ? list().at(2) : list().insert(index, wrong(item)))),
  [() => list().forward(), 'ERR_STATE'],
];

const dictionaries = (
  make: (items: never) => unknown,
  dictionary: () => {
    get(name: never): unknown;
    set(name: never, item: never): unknown;
    forward(): unknown;
  },
  item: unknown,
  notItems: readonly unknown[],
): Misuse[] => [
  ...rejects(notNamed, make),
  ...rejects(notItems, (value) => make(wrong({ a: value }))),
  ...rejects(notItems, (value) => dictionary().set(wrong('b'), value)),
  ...rejects(notNames, (name) => dictionary().set(name, wrong(item))),
  ...rejects([...notNames, 'b', 'toString'], (name) => dictionary().get(name)),
  [() => dictionary().forward(), 'ERR_STATE'],
];

/** bfloat16 is taken, but not beside float32. */
const mixed = { half: 'convert with to(...)' };
const notTensors = kinds.map((value) => value);

export const modules: Family = {
  title: 'Modules',
  operations: {
    bilinear: {
      misuse: [
        ...tensorArguments((t) => tilegrad.bilinear(t, x2, weight), mixed),
        ...tensorArguments((t) => tilegrad.bilinear(x1, t, weight), mixed),
        ...tensorArguments((t) => tilegrad.bilinear(x1, x2, t), mixed),
        ...tensorArguments((t) => tilegrad.bilinear(x1, x2, weight, t), mixed).slice(2),
        [() => tilegrad.bilinear(x2, x1, weight), 'ERR_SHAPE'],
        [() => tilegrad.bilinear(x1, ones([4, 4]), weight), 'ERR_SHAPE'],
        [() => tilegrad.bilinear(x1, ones([4]), weight), 'ERR_SHAPE'],
        [() => tilegrad.bilinear(x1, x2, ones([3, 4])), 'ERR_SHAPE'],
        [() => tilegrad.bilinear(ones([]), x2, weight), 'ERR_SHAPE'],
        [() => tilegrad.bilinear(x1, x2, weight, ones([3])), 'ERR_SHAPE'],
        [() => tilegrad.bilinear(x1, x2, weight, ones([1])), 'ERR_SHAPE'],
        [() => tilegrad.bilinear(x1, x2, double), 'ERR_DTYPE'],
        [() => tilegrad.bilinear(x1, ones([5, 4], { dtype: 'float64' }), weight), 'ERR_DTYPE'],
      ],
      gradients: bilinearCases,
    },
  },
  modules: {
    Bilinear: [
      ...learned(
        'Bilinear',
        [1, 1, 1],
        ([a, b, c], options) => new nn.Bilinear(a!, b!, c!, options),
      ),
      [() => new nn.Bilinear(3, 4, 1).forward(x2, x1), 'ERR_SHAPE', '[bilinear]'],
    ],
    Buffer: [
      ...tensorArguments((t) => new nn.Buffer(t), { takesIntegers: true }),
      ...optionsOf('Buffer', (options) => new nn.Buffer(x, options)),
    ],
    Lambda: [
      ...rejects(notFunctions, (fn) => new nn.Lambda(fn)),
      [() => new nn.Lambda((() => undefined) as never).forward(x), 'ERR_ARGUMENT', 'nothing'],
    ],
    Module: [
      ...states,
      ...registrations,
      ...hooks,
      ...hookResults,
      ...rejects(notFunctions, (fn) => linear().apply(fn), '[apply]'),
      ...['int32', 'bool', 'int16', 5, null, undefined].map(
        (dtype): Misuse => [() => linear().to(wrong(dtype)), 'ERR_DTYPE', '[to]'],
      ),
      ...rejects([null, 0, 'yes'], (value) => linear().requiresGrad_(value), '[requiresGrad_]'),
      ...rejects([null, 0, 'yes'], (value) => linear().train(value), '[train]'),
      ...rejects([null, 5, '', 'x'], (name) => linear().getParameter(name), '[getParameter]'),
      ...rejects([null, 5, '', 'x'], (name) => linear().getBuffer(name), '[getBuffer]'),
      ...rejects([null, 5, 'weight'], (name) => linear().getSubmodule(name), '[getSubmodule]'),
      ...rejects(
        [null, 7, { unheard: 1 }],
        (options) => linear().numParameters(options),
        '[numParameters]',
      ),
    ],
    ModuleDict: dictionaries(
      (items) => new nn.ModuleDict(items),
      () => new nn.ModuleDict({ a: linear() }),
      linear(),
      notModules,
    ),
    ModuleList: collections(
      (items) => new nn.ModuleList(items),
      () => new nn.ModuleList([linear(), linear()]),
      linear(),
      notModules,
    ),
    Parameter: [
      ...rejects(notTensors, (values) => new nn.Parameter(values)),
      ...[integers, bytes].map((t): Misuse => [() => new nn.Parameter(t), 'ERR_DTYPE']),
    ],
    ParameterDict: [
      ...dictionaries(
        (items) => new nn.ParameterDict(items),
        () => new nn.ParameterDict({ a: x }),
        x,
        notTensors,
      ),
      [() => new nn.ParameterDict({ a: integers }), 'ERR_DTYPE', '[Parameter]'],
    ],
    ParameterList: [
      ...collections(
        (items) => new nn.ParameterList(items),
        () => new nn.ParameterList([x, x]),
        x,
        notTensors,
      ),
      [() => new nn.ParameterList([integers]), 'ERR_DTYPE', '[Parameter]'],
    ],
    Sequential: [
      ...rejects(
        kinds.filter((value) => typeof value !== 'function'),
        (layer) => new nn.Sequential(linear(), layer),
      ),
      ...rejects(
        notNamed.filter((value) => typeof value !== 'function'),
        (layers) => new nn.Sequential(layers),
      ),
      ...rejects([5, 'text', x], (layer) => new nn.Sequential(wrong({ a: layer }))),
      ...rejects(notNames, (name) => new nn.Sequential(wrong([[name, linear()]]))),
      ...rejects([5, null, x], (layer) => new nn.Sequential().append(layer)),
      ...indices((index) => new nn.Sequential(linear(), linear()).at(index)),
      [
        () =>
          new nn.Sequential([
            ['a', linear()],
            ['a', linear()],
          ]),
        'ERR_ARGUMENT',
        'same name',
      ],
      [
        () => new nn.Sequential({ 1: linear() }).append(linear()),
        'ERR_ARGUMENT',
        'named "1" already',
      ],
    ],
    summary: [
      ...rejects(notModules, (module) => nn.summary(module, [1, 1])),
      ...rejects([undefined, null, 5, 'text', {}], (input) => nn.summary(linear(), input)),
      ...[[-1], [0.5], ['1'], [[1], [-1]]].map(
        (shape): Misuse => [() => nn.summary(linear(), wrong(shape)), 'ERR_SHAPE', '[summary]'],
      ),
      ...optionsOf('summary', (options) => nn.summary(linear(), [1, 1], options)),
      ...dtypesOf((options) => nn.summary(linear(), [1, 1], options)).map(
        ([call, code]): Misuse => [call, code, ''],
      ),
      ...rejects([-1, Number.NaN, '1', null], (depth) =>
        nn.summary(linear(), [1, 1], wrong({ depth })),
      ),
      [() => nn.summary(linear(), [1, 1], { dtype: ['float32', 'int32'] }), 'ERR_ARGUMENT'],
      [() => nn.summary(linear(), [1, 2]), 'ERR_SHAPE', '[linear]'],
    ],
  },
  parametrize: {
    registerParametrization: [
      ...rejects([undefined, null, 5, x], (module) => {
        return nn.utils.parametrize.registerParametrization(module, 'weight', new nn.Identity());
      }),
      ...rejects([undefined, null, 5, x], (parametrization) => {
        return nn.utils.parametrize.registerParametrization(linear(), 'weight', parametrization);
      }),
      ...rejects([undefined, null, 5, 'gain', 'toString', 'inFeatures'], (name) => {
        return nn.utils.parametrize.registerParametrization(linear(), name, new nn.Identity());
      }),
      [
        () => nn.utils.parametrize.registerParametrization(linear(), 'weight', new nn.Flatten(0)),
        'ERR_SHAPE',
        '[registerParametrization] weight has shape',
      ],
      [
        () => {
          const convert = new nn.Lambda((t) => t.to('float64'));
          nn.utils.parametrize.registerParametrization(linear(), 'weight', convert);
        },
        'ERR_DTYPE',
      ],
    ],
    removeParametrizations: [
      ...rejects([undefined, null, 5, x], (module) => {
        return nn.utils.parametrize.removeParametrizations(module, 'weight');
      }),
      ...optionsOf('removeParametrizations', (options) =>
        nn.utils.parametrize.removeParametrizations(linear(), 'weight', options),
      ),
      ...rejects(['weight', 'gain', undefined], (name) =>
        nn.utils.parametrize.removeParametrizations(linear(), name),
      ),
      ...rejects([0, 'no', false], (leaveParametrized) => {
        const layer = nn.utils.parametrizations.weightNorm(linear());
        nn.utils.parametrize.removeParametrizations(layer, 'weight', { leaveParametrized });
      }),
    ],
    isParametrized: rejects([undefined, null, 5, x], (module) =>
      nn.utils.parametrize.isParametrized(module),
    ),
  },
  parametrizations: {
    weightNorm: [
      ...rejects([undefined, null, 5, x], (module) => nn.utils.parametrizations.weightNorm(module)),
      ...optionsOf('weightNorm', (o) => nn.utils.parametrizations.weightNorm(linear(), o)),
      ...rejects(['gain', 5, null], (name) =>
        nn.utils.parametrizations.weightNorm(linear(), { name }),
      ),
      ...rejects([2, -1, 0.5, '0'], (dim) =>
        nn.utils.parametrizations.weightNorm(linear(), { dim }),
      ),
    ],
    spectralNorm: [
      ...rejects([undefined, null, 5, x], (module) =>
        nn.utils.parametrizations.spectralNorm(module),
      ),
      ...optionsOf('spectralNorm', (o) => nn.utils.parametrizations.spectralNorm(linear(), o)),
      ...['name', 'dim', 'nPowerIterations', 'eps', 'generator'].flatMap((key) =>
        rejects([-1, 'gain'], (value) =>
          nn.utils.parametrizations.spectralNorm(linear(), { [key]: value }),
        ),
      ),
    ],
  },
  utilities: {
    parametersToVector: [
      ...rejects([undefined, null, 5, {}, x, [5], [x, null], []], (list) =>
        nn.utils.parametersToVector(list),
      ),
      [() => nn.utils.parametersToVector([x, double]), 'ERR_DTYPE'],
    ],
    vectorToParameters: [
      ...rejects([undefined, null, 5, [1, 2]], (vector) => nn.utils.vectorToParameters(vector, [])),
      ...rejects([undefined, null, 5, {}, x, [5]], (list) =>
        nn.utils.vectorToParameters(ones([6]), list),
      ),
      ...[ones([5]), ones([7]), x, ones([])].map(
        (vector): Misuse => [() => nn.utils.vectorToParameters(vector, [x]), 'ERR_SHAPE'],
      ),
      [() => nn.utils.vectorToParameters(ones([6], { dtype: 'float64' }), [x]), 'ERR_DTYPE'],
      [() => nn.utils.vectorToParameters(half.reshape([6]), [x]), 'ERR_DTYPE'],
    ],
  },
  bits(add) {
    for (const dtype of ['float32', 'float64'] as const) bits(add, dtype);
  },
};
