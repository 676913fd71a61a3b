/** Optimizers. */
import { crossEntropy, Generator, nn, optim, type Tensor } from 'tilegrad';
import { type Add, dtypes, type Float, MANY, numbers } from './bits.js';
import { leaf, type Misuse, wrong, x } from './misuse.js';
import type { Family } from './operation.js';

/** Optimizers: parameters, and numbers in ranges. */
function optimizer(
  name: string,
  make: (params: never, options?: never) => optim.Optimizer<never>,
  numbers: readonly string[],
): Misuse[] {
  const params = wrong([leaf]);
  const badParams = [
    undefined,
    null,
    5,
    leaf,
    [5],
    [],
    [x],
    [leaf, leaf],
    [{}],
    [{ params: 5 }],
    [{ params: [x] }],
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

export const optimizers: Family = {
  operations: {},
  optimizers: {
    SGD: [
      ...optimizer('SGD', (p, o) => new optim.SGD(p, o), ['lr', 'momentum', 'weightDecay']),
      [() => new optim.SGD([leaf], { nesterov: true }), 'ERR_ARGUMENT'],
      [
        () => new optim.SGD([leaf], { nesterov: true, momentum: 0.9, dampening: 0.1 }),
        'ERR_ARGUMENT',
      ],
      [() => new optim.SGD([leaf], { dampening: wrong('0') }), 'ERR_ARGUMENT'],
    ],
    Adam: [
      ...optimizer('Adam', (p, o) => new optim.Adam(p, o), ['lr', 'eps', 'weightDecay']),
      ...betas((options) => new optim.Adam([leaf], options)),
    ],
    AdamW: [
      ...optimizer('AdamW', (p, o) => new optim.AdamW(p, o), ['lr', 'eps', 'weightDecay']),
      ...betas((options) => new optim.AdamW([leaf], options)),
    ],
  },
  bits(add) {
    for (const dtype of dtypes) steps(add, dtype);
  },
};
