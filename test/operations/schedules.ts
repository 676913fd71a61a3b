/** Schedules of the learning rate. */
import { ones, optim } from 'tilegrad';
import { leaf, type Misuse, optionsOf, wrong, x } from './misuse.js';
import type { Family } from './operation.js';

const {
  ChainedScheduler,
  ConstantLR,
  CosineAnnealingLR,
  CosineAnnealingWarmRestarts,
  CyclicLR,
  ExponentialLR,
  LambdaLR,
  LinearLR,
  MultiplicativeLR,
  MultiStepLR,
  OneCycleLR,
  PolynomialLR,
  ReduceLROnPlateau,
  SequentialLR,
  StepLR,
  SWALR,
  WarmupLR,
} = optim.lrScheduler;

const make = (): optim.SGD => new optim.SGD([leaf], { lr: 1, momentum: 0.9 });
const optimizer = make();
const cycled = { totalSteps: 9 };

/** Calls with values that an argument must not have. */
const values = (list: readonly unknown[], call: (value: never) => unknown): Misuse[] =>
  list.map((value): Misuse => [() => call(wrong(value)), 'ERR_ARGUMENT']);

const NOT_COUNTS = [undefined, null, 'text', 0, -1, 1.5, Number.NaN, Infinity];
const NOT_RATES = [null, 'text', -1, Number.NaN, Infinity, [1, 1], [-1]];
const NOT_FACTORS = [null, 'text', -0.1, 1.1, Number.NaN];

/** Wrong optimizers. */
const optimizers = (call: (optimizer: never) => unknown): Misuse[] =>
  values([undefined, null, 5, leaf, [leaf], {}], call);

/** Wrong values of options. */
const option = (
  key: string,
  list: readonly unknown[],
  call: (options: never) => unknown,
): Misuse[] =>
  values(
    list.filter((value) => value !== undefined),
    (value) => call(wrong({ [key]: value })),
  );

const schedulers = (name: string, call: (list: never) => unknown): Misuse[] => [
  ...values([undefined, null, 5, [], [5], [null], [optimizer]], call),
  [
    () => call(wrong([new ReduceLROnPlateau(optimizer)])),
    'ERR_ARGUMENT',
    `[${name}] takes no ReduceLROnPlateau`,
  ],
  [
    () => call(wrong([new ExponentialLR(optimizer, 1), new ExponentialLR(make(), 1)])),
    'ERR_ARGUMENT',
    `[${name}] the schedules are of several optimizers`,
  ],
];

/** Cycles of a momentum that isn't there or out of range. */
const momenta = (
  call: (optimizer: optim.Optimizer<never>, options: never) => unknown,
  more: object,
): Misuse[] => [
  [() => call(new optim.Adagrad([leaf]), wrong(more)), 'ERR_ARGUMENT', 'cycleMomentum: false'],
  [
    () => call(new optim.SGD([leaf]), wrong(more)),
    'ERR_STATE',
    '[optim] a group that was made with momentum 0',
  ],
  ...['baseMomentum', 'maxMomentum'].flatMap((key) =>
    option(key, [null, 'text', -0.1, 1, Number.NaN, [0.5, 0.5]], (options) =>
      call(make(), wrong({ ...more, ...(options as object) })),
    ),
  ),
];

export const schedules: Family = {
  title: 'Schedules',
  operations: {},
  schedules: {
    StepLR: [
      ...optimizers((o) => new StepLR(o, 1)),
      ...values(NOT_COUNTS, (n) => new StepLR(optimizer, n)),
      ...optionsOf('StepLR', (options) => new StepLR(optimizer, 1, options)),
      ...option('gamma', [null, '1', -1, Number.NaN], (o) => new StepLR(optimizer, 1, o)),
    ],
    MultiStepLR: [
      ...optimizers((o) => new MultiStepLR(o, [1])),
      ...values([undefined, null, 5, [-1], [1.5], ['1']], (m) => new MultiStepLR(optimizer, m)),
      ...optionsOf('MultiStepLR', (options) => new MultiStepLR(optimizer, [1], options)),
    ],
    ExponentialLR: [
      ...optimizers((o) => new ExponentialLR(o, 1)),
      ...values([undefined, null, '1', -1, Number.NaN], (gamma) => {
        return new ExponentialLR(optimizer, gamma);
      }),
    ],
    SWALR: [
      ...optimizers((o) => new SWALR(o, 1)),
      ...values([undefined, ...NOT_RATES], (rate) => new SWALR(optimizer, rate)),
      ...optionsOf('SWALR', (options) => new SWALR(optimizer, 1, options)),
      ...option('annealEpochs', [null, -1, 1.5, '3'], (o) => new SWALR(optimizer, 1, o)),
      ...option('annealStrategy', [null, 'cosine'], (o) => new SWALR(optimizer, 1, o)),
    ],
    ConstantLR: [
      ...optimizers((o) => new ConstantLR(o)),
      ...optionsOf('ConstantLR', (options) => new ConstantLR(optimizer, options)),
      ...option('factor', [0, ...NOT_FACTORS], (o) => new ConstantLR(optimizer, o)),
      ...option('totalIters', NOT_COUNTS, (o) => new ConstantLR(optimizer, o)),
    ],
    LinearLR: [
      ...optimizers((o) => new LinearLR(o)),
      ...optionsOf('LinearLR', (options) => new LinearLR(optimizer, options)),
      ...option('startFactor', [0, ...NOT_FACTORS], (o) => new LinearLR(optimizer, o)),
      ...option('endFactor', NOT_FACTORS, (o) => new LinearLR(optimizer, o)),
      ...option('totalIters', NOT_COUNTS, (o) => new LinearLR(optimizer, o)),
    ],
    PolynomialLR: [
      ...optimizers((o) => new PolynomialLR(o)),
      ...optionsOf('PolynomialLR', (options) => new PolynomialLR(optimizer, options)),
      ...option('totalIters', NOT_COUNTS, (o) => new PolynomialLR(optimizer, o)),
      ...option('power', [null, '1', -1, Number.NaN], (o) => new PolynomialLR(optimizer, o)),
    ],
    CosineAnnealingLR: [
      ...optimizers((o) => new CosineAnnealingLR(o, 1)),
      ...values(NOT_COUNTS, (n) => new CosineAnnealingLR(optimizer, n)),
      ...optionsOf('CosineAnnealingLR', (o) => new CosineAnnealingLR(optimizer, 1, o)),
      ...option('etaMin', [null, '1', -1], (o) => new CosineAnnealingLR(optimizer, 1, o)),
    ],
    CosineAnnealingWarmRestarts: [
      ...optimizers((o) => new CosineAnnealingWarmRestarts(o, 1)),
      ...values(NOT_COUNTS, (n) => new CosineAnnealingWarmRestarts(optimizer, n)),
      ...optionsOf('CosineAnnealingWarmRestarts', (o) => {
        return new CosineAnnealingWarmRestarts(optimizer, 1, o);
      }),
      ...option('tMult', NOT_COUNTS, (o) => new CosineAnnealingWarmRestarts(optimizer, 1, o)),
      ...values([null, '1', -1, Number.NaN], (epoch) => {
        new CosineAnnealingWarmRestarts(optimizer, 1).step(epoch);
      }),
    ],
    ReduceLROnPlateau: [
      ...optimizers((o) => new ReduceLROnPlateau(o)),
      ...optionsOf('ReduceLROnPlateau', (options) => new ReduceLROnPlateau(optimizer, options)),
      ...option('mode', [null, 'least'], (o) => new ReduceLROnPlateau(optimizer, o)),
      ...option('thresholdMode', [null, 'some'], (o) => new ReduceLROnPlateau(optimizer, o)),
      ...option('factor', [null, '1', -1, 1], (o) => new ReduceLROnPlateau(optimizer, o)),
      ...option('patience', [null, -1, 1.5], (o) => new ReduceLROnPlateau(optimizer, o)),
      ...option('cooldown', [null, -1, 1.5], (o) => new ReduceLROnPlateau(optimizer, o)),
      ...option('threshold', [null, -1], (o) => new ReduceLROnPlateau(optimizer, o)),
      ...option('minLr', NOT_RATES, (o) => new ReduceLROnPlateau(optimizer, o)),
      ...option('eps', [null, -1], (o) => new ReduceLROnPlateau(optimizer, o)),
      ...values([undefined, null, '1'], (metric) => {
        new ReduceLROnPlateau(optimizer).step(metric);
      }),
      [() => new ReduceLROnPlateau(optimizer).step(x), 'ERR_SHAPE', '[item]'],
    ],
    LambdaLR: [
      ...optimizers((o) => new LambdaLR(o, () => 1)),
      ...values([undefined, null, 5, [5], []], (fn) => new LambdaLR(optimizer, fn)),
      [() => new LambdaLR(make(), () => -1), 'ERR_ARGUMENT', '[optim] lr'],
      [() => new LambdaLR(make(), () => Number.NaN), 'ERR_ARGUMENT', '[optim] lr'],
    ],
    MultiplicativeLR: [
      ...optimizers((o) => new MultiplicativeLR(o, () => 1)),
      ...values([undefined, null, 5, [5], []], (fn) => new MultiplicativeLR(optimizer, fn)),
      [() => new MultiplicativeLR(make(), () => -1).step(), 'ERR_ARGUMENT', '[optim] lr'],
    ],
    OneCycleLR: [
      ...optimizers((o) => new OneCycleLR(o, 1, cycled)),
      ...values([undefined, ...NOT_RATES], (lr) => new OneCycleLR(make(), lr, cycled)),
      ...optionsOf('OneCycleLR', (options) => new OneCycleLR(make(), 1, options)),
      ...values([{}, { epochs: 3 }, { stepsPerEpoch: 3 }], (o) => new OneCycleLR(make(), 1, o)),
      ...option('totalSteps', NOT_COUNTS, (o) => new OneCycleLR(make(), 1, o)),
      ...(
        [
          ['pctStart', NOT_FACTORS],
          ['annealStrategy', [null, 'sine']],
          ['divFactor', [null, 0, -1]],
          ['finalDivFactor', [null, 0, -1]],
        ] as const
      ).flatMap(([key, list]) =>
        option(key, list, (o) => new OneCycleLR(make(), 1, { ...cycled, ...(o as object) })),
      ),
      ...momenta((o, options) => new OneCycleLR(o, 1, options), cycled),
    ],
    CyclicLR: [
      ...optimizers((o) => new CyclicLR(o, 0, 1)),
      ...values([undefined, ...NOT_RATES], (lr) => new CyclicLR(make(), lr, 1)),
      ...values([undefined, ...NOT_RATES], (lr) => new CyclicLR(make(), 0, lr)),
      ...optionsOf('CyclicLR', (options) => new CyclicLR(make(), 0, 1, options)),
      ...(
        [
          ['stepSizeUp', NOT_COUNTS],
          ['stepSizeDown', NOT_COUNTS],
          ['mode', [null, 'square']],
          ['scaleMode', [null, 'steps']],
          ['gamma', [null, -1]],
          ['scaleFn', [null, 5]],
        ] as const
      ).flatMap(([key, list]) => option(key, list, (o) => new CyclicLR(make(), 0, 1, o))),
      ...momenta((o, options) => new CyclicLR(o, 0, 1, options), {}),
    ],
    SequentialLR: [
      ...optimizers((o) => new SequentialLR(o, [new ExponentialLR(optimizer, 1)], [])),
      ...schedulers('SequentialLR', (list) => new SequentialLR(optimizer, list, [1])),
      ...values([undefined, null, 5, [], [1, 2], [0], [1.5], ['1']], (milestones) => {
        const list = [new ExponentialLR(optimizer, 1), new ExponentialLR(optimizer, 1)];
        return new SequentialLR(optimizer, list, milestones);
      }),
    ],
    ChainedScheduler: schedulers('ChainedScheduler', (list) => new ChainedScheduler(list)),
    WarmupLR: [
      ...optimizers((o) => new WarmupLR(o, 1)),
      ...values(NOT_COUNTS, (n) => new WarmupLR(optimizer, n)),
      ...optionsOf('WarmupLR', (options) => new WarmupLR(optimizer, 1, options)),
      ...option('after', [null, 5, new ReduceLROnPlateau(optimizer)], (o) => {
        return new WarmupLR(optimizer, 1, o);
      }),
      ...option('startFactor', [null, '1', Number.NaN], (o) => new WarmupLR(optimizer, 1, o)),
      [() => new WarmupLR(optimizer, 1, { startFactor: 0 }), 'ERR_ARGUMENT', 'startFactor'],
    ],
  },
  optimizers: {
    AveragedModel: [
      ...values([undefined, null, 5, leaf, 'text', [5]], (m) => new optim.AveragedModel(m)),
      ...optionsOf('AveragedModel', (options) => new optim.AveragedModel([leaf], options)),
    ],
    ExponentialMovingAverage: [
      ...values([undefined, null, 5, leaf, 'text', [5]], (m) => {
        return new optim.ExponentialMovingAverage(m);
      }),
      ...optionsOf('ExponentialMovingAverage', (options) => {
        return new optim.ExponentialMovingAverage([leaf], options);
      }),
      ...option('decay', [null, '1', -0.1, 1.1, Number.NaN], (o) => {
        return new optim.ExponentialMovingAverage([leaf], o);
      }),
    ],
  },
  bits(add) {
    add('an average of weights', () => {
      const weights = [ones([1003]), ones([7, 5])];
      const averages = new optim.ExponentialMovingAverage(weights, { decay: 0.9 });
      averages.update();
      for (const [i, weight] of weights.entries()) weight.mul_(i + 0.3);
      averages.update();
      return weights.map((_, i) => averages.stateDict()[`module.${i}`] as typeof leaf);
    });
  },
};
