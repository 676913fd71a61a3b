/** What belongs to a module: finding it among the properties, replacing it, naming it. */
import { TensorError } from '../../errors.js';
import { describe } from '../../tensor/shape.js';
import { Buffer } from './buffer.js';
import type { AnyModule } from './module.js';
import { Parameter } from './parameter.js';
import { ModuleTree } from './tree.js';

/** What a module can have. */
export type Member = Parameter | Buffer | AnyModule;

/** Whether it is a module of any kind. */
export function isModule(value: unknown): value is AnyModule {
  return value instanceof ModuleTree;
}

/** Whether a module can have it. */
function isMember(value: unknown): value is Member {
  return value instanceof Parameter || value instanceof Buffer || isModule(value);
}

/** The members among an object's properties, and in arrays and maps that are properties, in their order. */
export function membersOf(owner: object): [name: string, member: Member][] {
  const found: [string, Member][] = [];
  for (const [name, value] of Object.entries(owner) as [string, unknown][]) {
    if (typeof value !== 'object' || value === null) continue;
    if (isMember(value)) found.push([name, value]);
    else if (Array.isArray(value) || value instanceof Map) {
      for (const [key, item] of value.entries()) {
        if (isMember(item)) found.push([`${name}.${key}`, item]);
      }
    }
  }
  return found;
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
      } else if (value instanceof Map) {
        for (const [key, item] of value) {
          if (replacements.has(item)) value.set(key, replacements.get(item));
        }
      } else if (replacements.has(value)) {
        properties[name] = replacements.get(value);
      }
    }
  }
}

/** A name below another one. */
export function joinNames(prefix: string, name: string): string {
  return prefix === '' ? name : `${prefix}.${name}`;
}

/** @throws TensorError ERR_ARGUMENT unless it can be one part of a name such as `encoder.0.weight` */
export function checkMemberName(operation: string, name: unknown): asserts name is string {
  if (typeof name !== 'string' || name === '' || name.includes('.')) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] a name is a text without a dot that isn't empty, not ${describe(name)}`,
    );
  }
}

/** @throws TensorError ERR_ARGUMENT unless it is a module */
export function checkModule(operation: string, value: unknown): asserts value is AnyModule {
  if (!isModule(value)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] expected a module, not ${describe(value)}`,
    );
  }
}

/**
 * Makes a member a property.
 * @throws TensorError ERR_ARGUMENT for a wrong name, and for one that the module has for something else
 */
export function register(
  operation: string,
  owner: AnyModule,
  name: unknown,
  member: Member | null,
  isSame: (before: unknown) => boolean,
): void {
  checkMemberName(operation, name);
  const properties = owner as unknown as Record<string, unknown>;
  const isFree = !(name in owner) || (Object.hasOwn(owner, name) && isSame(properties[name]));
  if (!isFree) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] ${owner.constructor.name} has a property ${describe(name)} already`,
    );
  }
  properties[name] = member;
}

/**
 * What stands under a path such as `encoder.0.weight`.
 * @throws TensorError ERR_ARGUMENT with the names that there are
 */
export function lookUp<T>(
  operation: string,
  path: unknown,
  entries: Iterable<readonly [string, T]>,
): T {
  const known: string[] = [];
  for (const [name, member] of entries) {
    if (name === path) return member;
    known.push(name);
  }
  throw new TensorError(
    'ERR_ARGUMENT',
    `[${operation}] there is no ${describe(path)}; there are: ${known.join(', ') || 'none'}`,
  );
}
