/** Loading tensors by name into a module's parameters and buffers. */
import { TensorError } from '../../errors.js';
import { dtypes } from '../../tensor/dtype.js';
import { describe, formatShape, sameShape } from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';

/** Tensors by the names of the parameters and buffers they belong to: `0.weight`, `0.bias`... */
export type StateDict = Record<string, Tensor>;

/** Options of `loadStateDict`. */
export interface LoadStateDictOptions {
  /** Whether names have to match exactly. Otherwise only those found on both sides are loaded. Default true. */
  strict?: boolean;
  /**
   * Whether the tensors themselves become the parameters' and buffers' memory instead of being copied:
   * for memory that threads share. Floating tensors keep their dtype, as in PyTorch. Make the optimizer
   * afterwards: the parameters are new. Default false.
   */
  assign?: boolean;
}

/** Names that `loadStateDict` found on one side only; without `strict` there may be some. */
export interface LoadedKeys {
  /** Of parameters and buffers that nothing was loaded into. */
  readonly missingKeys: readonly string[];
  /** Of tensors that have no place in the module. */
  readonly unexpectedKeys: readonly string[];
}

/** @throws TensorError ERR_ARGUMENT, ERR_SHAPE, ERR_DTYPE or ERR_DISPOSED unless `member` can take the value */
function checkValue(name: string, member: Tensor, value: unknown): asserts value is Tensor {
  if (!(value instanceof Tensor)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[loadStateDict] ${name} must be a tensor, not ${describe(value)}`,
    );
  }
  if (!sameShape(value.shape, member.shape)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[loadStateDict] ${name} has shape ${formatShape(member.shape)}, not ${formatShape(value.shape)}`,
    );
  }
  if (value.storage.disposed) {
    throw new TensorError('ERR_DISPOSED', `[loadStateDict] the tensor for ${name} was disposed`);
  }
  // Other types are converted, but a quantised weight has scales of its own: cut to bytes it would be 0.
  if (member.dtype === 'int8' && dtypes[value.dtype].floating) {
    throw new TensorError(
      'ERR_DTYPE',
      `[loadStateDict] ${name} is ${member.dtype}, not ${value.dtype}`,
    );
  }
}

/**
 * Which tensor goes into which parameter or buffer, everything checked.
 * @param names all names of each member: a shared one has several, as in a state of PyTorch's, and any
 * of them will do
 */
export function matchState<M extends Tensor>(
  names: ReadonlyMap<M, readonly string[]>,
  state: unknown,
  strict: boolean,
): { pairs: readonly (readonly [M, Tensor])[]; keys: LoadedKeys } {
  if (typeof state !== 'object' || state === null) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[loadStateDict] expected tensors by name, not ${describe(state)}`,
    );
  }
  const known = new Set<string>();
  const missingKeys: string[] = [];
  const pairs: (readonly [M, Tensor])[] = [];
  const given: [M, string][] = [];
  for (const [member, all] of names) {
    for (const name of all) known.add(name);
    const found = all.filter((name) => Object.hasOwn(state, name));
    if (found.length === 0) missingKeys.push(all[0] as string);
    for (const name of found) given.push([member, name]);
  }
  const unexpectedKeys = Object.keys(state).filter((name) => !known.has(name));
  if (strict && (missingKeys.length > 0 || unexpectedKeys.length > 0)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[loadStateDict] missing: ${missingKeys.join(', ') || 'nothing'}; unknown: ${unexpectedKeys.join(', ') || 'nothing'}`,
    );
  }
  for (const [member, name] of given) {
    const value = (state as Record<string, unknown>)[name];
    checkValue(name, member, value);
    pairs.push([member, value]);
  }
  return { pairs, keys: { missingKeys, unexpectedKeys } };
}
