/** What is inside a module, by name: the part of {@link Module} that finds and adds it. */
import { TensorError } from '../../errors.js';
import { checkOptions, describe } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Buffer, type BufferOptions } from './buffer.js';
import {
  checkModule,
  isModule,
  joinNames,
  lookUp,
  type Member,
  membersOf,
  register,
} from './members.js';
import type { AnyModule } from './module.js';
import { Parameter } from './parameter.js';

/** Options of `numParameters`. */
export interface CountOptions {
  /** Counts only parameters that require gradients (true), or only the others (false). Default all. */
  trainable?: boolean;
}

/** Every tree is a module. */
function moduleOf(tree: ModuleTree): AnyModule {
  return tree as unknown as AnyModule;
}

/** A module among others: under which name, with what belongs to it directly. */
interface Place {
  readonly path: string;
  readonly module: AnyModule;
  readonly members: readonly [string, Member][];
}

/** See {@link Module}, the only class that extends this one. */
export abstract class ModuleTree {
  // What isn't for users is static where it can be: their modules' own properties have any names.

  /** What belongs to a module directly. */
  protected static membersIn(tree: ModuleTree): [string, Member][] {
    const found = membersOf(tree);
    for (const entry of found) entry[0] = tree.memberName(entry[0]);
    return found;
  }

  /** A module and all inside it, outermost first, each once. Lists: generators would take longer. */
  private static placesIn(
    tree: ModuleTree,
    path: string,
    seen = new Set<ModuleTree>(),
    found: Place[] = [],
  ): Place[] {
    seen.add(tree);
    const members = ModuleTree.membersIn(tree);
    found.push({ path, module: moduleOf(tree), members });
    for (const [name, member] of members) {
      if (isModule(member) && !seen.has(member)) {
        ModuleTree.placesIn(member, joinNames(path, name), seen, found);
      }
    }
    return found;
  }

  /** All parameters or all buffers with their names; shared ones once. */
  private static *membersOfKind<M extends Tensor>(
    tree: ModuleTree,
    kind: new (values: Tensor) => M,
    prefix: string,
  ): Generator<[string, M]> {
    const seen = new Set<M>();
    for (const { path, members } of ModuleTree.placesIn(tree, prefix)) {
      for (const [name, member] of members) {
        if (!(member instanceof kind) || seen.has(member)) continue;
        seen.add(member);
        yield [joinNames(path, name), member];
      }
    }
  }

  /** The name of a member in parameter names; containers leave out their list's own name. */
  protected memberName(property: string): string {
    return property;
  }

  /** The modules directly inside this one, with their names; shared ones once. */
  *namedChildren(): Generator<[string, AnyModule]> {
    const seen = new Set<AnyModule>();
    for (const [name, member] of ModuleTree.membersIn(this)) {
      if (!isModule(member) || seen.has(member)) continue;
      seen.add(member);
      yield [name, member];
    }
  }

  /** The modules directly inside this one; shared ones once. */
  *children(): Generator<AnyModule> {
    for (const [, child] of this.namedChildren()) yield child;
  }

  /**
   * This module and all inside it with their names (`''`, `encoder`, `encoder.0`...), outermost first;
   * shared ones once.
   * @param prefix goes before all names, with a dot
   */
  *namedModules(prefix = ''): Generator<[string, AnyModule]> {
    for (const { path, module } of ModuleTree.placesIn(this, prefix)) yield [path, module];
  }

  /** This module and all inside it, outermost first; shared ones once. */
  *modules(): Generator<AnyModule> {
    for (const [, module] of this.namedModules()) yield module;
  }

  /**
   * All parameters with their names, in PyTorch's order: a module's own ones in the order of assignment,
   * then those of the modules inside it. Shared ones come once.
   * @param prefix goes before all names, with a dot
   */
  namedParameters(prefix = ''): Generator<[string, Parameter]> {
    return ModuleTree.membersOfKind(this, Parameter, prefix);
  }

  /** All buffers with their names, in the order of `namedParameters`. */
  namedBuffers(prefix = ''): Generator<[string, Buffer]> {
    return ModuleTree.membersOfKind(this, Buffer, prefix);
  }

  /** All parameters, in the order of `namedParameters`. */
  *parameters(): Generator<Parameter> {
    for (const [, parameter] of this.namedParameters()) yield parameter;
  }

  /** The parameters of this module itself, without those of the modules inside it. */
  *ownParameters(): Generator<Parameter> {
    for (const [, member] of ModuleTree.membersIn(this))
      if (member instanceof Parameter) yield member;
  }

  /** All buffers, in the order of `namedParameters`. */
  *buffers(): Generator<Buffer> {
    for (const [, buffer] of this.namedBuffers()) yield buffer;
  }

  /** How many numbers all parameters have; shared ones count once. */
  numParameters(options: CountOptions = {}): number {
    checkOptions('numParameters', options, ['trainable']);
    const { trainable } = options;
    let count = 0;
    for (const parameter of this.parameters()) {
      if (trainable === undefined || parameter.requiresGrad === trainable) count += parameter.numel;
    }
    return count;
  }

  /**
   * The parameter of a name such as `encoder.0.weight`.
   * @throws TensorError ERR_ARGUMENT when there is none
   */
  getParameter(name: string): Parameter {
    return lookUp('getParameter', name, this.namedParameters());
  }

  /**
   * The buffer of a name such as `encoder.1.running_mean`.
   * @throws TensorError ERR_ARGUMENT when there is none
   */
  getBuffer(name: string): Buffer {
    return lookUp('getBuffer', name, this.namedBuffers());
  }

  /**
   * The module of a name such as `encoder.0`; of `''` it is this one.
   * @throws TensorError ERR_ARGUMENT when there is none
   */
  getSubmodule(name: string): AnyModule {
    return lookUp('getSubmodule', name, this.namedModules());
  }

  /**
   * Makes a parameter a property whose name is computed; where it is known an assignment does the same.
   * null says that there is none. Returns it.
   * @throws TensorError ERR_ARGUMENT for anything but a Parameter or null, a name with a dot, and a name
   * that the module has already for something else
   */
  registerParameter<P extends Parameter | null>(name: string, parameter: P): P {
    if (parameter !== null && !(parameter instanceof Parameter)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[registerParameter] expected an nn.Parameter or null, not ${describe(parameter)}`,
      );
    }
    const isSame = (before: unknown): boolean => before === null || before instanceof Parameter;
    register('registerParameter', moduleOf(this), name, parameter, isSame);
    return parameter;
  }

  /**
   * The same for a buffer, made of a tensor if it isn't one.
   * @throws TensorError ERR_ARGUMENT as registerParameter
   */
  registerBuffer(name: string, values: Tensor | null, options?: BufferOptions): Buffer | null {
    const isBuffer = values instanceof Buffer && options === undefined;
    const buffer = values === null || isBuffer ? values : new Buffer(values, options);
    const isSame = (before: unknown): boolean => before === null || before instanceof Buffer;
    register('registerBuffer', moduleOf(this), name, buffer, isSame);
    return buffer;
  }

  /**
   * The same for a module.
   * @throws TensorError ERR_ARGUMENT as registerParameter
   */
  registerModule<M extends AnyModule | null>(name: string, module: M): M {
    if (module !== null) checkModule('registerModule', module);
    const isSame = (before: unknown): boolean => before === null || isModule(before);
    register('registerModule', moduleOf(this), name, module, isSame);
    return module;
  }

  /** PyTorch's other name of `registerModule`. */
  addModule<M extends AnyModule | null>(name: string, module: M): M {
    return this.registerModule(name, module);
  }

  /** Parameters and persistent buffers with all of their names: those that are shared have several. */
  protected namesOfState(): Map<Parameter | Buffer, string[]> {
    const names = new Map<Parameter | Buffer, string[]>();
    const collect = (module: AnyModule, path: string, above: readonly AnyModule[]): void => {
      // A module that has itself inside has no end of names.
      if (above.includes(module)) return;
      for (const kind of [Parameter, Buffer]) {
        for (const [name, member] of ModuleTree.membersIn(module)) {
          if (!(member instanceof kind)) continue;
          if (member instanceof Buffer && !member.persistent) continue;
          const all = names.get(member);
          if (all === undefined) names.set(member, [joinNames(path, name)]);
          else all.push(joinNames(path, name));
        }
      }
      for (const [name, member] of ModuleTree.membersIn(module)) {
        if (member instanceof ModuleTree)
          collect(member, joinNames(path, name), [...above, module]);
      }
    };
    collect(moduleOf(this), '', []);
    return names;
  }
}
