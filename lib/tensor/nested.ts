/** Tensors inside of values: in arrays, maps, sets and the properties of objects. */
import { Tensor } from './tensor.js';

/** Calls `visit` for every tensor in a value, also behind properties of class instances. */
export function forEachTensor(value: unknown, visit: (t: Tensor) => void): void {
  if (value instanceof Tensor) {
    visit(value);
    return;
  }
  const seen = new Set<unknown>();
  const waiting: object[] = [];
  const add = (item: unknown): void => {
    if (typeof item !== 'object' || item === null || seen.has(item)) return;
    seen.add(item);
    waiting.push(item);
  };
  add(value);
  for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) {
    if (item instanceof Tensor) visit(item);
    else if (item instanceof Map) {
      for (const [key, inner] of item) {
        add(key);
        add(inner);
      }
    } else if (Array.isArray(item) || item instanceof Set) for (const inner of item) add(inner);
    else if (!ArrayBuffer.isView(item)) for (const inner of Object.values(item)) add(inner);
  }
}

/** Whether it is `{...}` and not an instance of a class. */
export function isPlainObject(value: object): value is Record<string, unknown> {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/**
 * A copy of a nested value in which `replace` took the place of what it knows. It sees every array,
 * plain object, map, set and other value, outermost first, and gives undefined for what it leaves as
 * it is. What occurs twice stays one.
 */
export function mapNested(value: unknown, replace: (item: object) => unknown): unknown {
  const done = new Map<unknown, unknown>();
  const visit = (item: unknown): unknown => {
    if (typeof item !== 'object' || item === null) return item;
    if (done.has(item)) return done.get(item);
    const replaced = replace(item);
    if (replaced !== undefined) {
      done.set(item, replaced);
      return replaced;
    }
    if (Array.isArray(item)) {
      const list: unknown[] = [];
      done.set(item, list);
      for (const inner of item) list.push(visit(inner));
      return list;
    }
    if (item instanceof Map) {
      const map = new Map<unknown, unknown>();
      done.set(item, map);
      for (const [key, inner] of item) map.set(visit(key), visit(inner));
      return map;
    }
    if (item instanceof Set) {
      const set = new Set<unknown>();
      done.set(item, set);
      for (const inner of item) set.add(visit(inner));
      return set;
    }
    if (!isPlainObject(item)) return item;
    const object: Record<string, unknown> = {};
    done.set(item, object);
    for (const [key, inner] of Object.entries(item)) {
      // `__proto__` as a name of a property must not become the prototype.
      Object.defineProperty(object, key, {
        value: visit(inner),
        writable: true,
        enumerable: true,
        configurable: true,
      });
    }
    return object;
  };
  return visit(value);
}
