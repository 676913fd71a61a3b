/**
 * Parameters that are computed from others, as in torch.nn.utils.parametrize: `module.weight` becomes a
 * function of parameters that are learned in its place.
 */
import { noGrad } from '../../autograd/mode.js';
import { TensorError } from '../../errors.js';
import { checkTensor, copyInto } from '../../ops/operand.js';
import { checkFlag, checkOptions, describe, formatShape, sameShape } from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';
import { Buffer } from './buffer.js';
import { ModuleDict } from './container.js';
import { checkModule } from './members.js';
import type { AnyModule } from './module.js';
import { Parameter } from './parameter.js';
import { inverse, type Parametrization, ParametrizationList } from './parametrization_list.js';

export type { Parametrization, ParametrizationList } from './parametrization_list.js';

type Parametrized = AnyModule & { parametrizations?: ModuleDict<ParametrizationList> };

/** The list of a parameter, or null. */
function listOf(module: Parametrized, name: string): ParametrizationList | null {
  const all = module.parametrizations;
  return all instanceof ModuleDict && all.has(name) ? all.get(name) : null;
}

/** Makes `module[name]` what the list computes. Copies of the module share the prototype that does it. */
function compute(module: Parametrized, name: string): void {
  const between = Object.create(Object.getPrototypeOf(module) as object) as object;
  Object.defineProperty(between, name, {
    get(this: Parametrized) {
      return listOf(this, name)?.compute();
    },
    set(this: Parametrized, value: Tensor) {
      checkTensor('parametrize', value);
      listOf(this, name)?.setValue(value);
    },
    configurable: true,
  });
  Reflect.deleteProperty(module, name);
  Object.setPrototypeOf(module, between);
}

function checkLike(operation: string, name: string, value: Tensor, like: Tensor): void {
  checkTensor(operation, value);
  if (!sameShape(value.shape, like.shape)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] ${name} has shape ${formatShape(like.shape)}, and what is computed for it ${formatShape(value.shape)}`,
    );
  }
  if (value.dtype !== like.dtype) {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] ${name} is ${like.dtype}, and what is computed for it ${value.dtype}`,
    );
  }
}

/** A tensor as what it is in the place of: a parameter that is learned if that one is, or a buffer. */
function memberLike(values: Tensor, like: Tensor): Tensor {
  const own = noGrad(() => values.detach().clone());
  if (!(like instanceof Parameter)) return new Buffer(own);
  const parameter = new Parameter(own);
  parameter.requiresGrad = like.requiresGrad;
  return parameter;
}

/**
 * Computes a module's parameter (or buffer) by another module from now on: what it was becomes
 * `parametrizations.NAME.original`, or `original0`, `original1`... of what `rightInverse` gives if it
 * gives a list. Several are applied one after the other. Optimizers that have the parameter still learn
 * it where there is one original; otherwise make them afterwards. Returns the module.
 * @param parametrization a module whose `forward` takes the originals and gives a tensor of the
 * parameter's shape and dtype
 * @throws TensorError ERR_ARGUMENT for anything but modules and a name of a parameter or buffer, ERR_SHAPE
 * and ERR_DTYPE when what is computed doesn't fit
 * @example
 * ```ts
 * class Symmetric extends nn.Module {
 *   forward(x) {
 *     return triu(x).add(triu(x, 1).transpose());
 *   }
 * }
 * const layer = new nn.Linear(3, 3);
 * nn.utils.parametrize.registerParametrization(layer, 'weight', new Symmetric());
 * equal(layer.weight, layer.weight.transpose()); // => true
 * Object.keys(layer.stateDict()); // => ['bias', 'parametrizations.weight.original']
 * ```
 */
export function registerParametrization<M extends AnyModule>(
  module: M,
  name: string,
  parametrization: Parametrization,
): M {
  const operation = 'registerParametrization';
  checkModule(operation, module);
  checkModule(operation, parametrization);
  const target = module as Parametrized;
  const list = listOf(target, name);
  if (list !== null) {
    const value = list.compute();
    if (!(inverse(parametrization, value) instanceof Tensor)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${operation}] ${describe(name)} is parametrized already, and only the first ` +
          'parametrization may have several originals',
      );
    }
    checkLike(operation, name, parametrization.forward(value), value);
    list.append(parametrization);
    return module;
  }
  const member = checkMember(operation, target, name);
  const given = inverse(parametrization, member);
  const originals = given instanceof Tensor ? [given] : [...given];
  for (const original of originals) checkTensor(operation, original);
  checkLike(
    operation,
    name,
    noGrad(() => parametrization.forward(...originals)),
    member,
  );
  const isSame = given instanceof Tensor && sameShape(given.shape, member.shape);
  if (isSame && given !== member) copyInto(member, given);
  const members = originals.map((original) => (isSame ? member : memberLike(original, member)));
  const made = new ParametrizationList(
    parametrization,
    given instanceof Tensor ? (members[0] as Tensor) : members,
  );
  target.parametrizations ??= new ModuleDict<ParametrizationList>();
  target.parametrizations.set(name, made);
  compute(target, name);
  return module;
}

function checkMember(operation: string, module: AnyModule, name: unknown): Tensor {
  const own = typeof name === 'string' && Object.hasOwn(module, name);
  const member = own ? (module as unknown as Record<string, unknown>)[name as string] : null;
  if (member instanceof Parameter || member instanceof Buffer) return member;
  throw new TensorError(
    'ERR_ARGUMENT',
    `[${operation}] ${module.constructor.name} has no parameter or buffer ${describe(name)}`,
  );
}

/** Options of {@link removeParametrizations}. */
export interface RemoveParametrizationsOptions {
  /** Whether the value stays that was computed last, and not the original. Default true. */
  leaveParametrized?: boolean;
}

/**
 * Makes a parameter an ordinary one again, with the value that was computed for it. Returns the module.
 * @throws TensorError ERR_ARGUMENT for a parameter that isn't computed, unknown options, and without
 * `leaveParametrized` where there are several originals
 * @example
 * ```ts
 * const layer = nn.utils.parametrizations.weightNorm(new nn.Linear(2, 3));
 * nn.utils.parametrize.removeParametrizations(layer, 'weight');
 * Object.keys(layer.stateDict()); // => ['bias', 'weight']
 * ```
 */
export function removeParametrizations<M extends AnyModule>(
  module: M,
  name: string,
  options: RemoveParametrizationsOptions = {},
): M {
  const operation = 'removeParametrizations';
  checkModule(operation, module);
  checkOptions(operation, options, ['leaveParametrized']);
  const { leaveParametrized = true } = options;
  checkFlag(operation, 'leaveParametrized', leaveParametrized);
  const target = module as Parametrized;
  const list = listOf(target, name);
  if (list === null) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] ${module.constructor.name} has no parametrization of ${describe(name)}`,
    );
  }
  if (!leaveParametrized && !list.isSingle) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] ${name} is computed from several tensors, none of which can take its place`,
    );
  }
  const [original] = list.originals as [Tensor];
  let member = original;
  if (leaveParametrized) {
    const value = noGrad(() => list.compute());
    if (list.isSingle && sameShape(value.shape, original.shape)) copyInto(original, value);
    else member = memberLike(value, original);
  }
  const all = target.parametrizations as ModuleDict<ParametrizationList>;
  all.delete(name);
  // An own property hides the one of the prototype.
  const property = { value: member, writable: true, enumerable: true, configurable: true };
  Object.defineProperty(module, name, property);
  if (all.size === 0) Reflect.deleteProperty(module, 'parametrizations');
  return module;
}

/**
 * Whether a module computes a parameter, or any.
 * @throws TensorError ERR_ARGUMENT for anything but a module
 * @example
 * ```ts
 * const layer = nn.utils.parametrizations.weightNorm(new nn.Linear(2, 3));
 * nn.utils.parametrize.isParametrized(layer); // => true
 * nn.utils.parametrize.isParametrized(layer, 'bias'); // => false
 * ```
 */
export function isParametrized(module: AnyModule, name?: string): boolean {
  checkModule('isParametrized', module);
  const all = (module as Parametrized).parametrizations;
  if (!(all instanceof ModuleDict)) return false;
  return name === undefined ? all.size > 0 : all.has(name);
}
