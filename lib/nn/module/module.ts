import type { HookHandle } from '../../autograd/hooks.js';
import { TensorError } from '../../errors.js';
import { copyInto, to } from '../../ops/operand.js';
import { checkDType, type DType, dtypes } from '../../tensor/dtype.js';
import { printAsText } from '../../tensor/inspect.js';
import { checkOptions, describe } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Buffer } from './buffer.js';
import { convertInPlace, copyModule } from './clone.js';
import {
  type BackwardHook,
  type BackwardPreHook,
  type ForwardHook,
  type ForwardPreHook,
  registerHook,
} from './hooks.js';
import { isModule, replaceMembers } from './members.js';
import { multiplyAddsOf } from './multiply_adds.js';
import { Parameter } from './parameter.js';
import { formatModule, plainFields } from './repr.js';
import { type LoadedKeys, type LoadStateDictOptions, matchState, type StateDict } from './state.js';
import { ModuleTree } from './tree.js';

/** A module with whatever inputs and outputs. */
export type AnyModule = Module<never, unknown>;

/** @throws TensorError ERR_ARGUMENT unless it is true or false */
function checkBoolean(operation: string, value: unknown): asserts value is boolean {
  if (typeof value !== 'boolean') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] expected true or false, not ${describe(value)}`,
    );
  }
}

/** @throws TensorError ERR_ARGUMENT unless it is a function */
function checkCallback(operation: string, value: unknown): void {
  if (typeof value !== 'function') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] expected a function, not ${describe(value)}`,
    );
  }
}

/**
 * A layer or a whole network. Parameters, buffers and modules that are assigned to properties (or stand
 * in an array or a map that is) belong to it, under the property's name. A subclass defines `forward`,
 * and says in the class's type parameters if it takes or gives anything but tensors and a tensor.
 * @example
 * ```ts
 * class Residual extends nn.Module {
 *   inner = new nn.Linear(4, 4);
 *   forward(x) {
 *     return this.inner.forward(x).add(x);
 *   }
 * }
 * const model = new Residual();
 * model.forward(ones([2, 4])).shape; // => [2, 4]
 * Object.keys(model.stateDict()); // => ['inner.weight', 'inner.bias']
 * model.numParameters(); // => 20
 * ```
 */
export abstract class Module<
  Inputs extends readonly unknown[] = Tensor[],
  Output = Tensor,
> extends ModuleTree {
  /** Whether layers such as dropout behave as in training; changed by `train` and `eval`. */
  training = true;

  /** Computes the outputs. */
  abstract forward(...inputs: Inputs): Output;

  /**
   * Calls a function with every module inside this one and then with this one, for example to give
   * initial values. Returns itself.
   * @throws TensorError ERR_ARGUMENT for anything but a function
   */
  apply(fn: (module: AnyModule) => void): this {
    checkCallback('apply', fn);
    // Innermost first, as in PyTorch, and what is shared once.
    for (const module of [...this.modules()].reverse()) fn(module);
    return this;
  }

  /** Forgets the gradients of all parameters. */
  zeroGrad(): void {
    for (const parameter of this.parameters()) parameter.zeroGrad();
  }

  /**
   * Sets whether the parameters are learned: `requiresGrad_(false)` freezes the module. No gradient is
   * computed for a frozen parameter, and optimizers leave it as it is (one that it has from before stays
   * until `zeroGrad`). Returns itself.
   * @throws TensorError ERR_ARGUMENT unless it is true or false
   * @example
   * ```ts
   * const model = new nn.Sequential(new nn.Linear(2, 3), new nn.Linear(3, 1));
   * model.at(0).requiresGrad_(false);
   * model.numParameters({ trainable: true }); // => 4
   * ```
   */
  requiresGrad_(value = true): this {
    checkBoolean('requiresGrad_', value);
    for (const parameter of this.parameters()) parameter.requiresGrad = value;
    return this;
  }

  /**
   * Converts all floating parameters and buffers, and gradients that are there; integers stay. Parameters
   * are the same objects afterwards, with memory of their own, as in PyTorch: an optimizer keeps them, and
   * converts its state in its next step. Views of parameters keep the old memory. In bfloat16
   * linear layers and products compute, nothing else does. Returns itself.
   * @throws TensorError ERR_DTYPE unless it is a floating dtype
   * @example
   * ```ts
   * new nn.Linear(2, 3).to('float64').weight.dtype; // => 'float64'
   * ```
   */
  to(dtype: DType): this {
    checkDType('to', dtype);
    if (!dtypes[dtype].floating) {
      throw new TensorError('ERR_DTYPE', `[to] modules are of floating dtypes, not ${dtype}`);
    }
    const all = [...this.modules()];
    for (const module of all) module.convertState(dtype);
    for (const module of all) module.onStateLoaded();
    return this;
  }

  /** `to('float32')` */
  float(): this {
    return this.to('float32');
  }

  /** `to('float64')` */
  double(): this {
    return this.to('float64');
  }

  /** Converts this module's own parameters and buffers; a class whose types are fixed does nothing. */
  protected convertState(dtype: DType): void {
    for (const [, member] of Module.membersIn(this)) {
      if (!isModule(member)) convertInPlace(member, dtype);
    }
  }

  /**
   * A copy with copies of all parameters, buffers and modules inside; what is shared inside is shared in the
   * copy as well. Gradients are not copied, functions and generators are shared. A class with private
   * names (`#x`) can't be copied: use TypeScript's `private`.
   */
  clone(): this {
    return copyModule(this);
  }

  /** Sets this module and all inside it to training (default) or evaluation. Returns itself. */
  train(mode = true): this {
    checkBoolean('train', mode);
    for (const module of this.modules()) module.training = mode;
    return this;
  }

  /** Sets evaluation: dropout does nothing. Returns itself. */
  eval(): this {
    return this.train(false);
  }

  /**
   * All parameters and persistent buffers by name, without history, in PyTorch's order; shared ones once.
   * They share memory with the module: clone to keep them.
   */
  stateDict(): StateDict {
    const state: StateDict = {};
    for (const [member, [name]] of this.namesOfState()) state[name as string] = member.detach();
    return state;
  }

  /** Called on every module inside after values were loaded or converted, for what is computed from them. */
  protected onStateLoaded(): void {}

  /**
   * Copies values into the parameters and buffers, or with `assign` makes them these. All names and shapes
   * are compared first; when something doesn't fit, nothing is changed. Values of another dtype are
   * converted to that of the module, as `copy_` does. A shared parameter may come under any of its names.
   * @returns the names that were found on one side only
   * @throws TensorError ERR_ARGUMENT for missing or unknown names (when strict) and for anything but
   * tensors, ERR_SHAPE for tensors that don't fit, ERR_DTYPE for floats in the place of quantised int8,
   * ERR_DISPOSED
   * @example
   * ```ts
   * const layer = new nn.Linear(2, 1, { bias: false });
   * layer.loadStateDict({ weight: tensor([[0.5, 2]], { dtype: 'float64' }) });
   * layer.weight; // => [[0.5, 2]]
   * layer.weight.dtype; // => 'float32'
   * ```
   */
  loadStateDict(state: Readonly<StateDict>, options: LoadStateDictOptions = {}): LoadedKeys {
    checkOptions('loadStateDict', options, ['strict', 'assign']);
    const { pairs, keys } = matchState(this.namesOfState(), state, options.strict ?? true);
    if (options.assign) this.assign(pairs);
    else for (const [member, value] of pairs) copyInto(member, value);
    for (const module of this.modules()) module.onStateLoaded();
    return keys;
  }

  /** New parameters and buffers over the given values' memory; whether one is learned stays as it was. */
  private assign(pairs: readonly (readonly [Tensor, Tensor])[]): void {
    const replacements = new Map<Tensor, Tensor>();
    for (const [member, given] of pairs) {
      const keeps = dtypes[member.dtype].floating && dtypes[given.dtype].floating;
      // PyTorch counts batches in int64, and a parameter can't be of integers.
      const value = keeps ? given : to(given, member.dtype);
      const replacement = member instanceof Parameter ? new Parameter(value) : new Buffer(value);
      replacement.leafRequiresGrad = member.leafRequiresGrad;
      replacements.set(member, replacement);
    }
    replaceMembers([...this.modules()], replacements);
  }

  /**
   * Calls `hook(module, inputs)` before every `forward`; see {@link ForwardPreHook}.
   * @throws TensorError ERR_ARGUMENT for anything but a function
   */
  registerForwardPreHook(hook: ForwardPreHook<this, Inputs>): HookHandle {
    return registerHook('registerForwardPreHook', this, 'forwardPre', hook);
  }

  /**
   * Calls `hook(module, inputs, output)` after every `forward`; see {@link ForwardHook}.
   * @throws TensorError ERR_ARGUMENT for anything but a function
   * @example
   * ```ts
   * const layer = new nn.ReLU();
   * const handle = layer.registerForwardHook((module, inputs, output) => output.add(1));
   * layer.forward(tensor([-1, 2])); // => [1, 3]
   * handle.remove();
   * layer.forward(tensor([-1, 2])); // => [0, 2]
   * ```
   */
  registerForwardHook(hook: ForwardHook<this, Inputs, Output>): HookHandle {
    return registerHook('registerForwardHook', this, 'forward', hook);
  }

  /**
   * Calls `hook(module, gradOutput)` in a backward pass when the gradients of the outputs are there; see
   * {@link BackwardPreHook}. Tensors count that `forward` returns itself or in a list.
   * @throws TensorError ERR_ARGUMENT for anything but a function
   */
  registerFullBackwardPreHook(hook: BackwardPreHook<this>): HookHandle {
    return registerHook('registerFullBackwardPreHook', this, 'backwardPre', hook);
  }

  /**
   * Calls `hook(module, gradInput, gradOutput)` in a backward pass when the gradients of the inputs are
   * there (when no input requires one, as soon as those of the outputs are); see {@link BackwardHook}.
   * @throws TensorError ERR_ARGUMENT for anything but a function
   */
  registerFullBackwardHook(hook: BackwardHook<this>): HookHandle {
    return registerHook('registerFullBackwardHook', this, 'backward', hook);
  }

  /**
   * Multiplications, each with an addition, of one call, without those of the modules inside; `summary`
   * adds them up. Counts what weights of two and more dimensions multiply: a class that does something else
   * says so.
   */
  multiplyAdds(inputs: Inputs, output: Output): number {
    return multiplyAddsOf(this.ownParameters(), inputs, output);
  }

  /** What stands in the brackets behind the class's name, by default the plain properties of a layer. */
  extraRepr(): string {
    return this.children().next().done ? plainFields(this) : '';
  }

  /**
   * The module and those inside it as text, as PyTorch prints them; `console.log` shows it too.
   * @example
   * ```ts
   * new nn.Linear(4, 8).toString(); // => 'Linear(inFeatures=4, outFeatures=8, bias=true)'
   * ```
   */
  override toString(): string {
    return formatModule(this);
  }
}

printAsText(Module);
