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
