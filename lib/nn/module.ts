import { TensorError } from '../errors.js';
import { copyInto } from '../ops/operand.js';
import { checkOptions, describe, formatShape, sameShape } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { Buffer } from './buffer.js';
import { Parameter } from './parameter.js';

/** Tensors by the names of the parameters and buffers they belong to: `0.weight`, `0.bias`... */
export type StateDict = Record<string, Tensor>;

/** Options of `loadStateDict`. */
export interface LoadStateDictOptions {
  /** Whether names have to match exactly. Otherwise only those found on both sides are loaded. Default true. */
  strict?: boolean;
  /**
   * Whether the tensors themselves become the parameters' and buffers' memory instead of being copied:
   * for memory that threads share. Make the optimizer afterwards: the parameters are new. Default false.
   */
  assign?: boolean;
}

/** Puts other parameters, buffers or modules in the place of those that modules have as members. */
export function replaceMembers(
  modules: Iterable<AnyModule>,
  replacements: ReadonlyMap<unknown, unknown>,
): void {
  for (const parent of modules) {
    const properties = parent as unknown as Record<string, unknown>;
    for (const [name, value] of Object.entries(properties)) {
      if (Array.isArray(value)) {
        value.forEach((item, i) => {
          if (replacements.has(item)) value[i] = replacements.get(item);
        });
      } else if (replacements.has(value)) {
        properties[name] = replacements.get(value);
      }
    }
  }
}

/** A module with whatever inputs and outputs. */
export type AnyModule = Module<never, unknown>;

/**
 * A layer or a whole network. Parameters, buffers and modules that are assigned to properties (or stand
 * in an array that is) belong to it, under the property's name. A subclass defines `forward`, and says
 * in the class's type parameters if it takes or gives anything but tensors and a tensor.
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
 * ```
 */
export abstract class Module<Inputs extends readonly unknown[] = Tensor[], Output = Tensor> {
  /** Whether layers such as dropout behave as in training; changed by `train` and `eval`. */
  training = true;

  /** Computes the outputs. */
  abstract forward(...inputs: Inputs): Output;

  /** What belongs to this module directly. */
  private *members(): Generator<[string, Parameter | Buffer | AnyModule]> {
    for (const [name, value] of Object.entries(this)) {
      const items: [string, unknown][] = Array.isArray(value)
        ? value.map((item, i) => [`${name}.${i}`, item])
        : [[name, value]];
      for (const [itemName, item] of items) {
        if (item instanceof Parameter || item instanceof Buffer || item instanceof Module)
          yield [this.memberName(itemName), item];
      }
    }
  }

  /** The name of a member in parameter names; containers leave out their list's own name. */
  protected memberName(property: string): string {
    return property;
  }

  /** The modules directly inside this one, with their names. */
  *namedChildren(): Generator<[string, AnyModule]> {
    for (const [name, member] of this.members()) if (member instanceof Module) yield [name, member];
  }

  /** This module and all inside it, outermost first. */
  *modules(): Generator<AnyModule> {
    yield this;
    for (const [, child] of this.namedChildren()) yield* child.modules();
  }

  /** Parameters and buffers with their names, in the order of assignment; shared ones once. */
  private *namedState(
    prefix = '',
    seen: Set<Tensor> = new Set(),
  ): Generator<[string, Parameter | Buffer]> {
    for (const [name, member] of this.members()) {
      if (member instanceof Module) {
        yield* member.namedState(`${prefix}${name}.`, seen);
      } else if (!seen.has(member)) {
        seen.add(member);
        yield [prefix + name, member];
      }
    }
  }

  /** All parameters with their names, in the order of assignment; shared ones once. */
  *namedParameters(prefix = ''): Generator<[string, Parameter]> {
    for (const [name, member] of this.namedState(prefix))
      if (member instanceof Parameter) yield [name, member];
  }

  /** All buffers with their names, in the order of assignment; shared ones once. */
  *namedBuffers(prefix = ''): Generator<[string, Buffer]> {
    for (const [name, member] of this.namedState(prefix))
      if (member instanceof Buffer) yield [name, member];
  }

  /** All parameters, in the order of assignment. */
  *parameters(): Generator<Parameter> {
    for (const [, parameter] of this.namedParameters()) yield parameter;
  }

  /** Forgets the gradients of all parameters. */
  zeroGrad(): void {
    for (const parameter of this.parameters()) parameter.zeroGrad();
  }

  /** Sets this module and all inside it to training (default) or evaluation. Returns itself. */
  train(mode = true): this {
    for (const module of this.modules()) module.training = mode;
    return this;
  }

  /** Sets evaluation: dropout does nothing. Returns itself. */
  eval(): this {
    return this.train(false);
  }

  /** All parameters and buffers by name, without history. They share memory with the module: clone to keep them. */
  stateDict(): StateDict {
    const state: StateDict = {};
    for (const [name, member] of this.namedState()) state[name] = member.detach();
    return state;
  }

  /** Called on every module inside after values were loaded, for what is computed from them. */
  protected onStateLoaded(): void {}

  /**
   * Copies values into the parameters and buffers, or with `assign` makes them these. All names, shapes and
   * dtypes are compared first (an int32 takes an int64); when something doesn't fit, nothing is changed.
   * @throws TensorError ERR_ARGUMENT for missing or unknown names (when strict) and for anything but
   * tensors, ERR_SHAPE and ERR_DTYPE for tensors that don't fit, ERR_DISPOSED
   */
  loadStateDict(state: Readonly<StateDict>, options: LoadStateDictOptions = {}): void {
    checkOptions('loadStateDict', options, ['strict', 'assign']);
    if (typeof state !== 'object' || state === null) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[loadStateDict] expected tensors by name, not ${describe(state)}`,
      );
    }
    const parameters = new Map(this.namedState());
    if (options.strict ?? true) {
      const missing = [...parameters.keys()].filter((name) => !Object.hasOwn(state, name));
      const unknown = Object.keys(state).filter((name) => !parameters.has(name));
      if (missing.length > 0 || unknown.length > 0) {
        throw new TensorError(
          'ERR_ARGUMENT',
          `[loadStateDict] missing: ${missing.join(', ') || 'nothing'}; unknown: ${unknown.join(', ') || 'nothing'}`,
        );
      }
    }
    const pairs: [Tensor, Tensor][] = [];
    for (const [name, parameter] of parameters) {
      if (!Object.hasOwn(state, name)) continue;
      const value: unknown = state[name];
      if (!(value instanceof Tensor)) {
        throw new TensorError(
          'ERR_ARGUMENT',
          `[loadStateDict] ${name} must be a tensor, not ${describe(value)}`,
        );
      }
      if (!sameShape(value.shape, parameter.shape)) {
        throw new TensorError(
          'ERR_SHAPE',
          `[loadStateDict] ${name} has shape ${formatShape(parameter.shape)}, not ${formatShape(value.shape)}`,
        );
      }
      if (value.storage.disposed) {
        throw new TensorError(
          'ERR_DISPOSED',
          `[loadStateDict] the tensor for ${name} was disposed`,
        );
      }
      // PyTorch counts batches in int64.
      const isCount = parameter.dtype === 'int32' && value.dtype === 'int64';
      if (value.dtype !== parameter.dtype && !isCount) {
        throw new TensorError(
          'ERR_DTYPE',
          `[loadStateDict] ${name} is ${parameter.dtype}, not ${value.dtype}`,
        );
      }
      pairs.push([parameter, value]);
    }
    if (options.assign) this.assign(pairs);
    else for (const [parameter, value] of pairs) copyInto(parameter, value);
    for (const module of this.modules()) module.onStateLoaded();
  }

  /** New parameters and buffers over the given values' memory; whether one is learned stays as it was. */
  private assign(pairs: readonly (readonly [Tensor, Tensor])[]): void {
    const replacements = new Map<Tensor, Tensor>();
    for (const [member, value] of pairs) {
      const replacement = member instanceof Parameter ? new Parameter(value) : new Buffer(value);
      replacement.leafRequiresGrad = member.leafRequiresGrad;
      replacements.set(member, replacement);
    }
    replaceMembers([...this.modules()], replacements);
  }
}
