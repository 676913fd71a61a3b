/**
 * Derivatives of functions, as in torch.autograd.functional: products with the Jacobian and the Hessian,
 * and the matrices themselves. All of them are made of reverse passes; `jvp`, `hvp` and `hessian` go
 * through gradients of gradients.
 */
import { grad } from '../autograd/grad.js';
import { checkFunction, enableGrad } from '../autograd/mode.js';
import { attach, needsGrad, recording } from '../autograd/tape.js';
import { TensorError } from '../errors.js';
import { onesLike, uninitialized, zerosLike } from '../tensor/creation.js';
import { checkOptions, describe, formatShape, sameShape } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { copyInto, scalar } from './operand.js';
import { reshape, slice } from './shape/shape.js';

/** One tensor or several. */
export type Tensors = Tensor | readonly Tensor[];

/** For one tensor one result, for a list a list. */
export type Alike<T extends Tensors, R> = T extends Tensor ? R : R[];

/** What a function of `inputs` is. */
export type FunctionOf<Inputs extends Tensors, Outputs extends Tensors> = Inputs extends Tensor
  ? (x: Tensor) => Outputs
  : (...inputs: Tensor[]) => Outputs;

/** Options of {@link vjp}, {@link jvp}, {@link jacobian}, {@link hessian}, {@link vhp} and {@link hvp}. */
export interface FunctionalOptions {
  /** Records how the result is computed, so that it can be differentiated in turn. Default false. */
  createGraph?: boolean;
}

function tensors(operation: string, what: string, value: unknown): readonly Tensor[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  for (const item of list) {
    if (item instanceof Tensor) continue;
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] ${what} must be a tensor or a list of tensors, not ${describe(item)}`,
    );
  }
  return list as readonly Tensor[];
}

/** A function called with inputs of its own, and what it gave. */
interface Call {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly severalInputs: boolean;
  readonly severalOutputs: boolean;
}

function called(operation: string, fn: unknown, inputs: unknown, createGraph: boolean): Call {
  checkFunction(operation, fn);
  const given = tensors(operation, 'inputs', inputs);
  const own = given.map((x) => {
    if (createGraph && needsGrad(x)) return reshape(x, x.shape);
    return x.detach().requiresGrad_();
  });
  const outputs = (fn as (...inputs: Tensor[]) => unknown)(...own);
  return {
    inputs: own,
    outputs: tensors(operation, "the function's results", outputs),
    severalInputs: Array.isArray(inputs),
    severalOutputs: Array.isArray(outputs),
  };
}

function createsGraph(operation: string, options: FunctionalOptions): boolean {
  checkOptions(operation, options, ['createGraph']);
  return options.createGraph ?? false;
}

/** The factors of a product: as many tensors as there are others, of their shapes and dtypes. */
function factors(
  operation: string,
  v: unknown,
  like: readonly Tensor[],
  what: string,
): readonly Tensor[] {
  if (v === undefined || v === null) {
    const [only] = like;
    if (like.length === 1 && only?.numel === 1) return [onesLike(only)];
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] v may be left out for a single ${what} of one element only`,
    );
  }
  const list = tensors(operation, 'v', v);
  if (list.length !== like.length) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] v has ${list.length} tensors for ${like.length} ${what}s`,
    );
  }
  list.forEach((factor, i) => {
    const { shape, dtype } = like[i] as Tensor;
    if (!sameShape(factor.shape, shape)) {
      throw new TensorError(
        'ERR_SHAPE',
        `[${operation}] v has shape ${formatShape(factor.shape)}, its ${what} ${formatShape(shape)}`,
      );
    }
    if (factor.dtype !== dtype) {
      throw new TensorError(
        'ERR_DTYPE',
        `[${operation}] v is ${factor.dtype}, its ${what} ${dtype}`,
      );
    }
  });
  return list;
}

/** Gradients of outputs that need some; zeros for inputs that nothing depends on. */
function gradients(
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  gradOutputs: readonly Tensor[],
  createGraph: boolean,
  retainGraph = createGraph,
): Tensor[] {
  const places = outputs.flatMap((output, i) => (needsGrad(output) ? [i] : []));
  if (places.length === 0) return inputs.map((input) => zerosLike(input));
  return grad(
    places.map((i) => outputs[i] as Tensor),
    inputs,
    {
      gradOutputs: places.map((i) => gradOutputs[i] as Tensor),
      materializeGrads: true,
      createGraph,
      retainGraph,
    },
  );
}

function alike(several: boolean, list: readonly Tensor[], createGraph: boolean): Tensors {
  const own = createGraph ? list : list.map((t) => (needsGrad(t) ? t.detach() : t));
  return several ? own : (own[0] as Tensor);
}

/** @throws TensorError ERR_ARGUMENT, ERR_SHAPE or ERR_DTYPE unless the function gave one floating number */
function theScalar(operation: string, { outputs, severalOutputs }: Call): Tensor {
  const [output] = outputs;
  if (severalOutputs || output === undefined) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] the function must return one tensor, not a list`,
    );
  }
  if (output.numel !== 1) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] the function must return one element, not ${formatShape(output.shape)}`,
    );
  }
  return output;
}

/**
 * The vector-Jacobian product v^T J: [fn(...inputs), the gradient of sum(v * fn(...inputs)) by each input].
 * @param fn a function of the inputs
 * @param inputs one tensor or a list of them; their own graphs are left alone unless `createGraph`
 * @param v of the output's shape (a list for several outputs); default 1 for an output of one element
 * @throws TensorError ERR_SHAPE and ERR_DTYPE when v doesn't fit, ERR_ARGUMENT
 *
 * @example
 * ```ts
 * vjp((x) => x.square(), tensor([1, 2]), tensor([1, 10]))[1]; // => [2, 40]
 * ```
 */
export function vjp<I extends Tensors, O extends Tensors>(
  fn: FunctionOf<I, O>,
  inputs: I,
  v?: Tensors,
  options: FunctionalOptions = {},
): [outputs: Alike<O, Tensor>, vjp: Alike<I, Tensor>] {
  const createGraph = createsGraph('vjp', options);
  return enableGrad(() => {
    const call = called('vjp', fn, inputs, createGraph);
    const products = gradients(
      call.outputs,
      call.inputs,
      factors('vjp', v, call.outputs, 'output'),
      createGraph,
    );
    return [
      alike(call.severalOutputs, call.outputs, createGraph),
      alike(call.severalInputs, products, createGraph),
    ] as [Alike<O, Tensor>, Alike<I, Tensor>];
  });
}

/**
 * The Jacobian-vector product J v: [fn(...inputs), the derivative of each output in the direction v]. It
 * is computed by two reverse passes: u^T J is linear in u, and its gradient by u with weights v is J v
 * (the double backward trick), so it needs rules that can be differentiated.
 * @param fn a function of the inputs
 * @param inputs one tensor or a list of them; their own graphs are left alone unless `createGraph`
 * @param v of the input's shape (a list for several inputs); default 1 for an input of one element
 * @throws TensorError ERR_SHAPE and ERR_DTYPE when v doesn't fit, ERR_ARGUMENT
 *
 * @example
 * ```ts
 * jvp((x) => x.square(), tensor([1, 2]), tensor([1, 10]))[1]; // => [2, 40]
 * ```
 */
export function jvp<I extends Tensors, O extends Tensors>(
  fn: FunctionOf<I, O>,
  inputs: I,
  v?: Tensors,
  options: FunctionalOptions = {},
): [outputs: Alike<O, Tensor>, jvp: Alike<O, Tensor>] {
  const createGraph = createsGraph('jvp', options);
  return enableGrad(() => {
    const call = called('jvp', fn, inputs, createGraph);
    const directions = factors('jvp', v, call.inputs, 'input');
    const u = call.outputs.map((output) => zerosLike(output).requiresGrad_());
    const transposed = gradients(call.outputs, call.inputs, u, true);
    const products = gradients(transposed, u, directions, createGraph);
    return [
      alike(call.severalOutputs, call.outputs, createGraph),
      alike(call.severalOutputs, products, createGraph),
    ] as [Alike<O, Tensor>, Alike<O, Tensor>];
  });
}

/** Tensors of one shape, put together as [number of them, ...shape] and seen as `shape`. */
function stacked(parts: readonly Tensor[], shape: readonly number[], like: Tensor): Tensor {
  const whole = uninitialized([parts.length, ...like.shape], like.dtype);
  parts.forEach((part, i) => {
    copyInto(slice(whole, [i]), part);
  });
  if (parts.some((part) => recording(part))) {
    const rules = parts.map((_, i) => (g: Tensor) => slice(g, [i]));
    attach(whole, 'jacobian', parts, rules);
  }
  return reshape(whole, shape);
}

/** For each output the Jacobians by each input, row by row. */
function jacobians(
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  createGraph: boolean,
): Tensor[][] {
  return outputs.map((output) => {
    const flat = reshape(output, [output.numel]);
    const rows = Array.from({ length: output.numel }, (_, i) => {
      const one = [scalar(1, output.dtype)];
      return gradients([slice(flat, [i])], inputs, one, createGraph, true);
    });
    return inputs.map((input, k) => {
      const parts = rows.map((row) => row[k] as Tensor);
      return stacked(parts, [...output.shape, ...input.shape], input);
    });
  });
}

/** What `jacobian` gives: a matrix, or lists of them by outputs, inputs, or outputs and then inputs. */
export type Jacobian<I extends Tensors, O extends Tensors> = Alike<O, Alike<I, Tensor>>;

/**
 * The derivatives of all elements of fn(...inputs) by all elements of the inputs: of shape
 * [...output's shape, ...input's shape]. A list of inputs gives a list; a list of outputs a list with
 * what each of them gives. One reverse pass for each element of the outputs: PyTorch's `vectorize` needs
 * a batching rule for every operation, and there are none.
 * @param fn a function of the inputs
 * @param inputs one tensor or a list of them; their own graphs are left alone unless `createGraph`
 * @throws TensorError ERR_ARGUMENT
 *
 * @example
 * ```ts
 * jacobian((x) => x.square(), tensor([1, 2])); // => [[2, 0], [0, 4]]
 * ```
 */
export function jacobian<I extends Tensors, O extends Tensors>(
  fn: FunctionOf<I, O>,
  inputs: I,
  options: FunctionalOptions = {},
): Jacobian<I, O> {
  const createGraph = createsGraph('jacobian', options);
  return enableGrad(() => {
    const call = called('jacobian', fn, inputs, createGraph);
    const matrices = jacobians(call.outputs, call.inputs, createGraph);
    const byOutput = matrices.map((row) => alike(call.severalInputs, row, createGraph));
    return (call.severalOutputs ? byOutput : byOutput[0]) as Jacobian<I, O>;
  });
}

/**
 * The second derivatives of a function with one element by all elements of the inputs: of shape
 * [...input's shape, ...input's shape] for one input; for a list a list of lists, by the first and then
 * by the second input. It is the Jacobian of the gradient: one reverse pass for each element.
 * @param fn a function of the inputs that gives one element
 * @param inputs one tensor or a list of them; their own graphs are left alone unless `createGraph`
 * @throws TensorError ERR_SHAPE when the function gives more than one element, ERR_ARGUMENT
 *
 * @example
 * ```ts
 * hessian((x) => x.square().mul(x).sum(), tensor([1, 2])); // => [[6, 0], [0, 12]]
 * ```
 */
export function hessian<I extends Tensors>(
  fn: FunctionOf<I, Tensor>,
  inputs: I,
  options: FunctionalOptions = {},
): Alike<I, Alike<I, Tensor>> {
  const createGraph = createsGraph('hessian', options);
  return enableGrad(() => {
    const call = called('hessian', fn, inputs, createGraph);
    const output = theScalar('hessian', call);
    const firsts = gradients([output], call.inputs, [onesLike(output)], true);
    const matrices = jacobians(firsts, call.inputs, createGraph);
    const byInput = matrices.map((row) => alike(call.severalInputs, row, createGraph));
    return (call.severalInputs ? byInput : byInput[0]) as Alike<I, Alike<I, Tensor>>;
  });
}

function hessianProduct<I extends Tensors>(
  operation: string,
  fn: FunctionOf<I, Tensor>,
  inputs: I,
  v: Tensors | undefined,
  options: FunctionalOptions,
): [output: Tensor, product: Alike<I, Tensor>] {
  const createGraph = createsGraph(operation, options);
  return enableGrad(() => {
    const call = called(operation, fn, inputs, createGraph);
    const output = theScalar(operation, call);
    const directions = factors(operation, v, call.inputs, 'input');
    const firsts = gradients([output], call.inputs, [onesLike(output)], true);
    const products = gradients(firsts, call.inputs, directions, createGraph);
    return [
      alike(false, [output], createGraph),
      alike(call.severalInputs, products, createGraph),
    ] as [Tensor, Alike<I, Tensor>];
  });
}

/**
 * The vector-Hessian product v^T H: [fn(...inputs), the gradient of sum(v * gradient of fn) by each input],
 * by two reverse passes, without the Hessian itself.
 * @param fn a function of the inputs that gives one element
 * @param inputs one tensor or a list of them; their own graphs are left alone unless `createGraph`
 * @param v of the input's shape (a list for several inputs); default 1 for an input of one element
 * @throws TensorError ERR_SHAPE and ERR_DTYPE when v doesn't fit or fn gives more than one element,
 * ERR_ARGUMENT
 *
 * @example
 * ```ts
 * vhp((x) => x.square().mul(x).sum(), tensor([1, 2]), tensor([1, 10]))[1]; // => [6, 120]
 * ```
 */
export function vhp<I extends Tensors>(
  fn: FunctionOf<I, Tensor>,
  inputs: I,
  v?: Tensors,
  options: FunctionalOptions = {},
): [output: Tensor, vhp: Alike<I, Tensor>] {
  return hessianProduct('vhp', fn, inputs, v, options);
}

/**
 * The Hessian-vector product H v: [fn(...inputs), the product]. The Hessian is symmetric where the second
 * derivatives are continuous, so this is computed as `vhp` is.
 * @param fn a function of the inputs that gives one element
 * @param inputs one tensor or a list of them; their own graphs are left alone unless `createGraph`
 * @param v of the input's shape (a list for several inputs); default 1 for an input of one element
 * @throws TensorError ERR_SHAPE and ERR_DTYPE when v doesn't fit or fn gives more than one element,
 * ERR_ARGUMENT
 *
 * @example
 * ```ts
 * hvp((x) => x.square().mul(x).sum(), tensor([1, 2]), tensor([1, 10]))[1]; // => [6, 120]
 * ```
 */
export function hvp<I extends Tensors>(
  fn: FunctionOf<I, Tensor>,
  inputs: I,
  v?: Tensors,
  options: FunctionalOptions = {},
): [output: Tensor, hvp: Alike<I, Tensor>] {
  return hessianProduct('hvp', fn, inputs, v, options);
}
