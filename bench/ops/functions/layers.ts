/** What layers compute: normalisation, pooling, interpolation, convolution; and random numbers. */
import * as t from 'tilegrad';
import { drawn, forward, graded, kLong, of, positive, shared, trained, vector } from './row.js';

const images = of(8, 16, 32, 32);
const channel = of(16);
const volumes = of(2, 8, 16, 16, 16);
const lines = of(8, 16, 512);

export const norms = {
  batchNorm: graded(
    (a, b, c) => t.batchNorm(a, { weight: b, bias: c, training: true }),
    'F.batch_norm(a, None, None, b, c, True)',
    images,
    channel,
    channel,
  ),
  groupNorm: graded(
    (a, b, c) => t.groupNorm(a, 4, { weight: b, bias: c }),
    'F.group_norm(a, 4, b, c)',
    images,
    channel,
    channel,
  ),
  instanceNorm: graded(
    (a, b, c) => t.instanceNorm(a, { weight: b, bias: c }),
    'F.instance_norm(a, weight=b, bias=c)',
    images,
    channel,
    channel,
  ),
  localResponseNorm: graded(
    (a) => t.localResponseNorm(a, 5),
    'F.local_response_norm(a, 5)',
    images,
  ),
  rmsNorm: graded(
    (a, b) => t.rmsNorm(a, 256, { weight: b }),
    'F.rms_norm(a, (256,), b)',
    of(256, 256),
    of(256),
  ),
};

export const pooling = {
  adaptiveAvgPool1d: graded(
    (a) => t.adaptiveAvgPool1d(a, 100),
    'F.adaptive_avg_pool1d(a, 100)',
    lines,
  ),
  adaptiveAvgPool2d: graded(
    (a) => t.adaptiveAvgPool2d(a, 7),
    'F.adaptive_avg_pool2d(a, 7)',
    images,
  ),
  adaptiveAvgPool3d: graded(
    (a) => t.adaptiveAvgPool3d(a, 5),
    'F.adaptive_avg_pool3d(a, 5)',
    volumes,
  ),
  adaptiveMaxPool1d: graded(
    (a) => t.adaptiveMaxPool1d(a, 100),
    'F.adaptive_max_pool1d(a, 100)',
    lines,
  ),
  adaptiveMaxPool2d: graded(
    (a) => t.adaptiveMaxPool2d(a, 7),
    'F.adaptive_max_pool2d(a, 7)',
    images,
  ),
  adaptiveMaxPool3d: graded(
    (a) => t.adaptiveMaxPool3d(a, 5),
    'F.adaptive_max_pool3d(a, 5)',
    volumes,
  ),
  avgPool1d: graded((a) => t.avgPool1d(a, 2), 'F.avg_pool1d(a, 2)', lines),
  avgPool2d: graded((a) => t.avgPool2d(a, 2), 'F.avg_pool2d(a, 2)', images),
  avgPool3d: graded((a) => t.avgPool3d(a, 2), 'F.avg_pool3d(a, 2)', volumes),
  lpPool1d: graded((a) => t.lpPool1d(a, 2, 2), 'F.lp_pool1d(a, 2, 2)', lines),
  lpPool2d: graded((a) => t.lpPool2d(a, 2, 2), 'F.lp_pool2d(a, 2, 2)', images),
  lpPool3d: graded((a) => t.lpPool3d(a, 2, 2), 'F.lp_pool3d(a, 2, 2)', volumes),
  maxPool1d: graded((a) => t.maxPool1d(a, 2), 'F.max_pool1d(a, 2)', lines),
  maxPool2d: graded((a) => t.maxPool2d(a, 2), 'F.max_pool2d(a, 2)', images),
  'maxPool2d overlapping': graded(
    (a) => t.maxPool2d(a, 3, { stride: 2, padding: 1 }),
    'F.max_pool2d(a, 3, 2, 1)',
    images,
  ),
  maxPool3d: graded((a) => t.maxPool3d(a, 2), 'F.max_pool3d(a, 2)', volumes),
};

const mode = (name: string, size: string, more = ''): string =>
  `F.interpolate(a, scale_factor=${size}, mode='${name}'${more})`;
const lowImages = of(8, 8, 16, 16);

export const interpolations = {
  'interpolate area': graded(
    (a) => t.interpolate(a, { size: 20, mode: 'area' }),
    "F.interpolate(a, 20, mode='area')",
    images,
  ),
  'interpolate bicubic': graded(
    (a) => t.interpolate(a, { scaleFactor: 2, mode: 'bicubic' }),
    mode('bicubic', '2'),
    lowImages,
  ),
  'interpolate bilinear': graded(
    (a) => t.interpolate(a, { scaleFactor: 2, mode: 'bilinear' }),
    mode('bilinear', '2'),
    lowImages,
  ),
  'interpolate bilinear aligned': graded(
    (a) => t.interpolate(a, { scaleFactor: 2, mode: 'bilinear', alignCorners: true }),
    mode('bilinear', '2', ', align_corners=True'),
    lowImages,
  ),
  'interpolate bilinear down': graded(
    (a) => t.interpolate(a, { scaleFactor: 0.5, mode: 'bilinear' }),
    mode('bilinear', '0.5'),
    images,
  ),
  'interpolate linear': graded(
    (a) => t.interpolate(a, { scaleFactor: 2, mode: 'linear' }),
    mode('linear', '2'),
    of(8, 16, 256),
  ),
  'interpolate nearest': graded(
    (a) => t.interpolate(a, { scaleFactor: 2 }),
    mode('nearest', '2'),
    lowImages,
  ),
  'interpolate nearest down': graded(
    (a) => t.interpolate(a, { scaleFactor: 0.5 }),
    mode('nearest', '0.5'),
    images,
  ),
  'interpolate nearest lines': graded(
    (a) => t.interpolate(a, { scaleFactor: 2 }),
    mode('nearest', '2'),
    of(8, 16, 256),
  ),
  'interpolate nearest 1.5': graded(
    (a) => t.interpolate(a, { scaleFactor: 1.5 }),
    mode('nearest', '1.5'),
    lowImages,
  ),
  'interpolate nearest volumes': graded(
    (a) => t.interpolate(a, { scaleFactor: 2 }),
    mode('nearest', '2'),
    of(2, 4, 8, 16, 16),
  ),
  'interpolate trilinear': graded(
    (a) => t.interpolate(a, { scaleFactor: 2, mode: 'trilinear' }),
    mode('trilinear', '2'),
    of(2, 4, 8, 16, 16),
  ),
};

export const convolutions = {
  conv1d: trained(
    (a, b, c) => t.conv1d(a, b, c),
    'F.conv1d(a, b, c)',
    of(8, 16, 128),
    of(16, 16, 3),
    channel,
  ),
  conv2d: trained(
    (a, b, c) => t.conv2d(a, b, c),
    'F.conv2d(a, b, c)',
    of(4, 8, 28, 28),
    of(16, 8, 3, 3),
    channel,
  ),
  conv3d: trained(
    (a, b, c) => t.conv3d(a, b, c),
    'F.conv3d(a, b, c)',
    of(1, 8, 12, 12, 12),
    of(16, 8, 3, 3, 3),
    channel,
  ),
  convTranspose1d: trained(
    (a, b, c) => t.convTranspose1d(a, b, c),
    'F.conv_transpose1d(a, b, c)',
    of(8, 16, 128),
    of(16, 16, 3),
    channel,
  ),
  convTranspose2d: trained(
    (a, b, c) => t.convTranspose2d(a, b, c, { stride: 2 }),
    'F.conv_transpose2d(a, b, c, 2)',
    of(4, 8, 14, 14),
    of(8, 16, 3, 3),
    channel,
  ),
  'conv3d strided': trained(
    (a, b, c) => t.conv3d(a, b, c, { stride: 2, padding: 1 }),
    'F.conv3d(a, b, c, 2, 1)',
    of(1, 8, 12, 12, 12),
    of(16, 8, 3, 3, 3),
    channel,
  ),
  'convTranspose3d strided': trained(
    (a, b, c) => t.convTranspose3d(a, b, c, { stride: 2 }),
    'F.conv_transpose3d(a, b, c, 2)',
    of(1, 8, 8, 8, 8),
    of(8, 16, 3, 3, 3),
    channel,
  ),
  convTranspose3d: trained(
    (a, b, c) => t.convTranspose3d(a, b, c),
    'F.conv_transpose3d(a, b, c)',
    of(1, 8, 8, 8, 8),
    of(8, 16, 3, 3, 3),
    channel,
  ),
};

/** A cell without biases whose weights are given, for each pair of these. */
const cells = new WeakMap<t.Tensor, t.nn.LSTMCell | t.nn.GRUCell>();
function cellOf<Cell extends t.nn.LSTMCell | t.nn.GRUCell>(
  Class: new (inputs: number, hidden: number, options: t.nn.RecurrentCellOptions) => Cell,
  ofInput: t.Tensor,
  ofHidden: t.Tensor,
): Cell {
  const [inputs, hidden] = [ofInput, ofHidden].map(({ shape }) => shape[1]!) as [number, number];
  const dtype = ofInput.dtype as 'float32' | 'float64';
  const cell = (cells.get(ofInput) ?? new Class(inputs, hidden, { bias: false, dtype })) as Cell;
  if (!cells.has(ofInput)) {
    t.noGrad(() => {
      cell.weight_ih.set(ofInput);
      cell.weight_hh.set(ofHidden);
    });
  }
  cells.set(ofInput, cell);
  return cell;
}
const state = of(64, 64);

export const recurrent = {
  LSTMCell: forward(
    (a, b, c, d, e) => t.noGrad(() => cellOf(t.nn.LSTMCell, d, e).forward(a, [b, c])),
    'torch.lstm_cell(a, (b, c), d, e)[0]',
    ...[state, state, state, of(256, 64), of(256, 64)],
  ),
  GRUCell: forward(
    (a, b, c, d) => t.noGrad(() => cellOf(t.nn.GRUCell, c, d).forward(a, b)),
    'torch.gru_cell(a, b, c, d)',
    ...[state, state, of(192, 64), of(192, 64)],
  ),
};

const kLargest = 20;
export const random = {
  alphaDropout: drawn(
    kLargest,
    (a) => t.alphaDropout(a, 0.5),
    'F.alpha_dropout(a, 0.5, True)',
    vector,
  ),
  bernoulli: drawn(1, (a) => t.bernoulli(a), 'torch.bernoulli(a)', positive(kLong)),
  exponential: drawn(
    kLargest,
    () => t.exponential(1, [kLong]),
    'torch.empty(65536).exponential_(1)',
    of(1),
  ),
  featureAlphaDropout: drawn(
    kLargest,
    (a) => t.featureAlphaDropout(a, 0.5),
    'F.feature_alpha_dropout(a, 0.5, True)',
    images,
  ),
  featureDropout: drawn(kLargest, (a) => t.featureDropout(a, 0.5), 'F.dropout2d(a, 0.5)', images),
  multinomial: drawn(
    1000,
    (a) => t.multinomial(a, 100),
    'torch.multinomial(a, 100)',
    positive(16, 1000),
  ),
  'multinomial replaced': drawn(
    1000,
    (a) => t.multinomial(a, 100, { replacement: true }),
    'torch.multinomial(a, 100, True)',
    positive(16, 1000),
  ),
  normal: drawn(kLargest, () => t.normal(1, 2, [kLong]), 'torch.normal(1., 2., (65536,))', of(1)),
  normal_: {
    ...shared((a) => t.normal_(a), 'a.normal_()', vector),
    ...drawn(kLargest, (a) => t.normal_(a), 'a.normal_()', vector),
  },
  poisson: drawn(100, (a) => t.poisson(a), 'torch.poisson(a)', positive(2 ** 14)),
  'rand float32': drawn(1, () => t.rand([kLong]), 'torch.rand(65536)', of(1)),
  randLike: drawn(1, (a) => t.randLike(a), 'torch.rand_like(a)', vector),
  randint: drawn(100, () => t.randint(0, 100, [kLong]), 'torch.randint(0, 100, (65536,))', of(1)),
  randintLike: drawn(100, (a) => t.randintLike(a, 0, 100), 'torch.randint_like(a, 0, 100)', vector),
  'randn float32': drawn(kLargest, () => t.randn([kLong]), 'torch.randn(65536)', of(1)),
  randnLike: drawn(kLargest, (a) => t.randnLike(a), 'torch.randn_like(a)', vector),
  'randperm 65536': drawn(kLong, () => t.randperm(kLong), 'torch.randperm(65536)', of(1)),
  rrelu: drawn(1, (a) => t.rrelu(a, { training: true }), 'F.rrelu(a, training=True)', vector),
  truncatedNormal: drawn(
    2,
    () => t.truncatedNormal([kLong]),
    'torch.nn.init.trunc_normal_(torch.empty(65536))',
    of(1),
  ),
  uniform: drawn(2, () => t.uniform(-1, 2, [kLong]), 'torch.empty(65536).uniform_(-1, 2)', of(1)),
  uniform_: {
    ...shared((a) => t.uniform_(a), 'a.uniform_()', vector),
    ...drawn(1, (a) => t.uniform_(a), 'a.uniform_()', vector),
  },
};

export const unpooling = {
  maxUnpool2d: forward(
    (a, b) => t.maxUnpool2d(a, b, 2),
    'F.max_unpool2d(a, b, 2)',
    of(8, 16, 16, 16),
    { shape: [8, 16, 16, 16], below: 1024 },
  ),
  maxUnpool1d: forward(
    (a, b) => t.maxUnpool1d(a, b, 2),
    'F.max_unpool1d(a, b, 2)',
    of(8, 16, 256),
    { shape: [8, 16, 256], below: 512 },
  ),
  maxUnpool3d: forward(
    (a, b) => t.maxUnpool3d(a, b, 2),
    'F.max_unpool3d(a, b, 2)',
    of(2, 8, 8, 8, 8),
    { shape: [2, 8, 8, 8, 8], below: 4096 },
  ),
};
