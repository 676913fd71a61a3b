/**
 * Hostile calls of every row of the table of operations. Whatever the arguments: the call returns or
 * throws an Error with a code of ours, memory around the operands stays as it was, and the process
 * lives. `npm run test:asan` runs this file under the address sanitizer too.
 */
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { RowName } from 'tilegrad/native/interface.js';
import { expect, test } from 'vitest';
import { AGREE, INDEXED, ONE_TYPE } from '../helpers/agreeing.js';
import {
  ANY,
  ARRAY_TYPES,
  below,
  call,
  type ElementType,
  FLOATS,
  fillParams,
  type Guarded,
  generator,
  guarded,
  HOSTILE_NUMBERS,
  INTEGERS,
  native,
  notAnArray,
  parse,
  pick,
  untouched,
} from '../helpers/hostile.js';

/** Calls per row; some 220 rows make 670,000 calls. */
const CALLS = Number(process.env.TILEGRAD_FUZZ_CALLS ?? 3000);

test.each(Object.keys(native.signatures) as RowName[])('%s survives hostile calls', (name) => {
  const row = parse(native.signatures[name]);
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
    // Fewer arrays than operands: several operands lie in one.
    if (random() < 0.1) operands.length = Math.min(operands.length, 1 + below(random, 2));
    if (random() < hostility / 4) operands.length = below(random, operands.length + 1);
    if (random() < hostility / 4) operands.push(null, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    fillParams(random, row, hostility);
    if (random() < 0.5) AGREE[name]?.(random, operands);
    try {
      call(name, operands);
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
    const block = new Float64Array(new SharedArrayBuffer(8000));
    const run = (name, ...operands) => { block[115] = addon.rows[name]; addon.call(...operands); };
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
    attempt(() => run('exp', new Float32Array(1), new Float32Array(1))),
    attempt(() => addon.attach(new Float64Array(200))),
    attempt(() => addon.attach(new Float64Array(new SharedArrayBuffer(8)))),
    attempt(() => addon.attach(new Float32Array(new SharedArrayBuffer(8000)))),
    attempt(() => addon.attach(block)),
    attempt(() => { block[115] = -1; addon.call(block); }),
    attempt(() => { block[115] = 1e9; addon.call(block); }),
  ];`);
  const refused = 'ERR_NATIVE_ARGUMENT';
  expect(results).toEqual([refused, refused, refused, refused, 'ok', refused, refused]);
});

test('a program whose memory was detached is refused, not run', async () => {
  const results = await inWorker(`
    const params = addon.attach(block);
    const x = new Float32Array([1, 2, 3, 4]), y = new Float32Array(4);
    params.set([0, 0, 1, 4, 1, 1]);
    addon.beginRecord();
    run('neg', x, y);
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
    const params = addon.attach(block);
    const z = new Float32Array([1, 2, 3, 4, 0, 0, 0, 0]);
    params.set([0, 4, 1, 4, 1, 1]);
    addon.beginRecord();
    run('neg', z);
    const program = addon.endRecord();
    const first = [...z];
    z[0] = 5;
    addon.replay(program);
    const otherType = attempt(() => run('isnan', z));
    params[1] = 5;
    const tooFar = attempt(() => run('neg', z));
    params.set([0, 0, 0, 1, 1, 8, 1]);
    return [first, [...z], otherType, tooFar, attempt(() => run('argmax', z)), attempt(() => run('neg'))];`);
  const refused = 'ERR_NATIVE_ARGUMENT';
  const [first, second, ...others] = results as unknown[];
  expect(first).toEqual([1, 2, 3, 4, -1, -2, -3, -4]);
  expect(second).toEqual([5, 2, 3, 4, -5, -2, -3, -4]);
  expect(others).toEqual([refused, refused, refused, refused]);
});

test('operands that share arrays lie where the number of places says', async () => {
  const results = await inWorker(`
    const params = addon.attach(block);
    const x = new Float32Array([1, 2, 3, 4]), y = new Float32Array(8);
    const add = (which, ...operands) => attempt(() => {
      params.set([0, 2, 4, 1, 2, 1, 1, 1]);
      params[114] = which;
      run('add', ...operands);
    });
    const fits = add(0x100, x, y);
    // c = a b + bias, with nothing at its side and no sums of columns.
    params.set([0, 2, 3, 0, 4, 0, 1, 1, 2, 2, 1, 1, 1, 0, 1, 0, 0, 0]);
    params[114] = 0xf1f000;
    const absent = attempt(() => run('gemmFused', x, y));
    return [fits, absent, [...y], add(0x200, x, y), add(0xf00, x, y), add(-1, x, y), add(NaN, x, y), add(0.5, x, y), add(0x100, x, null)];`);
  const refused = 'ERR_NATIVE_ARGUMENT';
  const [fits, absent, sums, ...others] = results as unknown[];
  expect([fits, absent]).toEqual(['ok', 'ok']);
  // 1 + 3, 2 + 4; then 1 * 3 + 2 * 4 + 4.
  expect(sums).toEqual([0, 0, 0, 0, 15, 6, 0, 0]);
  expect(others).toEqual([refused, refused, refused, refused, refused, refused]);
});
