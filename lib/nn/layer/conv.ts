/** Convolutions as modules, with PyTorch's names and initial values. */
import { TensorError } from '../../errors.js';
import { checkGenerator, type Generator } from '../../ops/random/random.js';
import { pad } from '../../ops/shape/pad.js';
import {
  checkPadding,
  checkPerAxis,
  conv1d,
  conv2d,
  conv3d,
  type PerAxis,
} from '../../ops/window/conv.js';
import { empty } from '../../tensor/creation.js';
import type { DType } from '../../tensor/dtype.js';
import { checkCount, checkFlag, checkOptions, describe, numel } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { kaimingUniform, uniform } from '../init.js';
import { Module } from '../module/module.js';
import { Parameter } from '../module/parameter.js';
import { formatFields } from '../module/repr.js';
import { checkDType } from './checks.js';

/** What convolution's modules hold around an input: zeros, or the input's own elements (see `pad`). */
export type PaddingMode = 'zeros' | 'reflect' | 'replicate' | 'circular';

/** Options that all modules of convolutions have. */
export interface ConvBaseOptions {
  /** How far the kernel moves from one output to the next. Default 1. */
  stride?: PerAxis;
  /** How far the kernel's elements are apart. Default 1. */
  dilation?: PerAxis;
  /** In how many groups channels are dealt; as many as channels make it depthwise. Default 1. */
  groups?: number;
  /** Whether a bias is added. Default true. */
  bias?: boolean;
  /** float32 (default) or float64. */
  dtype?: DType;
  /** Where the initial values come from; default the generator that `manualSeed` seeds. */
  generator?: Generator;
}

/** Options of {@link Conv1d}, {@link Conv2d} and {@link Conv3d}. */
export interface ConvLayerOptions extends ConvBaseOptions {
  /** Places at both ends of each axis: a number, a list, 'same' or 'valid'. Default 0. */
  padding?: PerAxis | 'same' | 'valid';
  /** What these places hold. Default `zeros`. */
  paddingMode?: PaddingMode;
}

const BASE_OPTIONS = ['stride', 'padding', 'dilation', 'groups', 'bias', 'dtype', 'generator'];

/** What {@link ConvBase} takes from its subclass. */
interface Layout {
  readonly options: readonly string[];
  /** The weight's first two dimensions. */
  readonly channels: (groups: number) => [number, number];
}

/** What convolutions and transposed ones have in common. Subclasses say over how many axes they go. */
export abstract class ConvBase<
  Inputs extends readonly unknown[] = Tensor[],
> extends Module<Inputs> {
  /** The kernel's size along each axis. */
  readonly kernelSize: readonly number[];
  /** How far the kernel moves, along each axis. */
  readonly stride: readonly number[];
  /** How far the kernel's elements are apart, along each axis. */
  readonly dilation: readonly number[];
  /** In how many groups channels are dealt. */
  readonly groups: number;
  /** Shape [outChannels, inChannels / groups, ...kernelSize]; of a transposed one channels change places. */
  readonly weight: Parameter;
  /** Shape [outChannels], or null. */
  readonly bias: Parameter | null;

  /** @throws TensorError ERR_ARGUMENT for wrong sizes and values and unknown options, ERR_DTYPE */
  constructor(
    /** Channels of an input. */
    readonly inChannels: number,
    /** Channels of an output. */
    readonly outChannels: number,
    kernelSize: PerAxis,
    options: ConvBaseOptions,
    rank: number,
    layout: Layout,
  ) {
    super();
    const { name } = new.target;
    checkOptions(name, options, [...BASE_OPTIONS, ...layout.options]);
    checkCount(name, 'inChannels', inChannels);
    checkCount(name, 'outChannels', outChannels);
    const { dtype = 'float32', generator, bias = true } = options;
    this.groups = checkCount(name, 'groups', options.groups ?? 1);
    if (inChannels % this.groups !== 0 || outChannels % this.groups !== 0) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${name}] ${this.groups} groups do not divide ${inChannels} and ${outChannels} channels`,
      );
    }
    this.kernelSize = checkPerAxis(name, 'kernelSize', kernelSize, rank, 1);
    this.stride = checkPerAxis(name, 'stride', options.stride ?? 1, rank, 1);
    this.dilation = checkPerAxis(name, 'dilation', options.dilation ?? 1, rank, 1);
    checkDType(name, dtype);
    checkFlag(name, 'bias', bias);
    checkGenerator(name, generator);
    const shape = [...layout.channels(this.groups), ...this.kernelSize];
    this.weight = new Parameter(empty(shape, { dtype }));
    this.bias = bias ? new Parameter(empty([outChannels], { dtype })) : null;
    const given = generator && { generator };
    kaimingUniform(this.weight, { slope: Math.sqrt(5), ...given });
    const bound = 1 / Math.sqrt(numel(shape.slice(1)));
    if (this.bias !== null) uniform(this.bias, -bound, bound, generator);
  }
}

const PADDING_MODES: readonly PaddingMode[] = ['zeros', 'reflect', 'replicate', 'circular'];

/** Convolution, whose subclasses say over how many axes. */
abstract class Conv extends ConvBase {
  /** Places at both ends of each axis, or 'same' or 'valid'. */
  readonly padding: readonly number[] | 'same' | 'valid';
  /** What they hold. */
  readonly paddingMode: PaddingMode;
  /** The places before and behind each axis, in the order of `pad`. */
  private readonly pads: readonly number[];

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: PerAxis,
    options: ConvLayerOptions,
    rank: number,
  ) {
    super(inChannels, outChannels, kernelSize, options, rank, {
      options: ['paddingMode'],
      channels: (groups) => [outChannels, inChannels / groups],
    });
    const { name } = new.target;
    const { padding = 0, paddingMode = 'zeros' } = options;
    if (!PADDING_MODES.includes(paddingMode)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${name}] paddingMode is ${PADDING_MODES.join(', ')}, not ${describe(paddingMode)}`,
      );
    }
    this.paddingMode = paddingMode;
    const sides = checkPadding(name, padding, this.kernelSize, this.stride, this.dilation);
    this.padding = typeof padding === 'string' ? padding : sides.map(([before]) => before);
    this.pads = sides.reverse().flat();
  }

  override extraRepr(): string {
    const { inChannels, outChannels, kernelSize, stride, padding, dilation, groups } = this;
    const sizes = { inChannels, outChannels, kernelSize, stride, padding, dilation, groups };
    return formatFields({ ...sizes, bias: this.bias !== null, paddingMode: this.paddingMode });
  }

  protected abstract readonly convolution: typeof conv2d;

  forward(x: Tensor): Tensor {
    const { weight, bias, stride, dilation, groups, paddingMode: mode } = this;
    const rest = { stride, dilation, groups };
    if (mode === 'zeros')
      return this.convolution(x, weight, bias, { padding: this.padding, ...rest });
    return this.convolution(pad(x, this.pads, { mode }), weight, bias, rest);
  }
}

/**
 * Convolution along one axis: see the function `conv1d`. Weight and bias are from
 * U(-1/sqrt(k), 1/sqrt(k)) at first, where k is inChannels / groups times the kernel's size.
 * Inputs have shape [N, inChannels, L] or [inChannels, L].
 * @example
 * ```ts
 * new nn.Conv1d(2, 4, 3, { padding: 'same' }).forward(ones([1, 2, 10])).shape; // => [1, 4, 10]
 * ```
 */
export class Conv1d extends Conv {
  protected readonly convolution = conv1d;

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: PerAxis,
    options: ConvLayerOptions = {},
  ) {
    super(inChannels, outChannels, kernelSize, options, 1);
  }
}

/**
 * The same along two axes: see the function `conv2d`. Inputs have shape [N, inChannels, H, W] or
 * [inChannels, H, W].
 * @example
 * ```ts
 * const layer = new nn.Conv2d(3, 8, 3, { padding: 1, paddingMode: 'reflect' });
 * layer.forward(randn([2, 3, 6, 6])).shape; // => [2, 8, 6, 6]
 * layer.weight.shape; // => [8, 3, 3, 3]
 * ```
 */
export class Conv2d extends Conv {
  protected readonly convolution = conv2d;

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: PerAxis,
    options: ConvLayerOptions = {},
  ) {
    super(inChannels, outChannels, kernelSize, options, 2);
  }
}

/**
 * The same along three axes: see the function `conv3d`. Inputs have shape [N, inChannels, D, H, W] or
 * [inChannels, D, H, W].
 * @example
 * ```ts
 * new nn.Conv3d(1, 2, [1, 3, 3]).forward(ones([1, 4, 5, 5])).shape; // => [2, 4, 3, 3]
 * ```
 */
export class Conv3d extends Conv {
  protected readonly convolution = conv3d;

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: PerAxis,
    options: ConvLayerOptions = {},
  ) {
    super(inChannels, outChannels, kernelSize, options, 3);
  }
}
