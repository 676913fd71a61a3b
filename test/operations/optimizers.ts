/** Optimizers, and what is done to the gradients of all parameters at once. */
import { crossEntropy, Generator, nn, ones, optim, type Tensor } from 'tilegrad';
import { type Add, dtypes, type Float, MANY, numbers } from './bits.js';
import { leaf, type Misuse, optionsOf, wrong } from './misuse.js';
import type { Family } from './operation.js';

/** Optimizers: parameters, and numbers in ranges. */
function optimizer(
  name: string,
  Class: new (params: never, options?: never) => optim.Optimizer<never>,
  numbers: readonly string[],
): Misuse[] {
  const make = (params: never, options?: never) => new Class(params, options);
  const params = wrong([leaf]);
  const badParams = [
    undefined,
    null,
    5,
    leaf,
    [5],
    [],
    [leaf.mul(2)],
    [leaf, leaf],
    [{}],
    [{ params: 5 }],
    [{ params: [leaf.mul(2)] }],
  ];
  return [
    ...badParams.map((value): Misuse => [() => make(wrong(value)), 'ERR_ARGUMENT', '[optim]']),
    ...[null, 0.1, 'text'].map(
      (options): Misuse => [() => make(params, wrong(options)), 'ERR_ARGUMENT', '[optim]'],
    ),
    [
      () => make(params, wrong({ learningRate: 1 })),
      'ERR_ARGUMENT',
      `[${name}] unknown option "learningRate"`,
    ],
    [
      () => make(wrong([{ params: [leaf], learningRate: 1 }])),
      'ERR_ARGUMENT',
      `[${name}] unknown option "learningRate"`,
    ],
    ...numbers.flatMap((key) =>
      [null, 'text', -1, Number.NaN, Infinity, [1]].map(
        (value): Misuse => [
          () => make(params, wrong({ [key]: value })),
          'ERR_ARGUMENT',
          `[${name}] ${key}`,
        ],
      ),
    ),
    [
      () => {
        make(params).lr = -1;
      },
      'ERR_ARGUMENT',
      '[optim] lr',
    ],
  ];
}

const betas = (make: (options: never) => unknown): Misuse[] =>
  [null, 5, [0.9], [0.9, 1], [-0.1, 0.9], ['0.9', 0.9]].map(
    (value): Misuse => [() => make(wrong({ betas: value })), 'ERR_ARGUMENT'],
  );

/** Wrong calls of an optimizer with two decays. */
const adam = (
  name: string,
  Class: new (params: never, options?: never) => optim.Optimizer<never>,
  numbers: readonly string[],
): Misuse[] => [
  ...optimizer(name, Class, ['lr', 'weightDecay', ...numbers]),
  ...betas((options) => new Class(wrong([leaf]), options)),
];

/** A parameter whose gradient has an infinite norm. */
function infinite(): Tensor {
  const parameter = ones([2], { requiresGrad: true });
  parameter.grad = ones([2]).mul(Infinity);
  return parameter;
}

/** A parameter with a gradient of bfloat16. */
function narrow(): Tensor {
  const parameter = ones([2], { dtype: 'bfloat16', requiresGrad: true });
  parameter.grad = ones([2], { dtype: 'bfloat16' });
  return parameter;
}

const parameterLists = (call: (list: never) => unknown): Misuse[] => [
  ...[undefined, null, 5, {}, [5], [leaf, null], 'text'].map(
    (list): Misuse => [() => call(wrong(list)), 'ERR_ARGUMENT'],
  ),
  [() => call(wrong(narrow())), 'ERR_DTYPE'],
];

const norms = (name: string, call: (options: never) => unknown): Misuse[] => [
  ...optionsOf(name, call),
  ...[0, 3, -1, Number.NaN, '2', null].map(
    (normType): Misuse => [() => call(wrong({ normType })), 'ERR_ARGUMENT'],
  ),
  [() => call(wrong({ errorIfNonfinite: true })), 'ERR_STATE'],
];

const limits = (call: (limit: never) => unknown): Misuse[] =>
  [undefined, null, -1, Number.NaN, '1', [1]].map(
    (limit): Misuse => [() => call(wrong(limit)), 'ERR_ARGUMENT'],
  );

/** Training and single steps with an optimizer. */
function steps(add: Add, dtype: Float): void {
  const optimizers: [string, (params: Iterable<Tensor>) => optim.SGD | optim.Adam][] = [
    ['SGD', (params) => new optim.SGD(params, { lr: 0.1, weightDecay: 1e-3 })],
    [
      'SGD with momentum',
      (params) => new optim.SGD(params, { lr: 0.05, momentum: 0.9, nesterov: true }),
    ],
    ['Adam', (params) => new optim.Adam(params, { lr: 0.01 })],
    ['AdamW', (params) => new optim.AdamW(params, { lr: 0.01 })],
  ];
  for (const [name, make] of optimizers) {
    add(`20 training steps with ${name} ${dtype}`, () => {
      const generator = new Generator(5);
      const model = new nn.Sequential(
        new nn.Linear(37, 65, { dtype, generator }),
        new nn.ReLU(),
        new nn.Dropout(0.2, { generator }),
        new nn.Linear(65, 33, { dtype, generator }),
        new nn.Tanh(),
        new nn.Linear(33, 10, { dtype, generator }),
      );
      const optimizer = make(model.parameters());
      const x = numbers([61, 37], dtype);
      const y = Array.from({ length: 61 }, (_, i) => (3 * i) % 10);
      const losses = Array.from({ length: 20 }, () => {
        optimizer.zeroGrad();
        const loss = crossEntropy(model.forward(x), y);
        loss.backward();
        optimizer.step();
        return loss;
      });
      return [...losses, ...Object.values(model.stateDict())];
    });
    add(`steps of ${name} on much memory ${dtype}`, () => {
      const parameter = new nn.Parameter(numbers([MANY], dtype).clone());
      const optimizer = make([parameter]);
      for (let i = 0; i < 3; i++) {
        parameter.grad = numbers([MANY], dtype, 10 + i);
        optimizer.step();
      }
      return [parameter];
    });
  }
}

/** The rules that the training above doesn't have, with every option that takes another way. */
const rules: [string, (params: Iterable<Tensor>) => optim.Optimizer<never>][] = [
  [
    'amsgrad and a maximum',
    (params) => new optim.Adam(params, { amsgrad: true, maximize: true, betas: [0.4, 0.9] }),
  ],
  ['Adamax', (params) => new optim.Adamax(params, { weightDecay: 0.1 })],
  ['NAdam', (params) => new optim.NAdam(params, { weightDecay: 0.1, decoupledWeightDecay: true })],
  ['RAdam', (params) => new optim.RAdam(params, { weightDecay: 0.1 })],
  ['RMSprop', (params) => new optim.RMSprop(params, { centered: true, momentum: 0.9 })],
  ['plain RMSprop', (params) => new optim.RMSprop(params)],
  ['Adagrad', (params) => new optim.Adagrad(params, { lrDecay: 0.1 })],
  ['Adadelta', (params) => new optim.Adadelta(params)],
  ['Lion', (params) => new optim.Lion(params, { weightDecay: 0.1 })],
  ['Rprop', (params) => new optim.Rprop(params)],
  ['ASGD', (params) => new optim.ASGD(params, { t0: 2, lambd: 0.1 })],
];

/** Parameters of which some share a call and one is shared by threads. */
function parametersOf(dtype: Float): Tensor[] {
  const lengths = [1, 7, 16, 33, 1003, 200_003];
  return lengths.map((n, i) => new nn.Parameter(numbers([n], dtype, i).clone()));
}

function setGradients(parameters: readonly Tensor[], dtype: Float, seed: number): void {
  for (const [i, parameter] of parameters.entries()) {
    parameter.grad = numbers(parameter.shape, dtype, seed + i).clone();
  }
}

export const optimizers: Family = {
  title: 'Optimizers',
  operations: {},
  optimizers: {
    SGD: [
      ...optimizer('SGD', optim.SGD, ['lr', 'momentum', 'weightDecay']),
      [() => new optim.SGD([leaf], { nesterov: true }), 'ERR_ARGUMENT'],
      [
        () => new optim.SGD([leaf], { nesterov: true, momentum: 0.9, dampening: 0.1 }),
        'ERR_ARGUMENT',
      ],
      [() => new optim.SGD([leaf], { dampening: wrong('0') }), 'ERR_ARGUMENT'],
      [() => new optim.SGD([leaf], { momentumForm: wrong('mean') }), 'ERR_ARGUMENT'],
      [
        () => new optim.SGD([leaf], { momentumForm: 'average', momentum: 0.9, dampening: 0.9 }),
        'ERR_ARGUMENT',
      ],
      [() => new optim.SGD([leaf]).addParamGroup({ params: [leaf] }), 'ERR_ARGUMENT', '[optim]'],
      [() => new optim.SGD([leaf]).addParamGroup(wrong({})), 'ERR_ARGUMENT', '[optim]'],
      [
        () => new optim.SGD([leaf]).addParamGroup(wrong({ params: [], rate: 1 })),
        'ERR_ARGUMENT',
        '[SGD] unknown option "rate"',
      ],
      ...['momentum', 'weightDecay'].flatMap((key) =>
        [null, '1', -1, Number.NaN].map(
          (value): Misuse => [
            () => {
              const [group] = new optim.SGD([leaf], { momentum: 0.5 }).groups;
              Object.assign(group as object, { [key]: value });
            },
            'ERR_ARGUMENT',
            `[optim] ${key}`,
          ],
        ),
      ),
      [
        () => {
          (new optim.SGD([leaf]).groups[0] as optim.ParameterGroup).betas = [0.9, 0.9];
        },
        'ERR_ARGUMENT',
        '[optim] this optimizer has no beta1',
      ],
    ],
    Adam: adam('Adam', optim.Adam, ['eps']),
    AdamW: adam('AdamW', optim.AdamW, ['eps']),
    Adamax: adam('Adamax', optim.Adamax, ['eps']),
    NAdam: adam('NAdam', optim.NAdam, ['eps', 'momentumDecay']),
    RAdam: adam('RAdam', optim.RAdam, ['eps']),
    RMSprop: optimizer('RMSprop', optim.RMSprop, [
      ...['lr', 'alpha', 'eps', 'weightDecay', 'momentum'],
    ]),
    Adagrad: optimizer('Adagrad', optim.Adagrad, [
      ...['lr', 'lrDecay', 'weightDecay', 'initialAccumulatorValue', 'eps'],
    ]),
    Adadelta: [
      ...optimizer('Adadelta', optim.Adadelta, ['lr', 'rho', 'eps', 'weightDecay']),
      [() => new optim.Adadelta([leaf], { rho: 1.01 }), 'ERR_ARGUMENT'],
    ],
    LBFGS: [
      ...optimizer('LBFGS', optim.LBFGS, ['lr', 'toleranceGrad', 'toleranceChange']),
      ...['maxIter', 'maxEval', 'historySize'].flatMap((key) =>
        [null, '1', 0, -1, 1.5, Number.NaN].map(
          (value): Misuse => [
            () => new optim.LBFGS([leaf], wrong({ [key]: value })),
            'ERR_ARGUMENT',
            `[LBFGS] ${key}`,
          ],
        ),
      ),
      [() => new optim.LBFGS([leaf], { lineSearchFn: wrong('armijo') }), 'ERR_ARGUMENT'],
      [() => new optim.LBFGS([{ params: [leaf] }, { params: [] }]), 'ERR_ARGUMENT'],
      [() => new optim.LBFGS([leaf]).addParamGroup(), 'ERR_ARGUMENT'],
      [() => new optim.LBFGS([leaf]).step(), 'ERR_ARGUMENT', '[LBFGS] step needs a closure'],
      [
        () => new optim.LBFGS([leaf]).step(wrong(5)),
        'ERR_ARGUMENT',
        '[LBFGS] step needs a closure',
      ],
      [() => new optim.LBFGS([leaf]).step(() => 'loss'), 'ERR_ARGUMENT'],
      [
        () => new optim.LBFGS([leaf, ones([1], { dtype: 'float64', requiresGrad: true })]),
        'ERR_DTYPE',
      ],
    ],
    Lion: adam('Lion', optim.Lion, []),
    Rprop: [
      ...optimizer('Rprop', optim.Rprop, ['lr']),
      ...[null, 5, [0.5], [0, 1.2], [1, 1.2], [0.5, 1], [0.5, '1.2'], [0.5, Infinity]].map(
        (etas): Misuse => [() => new optim.Rprop([leaf], { etas: wrong(etas) }), 'ERR_ARGUMENT'],
      ),
      ...[null, 5, [1], [-1, 1], [0, Number.NaN]].map(
        (stepSizes): Misuse => [
          () => new optim.Rprop([leaf], { stepSizes: wrong(stepSizes) }),
          'ERR_ARGUMENT',
        ],
      ),
    ],
    ASGD: [
      ...optimizer('ASGD', optim.ASGD, ['lr', 'lambd', 'weightDecay']),
      ...[null, '1', Number.NaN, Infinity].flatMap((value): Misuse[] => [
        [() => new optim.ASGD([leaf], { alpha: wrong(value) }), 'ERR_ARGUMENT'],
        [() => new optim.ASGD([leaf], { t0: wrong(value) }), 'ERR_ARGUMENT'],
      ]),
    ],
  },
  utilities: {
    gradNorm: [
      ...parameterLists((list) => nn.utils.gradNorm(list)),
      ...norms('gradNorm', (options) => nn.utils.gradNorm(infinite(), options)),
    ],
    clipGradNorm: [
      ...parameterLists((list) => nn.utils.clipGradNorm(list, 1)),
      ...norms('clipGradNorm', (options) => nn.utils.clipGradNorm(infinite(), 1, options)),
      ...limits((limit) => nn.utils.clipGradNorm([leaf], limit)),
    ],
    clipGradValue: [
      ...parameterLists((list) => nn.utils.clipGradValue(list, 1)),
      ...limits((limit) => nn.utils.clipGradValue([leaf], limit)),
    ],
  },
  bits(add) {
    for (const dtype of dtypes) {
      steps(add, dtype);
      for (const [name, make] of rules) {
        add(`7 steps of ${name} ${dtype}`, () => {
          const parameters = parametersOf(dtype);
          const optimizer = make(parameters);
          for (let i = 0; i < 7; i++) {
            setGradients(parameters, dtype, 20 + 10 * i);
            optimizer.step();
          }
          return [...parameters, ...Object.values(optimizer.stateDict())];
        });
      }
      add(`gradients clipped ${dtype}`, () => {
        const parameters = parametersOf(dtype);
        return [2, 1, Infinity].flatMap((normType) => {
          setGradients(parameters, dtype, 30);
          const norm = nn.utils.clipGradNorm(parameters, 1, { normType });
          nn.utils.clipGradValue(parameters, 0.5 * norm.item() ** -1);
          return [norm, ...parameters.map((parameter) => parameter.grad as Tensor)];
        });
      });
    }
  },
};
