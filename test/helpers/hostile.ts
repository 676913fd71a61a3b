/** Arguments of native rows that nobody should pass, and memory around operands that must not change. */
import { loadBinding } from 'tilegrad/native/binding.js';
import type { OperandArray, RowName } from 'tilegrad/native/interface.js';
import { toInt64 } from 'tilegrad/tensor/element.js';

/** Elements on each side of an operand that must not change. */
const GUARD = 64;
const GUARD_BYTE = 0xa5;
/** A guard of the widest elements as it has to stay. */
export const untouched = Buffer.alloc(GUARD * 8, GUARD_BYTE);

export const native = loadBinding();
export const params = native.attach(new Float64Array(new SharedArrayBuffer(8 * 116)));

/** Where `params` says in which array each operand lies, and which row is called. */
const WHICH = 114;
const ROW = 115;

/** Calls a row with the numbers that are in `params`. */
export function call(name: RowName, operands: readonly unknown[]): void {
  params[ROW] = native.rows[name];
  native.call(...(operands as OperandArray[]));
}

/** A small generator of its own, so that a failure can be replayed from the printed seed. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export type Random = () => number;
export const below = (random: Random, n: number) => Math.floor(random() * n);
export const pick = <T>(random: Random, list: readonly T[]): T =>
  list[below(random, list.length)] as T;

export const HOSTILE_NUMBERS = [
  Number.NaN,
  Infinity,
  -Infinity,
  -1,
  -2,
  0.5,
  -0,
  1e300,
  -1e300,
  5e-324,
  2 ** 31,
  -(2 ** 31),
  2 ** 31 - 1,
  2 ** 32,
  2 ** 52,
  2 ** 53,
  -(2 ** 53),
  2 ** 53 + 2,
  2 ** 63,
  -(2 ** 63),
  2 ** 64,
];

export const ARRAY_TYPES = {
  f32: Float32Array,
  f64: Float64Array,
  i32: Int32Array,
  i64: BigInt64Array,
  f16: Int16Array,
  u8: Uint8Array,
  bf16: Uint16Array,
  u32: Uint32Array,
  i8: Int8Array,
} as const;

/** What a signature's types stand for. */
export const FLOATS = ['f32', 'f64'] as const;
export const INTEGERS = ['i32', 'i64', 'u8', 'i8'] as const;
export const ANY = [...FLOATS, ...INTEGERS, 'bf16', 'f16'] as const;

export interface Guarded {
  array: OperandArray;
  bytes: Uint8Array;
  start: number;
  end: number;
}

export type ElementType = keyof typeof ARRAY_TYPES;

/** Values of each type, of which operands take a part: to draw every element took most of the time. */
const POOL = 1 << 13;
const pools = new Map<ElementType, OperandArray>();

function valuesOf(type: ElementType): OperandArray {
  const known = pools.get(type);
  if (known) return known;
  const random = generator(7);
  const values = Array.from({ length: POOL }, () =>
    random() < 0.1 ? pick(random, HOSTILE_NUMBERS) : below(random, 9) - 4,
  );
  const Type = ARRAY_TYPES[type];
  const pool = new Type(POOL);
  values.forEach((value, i) => {
    pool[i] = pool instanceof BigInt64Array ? toInt64(value) : value;
  });
  pools.set(type, pool);
  return pool;
}

export function guarded(random: Random, type: ElementType, length: number): Guarded {
  const Type = ARRAY_TYPES[type];
  const guard = GUARD * Type.BYTES_PER_ELEMENT;
  const size = length * Type.BYTES_PER_ELEMENT;
  const buffer = new ArrayBuffer(size + 2 * guard);
  const bytes = new Uint8Array(buffer).fill(GUARD_BYTE);
  const array = new Type(buffer, guard, length);
  const from = below(random, POOL - length);
  array.set(valuesOf(type).subarray(from, from + length) as never);
  return { array, bytes, start: guard, end: guard + size };
}

function detached(): Float32Array {
  const array = new Float32Array(16);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
}

export function notAnArray(random: Random): unknown {
  return pick<() => unknown>(random, [
    () => null,
    () => undefined,
    () => 7,
    () => 'text',
    () => ({}),
    () => [1, 2, 3],
    () => new ArrayBuffer(64),
    () => new DataView(new ArrayBuffer(64)),
    () => new BigUint64Array(8),
    () => new Float32Array(0),
    () => Symbol('s'),
    () => 10n,
    detached,
  ])();
}

/** The operand types and the kinds of numbers that a signature's text speaks of. */
export function parse(signature: string): {
  types: string[];
  optional: boolean[];
  kinds: string[];
  geometry: boolean;
} {
  const [head = '', tail = ''] = signature.split(';');
  const operands = [...head.matchAll(/(in|out|inout|opt|optout) \w+ (\w+)\[([^\]]*)\]/g)];
  const kinds: string[] = [];
  let waiting = 0;
  for (const word of tail.split(' ').filter(Boolean)) {
    if (['size', 'stride', 'int', 'real'].includes(word)) {
      for (; waiting > 0; waiting--) kinds.push(word);
    } else waiting++;
  }
  return {
    types: operands.map((o) => o[2] as string),
    optional: operands.map((o) => o[1]?.startsWith('opt') === true),
    kinds,
    geometry: operands.some((o) => o[3] === '@'),
  };
}

export function fillParams(random: Random, row: ReturnType<typeof parse>, hostility: number): void {
  const odd = () => random() < hostility;
  let at = 0;
  const put = (value: number) => {
    params[at++] = odd() ? pick(random, HOSTILE_NUMBERS) : value;
  };
  for (const _ of row.types) put(below(random, 4));
  for (const kind of row.kinds) {
    if (kind === 'size') put(below(random, 7));
    else if (kind === 'stride') put(below(random, 9) - 1);
    else if (kind === 'int') put(below(random, 4));
    else put(random());
  }
  if (row.geometry) {
    const rank = below(random, 5);
    put(rank);
    for (let d = 0; d < rank; d++) put(below(random, 6));
    for (let i = 0; i < rank * row.types.length; i++) put(below(random, 8) - 1);
  }
  while (at < WHICH) params[at++] = below(random, 100) < 99 ? 1 : Number.NaN;
  let which = 0;
  for (let k = row.types.length - 1; k >= 0; k--) {
    which =
      16 * which +
      (row.optional[k] && random() < 0.5 ? 15 : below(random, random() < 0.9 ? 2 : 16));
  }
  params[WHICH] = odd() ? pick(random, HOSTILE_NUMBERS) : which;
}
