/**
 * Calls whose operands may have any number of elements, for test/every-size.test.ts: functions that work
 * element by element, and functions of the rows of a matrix.
 */

import type { Tensor } from 'tilegrad';
import * as tilegrad from 'tilegrad';
import type { Fn } from './gradients.js';

/** A function of tensors that broadcast. */
export interface Elementwise {
  readonly operands: number;
  readonly run: Fn;
  /** The first operand is changed, and the result. */
  readonly inPlace?: true;
}

/** The library's functions by name. */
type Functions = Record<string, (x: Tensor, ...others: never[]) => Tensor | Record<string, Tensor>>;
const functions = tilegrad as unknown as Functions;
const call = (name: string, x: Tensor, ...others: unknown[]): Tensor[] => {
  const result = functions[name]!(x, ...(others as never[]));
  return result instanceof tilegrad.Tensor ? [result] : Object.values(result);
};

const named = (operands: number, names: string): Record<string, Elementwise> =>
  Object.fromEntries(
    names.split(' ').map((name) => [
      name,
      {
        operands,
        run: (x: Tensor, ...others: Tensor[]) => call(name, x, ...others)[0] as Tensor,
      },
    ]),
  );
const row = (operands: number, run: Fn): Elementwise => ({ operands, run });
const inPlace = (operands: number, run: Fn): Elementwise => ({ operands, run, inPlace: true });

/** Of integers the numbers from 0 to 7: exponents, and places to shift by. */
const small = (x: Tensor): Tensor => (isFloat(x) ? x : x.to('int32').bitwiseAnd(7).to(x.dtype));
const isFloat = ({ dtype }: Tensor): boolean => dtype === 'float32' || dtype === 'float64';
/** Of integers everything but 0: divisors. */
const nonzero = (x: Tensor): Tensor => (isFloat(x) ? x : x.add(x.eq(0).to(x.dtype)));

const divisions = Object.fromEntries(
  (['fmod', 'remainder', 'floorDivide'] as const).map((name) => [
    name,
    row(2, (a, b) => call(name, a!, nonzero(b!))[0]!),
  ]),
);

/** Every function that works element by element; "name: what" is another call of one. */
export const elementwise: Readonly<Record<string, Elementwise>> = {
  ...named(1, 'abs neg sign square sqrt rsqrt reciprocal exp exp2 expm1 log log1p log2 log10'),
  ...named(1, 'sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf erfc erfinv'),
  ...named(1, 'floor ceil round trunc frac lgamma digamma sinc logit nanToNum signbit'),
  ...named(1, 'deg2rad rad2deg positive isnan isinf isfinite logicalNot bitwiseNot'),
  ...named(1, 'sigmoid logsigmoid relu silu selu mish softsign tanhshrink relu6 hardsigmoid'),
  ...named(1, 'hardswish softplus leakyRelu elu celu gelu rrelu hardtanh softshrink hardshrink'),
  ...named(2, 'add sub mul div maximum minimum hypot atan2 xlogy logaddexp logaddexp2'),
  ...named(2, 'heaviside copysign nextafter fmax fmin floatPower gcd lcm isclose'),
  ...named(2, 'eq ne lt le gt ge logicalAnd logicalOr logicalXor'),
  ...named(2, 'bitwiseAnd bitwiseOr bitwiseXor'),
  ...named(3, 'addcmul addcdiv lerp'),
  ...divisions,
  pow: row(2, (a, b) => tilegrad.pow(a!, small(b!))),
  bitwiseLeftShift: row(2, (a, b) => tilegrad.bitwiseLeftShift(a!, small(b!))),
  bitwiseRightShift: row(2, (a, b) => tilegrad.bitwiseRightShift(a!, small(b!))),
  polygamma: row(1, (x) => tilegrad.polygamma(1, x!)),
  mvlgamma: row(1, (x) => tilegrad.mvlgamma(x!, 2)),
  threshold: row(1, (x) => tilegrad.threshold(x!, 0.5, -2)),
  clamp: row(3, (x, min, max) => tilegrad.clamp(x!, { min: min!, max: max! })),
  clip: row(1, (x) => tilegrad.clip(x!, { min: -1, max: 0.5 })),
  where: row(3, (x, a, b) => tilegrad.where(x!.gt(0), a!, b!)),
  'gelu: tanh': row(1, (x) => tilegrad.gelu(x!, { approximate: 'tanh' })),
  'softplus: beta': row(1, (x) => tilegrad.softplus(x!, { beta: 3, threshold: 5 })),
  'elu: alpha': row(1, (x) => tilegrad.elu(x!, { alpha: -0.5 })),
  'leakyRelu: slope': row(1, (x) => tilegrad.leakyRelu(x!, { negativeSlope: 2 })),
  'pow: a number': row(1, (x) => tilegrad.pow(x!, 3)),
  'lerp: a number': row(2, (a, b) => tilegrad.lerp(a!, b!, 0.3)),
  'addcmul: a factor': row(3, (a, b, c) => tilegrad.addcmul(a!, b!, c!, { value: 3 })),
  add_: inPlace(2, (a, b) => tilegrad.add_(a!, b!, { alpha: 3 })),
  sub_: inPlace(2, (a, b) => tilegrad.sub_(a!, b!)),
  mul_: inPlace(2, (a, b) => tilegrad.mul_(a!, b!)),
  div_: inPlace(2, (a, b) => tilegrad.div_(a!, b!)),
  clamp_: inPlace(1, (x) => tilegrad.clamp_(x!, { min: -1, max: 1 })),
  copy_: inPlace(2, (a, b) => tilegrad.copy_(a!, b!)),
  zero_: inPlace(1, (x) => tilegrad.zero_(x!)),
};

/** A function of the rows of a matrix, and of its columns where it takes a dimension. */
export type OfRows = (x: Tensor, dim: number) => Tensor[];

const reductions = Object.fromEntries(
  (
    'sum mean prod nansum nanmean amax amin argmax argmin all any countNonzero variance std ' +
    'logsumexp max min median nanmedian mode aminmax varMean stdMean argsort diff normalize ' +
    'trapezoid cumulativeTrapezoid'
  )
    .split(' ')
    .map((name): [string, OfRows] => [name, (x, dim) => call(name, x, { dim })]),
);
const scans = Object.fromEntries(
  'cumsum cumprod logcumsumexp cummax cummin softmax logSoftmax softmin'
    .split(' ')
    .map((name): [string, OfRows] => [name, (x, dim) => call(name, x, dim)]),
);
const norms = Object.fromEntries(
  [1, 2, 3.5, Infinity, -Infinity, 0].map((p): [string, OfRows] => [
    `norm: ${p}`,
    (x, dim) => [tilegrad.norm(x, { dim, p })],
  ]),
);
/** The rows against those in reverse order. */
const losses = Object.fromEntries(
  (['l1Loss', 'mseLoss', 'huberLoss', 'smoothL1Loss', 'poissonNllLoss', 'softMarginLoss'] as const)
    .flatMap((name) =>
      (['none', 'sum', 'mean'] as const).map((reduction) => [name, reduction] as const),
    )
    .map(([name, reduction]): [string, OfRows] => [
      `${name}: ${reduction}`,
      (x) => call(name, x, x.detach().flip(0), { reduction }),
    ]),
);
/** Which class each row belongs to. */
const classesOf = (x: Tensor): Tensor =>
  tilegrad.arange(0, x.shape[0]!).mul(7).remainder(x.shape[1]!).to('int32');
const scores = (x: Tensor, dim: number): Tensor => (dim === 1 ? x : x.transpose());

/**
 * Functions that add up or multiply, in an order that depends on how the elements lie: between views of
 * the same values results differ by roundings.
 */
export const inOrderOfMemory: ReadonlySet<string> = new Set(
  (
    'sum nansum mean nanmean prod variance std varMean stdMean norm normalize renorm logsumexp ' +
    'softmax logSoftmax softmin trapezoid cov corrcoef cosineSimilarity cosineEmbeddingLoss ' +
    'tripletMarginLoss multilabelSoftMarginLoss'
  ).split(' '),
);

/** 1 and -1 by turns. */
const signs = (x: Tensor): Tensor =>
  tilegrad.arange(0, x.numel).remainder(2).mul(2).sub(1).reshape(x.shape).to(x.dtype);
/** The places along a dimension in reverse order, for every element. */
const turnedPlaces = (x: Tensor, dim: number): Tensor => {
  const places = tilegrad.arange(0, x.shape[dim]!).to('int32').flip(0);
  return (dim === 1 ? places : places.unsqueeze(1)).expand(x.shape);
};

export const ofRows: Readonly<Record<string, OfRows>> = {
  ...reductions,
  ...scans,
  ...norms,
  ...losses,
  sort: (x, dim) => Object.values(tilegrad.sort(x, { dim, descending: true, stable: true })),
  msort: (x) => [tilegrad.msort(x)],
  topk: (x, dim) => Object.values(tilegrad.topk(x, Math.ceil(x.shape[dim]! / 3), { dim })),
  kthvalue: (x, dim) => Object.values(tilegrad.kthvalue(x, Math.ceil(x.shape[dim]! / 2), { dim })),
  unique: (x) => Object.values(tilegrad.unique(x, { returnInverse: true, returnCounts: true })),
  nonzero: (x) => [tilegrad.nonzero(x)],
  maskedSelect: (x) => [tilegrad.maskedSelect(x, x.gt(0.3))],
  maskedFill: (x) => [tilegrad.maskedFill(x, x.gt(0.3), 2)],
  indexSelect: (x, dim) => {
    const index = tilegrad
      .arange(0, 2 * x.shape[dim]!)
      .mul(5)
      .remainder(x.shape[dim]!);
    return [tilegrad.indexSelect(x, dim, index.to('int32'))];
  },
  embedding: (x, dim) => {
    const table = scores(x, dim);
    const index = tilegrad
      .arange(0, 2 * table.shape[0]!)
      .mul(5)
      .remainder(table.shape[0]!);
    return [tilegrad.embedding(table, index.to('int32'))];
  },
  quantile: (x, dim) => [tilegrad.quantile(x, 0.4, { dim })],
  nanquantile: (x, dim) => [tilegrad.nanquantile(x, 0.4, { dim })],
  layerNorm: (x, dim) => [tilegrad.layerNorm(scores(x, dim), scores(x, dim).shape[1]!)],
  rmsNorm: (x, dim) => [tilegrad.rmsNorm(scores(x, dim), scores(x, dim).shape[1]!)],
  groupNorm: (x, dim) => [tilegrad.groupNorm(scores(x, dim), 1)],
  instanceNorm: (x, dim) => [tilegrad.instanceNorm(scores(x, dim).unsqueeze(0))],
  batchNorm: (x, dim) => [tilegrad.batchNorm(scores(x, dim), { training: true })],
  crossEntropy: (x, dim) => [
    tilegrad.crossEntropy(scores(x, dim), classesOf(scores(x, dim)), { reduction: 'none' }),
  ],
  'crossEntropy: smoothed mean': (x, dim) => [
    tilegrad.crossEntropy(scores(x, dim), classesOf(scores(x, dim)), { labelSmoothing: 0.1 }),
  ],
  'crossEntropy: probabilities': (x, dim) => [
    tilegrad.crossEntropy(scores(x, dim), scores(x, dim).detach().flip(0).softmax(), {
      reduction: 'sum',
    }),
  ],
  nllLoss: (x, dim) => [tilegrad.nllLoss(scores(x, dim), classesOf(scores(x, dim)))],
  binaryCrossEntropyWithLogits: (x) => [
    tilegrad.binaryCrossEntropyWithLogits(x, x.detach().flip(0).sigmoid(), { reduction: 'none' }),
  ],
  binaryCrossEntropy: (x) => [
    tilegrad.binaryCrossEntropy(x.sigmoid(), x.detach().flip(0).sigmoid(), { reduction: 'none' }),
  ],
  sigmoidFocalLoss: (x) => [tilegrad.sigmoidFocalLoss(x, x.detach().gt(0).to(x.dtype))],
  klDivLoss: (x) => [tilegrad.klDivLoss(x, x.detach().flip(0).sigmoid(), { reduction: 'sum' })],
  gaussianNllLoss: (x) => [
    tilegrad.gaussianNllLoss(x, x.detach().flip(0), x.detach().square(), { reduction: 'none' }),
  ],
  hingeEmbeddingLoss: (x) => [tilegrad.hingeEmbeddingLoss(x, signs(x))],
  hingeLoss: (x) => [tilegrad.hingeLoss(x, signs(x))],
  marginRankingLoss: (x) => [tilegrad.marginRankingLoss(x, x.detach().flip(0), signs(x))],
  multiMarginLoss: (x, dim) => [
    tilegrad.multiMarginLoss(scores(x, dim), classesOf(scores(x, dim)), { reduction: 'none' }),
  ],
  multilabelSoftMarginLoss: (x, dim) => [
    tilegrad.multilabelSoftMarginLoss(scores(x, dim), scores(x, dim).detach().gt(0).to(x.dtype)),
  ],
  tripletMarginLoss: (x, dim) => {
    const from = scores(x, dim);
    return [tilegrad.tripletMarginLoss(from, from.detach().flip(0), from.detach().neg())];
  },
  cov: (x, dim) => [tilegrad.cov(scores(x, dim))],
  cdist: (x, dim) => [tilegrad.cdist(scores(x, dim), scores(x, dim).detach().flip(0))],
  pairwiseDistance: (x, dim) => [
    tilegrad.pairwiseDistance(scores(x, dim), scores(x, dim).detach().flip(0)),
  ],
  gather: (x, dim) => [tilegrad.gather(x, dim, turnedPlaces(x, dim))],
  takeAlongDim: (x, dim) => [tilegrad.takeAlongDim(x, turnedPlaces(x, dim), { dim })],
  scatter: (x, dim) => [tilegrad.scatter(x, dim, turnedPlaces(x, dim), x.detach().square())],
  scatterAdd: (x, dim) => [tilegrad.scatterAdd(x, dim, turnedPlaces(x, dim), x.detach().square())],
  ...Object.fromEntries(
    (['sum', 'mean', 'amax', 'amin', 'prod'] as const).map((reduce): [string, OfRows] => [
      `scatterReduce: ${reduce}`,
      (x, dim) => {
        const index = tilegrad.floorDivide(turnedPlaces(x, dim), 2); // two of them meet
        return [tilegrad.scatterReduce(x, dim, index, x.detach().mul(2), reduce)];
      },
    ]),
  ),
  indexAdd: (x, dim) => {
    const index = tilegrad.arange(0, x.shape[dim]!).mul(3).remainder(x.shape[dim]!);
    return [tilegrad.indexAdd(x, dim, tilegrad.floorDivide(index.to('int32'), 2), x.detach())];
  },
  take: (x) => [
    tilegrad.take(x, tilegrad.arange(0, x.numel).mul(7).remainder(x.numel).to('int32')),
  ],
  oneHot: (x, dim) => [tilegrad.oneHot(classesOf(scores(x, dim)), x.shape[dim]!)],
  bincount: (x, dim) => [tilegrad.bincount(turnedPlaces(x, dim).flatten())],
  histc: (x) => [tilegrad.histc(x, { bins: 7, min: -2, max: 2 })],
  histogram: (x) => call('histogram', x, 7, { range: [-2, 2] }),
  corrcoef: (x, dim) => [tilegrad.corrcoef(scores(x, dim))],
  renorm: (x, dim) => [tilegrad.renorm(x, { p: 2, dim, maxNorm: 1 })],
  cosineEmbeddingLoss: (x, dim) => {
    const from = scores(x, dim);
    const sides = tilegrad.arange(0, from.shape[0]!).remainder(2).mul(2).sub(1).to(x.dtype);
    return [tilegrad.cosineEmbeddingLoss(from, from.detach().flip(0), sides)];
  },
  maskedScatter: (x) => [tilegrad.maskedScatter(x, x.detach().gt(0), x.detach().neg())],
  glu: (x, dim) => (x.shape[dim]! % 2 === 0 ? [tilegrad.glu(x, dim)] : []),
  prelu: (x, dim) => [
    tilegrad.prelu(
      scores(x, dim),
      x
        .detach()
        .select(0, 0)
        .slice([[0, 1]]),
    ),
  ],
  dropout: (x) => [tilegrad.dropout(x, 0.4, { generator: new tilegrad.Generator(3) })],
  cosineSimilarity: (x, dim) => [tilegrad.cosineSimilarity(x, x.detach().flip(0), { dim })],
};
