/** Loss functions, forward and backward. */
import * as t from 'tilegrad';
import type { OpsInput } from '../../lib/cases.js';
import { indices, kLong, of, positive, square, trained, vector } from './row.js';

const near = positive(kLong);
const classes = indices(256, 256);
const target: OpsInput = { ...vector, constant: true };
const probabilities: OpsInput = { ...square, positive: true, constant: true };
/** 0 and 1, and 1 everywhere. */
const flags = (...shape: number[]): OpsInput => ({ shape, below: 2, as: 'float32' });
const ones = (...shape: number[]): OpsInput => ({ shape, below: 1, as: 'float32', plus: 1 });

/** Of the eight sequences for CTC. */
const steps = Array<number>(8).fill(50);
const lengths = Array<number>(8).fill(10);

export const losses = {
  'crossEntropy square': trained(
    (a, b) => t.crossEntropy(a, b),
    'F.cross_entropy(a, b)',
    square,
    classes,
  ),
  'crossEntropy smoothed': trained(
    (a, b) => t.crossEntropy(a, b, { labelSmoothing: 0.1 }),
    'F.cross_entropy(a, b, label_smoothing=0.1)',
    square,
    classes,
  ),
  'crossEntropy probabilities': trained(
    (a, b) => t.crossEntropy(a, b),
    'F.cross_entropy(a, b)',
    square,
    probabilities,
  ),
  binaryCrossEntropy: trained(
    (a, b) => t.binaryCrossEntropy(a.clamp({ min: 0.01, max: 0.99 }), b),
    'F.binary_cross_entropy(a.clamp(0.01, 0.99), b)',
    near,
    flags(kLong),
  ),
  binaryCrossEntropyWithLogits: trained(
    (a, b) => t.binaryCrossEntropyWithLogits(a, b),
    'F.binary_cross_entropy_with_logits(a, b)',
    vector,
    flags(kLong),
  ),
  cosineEmbeddingLoss: trained(
    (a, b, c) => t.cosineEmbeddingLoss(a, b, c),
    'F.cosine_embedding_loss(a, b, c)',
    square,
    square,
    ones(256),
  ),
  ctcLoss: trained(
    (a, b) => t.ctcLoss(t.logSoftmax(a, -1), b, steps, lengths, { blank: 19 }),
    'F.ctc_loss(F.log_softmax(a, -1), b, (50,) * 8, (10,) * 8, blank=19)',
    of(50, 8, 20),
    indices(19, 8, 10),
  ),
  gaussianNllLoss: trained(
    (a, b, c) => t.gaussianNllLoss(a, b, c),
    'F.gaussian_nll_loss(a, b, c)',
    vector,
    target,
    { ...near, plus: 0.5 },
  ),
  hingeEmbeddingLoss: trained(
    (a, b) => t.hingeEmbeddingLoss(a, b),
    'F.hinge_embedding_loss(a, b)',
    vector,
    ones(kLong),
  ),
  huberLoss: trained((a, b) => t.huberLoss(a, b), 'F.huber_loss(a, b)', vector, target),
  klDivLoss: trained(
    (a, b) => t.klDivLoss(a, b, { reduction: 'batchmean' }),
    "F.kl_div(a, b, reduction='batchmean')",
    square,
    probabilities,
  ),
  l1Loss: trained((a, b) => t.l1Loss(a, b), 'F.l1_loss(a, b)', vector, target),
  marginRankingLoss: trained(
    (a, b, c) => t.marginRankingLoss(a, b, c),
    'F.margin_ranking_loss(a, b, c)',
    vector,
    vector,
    ones(kLong),
  ),
  mseLoss: trained((a, b) => t.mseLoss(a, b), 'F.mse_loss(a, b)', vector, target),
  multilabelMarginLoss: trained(
    (a, b) => t.multilabelMarginLoss(a, b),
    'F.multilabel_margin_loss(a, b)',
    of(64, 32),
    indices(32, 64, 32),
  ),
  multilabelSoftMarginLoss: trained(
    (a, b) => t.multilabelSoftMarginLoss(a, b),
    'F.multilabel_soft_margin_loss(a, b)',
    square,
    flags(256, 256),
  ),
  multiMarginLoss: trained(
    (a, b) => t.multiMarginLoss(a, b),
    'F.multi_margin_loss(a, b)',
    square,
    classes,
  ),
  nllLoss: trained((a, b) => t.nllLoss(a, b), 'F.nll_loss(a, b)', square, classes),
  poissonNllLoss: trained((a, b) => t.poissonNllLoss(a, b), 'F.poisson_nll_loss(a, b)', vector, {
    ...target,
    positive: true,
  }),
  smoothL1Loss: trained((a, b) => t.smoothL1Loss(a, b), 'F.smooth_l1_loss(a, b)', vector, target),
  softMarginLoss: trained(
    (a, b) => t.softMarginLoss(a, b),
    'F.soft_margin_loss(a, b)',
    vector,
    ones(kLong),
  ),
  tripletMarginLoss: trained(
    (a, b, c) => t.tripletMarginLoss(a, b, c),
    'F.triplet_margin_loss(a, b, c)',
    square,
    square,
    { shape: [256, 256], positive: true },
  ),
};
