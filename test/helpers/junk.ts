/**
 * Calls with one argument replaced by something that has no business there. The calls to begin with are
 * those of the examples in the docstrings, so that every other argument is right.
 */
import * as tilegrad from 'tilegrad';
import { Tensor, TensorError, tensor, zeros } from 'tilegrad';

type Callable = (...args: unknown[]) => unknown;

/** What was called, on what, and how a message should name it. */
export interface Call {
  readonly name: string;
  readonly fn: Callable;
  /** undefined for functions, `NEW` for classes. */
  readonly self: unknown;
  readonly args: readonly unknown[];
}

/** In place of `self`: the function is a class. */
const NEW = Symbol('new');

const isClass = (value: unknown): boolean =>
  typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** A copy that the call may change. */
function fresh(value: unknown): unknown {
  if (value instanceof Tensor) {
    if (value.storage.disposed) return value;
    const copy = tilegrad.noGrad(() => value.clone());
    return value.requiresGrad ? copy.requiresGrad_() : copy;
  }
  if (Array.isArray(value)) return value.map(fresh);
  if (isPlain(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fresh(inner)]));
  }
  return value;
}

/** Notes calls that examples make, of functions, classes and methods; none that those make themselves. */
export class Recorder {
  /** The first call of each. */
  private readonly calls = new Map<string, Call>();
  private readonly undo: (() => void)[] = [];
  private readonly prototypes = new Set<object>([
    Object.prototype,
    Function.prototype,
    Error.prototype,
  ]);
  private depth = 0;

  /** The names of a space, which note what they are called with. */
  scope(space: object, prefix = ''): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(space).map(([key, value]) => {
        const name = prefix + key;
        if (isClass(value)) return [key, this.watchClass(name, value)];
        if (typeof value === 'function') return [key, this.watched(name, value, undefined)];
        if (typeof value === 'object' && value !== null)
          return [key, this.scope(value, `${name}.`)];
        return [key, value];
      }),
    );
  }

  /** All calls, and those of functions as methods of their first tensor; methods are as they were again. */
  finish(): Call[] {
    for (const restore of this.undo) restore();
    const calls = [...this.calls.values()];
    return [...calls, ...calls.flatMap((call) => this.asMethod(call))];
  }

  private asMethod({ name, args }: Call): Call[] {
    const [self, ...rest] = args;
    const fn = (Tensor.prototype as unknown as Record<string, unknown>)[name];
    const method = `Tensor.prototype.${name}`;
    if (!(self instanceof Tensor) || typeof fn !== 'function' || this.calls.has(method)) return [];
    return [{ name: method, fn: fn as Callable, self, args: rest }];
  }

  private note(call: Call): void {
    if (this.depth > 0 || this.calls.has(call.name)) return;
    this.calls.set(call.name, { ...call, args: call.args.map(fresh) });
  }

  private inside<R>(run: () => R): R {
    this.depth++;
    try {
      return run();
    } finally {
      this.depth--;
    }
  }

  private watched(name: string, fn: Callable, self: unknown): Callable {
    return (...args) => {
      this.note({ name, fn, self, args });
      return this.inside(() => fn(...args));
    };
  }

  private watchClass(name: string, value: Callable): unknown {
    this.watchMethods(name, value.prototype);
    return new Proxy(value, {
      construct: (target, args, newTarget) => {
        this.note({ name, fn: target, self: NEW, args });
        return this.inside(() => Reflect.construct(target, args, newTarget));
      },
    });
  }

  private watchMethods(name: string, prototype: object): void {
    if (this.prototypes.has(prototype)) return;
    this.prototypes.add(prototype);
    this.watchMethods(name, Object.getPrototypeOf(prototype));
    const recorder = this;
    for (const key of Object.getOwnPropertyNames(prototype)) {
      const found = Object.getOwnPropertyDescriptor(prototype, key) as PropertyDescriptor;
      const { get, set } = found;
      if (key === 'constructor' || !found.configurable) continue;
      this.undo.push(() => Object.defineProperty(prototype, key, found));
      if (typeof found.value !== 'function') {
        if (get === undefined) continue;
        Object.defineProperty(prototype, key, {
          ...found,
          get(this: unknown) {
            return recorder.inside(() => get.call(this));
          },
          ...(set && {
            set(this: unknown, value: unknown) {
              recorder.inside(() => set.call(this, value));
            },
          }),
        });
        continue;
      }
      const fn: Callable = found.value;
      Object.defineProperty(prototype, key, {
        ...found,
        value(this: unknown, ...args: unknown[]) {
          recorder.note({ name: `${name}.prototype.${key}`, fn, self: this, args });
          return recorder.inside(() => fn.apply(this, args));
        },
      });
    }
  }
}

/** What user code throws; it may come through. */
const THEIRS = new Error('thrown by the user');
const fails = (): never => {
  throw THEIRS;
};

function detached(): Float32Array {
  const array = new Float32Array(4);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
}

function disposed(): Tensor {
  const t = tensor([1, 2]);
  t.dispose();
  return t;
}

/** Something for the place of any argument, made anew for each call. */
export const JUNK: Readonly<Record<string, () => unknown>> = {
  undefined: () => undefined,
  null: () => null,
  true: () => true,
  NaN: () => Number.NaN,
  Infinity: () => Infinity,
  '-1': () => -1,
  '0.5': () => 0.5,
  '-2^31': () => -(2 ** 31),
  '2^53': () => 2 ** 53,
  '-1e300': () => -1e300,
  '1n': () => 1n,
  '-2n ** 70n': () => -(2n ** 70n),
  symbol: () => Symbol('s'),
  "''": () => '',
  "'text'": () => 'text',
  "'__proto__'": () => '__proto__',
  '[]': () => [],
  '[undefined]': () => [undefined],
  'a sparse array': () => new Array(3),
  'a ragged array': () => [[1, 2], [3]],
  '[symbol]': () => [Symbol('s')],
  '[2^53]': () => [2 ** 53],
  'nine dimensions': () => [1, 1, 1, 1, 1, 1, 1, 1, 1],
  'a cyclic array': () => {
    const list: unknown[] = [];
    list.push(list);
    return list;
  },
  '{}': () => ({}),
  'without prototype': () => Object.create(null),
  'length 2^32': () => ({ length: 2 ** 32 }),
  'a getter that throws': () => Object.defineProperty({}, 'dim', { get: fails, enumerable: true }),
  'a proxy that throws': () =>
    new Proxy({}, { get: fails, has: fails, ownKeys: fails, getPrototypeOf: fails }),
  'valueOf that throws': () => ({ valueOf: fails, toString: fails }),
  'a function': () => () => undefined,
  'a class': () => class Other {},
  'a date': () => new Date(0),
  'a map': () => new Map([[1, 2]]),
  'a promise': () => Promise.resolve(1),
  'a proxy of a tensor': () => new Proxy(tensor([1, 2]), {}),
  'a detached array': detached,
  'an array of detached memory': () => [detached()],
  BigUint64Array: () => new BigUint64Array(2),
  DataView: () => new DataView(new ArrayBuffer(8)),
  'a disposed tensor': disposed,
  'a list of a disposed tensor': () => [disposed()],
  'an empty tensor': () => zeros([0, 3]),
  'a number as a tensor': () => tensor(1),
  int64: () => tensor([1, 2], { dtype: 'int64' }),
  bool: () => tensor([true, false]),
  bfloat16: () => tensor([1, 2], { dtype: 'bfloat16' }),
  float64: () => tensor([[Number.NaN, Infinity]], { dtype: 'float64' }),
  'a tensor in five dimensions': () => zeros([1, 2, 1, 2, 1]),
};

/** Names of options by the operation that checks them, as the sources of lib/ have them. */
export function optionsIn(sources: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const source of sources) {
    for (const [, name, list] of source.matchAll(
      /checkOptions\(\s*'(\w+)',\s*\w+,\s*\[([^\]]*)\]/g,
    )) {
      const names = [...(list as string).matchAll(/'(\w+)'/g)].map((match) => match[1] as string);
      found.set(name as string, names);
    }
  }
  return found;
}

/** A place for junk, and whether it is inside of an argument: an item of a list, or an option. */
export interface Place {
  readonly isInside: boolean;
  /** The call's arguments with junk there, and copies of the others. */
  readonly put: (junk: unknown) => unknown[];
}

/** All places in a call: its arguments and one more, the first items of lists, and all options. */
export function* placesIn(args: readonly unknown[], options: readonly string[]): Generator<Place> {
  for (let i = 0; i <= args.length; i++) {
    const put = (value: unknown): unknown[] => {
      const copy = args.map(fresh);
      copy[i] = value;
      return copy;
    };
    yield { isInside: false, put };
    const arg = args[i];
    const items = Array.isArray(arg) ? arg.slice(0, 2) : [];
    for (const k of items.keys()) {
      yield { isInside: true, put: (junk) => put((fresh(arg) as unknown[]).with(k, junk)) };
    }
    if (!isPlain(arg) && i < args.length) continue;
    for (const key of new Set([...Object.keys(arg ?? {}), ...options])) {
      yield { isInside: true, put: (junk) => put({ ...(fresh(arg) as object), [key]: junk }) };
    }
  }
}

/** What a call did, if it isn't what calls do: return, or throw a TensorError. */
export async function misbehaviour(
  call: Call,
  args: readonly unknown[],
): Promise<string | undefined> {
  const { fn, self } = call;
  try {
    const result = self === NEW ? Reflect.construct(fn, args) : fn.apply(self, args as unknown[]);
    if (result instanceof Promise) await result;
    return undefined;
  } catch (error) {
    if (error instanceof TensorError || error === THEIRS) return undefined;
    const text = String((error as Error)?.stack ?? error);
    // Functions of the user's, which get what they can't handle, throw what they like.
    const [message = '', top = ''] = text.split('\n');
    const isTheirs =
      top.includes('eval at ') ||
      /Class constructor Other|prototype.values on a detached/.test(message);
    // Files that aren't there.
    const isOfTheSystem = (error as { syscall?: unknown }).syscall !== undefined;
    return isTheirs || isOfTheSystem ? undefined : text;
  }
}
