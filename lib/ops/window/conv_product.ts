/**
 * The three products behind convolutions and their gradients. Each is linear in both of its operands,
 * and its gradients are the other two; so all of them record, and gradients of gradients need no
 * rules of their own.
 */
import { attach, recording } from '../../autograd/tape.js';
import { rows, runRowFor } from '../../native/commands.js';
import { fillWith, uninitialized } from '../../tensor/creation.js';
import type { GradRule, Tensor } from '../../tensor/tensor.js';
import { copyInto, copyOf } from '../operand.js';
import { expand, sum } from '../reduction/reduce.js';
import { reshape } from '../shape/shape.js';

/** What a convolution does beside its operands; a number for each axis. */
export interface ConvGeometry {
  readonly groups: number;
  readonly stride: readonly number[];
  /** Zeros before the first element; those behind the last one follow from the sizes. */
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
}

/** As many axes as the native rows have: images of fewer have 1 in front. */
const AXES = 3;

const axes = (list: readonly number[], missing: number): number[] => [
  ...new Array<number>(AXES - list.length).fill(missing),
  ...list,
];

/** The sizes of a batch of images or of kernels without its first two dimensions. */
export const sizesOf = (t: Tensor): number[] => t.shape.slice(2);

/** The tensor itself when its elements lie in row-major order. The copy has no history. */
const inOrder = (t: Tensor): Tensor => (t.isContiguous ? t : copyOf(t));

/** The tensor itself unless it is stretched, which a row with its strides doesn't take. */
const apart = (t: Tensor): Tensor =>
  t.strides.some((stride, d) => stride === 0 && (t.shape[d] as number) > 1) ? copyOf(t) : t;

/** The numbers of a row: `input` and `output` are channels of a group, `sizes` of the second image. */
function numbersOf(
  image: Tensor,
  geometry: ConvGeometry,
  [output, input]: readonly [number, number],
  kernel: readonly number[],
  sizes: readonly number[],
): number[] {
  const { groups, stride, padding, dilation } = geometry;
  const [n = 0, channels = 0] = image.shape;
  const [nStep = 0, channelStep = 0] = image.strides;
  return [
    ...[n, groups, output, input, ...axes(kernel, 1), ...axes(sizes, 1)],
    ...[...axes(stride, 1), ...axes(padding, 0), ...axes(dilation, 1)],
    ...[AXES + 2, n, channels, ...axes(sizesOf(image), 1)],
    ...[nStep, channelStep, ...axes(image.strides.slice(2), 1)],
  ];
}

/** How many output and input channels a group of the weight has. */
const channelsOf = (weight: Tensor, groups: number): [number, number] => [
  (weight.shape[0] as number) / groups,
  weight.shape[1] as number,
];

/** A row's arrays and where they begin. */
function operands(...tensors: (Tensor | null)[]) {
  return [tensors.map((t) => t?.array ?? null), tensors.map((t) => t?.offset ?? 0)] as const;
}

/**
 * Whether the row has something to add up. Otherwise the result is written here: the bias, or zeros.
 * @param result shape [N, channels, ...], of the bias's channels
 */
function hasTerms(result: Tensor, a: Tensor, b: Tensor, bias: Tensor | null): boolean {
  if (result.numel === 0) return false;
  if (a.numel > 0 && b.numel > 0) return true;
  if (bias === null) fillWith(result, 0);
  else
    copyInto(
      result,
      expand(reshape(bias.detach(), [-1, ...sizesOf(result).fill(1)]), result.shape),
    );
  return false;
}

const biasGradient: GradRule = (g) => sum(g, { dim: g.shape.map((_, d) => d).toSpliced(1, 1) });

/**
 * y[n, o] = bias[o] + sum over channels c and taps k of weight[o, c, k] x[n, c] at
 * stride * place + dilation * k - padding.
 * @param x shape [N, C, ...]
 * @param weight shape [O, C / groups, ...kernel]
 * @param sizes of y, shape [N, O, ...sizes]
 */
export function convolve(
  name: string,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  geometry: ConvGeometry,
  sizes: readonly number[],
): Tensor {
  const y = uninitialized([x.shape[0] as number, weight.shape[0] as number, ...sizes], x.dtype);
  const kernel = sizesOf(weight);
  if (hasTerms(y, x, weight, bias)) {
    const image = apart(x);
    runRowFor(
      name,
      rows.conv,
      ...operands(image, inOrder(weight), bias && inOrder(bias), y),
      numbersOf(image, geometry, channelsOf(weight, geometry.groups), kernel, sizes),
    );
  }
  if (!recording(x, weight, bias ?? undefined)) return y;
  const rules: GradRule[] = [
    (g) => convolveTransposed(name, g, weight, null, geometry, sizesOf(x)),
    (g) => convolveWeight(name, x, g, geometry, kernel),
  ];
  return bias === null
    ? attach(y, name, [x, weight], rules)
    : attach(y, name, [x, weight, bias], [...rules, biasGradient]);
}

/**
 * The transpose: each element of g times the weight is added to the places that `convolve` reads.
 * @param g shape [N, O, ...]
 * @param weight shape [O, C / groups, ...kernel]
 * @param bias shape [C]
 * @param sizes of the result, shape [N, C, ...sizes]
 */
export function convolveTransposed(
  name: string,
  g: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  geometry: ConvGeometry,
  sizes: readonly number[],
): Tensor {
  const channels = channelsOf(weight, geometry.groups);
  const kernel = sizesOf(weight);
  const shape = [g.shape[0] as number, geometry.groups * channels[1], ...sizes];
  const x = uninitialized(shape, g.dtype);
  if (hasTerms(x, g, weight, bias)) {
    const image = apart(g);
    runRowFor(
      name,
      rows.convInput,
      ...operands(image, inOrder(weight), bias && inOrder(bias), x),
      numbersOf(image, geometry, channels, kernel, sizes),
    );
  }
  if (!recording(g, weight, bias ?? undefined)) return x;
  const rules: GradRule[] = [
    (r) => convolve(name, r, weight, null, geometry, sizesOf(g)),
    (r) => convolveWeight(name, r, g, geometry, kernel),
  ];
  return bias === null
    ? attach(x, name, [g, weight], rules)
    : attach(x, name, [g, weight, bias], [...rules, biasGradient]);
}

/**
 * The gradient of the weight of `convolve`, from its input and a gradient of its result.
 * @param kernel sizes of the weight
 */
function convolveWeight(
  name: string,
  x: Tensor,
  g: Tensor,
  geometry: ConvGeometry,
  kernel: readonly number[],
): Tensor {
  const { groups } = geometry;
  const [outputs, inputs] = [g.shape[1] as number, (x.shape[1] as number) / groups];
  const weight = uninitialized([outputs, inputs, ...kernel], x.dtype);
  if (hasTerms(weight, x, g, null)) {
    const image = apart(x);
    runRowFor(
      name,
      rows.convWeight,
      ...operands(image, inOrder(g), weight),
      numbersOf(image, geometry, [outputs / groups, inputs], kernel, sizesOf(g)),
    );
  }
  if (!recording(x, g)) return weight;
  return attach(
    weight,
    name,
    [x, g],
    [
      (w) => convolveTransposed(name, g, w, null, geometry, sizesOf(x)),
      (w) => convolve(name, x, w, null, geometry, sizesOf(g)),
    ],
  );
}
