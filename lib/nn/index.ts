import './our_layers.js';

export * as init from './init.js';
export {
  CELU,
  ELU,
  GELU,
  GLU,
  LogSigmoid,
  LogSoftmax,
  Mish,
  SELU,
  Sigmoid,
  SiLU,
  Softmax,
  Softmax2d,
  Softmin,
  Softplus,
  Softsign,
  Tanh,
  Tanhshrink,
} from './layer/activation.js';
export {
  MultiheadAttention,
  type MultiheadAttentionCall,
  type MultiheadAttentionOptions,
} from './layer/attention.js';
export { Bilinear, type BilinearLayerOptions } from './layer/bilinear.js';
export { Conv1d, Conv2d, Conv3d, type ConvLayerOptions, type PaddingMode } from './layer/conv.js';
export {
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  type ConvTransposeCall,
  type ConvTransposeLayerOptions,
} from './layer/conv_transpose.js';
export { CosineSimilarity, PairwiseDistance } from './layer/distance.js';
export {
  AlphaDropout,
  Dropout,
  Dropout1d,
  Dropout2d,
  Dropout3d,
  type DropoutLayerOptions,
  FeatureAlphaDropout,
} from './layer/dropout.js';
export { Embedding, type EmbeddingLayerOptions } from './layer/embedding.js';
export { Flatten, Identity, Unflatten } from './layer/flatten.js';
export { Linear, type LinearLayerOptions } from './layer/linear.js';
export {
  BatchNorm1d,
  BatchNorm2d,
  BatchNorm3d,
  type BatchNormLayerOptions,
  GroupNorm,
  type GroupNormOptions,
  InstanceNorm1d,
  InstanceNorm2d,
  InstanceNorm3d,
  LayerNorm,
  type LayerNormOptions,
  LocalResponseNorm,
  RMSNorm,
  type RMSNormOptions,
} from './layer/norm.js';
export {
  CircularPad1d,
  CircularPad2d,
  CircularPad3d,
  ConstantPad1d,
  ConstantPad2d,
  ConstantPad3d,
  type Padding,
  ReflectionPad1d,
  ReflectionPad2d,
  ReflectionPad3d,
  ReplicationPad1d,
  ReplicationPad2d,
  ReplicationPad3d,
  ZeroPad1d,
  ZeroPad2d,
  ZeroPad3d,
} from './layer/padding.js';
export { Fold, Unfold } from './layer/patches.js';
export {
  Hardshrink,
  Hardsigmoid,
  Hardswish,
  Hardtanh,
  LeakyReLU,
  PReLU,
  type PReLUOptions,
  ReLU,
  ReLU6,
  RReLU,
  type RReLUOptions,
  Softshrink,
  Threshold,
} from './layer/piecewise.js';
export {
  AdaptiveAvgPool1d,
  AdaptiveAvgPool2d,
  AdaptiveMaxPool1d,
  AdaptiveMaxPool2d,
  AvgPool1d,
  AvgPool2d,
  LPPool1d,
  LPPool2d,
  MaxPool1d,
  MaxPool2d,
  type MaxPoolLayerOptions,
  MaxUnpool1d,
  MaxUnpool2d,
  type MaxUnpoolLayerOptions,
} from './layer/pool.js';
export {
  AdaptiveAvgPool3d,
  AdaptiveMaxPool3d,
  AvgPool3d,
  LPPool3d,
  MaxPool3d,
  MaxUnpool3d,
} from './layer/pool3d.js';
export {
  LearnedPositionalEmbedding,
  type PositionalOptions,
  type RotaryCall,
  RotaryEmbedding,
  type RotaryOptions,
  SinusoidalPositionalEncoding,
} from './layer/positional.js';
export {
  QuantizedLinear,
  type QuantizedLinearOptions,
  quantizeDynamic,
} from './layer/quantized.js';
export {
  GRU,
  LSTM,
  type LSTMOptions,
  type LSTMState,
  type RecurrentOptions,
  RNN,
  type RNNOptions,
} from './layer/recurrent.js';
export {
  GRUCell,
  LSTMCell,
  type RecurrentCellOptions,
  RNNCell,
  type RNNCellOptions,
} from './layer/recurrent_cell.js';
export {
  type EncoderCall,
  generateSquareSubsequentMask,
  type SubsequentMaskOptions,
  Transformer,
  type TransformerCall,
  TransformerDecoder,
  TransformerEncoder,
  type TransformerOptions,
} from './layer/transformer.js';
export {
  type DecoderLayerCall,
  type EncoderLayerCall,
  type TransformerActivation,
  TransformerDecoderLayer,
  TransformerEncoderLayer,
  type TransformerLayerOptions,
} from './layer/transformer_layers.js';
export {
  ChannelShuffle,
  PixelShuffle,
  PixelUnshuffle,
  Upsample,
  UpsamplingBilinear2d,
  UpsamplingNearest2d,
  type UpsamplingOptions,
} from './layer/upsample.js';
export { BCELoss, BCEWithLogitsLoss, FocalLoss } from './loss/loss_binary.js';
export {
  CrossEntropyLoss,
  MultiLabelMarginLoss,
  MultiLabelSoftMarginLoss,
  MultiMarginLoss,
  NLLLoss,
} from './loss/loss_classes.js';
export { CTCLoss, GaussianNLLLoss, KLDivLoss, PoissonNLLLoss } from './loss/loss_distribution.js';
export {
  CosineEmbeddingLoss,
  HingeEmbeddingLoss,
  HingeLoss,
  MarginRankingLoss,
  SoftMarginLoss,
  TripletMarginLoss,
  TripletMarginWithDistanceLoss,
} from './loss/loss_margin.js';
export { HuberLoss, L1Loss, MSELoss, SmoothL1Loss } from './loss/loss_regression.js';
export { Buffer, type BufferOptions } from './module/buffer.js';
export type { Named } from './module/collection.js';
export {
  type Layer,
  ModuleDict,
  ModuleList,
  ParameterDict,
  ParameterList,
  Sequential,
} from './module/container.js';
export type {
  BackwardHook,
  BackwardPreHook,
  ForwardHook,
  ForwardPreHook,
  ModuleGradients,
} from './module/hooks.js';
export { Lambda } from './module/lambda.js';
export { type AnyModule, Module } from './module/module.js';
export { Parameter } from './module/parameter.js';
export type { LoadedKeys, LoadStateDictOptions, StateDict } from './module/state.js';
export {
  Summary,
  type SummaryInput,
  type SummaryOptions,
  type SummaryRow,
  summary,
} from './module/summary.js';
export type { CountOptions } from './module/tree.js';
export {
  type ElasticPenaltyOptions,
  elasticPenalty,
  l1Penalty,
  l2Penalty,
  type Penalized,
  type PenaltyGroup,
  type PenaltyOptions,
  proximalL1,
} from './penalty.js';
export * as utils from './utils.js';
