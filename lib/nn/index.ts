import './our_layers.js';

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
} from './activation.js';
export {
  MultiheadAttention,
  type MultiheadAttentionCall,
  type MultiheadAttentionOptions,
} from './attention.js';
export { Bilinear, type BilinearLayerOptions } from './bilinear.js';
export { Buffer, type BufferOptions } from './buffer.js';
export type { Named } from './collection.js';
export {
  type Layer,
  ModuleDict,
  ModuleList,
  ParameterDict,
  ParameterList,
  Sequential,
} from './container.js';
export { Conv1d, Conv2d, Conv3d, type ConvLayerOptions, type PaddingMode } from './conv.js';
export {
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  type ConvTransposeCall,
  type ConvTransposeLayerOptions,
} from './conv_transpose.js';
export { CosineSimilarity, PairwiseDistance } from './distance.js';
export {
  AlphaDropout,
  Dropout,
  Dropout1d,
  Dropout2d,
  Dropout3d,
  type DropoutLayerOptions,
  FeatureAlphaDropout,
} from './dropout.js';
export { Embedding, type EmbeddingLayerOptions } from './embedding.js';
export { Flatten, Identity, Unflatten } from './flatten.js';
export type {
  BackwardHook,
  BackwardPreHook,
  ForwardHook,
  ForwardPreHook,
  ModuleGradients,
} from './hooks.js';
export * as init from './init.js';
export { Lambda } from './lambda.js';
export { Linear, type LinearLayerOptions } from './linear.js';
export { BCELoss, BCEWithLogitsLoss, FocalLoss } from './loss_binary.js';
export {
  CrossEntropyLoss,
  MultiLabelMarginLoss,
  MultiLabelSoftMarginLoss,
  MultiMarginLoss,
  NLLLoss,
} from './loss_classes.js';
export { CTCLoss, GaussianNLLLoss, KLDivLoss, PoissonNLLLoss } from './loss_distribution.js';
export {
  CosineEmbeddingLoss,
  HingeEmbeddingLoss,
  HingeLoss,
  MarginRankingLoss,
  SoftMarginLoss,
  TripletMarginLoss,
  TripletMarginWithDistanceLoss,
} from './loss_margin.js';
export { HuberLoss, L1Loss, MSELoss, SmoothL1Loss } from './loss_regression.js';
export { type AnyModule, Module } from './module.js';
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
} from './norm.js';
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
} from './padding.js';
export { Parameter } from './parameter.js';
export { Fold, Unfold } from './patches.js';
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
} from './piecewise.js';
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
} from './pool.js';
export {
  AdaptiveAvgPool3d,
  AdaptiveMaxPool3d,
  AvgPool3d,
  LPPool3d,
  MaxPool3d,
  MaxUnpool3d,
} from './pool3d.js';
export {
  LearnedPositionalEmbedding,
  type PositionalOptions,
  type RotaryCall,
  RotaryEmbedding,
  type RotaryOptions,
  SinusoidalPositionalEncoding,
} from './positional.js';
export {
  QuantizedLinear,
  type QuantizedLinearOptions,
  quantizeDynamic,
} from './quantized.js';
export {
  GRU,
  LSTM,
  type LSTMOptions,
  type LSTMState,
  type RecurrentOptions,
  RNN,
  type RNNOptions,
} from './recurrent.js';
export {
  GRUCell,
  LSTMCell,
  type RecurrentCellOptions,
  RNNCell,
  type RNNCellOptions,
} from './recurrent_cell.js';
export type { LoadedKeys, LoadStateDictOptions, StateDict } from './state.js';
export {
  Summary,
  type SummaryInput,
  type SummaryOptions,
  type SummaryRow,
  summary,
} from './summary.js';
export {
  type EncoderCall,
  generateSquareSubsequentMask,
  type SubsequentMaskOptions,
  Transformer,
  type TransformerCall,
  TransformerDecoder,
  TransformerEncoder,
  type TransformerOptions,
} from './transformer.js';
export {
  type DecoderLayerCall,
  type EncoderLayerCall,
  type TransformerActivation,
  TransformerDecoderLayer,
  TransformerEncoderLayer,
  type TransformerLayerOptions,
} from './transformer_layers.js';
export type { CountOptions } from './tree.js';
export {
  ChannelShuffle,
  PixelShuffle,
  PixelUnshuffle,
  Upsample,
  UpsamplingBilinear2d,
  UpsamplingNearest2d,
  type UpsamplingOptions,
} from './upsample.js';
export * as utils from './utils.js';
