/** Functions over many parameters and their gradients, as in torch.nn.utils. */
import { TensorError } from '../errors.js';
import { rows, runRow } from '../native/commands.js';
import { slice } from '../ops/indexing/slice.js';
import { checkTensor, clone, copyInto, to } from '../ops/operand.js';
import { concat } from '../ops/shape/join.js';
import { reshape } from '../ops/shape/shape.js';
import { uninitialized } from '../tensor/creation.js';
import { dtypes, type StoredArray } from '../tensor/dtype.js';
import { checkOptions, describe, formatShape } from '../tensor/shape.js';
import type { Storage } from '../tensor/storage.js';
import { Tensor } from '../tensor/tensor.js';

export * as rnn from './layer/packed_sequence.js';
export * as parametrize from './module/parametrize.js';
export * as parametrizations from './parametrizations.js';

/** Options of {@link gradNorm} and {@link clipGradNorm}. */
export interface GradNormOptions {
  /** Which norm: 2 (default), 1 or Infinity. */
  normType?: number;
  /** Throws when the norm is NaN or infinite. Default false. */
  errorIfNonfinite?: boolean;
}

/** What the native rows take for a norm, `NormKind` in native/ops/optim/gradients.cpp. */
const KINDS = new Map([
  [2, 0],
  [1, 1],
  [Infinity, 2],
]);

/** Numbers of one entry of the native table: offset, elements, which of the norms. */
const FIELDS = 3;

/** One gradient as the native rows see it: a stretch of memory. */
interface Stretch {
  /** The gradient itself, or a contiguous copy of it. */
  readonly tensor: Tensor;
  /** The leaf whose gradient was copied; null when `tensor` is the gradient. */
  readonly copiedFrom: Tensor | null;
}

/** The gradients that there are, in the order of the parameters; of a parameter named twice one. */
function gradientsOf(name: string, parameters: Tensor | Iterable<Tensor>): Stretch[] {
  const isTensor = parameters instanceof Tensor;
  const isList =
    !isTensor &&
    typeof (parameters as Iterable<unknown> | null | undefined)?.[Symbol.iterator] === 'function';
  if (!isTensor && !isList) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${name}] parameters must be a tensor or a list of tensors, not ${describe(parameters)}`,
    );
  }
  const stretches: Stretch[] = [];
  for (const parameter of new Set(isTensor ? [parameters] : parameters)) {
    if (!(parameter instanceof Tensor)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${name}] parameters must be tensors, not ${describe(parameter)}`,
      );
    }
    const gradient = parameter.accumulatedGrad;
    if (gradient === null) continue;
    if (!dtypes[gradient.dtype].arithmetic) {
      throw new TensorError(
        'ERR_DTYPE',
        `[${name}] gradients are float32 or float64, not ${gradient.dtype}`,
      );
    }
    const isStretch = gradient.isContiguous || gradient.isDense;
    stretches.push(
      isStretch
        ? { tensor: gradient, copiedFrom: null }
        : { tensor: clone(gradient), copiedFrom: parameter },
    );
  }
  return stretches;
}

/** The calls that a table of segments is for. */
class Batches {
  private readonly batches = new Map<StoredArray, number[]>();

  /** Adds a gradient; `slot` is the third field of its entry. */
  add({ tensor }: Stretch, slot: number): void {
    const { array } = tensor;
    let table = this.batches.get(array);
    if (table === undefined) {
      table = [];
      this.batches.set(array, table);
    }
    table.push(tensor.offset, tensor.numel, slot);
  }

  /** Calls a function with each array and its table, once, and forgets them. */
  run(call: (array: StoredArray, table: Float64Array, count: number) => void): void {
    for (const [array, table] of this.batches) {
      call(array, Float64Array.from(table), table.length / FIELDS);
    }
    this.batches.clear();
  }
}

/** The norm of all, and the factor that brings it down to `maxNorm`, as the native side leaves them. */
function totalsOf(stretches: readonly Stretch[], normType: number, maxNorm: number): Tensor {
  const kind = KINDS.get(normType) as number;
  const norms = new Float64Array(stretches.length);
  const batches = new Batches();
  for (const [slot, stretch] of stretches.entries()) batches.add(stretch, slot);
  batches.run((array, table, count) => {
    const numbers = [array.length, norms.length, count, kind];
    runRow(rows.gradNorms, [array, norms, table], [0, 0, 0], numbers);
  });
  const totals = uninitialized([2], 'float64');
  const numbers = [norms.length, kind, maxNorm];
  runRow(rows.totalNorm, [norms, totals.array], [0, totals.offset], numbers);
  return totals;
}

/**
 * Changes gradients in place through a native row. What was copied goes back; a gradient whose
 * elements share memory (an expanded one) gets memory of its own.
 */
function change(
  stretches: readonly Stretch[],
  call: (array: StoredArray, table: Float64Array, count: number) => void,
): void {
  const batches = new Batches();
  const seen = new Map<Storage, Tensor>();
  for (const stretch of stretches) {
    const { tensor } = stretch;
    const before = seen.get(tensor.storage);
    // One gradient for two parameters changes once.
    if (before?.offset === tensor.offset && before.numel === tensor.numel) continue;
    seen.set(tensor.storage, tensor);
    // Memory that may overlap another's is changed in a call of its own.
    const isAlone = before !== undefined || tensor.storage.capacity === 0;
    if (isAlone) batches.run(call);
    batches.add(stretch, 0);
    if (isAlone) batches.run(call);
    tensor.storage.version++;
  }
  batches.run(call);
  for (const { tensor, copiedFrom } of stretches) {
    if (copiedFrom === null) continue;
    const gradient = copiedFrom.accumulatedGrad as Tensor;
    const { shape, strides } = gradient;
    if (strides.some((stride, d) => stride === 0 && shape[d] !== 1)) copiedFrom.grad = tensor;
    else copyInto(gradient, tensor);
  }
}

function checkNormOptions(name: string, options: GradNormOptions): Required<GradNormOptions> {
  checkOptions(name, options, ['normType', 'errorIfNonfinite']);
  const { normType = 2, errorIfNonfinite = false } = options;
  if (!KINDS.has(normType)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${name}] normType is 1, 2 or Infinity, not ${describe(normType)}`,
    );
  }
  return { normType, errorIfNonfinite };
}

/** Also Infinity is a limit: then only the norm is wanted. */
function checkLimit(name: string, option: string, limit: number): void {
  if (typeof limit !== 'number' || !(limit >= 0)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${name}] ${option} must be a number >= 0, not ${describe(limit)}`,
    );
  }
}

/** The norm as a scalar of the gradients' dtype: float64 when one of them is. */
function normOf(
  name: string,
  stretches: readonly Stretch[],
  totals: Tensor,
  errorIfNonfinite: boolean,
): Tensor {
  const isDouble = stretches.some(({ tensor }) => tensor.dtype === 'float64');
  const first = totals.strided([], [], totals.offset);
  const norm = isDouble ? first : to(first, 'float32');
  if (errorIfNonfinite && !Number.isFinite(norm.item())) {
    throw new TensorError(
      'ERR_STATE',
      `[${name}] the norm of the gradients is ${norm.item()}; without errorIfNonfinite they ` +
        'would be scaled all the same',
    );
  }
  return norm;
}

/**
 * The norm of all gradients of the parameters, taken as one vector: with normType 2 the root of the
 * sum of squares, with 1 the sum of magnitudes, with Infinity the largest magnitude (NaN if there is
 * one). Sums are float64 for either dtype and in an order that depends on the shapes only, so squares
 * of float32 neither overflow nor vanish. Parameters without a gradient don't count; the norm of
 * nothing is 0.
 * @returns a scalar, float64 when a gradient is, otherwise float32
 * @throws TensorError ERR_ARGUMENT for anything but tensors and for other norms, ERR_DTYPE for
 * gradients of bfloat16, ERR_STATE for a norm that is not finite with errorIfNonfinite
 * @example
 * ```ts
 * const w = tensor([3, 4], { requiresGrad: true });
 * w.square().sum().backward();
 * nn.utils.gradNorm([w]); // => 10
 * ```
 */
export function gradNorm(
  parameters: Tensor | Iterable<Tensor>,
  options: GradNormOptions = {},
): Tensor {
  const { normType, errorIfNonfinite } = checkNormOptions('gradNorm', options);
  const stretches = gradientsOf('gradNorm', parameters);
  const totals = totalsOf(stretches, normType, Infinity);
  return normOf('gradNorm', stretches, totals, errorIfNonfinite);
}

/**
 * Scales all gradients of the parameters down, in place, when their norm (see {@link gradNorm}) is
 * above `maxNorm`: g *= min(1, maxNorm / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_ (Pascanu
 * et al. 2013). A NaN norm makes all of them NaN, an infinite one makes finite values 0. One pass
 * reads the gradients, and one scales them if they have to be scaled.
 * @returns the norm before, a scalar, float64 when a gradient is, otherwise float32
 * @throws TensorError as gradNorm, also for a maxNorm that is not a number >= 0
 * @example
 * ```ts
 * const w = tensor([3, 4], { requiresGrad: true });
 * w.square().sum().backward();
 * nn.utils.clipGradNorm([w], 1); // => 10
 * w.grad; // => [0.6, 0.8]
 * ```
 */
export function clipGradNorm(
  parameters: Tensor | Iterable<Tensor>,
  maxNorm: number,
  options: GradNormOptions = {},
): Tensor {
  const { normType, errorIfNonfinite } = checkNormOptions('clipGradNorm', options);
  checkLimit('clipGradNorm', 'maxNorm', maxNorm);
  const stretches = gradientsOf('clipGradNorm', parameters);
  const totals = totalsOf(stretches, normType, maxNorm);
  const norm = normOf('clipGradNorm', stretches, totals, errorIfNonfinite);
  change(stretches, (array, table, count) => {
    const offsets = [0, totals.offset, 0];
    runRow(rows.scaleGrads, [array, totals.array, table], offsets, [array.length, count]);
  });
  return norm;
}

/**
 * Limits every element of the parameters' gradients to [-clipValue, clipValue], in place, as
 * torch.nn.utils.clip_grad_value_. NaN stays NaN.
 * @throws TensorError ERR_ARGUMENT for anything but tensors, and for a clipValue that is not a number
 * >= 0; ERR_DTYPE for gradients of bfloat16
 * @example
 * ```ts
 * const w = tensor([3, -4], { requiresGrad: true });
 * w.square().sum().backward();
 * nn.utils.clipGradValue([w], 7);
 * w.grad; // => [6, -7]
 * ```
 */
export function clipGradValue(parameters: Tensor | Iterable<Tensor>, clipValue: number): void {
  checkLimit('clipGradValue', 'clipValue', clipValue);
  change(gradientsOf('clipGradValue', parameters), (array, table, count) => {
    runRow(rows.clampGrads, [array, table], [0, 0], [array.length, count, clipValue]);
  });
}

/** @throws TensorError ERR_ARGUMENT for anything but a list of tensors */
function checkParameters(name: string, parameters: unknown): readonly Tensor[] {
  const isList =
    typeof (parameters as Iterable<unknown> | null | undefined)?.[Symbol.iterator] === 'function';
  if (!isList || parameters instanceof Tensor) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${name}] parameters must be a list of tensors, not ${describe(parameters)}`,
    );
  }
  const list = [...(parameters as Iterable<unknown>)];
  for (const parameter of list) checkTensor(name, parameter);
  return list as Tensor[];
}

/**
 * All parameters one after the other in one vector, through which gradients flow, as
 * torch.nn.utils.parameters_to_vector.
 * @returns shape [number of all elements]
 * @throws TensorError ERR_ARGUMENT for anything but a list of tensors, and for an empty one; ERR_DTYPE
 * when their dtypes differ
 * @example
 * ```ts
 * nn.utils.parametersToVector([tensor([[1, 2], [3, 4]]), tensor([5])]); // => [1, 2, 3, 4, 5]
 * ```
 */
export function parametersToVector(parameters: Iterable<Tensor>): Tensor {
  const list = checkParameters('parametersToVector', parameters);
  if (list.length === 0) {
    throw new TensorError('ERR_ARGUMENT', '[parametersToVector] there are no parameters');
  }
  checkSameDtype('parametersToVector', list);
  return concat(list.map((parameter) => reshape(parameter, [parameter.numel])));
}

/** @throws TensorError ERR_DTYPE unless all have one dtype */
function checkSameDtype(name: string, tensors: readonly Tensor[]): void {
  const names = new Set(tensors.map(({ dtype }) => dtype));
  if (names.size > 1) {
    throw new TensorError('ERR_DTYPE', `[${name}] the tensors are ${[...names].join(' and ')}`);
  }
}

/**
 * Copies the elements of a vector into parameters, one after the other: the other way round of
 * `parametersToVector`. (torch.nn.utils.vector_to_parameters makes the parameters views of the vector; here
 * they keep their memory, and so do optimizers.) It is not recorded.
 * @throws TensorError ERR_SHAPE unless the vector has one dimension with as many elements as all parameters,
 * ERR_DTYPE when dtypes differ, ERR_ARGUMENT for anything but a list of tensors
 * @example
 * ```ts
 * const layer = new nn.Linear(2, 1);
 * nn.utils.vectorToParameters(tensor([1, 2, 3]), layer.parameters());
 * layer.weight; // => [[1, 2]]
 * layer.bias; // => [3]
 * ```
 */
export function vectorToParameters(vector: Tensor, parameters: Iterable<Tensor>): void {
  checkTensor('vectorToParameters', vector);
  const list = checkParameters('vectorToParameters', parameters);
  const count = list.reduce((sum, { numel }) => sum + numel, 0);
  if (vector.ndim !== 1 || vector.numel !== count) {
    throw new TensorError(
      'ERR_SHAPE',
      `[vectorToParameters] the parameters have ${count} elements, which ${formatShape(vector.shape)} does not fit`,
    );
  }
  checkSameDtype('vectorToParameters', [vector, ...list]);
  const values = vector.detach();
  let start = 0;
  for (const parameter of list) {
    const part = slice(values, [[start, start + parameter.numel]]);
    copyInto(parameter, reshape(part, parameter.shape));
    start += parameter.numel;
  }
}
