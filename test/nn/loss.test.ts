/** Modules of losses against their functions. */
import * as tilegrad from 'tilegrad';
import { nn, ones, type Tensor, tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';

const x = tensor([
  [0.2, -1.5, 0.7],
  [2, 0.1, -0.4],
]);
const y = tensor([
  [1, 0, 1],
  [0, 1, 1],
]);
const signs = y.mul(2).sub(1);
const p = x.sigmoid();
const weight = tensor([0.5, 1.5, 2]);
const classes = tensor([2, 0], { dtype: 'int32' });
const labels = tensor(
  [
    [2, 0, -1],
    [1, -1, 0],
  ],
  { dtype: 'int32' },
);
const steps = ones([4, 2, 3]).logSoftmax(2);
const distanceFunction = (a: Tensor, b: Tensor) => a.sub(b).abs().amax({ dim: -1 });

type Options = Record<string, unknown>;
type Call = (...args: unknown[]) => Tensor;

/** A module, its function, what both take, and options that all differ from the defaults. */
const rows: readonly (readonly [string, string, readonly unknown[], Options])[] = [
  ['BCELoss', 'binaryCrossEntropy', [p, y], { weight }],
  ['BCEWithLogitsLoss', 'binaryCrossEntropyWithLogits', [x, y], { weight, posWeight: weight }],
  [
    'CTCLoss',
    'ctcLoss',
    [steps, labels.clamp({ min: 0, max: 1 }), [4, 4], [1, 0]],
    { blank: 2, zeroInfinity: true },
  ],
  ['CosineEmbeddingLoss', 'cosineEmbeddingLoss', [x, y, tensor([1, -1])], { margin: -0.9 }],
  [
    'CrossEntropyLoss',
    'crossEntropy',
    [x, classes],
    { weight, labelSmoothing: 0.1, ignoreIndex: 0 },
  ],
  ['FocalLoss', 'sigmoidFocalLoss', [x, y], { alpha: 0.5, gamma: 1.5 }],
  ['GaussianNLLLoss', 'gaussianNllLoss', [x, y, p], { full: true, eps: 0.5 }],
  ['HingeEmbeddingLoss', 'hingeEmbeddingLoss', [x, signs], { margin: 2 }],
  ['HingeLoss', 'hingeLoss', [x, signs], { squared: true }],
  ['HuberLoss', 'huberLoss', [x, y], { delta: 0.3 }],
  ['KLDivLoss', 'klDivLoss', [x, p], { logTarget: true }],
  ['L1Loss', 'l1Loss', [x, y], {}],
  ['MSELoss', 'mseLoss', [x, y], {}],
  ['MarginRankingLoss', 'marginRankingLoss', [x, y, signs], { margin: 0.5 }],
  ['MultiLabelMarginLoss', 'multilabelMarginLoss', [x, labels], {}],
  ['MultiLabelSoftMarginLoss', 'multilabelSoftMarginLoss', [x, y], { weight }],
  ['MultiMarginLoss', 'multiMarginLoss', [x, classes], { p: 2, margin: 0.5, weight }],
  ['NLLLoss', 'nllLoss', [x, classes], { weight, ignoreIndex: 0 }],
  ['PoissonNLLLoss', 'poissonNllLoss', [p, y.mul(3)], { logInput: false, full: true, eps: 0.1 }],
  ['SmoothL1Loss', 'smoothL1Loss', [x, y], { beta: 0.3 }],
  ['SoftMarginLoss', 'softMarginLoss', [x, signs], {}],
  ['TripletMarginLoss', 'tripletMarginLoss', [x, y, p], { margin: 2, p: 1, eps: 0.1, swap: true }],
  [
    'TripletMarginWithDistanceLoss',
    'tripletMarginWithDistanceLoss',
    [x, y, p],
    { distanceFunction, margin: 2, swap: true },
  ],
];

test('every module of a loss has a row', () => {
  const names = Object.keys(nn).filter((name) => name.endsWith('Loss'));
  expect(rows.map(([name]) => name)).toEqual(names.sort());
});

describe.each(rows)('%s', (name, operation, inputs, options) => {
  const make = (o: Options) =>
    new (nn as unknown as Record<string, new (o: Options) => nn.Module<unknown[]>>)[name]!(o);
  const call = (tilegrad as unknown as Record<string, Call>)[operation] as Call;

  test('computes its function, with every option and by default', () => {
    const defaults = make({}).forward(...inputs);
    expect(defaults.toArray()).toEqual(call(...inputs).toArray());
    for (const reduction of ['none', 'mean', 'sum']) {
      const set = { ...options, reduction };
      const loss = make(set);
      expect(loss.forward(...inputs).toArray()).toEqual(call(...inputs, set).toArray());
      for (const [option, value] of Object.entries<unknown>(set)) {
        const kept = (loss as unknown as Options)[option];
        if (value === weight) expect((kept as Tensor).toArray()).toEqual(weight.toArray());
        else expect(kept).toBe(value);
      }
    }
  });

  test('has its weights for a state, by the names of PyTorch', () => {
    const names = Object.keys(options).filter((option) => options[option] === weight);
    const inState = names.map((option) => (option === 'posWeight' ? 'pos_weight' : option));
    expect(Object.keys(make(options).stateDict())).toEqual(inState);
  });
});

test('KLDivLoss has batchmean', () => {
  const loss = new nn.KLDivLoss({ reduction: 'batchmean' });
  expect(loss.forward(x, p).item()).toBe(
    tilegrad.klDivLoss(x, p, { reduction: 'batchmean' }).item(),
  );
});
