/** Einstein's sums: products of any number of tensors, summed over named indices. */

import { attach, recording } from '../../autograd/tape.js';
import { composed } from '../../autograd/tidy.js';
import { TensorError } from '../../errors.js';
import { infoOf } from '../../tensor/dtype.js';
import { checkShape, MAX_RANK, numel, type Shape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { mul } from '../elementwise/arithmetic.js';
import { checkTensor, to } from '../operand.js';
import { isInteger, resultType } from '../promotion.js';
import { sum } from '../reduction/reduce.js';
import { permute, reshape, squeeze } from '../shape/shape.js';
import { viewGradient } from '../shape/view.js';
import {
  type EinsumOptions,
  type Label,
  type PlainProduct,
  type Plan,
  planOf,
} from './einsum_equation.js';
import { type EinsumPathInfo, removePair } from './einsum_path.js';
import { matmul } from './matmul.js';
import { checkProduct, inFloat32 } from './matmul_bf16.js';

/** A tensor with a label for each dimension. */
interface Labelled {
  readonly tensor: Tensor;
  readonly labels: readonly Label[];
}

/** A view whose dimensions of one label are walked together. */
function diagonal(x: Tensor, places: readonly (readonly number[])[]): Tensor {
  const y = x.strided(
    places.map(([first]) => x.shape[first as number] as number),
    places.map((dims) => dims.reduce((total, d) => total + (x.strides[d] as number), 0)),
    x.offset,
  );
  if (recording(x)) {
    const view = (whole: Tensor) => diagonal(whole, places);
    attach(y, 'diagonal', [x], [(g) => viewGradient('diagonal', g, x, view)]);
  }
  return y;
}

/**
 * An operand with each label once and without dimensions of size 1 that it only stretches (the index
 * is longer) or that nobody asks for.
 */
function prepared(tensor: Tensor, labels: readonly Label[], { sizes, output }: Plan): Labelled {
  const isIdle = (label: Label, d: number) =>
    tensor.shape[d] === 1 && (sizes.get(label) !== 1 || !output.includes(label));
  const moving = labels.filter((label, d) => !isIdle(label, d));
  const distinct = [...new Set(moving)];
  if (distinct.length === labels.length) return { tensor, labels };
  const places = distinct.map((label) =>
    labels.flatMap((other, d) => (other === label ? [d] : [])),
  );
  // A dimension of size 1 may be left out: its only element is where the others start.
  if (moving.length !== distinct.length)
    return { tensor: diagonal(tensor, places), labels: distinct };
  const idle = labels.flatMap((label, d) => (isIdle(label, d) ? [d] : []));
  return { tensor: squeeze(tensor, idle), labels: distinct };
}

/** Sums over the labels that nobody needs any more. */
function summed({ tensor, labels }: Labelled, needed: (label: Label) => boolean): Labelled {
  const dim = labels.map((_, d) => d).filter((d) => !needed(labels[d] as Label));
  if (dim.length === 0) return { tensor, labels };
  return { tensor: sum(tensor, { dim }), labels: labels.filter(needed) };
}

/** With dimensions in the order of the labels. */
function arranged({ tensor, labels }: Labelled, order: readonly Label[]): Tensor {
  if (order.every((label, i) => label === labels[i])) return tensor;
  return permute(
    tensor,
    order.map((label) => labels.indexOf(label)),
  );
}

/** The step of dimensions that are walked as one, or null when no step fits. */
function mergedStep(x: Tensor, dims: readonly number[]): number | null {
  let step = 0;
  let size = 1;
  for (const d of dims.toReversed()) {
    const length = x.shape[d] as number;
    if (length === 1) continue;
    const stride = x.strides[d] as number;
    if (size === 1) step = stride;
    else if (stride !== step * size) return null;
    size *= length;
  }
  return step;
}

/**
 * Neighbouring dimensions joined: groups[i] says how many make dimension i. A view where the strides
 * allow, otherwise a copy.
 */
function joined(x: Tensor, groups: readonly number[]): Tensor {
  if (groups.length === x.ndim && groups.every((count) => count === 1)) return x;
  const shape: number[] = [];
  const strides: number[] = [];
  let from = 0;
  for (const count of groups) {
    const first = from;
    const dims = Array.from({ length: count }, (_, i) => first + i);
    shape.push(numel(dims.map((d) => x.shape[d] as number)));
    strides.push(mergedStep(x, dims) ?? Number.NaN);
    from += count;
  }
  if (x.numel === 0 || strides.some(Number.isNaN)) return reshape(x, shape);
  const y = x.strided(shape, strides, x.offset);
  if (recording(x)) attach(y, 'reshape', [x], [(g) => reshape(g, x.shape)]);
  return y;
}

/** Whether dimensions of these labels, in this order, are one without a copy. */
function isJoinable({ tensor, labels }: Labelled, joined: readonly Label[]): boolean {
  const dims = joined.map((label) => labels.indexOf(label));
  return mergedStep(tensor, dims) !== null;
}

/** Labels in the order in which they lie in x's memory, the largest step first. */
function asTheyLie({ tensor, labels }: Labelled, chosen: readonly Label[]): Label[] {
  const stride = (label: Label) => tensor.strides[labels.indexOf(label)] as number;
  return [...chosen].sort((a, b) => stride(b) - stride(a));
}

/** The first of the orders under which the fewest elements have to be copied. */
function pickOrder(orders: readonly Label[][], readers: readonly Labelled[]): Label[] {
  const copied = (labels: Label[]) =>
    readers.reduce((n, x) => (isJoinable(x, labels) ? n : n + x.tensor.numel), 0);
  return orders.reduce((best, next) => (copied(next) < copied(best) ? next : best));
}

/** Elementwise product of operands, dimensions in the given order of labels. */
function multiplied(a: Labelled, b: Labelled, labels: readonly Label[]): Tensor {
  const [x, y] = [a, b].map((operand) => {
    const own = labels.filter((label) => operand.labels.includes(label));
    const tensor = arranged(operand, own);
    if (own.length === labels.length) return tensor;
    return spreadOut(tensor, own, labels);
  }) as [Tensor, Tensor];
  return mul(x, y);
}

/** A view with dimensions of size 1 for the labels that are missing. */
function spreadOut(x: Tensor, own: readonly Label[], labels: readonly Label[]): Tensor {
  const at = (list: readonly number[], missing: number) =>
    labels.map((label) => (own.includes(label) ? (list[own.indexOf(label)] as number) : missing));
  const y = x.strided(at(x.shape, 1), at(x.strides, 0), x.offset);
  if (recording(x)) attach(y, 'unsqueeze', [x], [(g) => reshape(g, x.shape)]);
  return y;
}

/**
 * The contraction of two operands. Labels are of four kinds: those that both have and somebody needs
 * (a batch of products), those that both have and nobody needs (the inner dimension), and those of one
 * of them (rows and columns). Others were summed over before.
 */
function contract(
  a: Labelled,
  b: Labelled,
  needed: (label: Label) => boolean,
  plan: Plan,
): Labelled {
  const { output } = plan;
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const batch = inOrder(shared.filter(needed), output);
  const inner = shared.filter((label) => !needed(label));
  if (inner.length > 0 && a.tensor.dtype === 'bool' && b.tensor.dtype === 'bool') {
    throw new TensorError(
      'ERR_DTYPE',
      "[einsum] sums of products of bools aren't defined; convert with to('int32') or to('float32')",
    );
  }
  const left = a.labels.filter((label) => !shared.includes(label));
  const right = b.labels.filter((label) => !shared.includes(label));
  const isElementwise = left.length === 0 && right.length === 0 && batch.length > 0;
  if (inner.length === 0 || isElementwise) {
    const kept = inOrder([...batch, ...left, ...right], output);
    const labels = [...kept, ...inner];
    return summed({ tensor: multiplied(a, b, labels), labels }, needed);
  }
  // Rows are those of the operand whose labels come first in the result.
  const first = (labels: readonly Label[]) =>
    Math.min(...labels.map((label) => output.indexOf(label)).filter((at) => at >= 0));
  if (first(right) < first(left))
    return product(b, a, { batch, left: right, inner, right: left }, plan);
  return product(a, b, { batch, left, inner, right }, plan);
}

/** The labels of two operands by what they are to a matrix product. */
interface Kinds {
  readonly batch: readonly Label[];
  readonly left: readonly Label[];
  readonly inner: readonly Label[];
  readonly right: readonly Label[];
}

/** Labels that the list has in its order, then the others. */
function inOrder(labels: readonly Label[], list: readonly Label[]): Label[] {
  const rank = (label: Label) => (list.includes(label) ? list.indexOf(label) : list.length);
  return [...labels].sort((a, b) => rank(a) - rank(b));
}

/** The contraction as a matrix product; dimensions of one kind become one. */
function product(a: Labelled, b: Labelled, kinds: Kinds, { output, sizes }: Plan): Labelled {
  const { batch, left, inner, right } = kinds;
  const rows = pickOrder([inOrder(left, output), asTheyLie(a, left)], [a]);
  const columns = pickOrder([inOrder(right, output), asTheyLie(b, right)], [b]);
  const steps = pickOrder([[...inner], asTheyLie(a, inner), asTheyLie(b, inner)], [a, b]);
  // Batch dimensions without a common step stay apart, as long as there are not too many.
  const isOne = batch.length > MAX_RANK - 2 || [a, b].every((x) => isJoinable(x, batch));
  const groups = isOne && batch.length > 0 ? [batch.length] : batch.map(() => 1);
  const x = arranged(a, [...batch, ...rows, ...steps]);
  const y = arranged(b, [...batch, ...steps, ...columns]);
  const isDot = batch.length + rows.length + columns.length === 0;
  const result = isDot
    ? matmul(joined(x, [steps.length]), joined(y, [steps.length]))
    : matmul(
        joined(x, [...groups, rows.length, steps.length]),
        joined(y, [...groups, steps.length, columns.length]),
      );
  const labels = [...batch, ...rows, ...columns];
  const shape = labels.map((label) => sizes.get(label) as number);
  return { tensor: reshape(result, shape), labels };
}

/** Runs a plan that is one product of views. */
function multiplyViews(tensors: readonly Tensor[], plain: PlainProduct): Tensor {
  const view = (x: Tensor, order: readonly number[] | null) => (order ? permute(x, order) : x);
  const [left, right] = [tensors[plain.first], tensors[1 - plain.first]] as [Tensor, Tensor];
  return view(matmul(view(left, plain.left), view(right, plain.right)), plain.result);
}

/** Runs a plan. */
function evaluate(tensors: readonly Tensor[], plan: Plan): Tensor {
  const { operands, output, order } = plan;
  const left = operands.map((labels, i) => prepared(tensors[i] as Tensor, labels, plan));
  const isNeeded = (label: Label) =>
    output.includes(label) || left.some(({ labels }) => labels.includes(label));
  for (const [i, j] of order.path) {
    const [a, b] = [left[i] as Labelled, left[j] as Labelled];
    removePair(left, i, j);
    const x = summed(a, (label) => b.labels.includes(label) || isNeeded(label));
    const y = summed(b, (label) => a.labels.includes(label) || isNeeded(label));
    left.push(contract(x, y, isNeeded, plan));
  }
  const last = left.pop() as Labelled;
  return arranged(summed(last, isNeeded), output);
}

/** @throws TensorError unless it is a tensor of what products take, or of bools */
function checkFactor(operation: string, value: unknown): asserts value is Tensor {
  checkTensor(operation, value);
  if (value.dtype !== 'bool') checkProduct(operation, value);
}

/** The arguments after the equation: tensors, or a list of them and options. */
function argumentsOf<T>(
  rest: readonly unknown[],
): [operands: readonly T[], options: EinsumOptions] {
  if (!Array.isArray(rest[0])) return [rest as readonly T[], {}];
  return [rest[0], (rest[1] ?? {}) as EinsumOptions];
}

/**
 * The sum of products of tensors that an equation in Einstein's notation describes: the terms before
 * `->` name the dimensions of each operand by letters, the one after it those of the result. Indices
 * that the result doesn't have are summed over. So `ij,jk->ik` is the matrix product, `bij,bjk->bik`
 * one for each b, `ij->ji` a transposition, `ij->` the sum of all elements.
 *
 * As in PyTorch and NumPy: an index that one operand has twice walks along its diagonal (`ii->i`);
 * `...` stands for any further dimensions, which broadcast; dimensions of size 1 stretch; without `->`
 * the result has the ellipsis and the letters that occur once, in alphabetical order.
 *
 * Operands are contracted two at a time by matrix products (by elementwise products where nothing is
 * summed over), in an order that `path` names or that is searched for: see `einsumPath`. Another order
 * rounds differently.
 * @param equation letters, commas, `...`, `->` and spaces
 * @param operands any number of tensors of the dtypes that matmul takes or bools, which meet as in
 * arithmetic; or a list of them and options. Products of integers wrap around; sums of one tensor of
 * integers or bools are int64; of bfloat16 everything is computed in float32 and rounded once at the end.
 * Sums of products of bools aren't defined, as in PyTorch
 * @returns the sum; a view of the operand where nothing has to be computed
 * @throws TensorError ERR_ARGUMENT for an equation that can't be read or doesn't go with the number of
 * operands, for a path that doesn't fit; ERR_SHAPE when an operand has another number of dimensions or
 * an index several sizes; ERR_DTYPE
 * @example
 * ```ts
 * einsum('ij,jk->ik', tensor([[1, 2]]), tensor([[3], [4]])); // => [[11]]
 * einsum('ii', tensor([[1, 2], [3, 4]])); // => 5
 * ```
 */
export function einsum(equation: string, ...operands: Tensor[]): Tensor;
export function einsum(
  equation: string,
  operands: readonly Tensor[],
  options?: EinsumOptions,
): Tensor;
export function einsum(equation: string, ...rest: unknown[]): Tensor {
  const [operands, options] = argumentsOf<Tensor>(rest);
  for (const operand of operands) checkFactor('einsum', operand);
  const plan = planOf(
    'einsum',
    equation,
    operands.map(({ shape }) => shape),
    options,
  );
  const dtype = resultType(operands);
  // Most equations are matrix products: those cost what `matmul` does and the plan's look-up.
  const { plain } = plan;
  if (plain !== null && operands.every((x) => x.dtype === dtype && infoOf(dtype).arithmetic)) {
    return multiplyViews(operands, plain);
  }
  const compute = () => {
    const result = inFloat32(
      operands.map((operand) => to(operand, dtype)),
      (inputs) => evaluate(inputs, plan),
    );
    // A sum of integers is int64; of a product it goes back, modulo 2^bits, as in PyTorch.
    return operands.length > 1 && isInteger(dtype) ? to(result, dtype) : result;
  };
  return operands.length > 1 ? composed(compute) : compute();
}

/**
 * In which order `einsum` contracts operands, and what that costs. Up to 8 operands it is the order of
 * the fewest operations (dynamic programming over sets of operands), for more the one that always takes
 * the pair whose result is smallest beside its operands (greedy).
 * @param operands tensors, or a list of tensors and shapes, and options
 * @throws TensorError as einsum
 * @example
 * ```ts
 * einsumPath('ij,jk,kl->il', [[8, 2], [2, 9], [9, 3]]).path; // => [[1, 2], [0, 1]]
 * ```
 */
export function einsumPath(equation: string, ...operands: Tensor[]): EinsumPathInfo;
export function einsumPath(
  equation: string,
  operands: readonly (Tensor | Shape)[],
  options?: EinsumOptions,
): EinsumPathInfo;
export function einsumPath(equation: string, ...rest: unknown[]): EinsumPathInfo {
  const [operands, options] = argumentsOf<Tensor | Shape>(rest);
  // Array.from meets missing items too.
  const shapes = Array.from(operands, (operand) => {
    if (Array.isArray(operand)) return checkShape('einsumPath', operand);
    const t = operand as Tensor;
    checkFactor('einsumPath', t);
    return t.shape;
  });
  return planOf('einsumPath', equation, shapes, options).order;
}
