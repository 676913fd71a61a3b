/** Modules of losses, and penalties: wrong calls. */
import { nn, ones } from 'tilegrad';
import { flag, lossOptions, numberOption, rejects } from './loss_options.js';
import { kinds, leaf, type Misuse, notFinite, optionsOf, wrong, x } from './misuse.js';

/** Wrong options of a module that are those of its function. */
const moduleRows = (
  name: string,
  make: (options: never) => unknown,
  wrongOptions: Readonly<Record<string, readonly unknown[]>> = {},
): Misuse[] => [
  ...lossOptions(name, make),
  ...Object.entries(wrongOptions).flatMap(([option, values]) =>
    rejects(name, make, option, values),
  ),
];

/** A call of a module's forward, which names the function. */
const forwards = (name: string, call: (t: never) => unknown): Misuse[] =>
  kinds.map((t): Misuse => [() => call(wrong(t)), 'ERR_ARGUMENT', `[${name}]`]);

const notWeights = [[1, 2], 5, 'text', leaf];

export const lossModules: Record<string, readonly Misuse[]> = {
  BCELoss: [
    ...moduleRows('BCELoss', (o) => new nn.BCELoss(o)),
    ...notWeights.map(
      (weight): Misuse => [() => new nn.BCELoss({ weight: wrong(weight) }), 'ERR_ARGUMENT'],
    ),
    [() => new nn.BCELoss(wrong({ posWeight: x })), 'ERR_ARGUMENT', 'unknown option'],
    ...forwards('binaryCrossEntropy', (t) => new nn.BCELoss().forward(t, x)),
  ],
  BCEWithLogitsLoss: [
    ...moduleRows('BCEWithLogitsLoss', (o) => new nn.BCEWithLogitsLoss(o)),
    ...notWeights.map(
      (posWeight): Misuse => [
        () => new nn.BCEWithLogitsLoss({ posWeight: wrong(posWeight) }),
        'ERR_ARGUMENT',
      ],
    ),
    ...forwards('binaryCrossEntropyWithLogits', (t) => new nn.BCEWithLogitsLoss().forward(t, x)),
  ],
  CTCLoss: [
    ...moduleRows('CTCLoss', (o) => new nn.CTCLoss(o), { blank: [-1, 0.5], zeroInfinity: flag }),
    ...forwards('ctcLoss', (t) => new nn.CTCLoss().forward(t, [[1]], [1], [1])),
  ],
  CosineEmbeddingLoss: [
    ...moduleRows('CosineEmbeddingLoss', (o) => new nn.CosineEmbeddingLoss(o), {
      margin: numberOption,
    }),
    ...forwards('cosineEmbeddingLoss', (t) => new nn.CosineEmbeddingLoss().forward(t, x, x)),
  ],
  FocalLoss: [
    ...moduleRows('FocalLoss', (o) => new nn.FocalLoss(o), { alpha: [-0.5, '1'], gamma: [-1] }),
    ...forwards('sigmoidFocalLoss', (t) => new nn.FocalLoss().forward(t, x)),
  ],
  GaussianNLLLoss: [
    ...moduleRows('GaussianNLLLoss', (o) => new nn.GaussianNLLLoss(o), { full: flag, eps: [0] }),
    ...forwards('gaussianNllLoss', (t) => new nn.GaussianNLLLoss().forward(t, x, x)),
  ],
  HingeEmbeddingLoss: [
    ...moduleRows('HingeEmbeddingLoss', (o) => new nn.HingeEmbeddingLoss(o), {
      margin: numberOption,
    }),
    ...forwards('hingeEmbeddingLoss', (t) => new nn.HingeEmbeddingLoss().forward(t, x)),
  ],
  HingeLoss: [
    ...moduleRows('HingeLoss', (o) => new nn.HingeLoss(o), { squared: flag }),
    ...forwards('hingeLoss', (t) => new nn.HingeLoss().forward(t, x)),
  ],
  HuberLoss: [
    ...moduleRows('HuberLoss', (o) => new nn.HuberLoss(o), { delta: [0, -1, '1'] }),
    ...forwards('huberLoss', (t) => new nn.HuberLoss().forward(t, x)),
  ],
  KLDivLoss: [
    ...moduleRows('KLDivLoss', (o) => new nn.KLDivLoss(o), { logTarget: flag }),
    ...forwards('klDivLoss', (t) => new nn.KLDivLoss().forward(t, x)),
  ],
  L1Loss: [
    ...moduleRows('L1Loss', (o) => new nn.L1Loss(o)),
    ...forwards('l1Loss', (t) => new nn.L1Loss().forward(t, x)),
  ],
  MSELoss: [
    ...moduleRows('MSELoss', (o) => new nn.MSELoss(o)),
    ...forwards('mseLoss', (t) => new nn.MSELoss().forward(t, x)),
  ],
  MarginRankingLoss: [
    ...moduleRows('MarginRankingLoss', (o) => new nn.MarginRankingLoss(o), {
      margin: numberOption,
    }),
    ...forwards('marginRankingLoss', (t) => new nn.MarginRankingLoss().forward(t, x, x)),
  ],
  MultiLabelMarginLoss: [
    ...moduleRows('MultiLabelMarginLoss', (o) => new nn.MultiLabelMarginLoss(o)),
    ...forwards('multilabelMarginLoss', (t) => new nn.MultiLabelMarginLoss().forward(t, x)),
  ],
  MultiLabelSoftMarginLoss: [
    ...moduleRows('MultiLabelSoftMarginLoss', (o) => new nn.MultiLabelSoftMarginLoss(o)),
    ...forwards('multilabelSoftMarginLoss', (t) => new nn.MultiLabelSoftMarginLoss().forward(t, x)),
  ],
  MultiMarginLoss: [
    ...moduleRows('MultiMarginLoss', (o) => new nn.MultiMarginLoss(o), {
      p: [0, 3],
      margin: numberOption,
    }),
    ...forwards('multiMarginLoss', (t) => new nn.MultiMarginLoss().forward(t, [0])),
  ],
  PoissonNLLLoss: [
    ...moduleRows('PoissonNLLLoss', (o) => new nn.PoissonNLLLoss(o), { logInput: flag, eps: [-1] }),
    ...forwards('poissonNllLoss', (t) => new nn.PoissonNLLLoss().forward(t, x)),
  ],
  SmoothL1Loss: [
    ...moduleRows('SmoothL1Loss', (o) => new nn.SmoothL1Loss(o), { beta: [-1, '1'] }),
    ...forwards('smoothL1Loss', (t) => new nn.SmoothL1Loss().forward(t, x)),
  ],
  SoftMarginLoss: [
    ...moduleRows('SoftMarginLoss', (o) => new nn.SoftMarginLoss(o)),
    ...forwards('softMarginLoss', (t) => new nn.SoftMarginLoss().forward(t, x)),
  ],
  TripletMarginLoss: [
    ...moduleRows('TripletMarginLoss', (o) => new nn.TripletMarginLoss(o), {
      margin: [0, '1'],
      p: [null, '2'],
      swap: flag,
    }),
    ...forwards('tripletMarginLoss', (t) => new nn.TripletMarginLoss().forward(t, x, x)),
  ],
  TripletMarginWithDistanceLoss: [
    ...moduleRows('TripletMarginWithDistanceLoss', (o) => new nn.TripletMarginWithDistanceLoss(o), {
      distanceFunction: [null, 5],
      margin: [0],
    }),
    ...forwards('tripletMarginWithDistanceLoss', (t) =>
      new nn.TripletMarginWithDistanceLoss().forward(t, x, x),
    ),
  ],
};

type Penalty = (of: never, factor: never, options?: never) => unknown;

const norm = new nn.LayerNorm(3);

const penaltyRows = (call: Penalty): Misuse[] => [
  ...[undefined, null, 5, true, {}, () => x, [1, 2], [x, 5], 'text', new Float32Array(2)].map(
    (of): Misuse => [() => call(wrong(of), wrong(1)), 'ERR_ARGUMENT'],
  ),
  [() => call(wrong([]), wrong(1)), 'ERR_ARGUMENT', 'no weights'],
  [() => call(wrong(norm), wrong(1)), 'ERR_ARGUMENT', 'no weights'],
  [() => call(wrong(ones([2], { dtype: 'int32' })), wrong(1)), 'ERR_DTYPE'],
];

const factorRows = (name: string, call: Penalty): Misuse[] => [
  ...penaltyRows(call),
  ...optionsOf(name, (options) => call(wrong(x), wrong(1), options)),
  ...[undefined, -1, null, ...notFinite].map(
    (factor): Misuse => [() => call(wrong(x), wrong(factor)), 'ERR_ARGUMENT'],
  ),
  ...['biases', 'scales'].flatMap((option) =>
    rejects(name, (options) => call(wrong(x), wrong(1), options), option, flag.slice(1)),
  ),
];

export const penalties: Record<string, readonly Misuse[]> = {
  l1Penalty: factorRows('l1Penalty', nn.l1Penalty),
  l2Penalty: factorRows('l2Penalty', nn.l2Penalty),
  proximalL1: factorRows('proximalL1', nn.proximalL1),
  elasticPenalty: [
    ...penaltyRows((of) => nn.elasticPenalty(of, { l1: 1 })),
    ...optionsOf('elasticPenalty', (options) => nn.elasticPenalty(x, options)),
    ...['l1', 'l2'].flatMap((option) =>
      rejects('elasticPenalty', (options) => nn.elasticPenalty(x, options), option, [
        -1,
        ...notFinite,
      ]),
    ),
    [() => nn.elasticPenalty([{ parameters: x, l3: 1 } as never]), 'ERR_ARGUMENT', '"l3"'],
    [() => nn.elasticPenalty([{ parameters: x, l1: -1 }]), 'ERR_ARGUMENT'],
    [() => nn.elasticPenalty([{ parameters: wrong(5), l1: 1 }]), 'ERR_ARGUMENT'],
    [() => nn.elasticPenalty([{ parameters: x }, wrong(x)]), 'ERR_ARGUMENT'],
  ],
};
