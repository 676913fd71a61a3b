/**
 * Hostile calls of every row of the table of operations. Whatever the arguments: the call returns or
 * throws an Error with a code of ours, memory around the operands stays as it was, and the process
 * lives. `npm run test:asan` runs this file under the address sanitizer too.
 */
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { loadBinding } from 'tilegrad/native/binding.js';
import { type OperandArray, type RowName, rowNames } from 'tilegrad/native/interface.js';
import { toInt64 } from 'tilegrad/tensor/element.js';
import { expect, test } from 'vitest';

/** Calls per row; about 45 rows make some 300,000 calls. */
const CALLS = Number(process.env.TILEGRAD_FUZZ_CALLS ?? 3000);

/** Elements on each side of an operand that must not change. */
const GUARD = 64;
const GUARD_BYTE = 0xa5;
/** A guard of the widest elements as it has to stay. */
const untouched = Buffer.alloc(GUARD * 8, GUARD_BYTE);

const native = loadBinding();
const params = native.attach(new Float64Array(new SharedArrayBuffer(8 * 114)));

/** A small generator of its own, so that a failure can be replayed from the printed seed. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Random = () => number;
const below = (random: Random, n: number) => Math.floor(random() * n);
const pick = <T>(random: Random, list: readonly T[]): T => list[below(random, list.length)] as T;

const HOSTILE_NUMBERS = [
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

const ARRAY_TYPES = {
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
const FLOATS = ['f32', 'f64'] as const;
const INTEGERS = ['i32', 'i64', 'u8', 'i8'] as const;
const ANY = [...FLOATS, ...INTEGERS, 'bf16', 'f16'] as const;

interface Guarded {
  array: OperandArray;
  bytes: Uint8Array;
  start: number;
  end: number;
}

type ElementType = keyof typeof ARRAY_TYPES;

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

function guarded(random: Random, type: ElementType, length: number): Guarded {
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

function notAnArray(random: Random): unknown {
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
function parse(signature: string): {
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

function fillParams(random: Random, row: ReturnType<typeof parse>, hostility: number): void {
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
  while (at < params.length) params[at++] = below(random, 100) < 99 ? 1 : Number.NaN;
}

/** A packed int8 matrix's numbers of panels and quads, from its columns and its steps. */
const packedSizes = (panels: number, quads: number, n: number, k: number) => () => {
  params[panels] = Math.ceil((params[n] as number) / 32);
  params[quads] = Math.ceil((params[k] as number) / 4);
};

/** A recurrent row's cell with as many gates and states, and steps of two rows each. */
const recurrent =
  (numbers: number, sizes: number) => (random: Random, operands: readonly unknown[]) => {
    const cell = below(random, 4);
    const [steps, hidden] = [below(random, 4), below(random, 6)];
    const width = hidden * ([1, 1, 4, 3][cell] as number);
    const planes = cell > 1 ? 2 : 1;
    const counts = [2 * steps, width, hidden, 2, cell === 2 ? 2 : 1, planes, steps];
    const strides = pick(random, [
      [width, 1, hidden],
      [1, hidden, hidden + 1],
    ]);
    for (const [i, value] of [...counts, ...strides, cell, below(random, 2)].entries()) {
      params[numbers + i] = value;
    }
    for (let k = 0; k < numbers; k++) params[k] = below(random, 2);
    const counted = operands[sizes];
    if (counted instanceof Int32Array && random() < 0.8) counted.fill(2);
  };

/** A number at `k` that is the smaller of those at m and n. */
const smaller = (m: number, n: number, k: number) => () => {
  params[k] = Math.min(params[m] as number, params[n] as number);
};

/** The losses that there are of cross entropy, whose numbers begin at `outer`. */
const lossSizes = (outer: number) => () => {
  const [losses, logits, reduction] = [outer + 3, outer + 6, outer + 7];
  params[reduction] = Math.abs(params[reduction] as number) % 3;
  params[logits] = 1;
  const positions = (params[outer] as number) * (params[outer + 2] as number);
  params[losses] = params[reduction] === 0 ? positions : 1;
};

/** An indexed row's last dimension is the table's: index and values don't move along it. */
const indexed = (numbers: number) => () => {
  const rankAt = 3 + numbers;
  const rank = params[rankAt] as number;
  if (!(rank >= 1 && rank <= 4)) return;
  params[rankAt + rank] = 9;
  for (const operand of [2, 3]) params[rankAt + (1 + operand) * rank] = 0;
};

/**
 * A convolution's image has the geometry of 5 dimensions: its strides, sizes near those that go with the
 * other numbers, and now and then a large step.
 * @param numbers where the row's numbers begin
 * @param channels the number of a group's channels of the image, from there
 */
const image = (numbers: number, channels: 2 | 3) => (random: Random) => {
  const at = (i: number) => params[numbers + i] as number;
  for (let i = 0; i < 4; i++) params[numbers + i] = pick(random, [0, 1, 1, 2, 3]);
  for (let i = 4; i < 10; i++) params[numbers + i] = pick(random, [0, 1, 1, 2, 3]);
  for (let i = 10; i < 19; i++) params[numbers + i] = pick(random, [0, 1, 1, 1, 2, 3, 9]);
  const rankAt = numbers + 19;
  const shape = [at(0), at(1) * at(channels), 0, 0, 0].map((n, d) =>
    d < 2 ? n : 1 + below(random, 4),
  );
  let stride = pick(random, [1, 1, 2]);
  params[rankAt] = 5;
  for (let d = 4; d >= 0; d--) {
    params[rankAt + 1 + d] = shape[d] as number;
    params[rankAt + 6 + d] = stride;
    stride *= Math.max(1, shape[d] as number);
  }
  for (let k = 0; k < numbers; k++) params[k] = 0;
};

/** Row-major strides for the second operand of a geometry, which begins at `rankAt`. */
const contiguousResult = (rankAt: number) => () => {
  const rank = params[rankAt] as number;
  if (!Number.isInteger(rank) || rank < 0 || rank > 4) return;
  let stride = 1;
  for (let d = rank - 1; d >= 0; d--) {
    params[rankAt + 1 + 2 * rank + d] = stride;
    stride *= Math.max(1, params[rankAt + 1 + d] as number);
  }
};

/**
 * Tables of segments: small entries, of which some may reach outside or be no numbers at all.
 * @param table the operand, and `count` and `kept` the places of these numbers in the parameter block
 * @param fields makes an entry
 */
const segments =
  (table: number, count: number, fields: (random: Random) => number[], kept = -1) =>
  (random: Random, operands: readonly unknown[]) => {
    const entries = operands[table];
    if (!(entries instanceof Float64Array)) return;
    const width = fields(random).length;
    const most = below(random, Math.min(6, Math.floor(entries.length / width)));
    const oddity = pick(random, [0, 0, 0.02]);
    for (let i = 0; i < most; i++) {
      for (const [k, value] of fields(random).entries()) {
        entries[i * width + k] = random() < oddity ? pick(random, HOSTILE_NUMBERS) : value;
      }
    }
    params[table] = 0;
    params[count] = most;
    for (let i = operands.length; i < count; i++) params[i] = 50;
    if (kept >= 0) params[kept] = pick(random, [0, 1, 3, 7]);
  };

/** The table of an optimizer's row: offsets of weight, gradient and state, stride, elements, slot. */
const steps = segments(
  5,
  10,
  (random) => [
    ...[below(random, 40), below(random, 40), below(random, 20)],
    ...[8 + below(random, 3), below(random, 9), below(random, 9)],
  ],
  11,
);

const stretches = (table: number, count: number) =>
  segments(table, count, (random) => [below(random, 40), below(random, 9), 0]);

/** Operands of attention that lie row-major without gaps; its numbers begin at `first`. */
const attentionSizes = (first: number) => (random: Random) => {
  const sizes = Array.from({ length: 6 }, () => 1 + below(random, 3));
  const [, heads, l, s, e, v] = sizes as [number, number, number, number, number, number];
  const steps = (length: number, size: number) => [heads * length * size, length * size, size];
  const strides = [steps(l, e), steps(s, e), steps(s, v), steps(l, v), steps(l, s)].flat();
  [...sizes, ...strides].forEach((value, i) => {
    params[first + i] = value;
  });
};

/** The rows of a table of taps, which a resampling's numbers begin at 5: one tap for each result. */
const taps = (random: Random, operands: readonly unknown[]) => {
  const [, starts, places] = operands;
  const out = below(random, 6);
  params[7] = out;
  params[9] = out + 1;
  params[10] = out + 1;
  for (const k of [1, 2, 3]) params[k] = 0;
  if (starts instanceof Int32Array) for (let o = 0; o <= out; o++) starts[o] = o;
  if (places instanceof Int32Array) for (let k = 0; k <= out; k++) places[k] = below(random, 6);
  params[6] = 5 + below(random, 2);
};

/** Windows that a plane may have: their numbers begin behind the sizes. */
const poolWindows = (planes: number) => (random: Random) => {
  const adaptive = random() < 0.2;
  for (const k of [0, 1]) {
    params[planes + 5 + k] = adaptive ? 0 : 1 + below(random, 4);
    params[planes + 7 + k] = 1 + below(random, 3);
    params[planes + 9 + k] = below(random, 3);
    params[planes + 11 + k] = 1 + below(random, planes === 2 ? 1 : 3);
  }
};

/**
 * Sizes and tables that have to agree, which random numbers rarely do: half of a row's calls get
 * them so.
 */
const AGREE: Partial<Record<RowName, (random: Random, operands: readonly unknown[]) => void>> = {
  attention: attentionSizes(7),
  attentionBackward: attentionSizes(9),
  packInt8: packedSizes(3, 4, 5, 6),
  linearInt8: packedSizes(10, 11, 8, 9),
  gradNorms: stretches(2, 5),
  scaleGrads: stretches(2, 4),
  clampGrads: stretches(1, 3),
  ...Object.fromEntries(rowNames.optimizer.map((name) => [name, steps])),
  conv: image(4, 3),
  convInput: image(4, 2),
  convWeight: image(3, 3),
  bernoulli: contiguousResult(3),
  poisson: contiguousResult(3),
  dropout: contiguousResult(8),
  dropoutBackward: contiguousResult(5),
  gather: indexed(0),
  scatter: indexed(0),
  scatterReduce: indexed(2),
  maxPool: poolWindows(3),
  avgPool: poolWindows(2),
  avgPoolBackward: poolWindows(2),
  resample: taps,
  nonzero: () => {
    params[3] = params[4] as number;
  },
  linalgLu: smaller(4, 5, 6),
  linalgQr: smaller(3, 4, 5),
  linalgHouseholder: smaller(4, 5, 7),
  linalgPermute: (_, operands) => {
    // As many pivots as rows at most, and rows all of them.
    params[5] = Math.min(params[3] as number, params[5] as number);
    const pivots = operands[1];
    if (pivots instanceof Int32Array) pivots.fill(1);
  },
  linalgSvd: () => {
    params[6] = Math.max(params[6] as number, params[7] as number);
    params[8] = params[7] as number;
  },
  recurrent: recurrent(7, 6),
  recurrentBackward: recurrent(8, 7),
  crossEntropy: lossSizes(7),
  crossEntropyBackward: lossSizes(8),
};

/** Rows whose operands of any type have to have one type: most of their calls get it. */
const ONE_TYPE = new Set<RowName>([
  ...(['gather', 'scatter', 'scatterReduce', 'sort', 'unique'] as const),
  ...(['maskedSelect', 'maskedScatter', 'maskedFill'] as const),
]);

/** Rows that take nothing when an index is outside: most of their calls have none below 0. */
const INDEXED = new Set<RowName>(['gather', 'scatter', 'scatterReduce']);

test.each(Object.keys(native.signatures) as RowName[])('%s survives hostile calls', (name) => {
  const row = parse(native.signatures[name]);
  const call = native.rows[name] as (...operands: unknown[]) => void;
  const seed =
    (Number(process.env.TILEGRAD_FUZZ_SEED ?? 0) * 1000 + name.length * 31 + name.charCodeAt(0)) >>>
    0;
  const random = generator(seed);
  let succeeded = 0;
  // Only calls that get through the checks can show that the kernels stay inside; a short run goes on
  // until enough did.
  const enough = CALLS / 200;
  for (let i = 0; i < CALLS || (succeeded < enough && i < 50 * CALLS); i++) {
    const hostility = pick(random, [0, 0, 0.02, 0.3]);
    const shared = {
      T: pick(random, FLOATS),
      I: pick(random, INTEGERS),
      N: pick(random, [...FLOATS, ...INTEGERS]),
      E: pick(random, ANY),
    };
    const oneType = ONE_TYPE.has(name) && random() < 0.9;
    const guards: Guarded[] = [];
    const operands: unknown[] = row.types.map((type, k) => {
      if (random() < hostility) return notAnArray(random);
      if (row.optional[k] && random() < 0.5) return null;
      const known =
        type in shared
          ? shared[type as keyof typeof shared]
          : type === 'A'
            ? oneType
              ? shared.E
              : pick(random, ANY)
            : type === 'F'
              ? pick(random, ['f32', 'bf16'] as const)
              : type;
      const any = Object.keys(ARRAY_TYPES) as ElementType[];
      const chosen = random() < hostility / 4 ? pick(random, any) : (known as ElementType);
      const lengths = name in AGREE ? [60, 200, 600] : [0, 1, 4, 16, 60, 200];
      const operand = guarded(random, chosen, pick(random, lengths));
      const { array } = operand;
      if (INDEXED.has(name) && array instanceof Int32Array && random() < 0.8) {
        for (let j = 0; j < array.length; j++) array[j] = below(random, 9);
      }
      guards.push(operand);
      return operand.array;
    });
    if (random() < hostility / 4) operands.length = below(random, operands.length + 1);
    if (random() < hostility / 4) operands.push(null, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    fillParams(random, row, hostility);
    if (random() < 0.5) AGREE[name]?.(random, operands);
    try {
      call(...operands);
      succeeded++;
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      if (
        !(error instanceof Error) ||
        !['ERR_NATIVE_ARGUMENT', 'ERR_NATIVE_INDEX', 'ERR_NATIVE_MEMORY'].includes(String(code))
      ) {
        throw new Error(`call ${i} with seed ${seed} threw something else`, { cause: error });
      }
      expect(error.message).toMatch(new RegExp(`^\\[${name}\\] .`));
    }
    for (const { bytes, start, end } of guards) {
      const [before, after] = [bytes.subarray(0, start), bytes.subarray(end)];
      if (
        !untouched.subarray(0, start).equals(before) ||
        !untouched.subarray(0, start).equals(after)
      )
        throw new Error(`call ${i} with seed ${seed} wrote outside an operand`);
    }
  }
  expect(succeeded).toBeGreaterThanOrEqual(enough);
});

test('the functions beside the table refuse hostile arguments', () => {
  const random = generator(1);
  const functions = [
    ...(['attach', 'setSimdLevel', 'setDotProduct', 'setNumThreads'] as const),
    ...(['misalignment', 'replay'] as const),
  ];
  const threads = native.numThreads();
  for (const name of functions) {
    const call = native[name] as (...values: unknown[]) => unknown;
    for (let i = 0; i < 500; i++) {
      const value = random() < 0.5 ? notAnArray(random) : pick(random, HOSTILE_NUMBERS);
      try {
        call(...(random() < 0.1 ? [] : [value]));
      } catch (error) {
        expect((error as { code?: unknown }).code).toBe('ERR_NATIVE_ARGUMENT');
      }
    }
  }
  native.setNumThreads(threads);
});

/** Runs a script in a fresh environment, with the addon as `addon`; resolves with what it posts. */
function inWorker(script: string): Promise<unknown> {
  const path =
    process.env.TILEGRAD_ADDON ??
    fileURLToPath(new URL('../../build/Release/tilegrad.node', import.meta.url));
  const code = `const addon = require(${JSON.stringify(path)}); const { parentPort } = require('node:worker_threads');
    const attempt = (fn) => { try { fn(); return 'ok'; } catch (error) { return error.code; } };
    parentPort.postMessage((() => { ${script} })());`;
  return new Promise((resolve, reject) => {
    const worker = new Worker(code, { eval: true });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

test('the parameter block must be shared memory, which cannot be detached', async () => {
  const results = await inWorker(`return [
    attempt(() => addon.rows.exp(new Float32Array(1), new Float32Array(1))),
    attempt(() => addon.attach(new Float64Array(200))),
    attempt(() => addon.attach(new Float64Array(new SharedArrayBuffer(8)))),
    attempt(() => addon.attach(new Float32Array(new SharedArrayBuffer(8000)))),
    attempt(() => addon.attach(new Float64Array(new SharedArrayBuffer(8000)))),
  ];`);
  const refused = 'ERR_NATIVE_ARGUMENT';
  expect(results).toEqual([refused, refused, refused, refused, 'ok']);
});

test('a program whose memory was detached is refused, not run', async () => {
  const results = await inWorker(`
    const params = addon.attach(new Float64Array(new SharedArrayBuffer(8000)));
    const x = new Float32Array([1, 2, 3, 4]), y = new Float32Array(4);
    params.set([0, 0, 1, 4, 1, 1]);
    addon.beginRecord();
    addon.rows.neg(x, y);
    const program = addon.endRecord();
    x[0] = 5;
    const first = attempt(() => addon.replay(program));
    const value = y[0];
    structuredClone(x.buffer, { transfer: [x.buffer] });
    return [first, value, attempt(() => addon.replay(program)), attempt(() => addon.replay({})), attempt(() => addon.endRecord())];`);
  const refused = 'ERR_NATIVE_ARGUMENT';
  expect(results).toEqual(['ok', -5, refused, refused, refused]);
});

test('an only array is that of all operands, and checked for each of them', async () => {
  const results = await inWorker(`
    const params = addon.attach(new Float64Array(new SharedArrayBuffer(8000)));
    const z = new Float32Array([1, 2, 3, 4, 0, 0, 0, 0]);
    params.set([0, 4, 1, 4, 1, 1]);
    addon.beginRecord();
    addon.rows.neg(z);
    const program = addon.endRecord();
    const first = [...z];
    z[0] = 5;
    addon.replay(program);
    const otherType = attempt(() => addon.rows.isnan(z));
    params[1] = 5;
    const tooFar = attempt(() => addon.rows.neg(z));
    params.set([0, 0, 0, 1, 1, 8, 1]);
    return [first, [...z], otherType, tooFar, attempt(() => addon.rows.argmax(z)), attempt(() => addon.rows.neg())];`);
  const refused = 'ERR_NATIVE_ARGUMENT';
  const [first, second, ...others] = results as unknown[];
  expect(first).toEqual([1, 2, 3, 4, -1, -2, -3, -4]);
  expect(second).toEqual([5, 2, 3, 4, -5, -2, -3, -4]);
  expect(others).toEqual([refused, refused, refused, refused]);
});
