/** What lists and dictionaries of modules and of parameters share. */
import { TensorError } from '../../errors.js';
import { isPlainObject } from '../../tensor/nested.js';
import { describe } from '../../tensor/shape.js';
import { checkMemberName } from './members.js';
import { Module } from './module.js';

/** Values by name, in order: an object, a map or pairs. An object has names that are numbers first. */
export type Named<T> = Readonly<Record<string, T>> | Iterable<readonly [string, T]>;

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof (value as Iterable<unknown> | null | undefined)?.[Symbol.iterator] === 'function';
}

/**
 * The place of an item; negative ones count from the end.
 * @throws TensorError ERR_INDEX unless there is such an item
 */
export function checkIndex(operation: string, index: unknown, length: number): number {
  if (!Number.isInteger(index) || (index as number) < -length || (index as number) >= length) {
    throw new TensorError(
      'ERR_INDEX',
      `[${operation}] there is no item ${describe(index)}; there are ${length}`,
    );
  }
  return (index as number) < 0 ? (index as number) + length : (index as number);
}

/** @throws TensorError ERR_ARGUMENT for anything but an object, a map or pairs, and for wrong names */
export function namedEntries(operation: string, values: unknown): [string, unknown][] {
  const isObject = typeof values === 'object' && values !== null;
  const isList = isObject && isIterable(values);
  if (!isList && !(isObject && isPlainObject(values))) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] expected an object, a map or pairs of names and values, not ${describe(values)}`,
    );
  }
  const entries: unknown[] = isList ? [...values] : Object.entries(values as object);
  for (const entry of entries) {
    if (!Array.isArray(entry) || entry.length !== 2) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${operation}] expected pairs of a name and a value, not ${describe(entry)}`,
      );
    }
    checkMemberName(operation, entry[0]);
  }
  return entries as [string, unknown][];
}

/** Items that belong to the module around them; what is done with them is its business. */
abstract class Collection extends Module<never, never> {
  protected override memberName(property: string): string {
    return property.replace(/^items\./, '');
  }

  /** @throws TensorError ERR_STATE always: only the module around it knows what to do with the items */
  forward(): never {
    throw new TensorError(
      'ERR_STATE',
      `[${this.constructor.name}] only holds what the module around it uses`,
    );
  }
}

/** Items in a list. */
export abstract class List<Item, Given = Item> extends Collection {
  protected readonly items: Item[] = [];

  /** @throws TensorError ERR_ARGUMENT for anything but a list of what belongs into it */
  constructor(items: Iterable<Given> = []) {
    super();
    this.extend(items);
  }

  /** @throws TensorError unless it is or makes an item */
  protected abstract itemOf(given: unknown): Item;

  /** How many items there are. */
  get length(): number {
    return this.items.length;
  }

  /**
   * An item by its place; negative ones count from the end.
   * @throws TensorError ERR_INDEX when there is none
   */
  at(index: number): Item {
    return this.items[checkIndex(this.constructor.name, index, this.length)] as Item;
  }

  /**
   * Puts an item in the place of another one. Returns itself.
   * @throws TensorError ERR_INDEX when there is none, ERR_ARGUMENT for what doesn't belong here
   */
  set(index: number, item: Given): this {
    const at = checkIndex(this.constructor.name, index, this.length);
    this.items[at] = this.itemOf(item);
    return this;
  }

  /** Adds an item at the end. Returns itself. */
  append(item: Given): this {
    this.items.push(this.itemOf(item));
    return this;
  }

  /** Adds items at the end. Returns itself. */
  extend(items: Iterable<Given>): this {
    if (!isIterable(items)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${this.constructor.name}] expected a list, not ${describe(items)}`,
      );
    }
    // All of them are checked before the first one is added.
    this.items.push(...[...items].map((item) => this.itemOf(item)));
    return this;
  }

  /**
   * Adds an item before the one at a place, from 0 to the length; those behind it move on by one.
   * @throws TensorError ERR_INDEX for another place, ERR_ARGUMENT for what doesn't belong here
   */
  insert(index: number, item: Given): this {
    const { length } = this;
    const at = index === length ? index : checkIndex(this.constructor.name, index, length);
    this.items.splice(at, 0, this.itemOf(item));
    return this;
  }

  /** The items in order. */
  [Symbol.iterator](): Iterator<Item> {
    return this.items[Symbol.iterator]();
  }
}

/** Items by name, in the order in which they were added. */
export abstract class Dictionary<Item, Given = Item> extends Collection {
  protected readonly items = new Map<string, Item>();

  /** @throws TensorError ERR_ARGUMENT for anything but what belongs into it, by name */
  constructor(items: Named<Given> = {}) {
    super();
    const { name: operation } = new.target;
    for (const [name, item] of namedEntries(operation, items)) this.set(name, item as Given);
  }

  /** @throws TensorError unless it is or makes an item */
  protected abstract itemOf(given: unknown): Item;

  /** How many items there are. */
  get size(): number {
    return this.items.size;
  }

  /**
   * The item of a name.
   * @throws TensorError ERR_ARGUMENT with the names that there are when there is none
   */
  get(name: string): Item {
    const found = this.items.get(name);
    if (found !== undefined) return found;
    const known = [...this.items.keys()].join(', ') || 'none';
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${this.constructor.name}] there is no ${describe(name)}; there are: ${known}`,
    );
  }

  /**
   * Adds an item, or puts it in the place of the one that has the name. Returns itself.
   * @throws TensorError ERR_ARGUMENT for a name with a dot and for what doesn't belong here
   */
  set(name: string, item: Given): this {
    checkMemberName(this.constructor.name, name);
    this.items.set(name, this.itemOf(item));
    return this;
  }

  /** Whether there is an item of that name. */
  has(name: string): boolean {
    return this.items.has(name);
  }

  /** Takes an item out; tells whether there was one. */
  delete(name: string): boolean {
    return this.items.delete(name);
  }

  /** The names in order. */
  keys(): Iterator<string> & Iterable<string> {
    return this.items.keys();
  }

  /** The items in order. */
  values(): Iterator<Item> & Iterable<Item> {
    return this.items.values();
  }

  /** Names and items in order. */
  [Symbol.iterator](): Iterator<[string, Item]> {
    return this.items[Symbol.iterator]();
  }
}
