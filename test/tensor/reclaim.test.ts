/** Large storages that the collector finds dead: their memory is used again, and only then. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  add,
  checkpoint,
  empty,
  emptyCache,
  full,
  loadSafetensorsSync,
  matmul,
  memory,
  nn,
  ones,
  optim,
  relu,
  saveSafetensors,
  saveSafetensorsSync,
  type Tensor,
  tensor,
  zeros,
} from 'tilegrad';
import { record, replay } from 'tilegrad/native/commands.js';
import { withoutRecycling } from 'tilegrad/tensor/memory.js';
import { reclaimedBytes } from 'tilegrad/tensor/reclaim.js';
import { beforeEach, describe, expect, test } from 'vitest';
import { atMost } from '../helpers/patience.js';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as (options?: { type: 'minor' }) => void;

/** Elements of a storage that is watched; its class has exactly as many. */
const LENGTH = 16384;
const BYTES = 4 * LENGTH;

/** Collects the young generation, or the whole heap, and fills what comes back with other values. */
function overwrite(minor = true): void {
  gc(minor ? { type: 'minor' } : undefined);
  const others = Array.from({ length: 40 }, () => full([LENGTH], -1));
  for (const other of others) other.dispose();
}

const same = (t: Tensor, value: number): boolean => t.sub(value).abs().max().item() === 0;

/** In a function of its own, so that no register of the caller's keeps what is dropped. */
function dropped(count: number): void {
  for (let i = 0; i < count; i++) full([LENGTH], i);
}

beforeEach(() => {
  gc();
  emptyCache();
});

describe('memory that is found dead', () => {
  test.each([true, false])('is handed out again (young generation: %s)', (minor) => {
    dropped(20);
    gc(minor ? { type: 'minor' } : undefined);
    const before = process.memoryUsage().arrayBuffers;
    const again = Array.from({ length: 15 }, () => empty([LENGTH]));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5 * BYTES);
    expect(new Set(again.map((t) => t.array.buffer)).size).toBe(15);
  });

  test('serves other dtypes of the same size', () => {
    dropped(20);
    gc({ type: 'minor' });
    empty([LENGTH]); // asks what is dead
    const waiting = reclaimedBytes();
    expect(waiting).toBeGreaterThan(10 * BYTES);
    const x = zeros([LENGTH / 2], { dtype: 'float64' });
    expect(x.array).toBeInstanceOf(Float64Array);
    expect(same(x, 0)).toBe(true);
    expect(reclaimedBytes()).toBeLessThan(waiting);
  });

  test('counts in memory() and goes by emptyCache()', () => {
    dropped(20);
    gc({ type: 'minor' });
    empty([LENGTH]);
    expect(memory().pooledBytes).toBeGreaterThan(10 * BYTES);
    emptyCache();
    expect(memory().pooledBytes).toBe(0);
    // V8 owns it then: a collection of the whole heap frees it.
    gc();
    empty([LENGTH]);
    expect(memory().pooledBytes).toBeLessThan(5 * BYTES);
  });

  test('of disposed tensors goes by emptyCache() for good', () => {
    for (const t of Array.from({ length: 20 }, () => ones([LENGTH]))) t.dispose();
    emptyCache();
    gc();
    empty([LENGTH + 4096]);
    expect(memory().pooledBytes).toBeLessThan(5 * BYTES);
  });

  test("is V8's where users take out what they get, for a while", () => {
    const length = LENGTH + 4096; // a size that no other test counts
    for (let i = 0; i < 16; i++) expect(full([length], i).data[0]).toBe(i);
    const reclaimed = (count: number) => {
      for (let i = 0; i < count; i++) full([length], i);
      gc({ type: 'minor' });
      empty([LENGTH]); // asks what is dead
      return reclaimedBytes();
    };
    expect(reclaimed(256)).toBeLessThan(BYTES);
    expect(reclaimed(20)).toBeGreaterThan(10 * 4 * length);
  });

  // Only there array buffers make V8 collect the young generation.
  test.skipIf(Number.parseInt(process.versions.v8, 10) >= 13)(
    'comes back in a loop by itself, which needs little of it',
    () => {
      const x = ones([65536]);
      const buffers = new Set<ArrayBufferLike>();
      for (let i = 0; i < 1000; i++) buffers.add(relu(x).array.buffer);
      // 8 MB between collections are 32; the set itself keeps none of the views.
      expect(buffers.size).toBeLessThan(200);
    },
  );

  test('of sizes that nobody asks for any more goes back to V8', () => {
    const list = Array.from({ length: 300 }, () => empty([LENGTH]));
    list.length = 0;
    gc();
    empty([LENGTH]);
    expect(reclaimedBytes()).toBeGreaterThan(200 * BYTES);
    for (let i = 0; i < 3000; i++) empty([2 * LENGTH]);
    expect(reclaimedBytes()).toBeLessThan(200 * BYTES);
  });

  test('is given back before memory is said to have run out', () => {
    dropped(20);
    gc({ type: 'minor' });
    empty([LENGTH]);
    expect(reclaimedBytes()).toBeGreaterThan(0);
    expect(() => empty([2 ** 50])).toThrow('no memory');
    expect(reclaimedBytes()).toBe(0);
  });
});

describe('memory that is in use is never handed out', () => {
  test.each(['float32', 'float64', 'float16', 'bfloat16', 'int64', 'uint8'] as const)(
    'while somebody has the data of a %s tensor',
    (dtype) => {
      const length = 65536;
      const datas = Array.from({ length: 5 }, (_, i) => full([length], i + 1, { dtype }).data);
      const wanted = datas.map((data) => data.slice());
      // Parts of it, its bytes and its buffer.
      const part = full([length], 3, { dtype }).data.subarray(10, 20);
      const values = part.slice();
      const { buffer } = full([LENGTH], 4).data;
      for (let i = 0; i < 4; i++) overwrite(i % 2 === 0);
      datas.forEach((data, i) => {
        expect(data.every((value, at) => value === wanted[i]![at])).toBe(true);
      });
      expect(part).toEqual(values);
      expect(new Float32Array(buffer, 64, 64).some((value) => value === 4)).toBe(true);
      expect(new Float32Array(buffer, 64, 64).some((value) => value === -1)).toBe(false);
    },
  );

  test('while a view, a row or an array of operands has it', () => {
    const views = [
      ...[(t: Tensor) => t.slice([3]), (t: Tensor) => t.transpose(), (t: Tensor) => t.detach()],
      (t: Tensor) => t.slice([[1, 2]]).expand([4, 128]),
    ].map((view) => view(full([128, 128], 5)));
    const { array } = full([LENGTH], 6);
    const { elements } = full([2, LENGTH], 7).slice([1]);
    const { storage } = full([LENGTH], 8);
    for (let i = 0; i < 4; i++) overwrite(i % 2 === 0);
    for (const view of views) expect(same(view, 5)).toBe(true);
    expect(array.every((value) => value === 6)).toBe(true);
    expect(elements.every((value) => value === 7)).toBe(true);
    expect(storage.array.every((value) => value === 8)).toBe(true);
  });

  test('while a graph has it, also that of a checkpoint', () => {
    const x = full([128, 128], 2, { requiresGrad: true });
    const loss = x
      .mul(full([128, 128], 3))
      .square()
      .sum();
    const other = checkpoint((t: Tensor) => t.mul(full([128, 128], 3)).square(), x).sum();
    for (let i = 0; i < 4; i++) overwrite(i % 2 === 0);
    loss.backward();
    for (let i = 0; i < 4; i++) overwrite(i % 2 === 0);
    expect(same(x.grad as Tensor, 36)).toBe(true);
    other.backward();
    overwrite();
    expect(same(x.grad as Tensor, 72)).toBe(true);
  });

  test('while a recorded program has it', () => {
    const x = full([LENGTH], 1);
    const result = zeros([LENGTH]);
    const program = withoutRecycling(() =>
      record(() => {
        const between = x.add(1).mul(full([LENGTH], 3));
        result.copy_(between.square());
      }),
    );
    for (let i = 0; i < 4; i++) {
      overwrite(i % 2 === 0);
      const kept = Array.from({ length: 30 }, () => full([LENGTH], 9));
      x.fill_(i);
      // full() ran before the recording's replay; its memory is the program's.
      replay(program);
      expect(same(result, (3 * (i + 1)) ** 2)).toBe(true);
      for (const t of kept) expect(same(t, 9)).toBe(true);
    }
  });

  test('while an optimizer or a packed weight has it', () => {
    const layer = new nn.Linear(256, 256, { bias: false });
    const optimizer = new optim.Adam(layer.parameters(), { lr: 0 });
    const x = ones([64, 256]);
    const before = layer.forward(x).detach();
    const sum = before.sum().item();
    for (let i = 0; i < 6; i++) {
      optimizer.zeroGrad();
      layer.forward(x).sum().backward();
      optimizer.step();
      overwrite(i % 2 === 0);
      expect(layer.forward(x).sum().item()).toBe(sum);
      expect(before.sum().item()).toBe(sum);
    }
    const { weight } = layer;
    expect(same(matmul(x, weight.transpose()).sub(before), 0)).toBe(true);
  });

  test('while tensors are saved, whose copies nobody else has', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tilegrad-reclaim-'));
    try {
      // Not contiguous: copies are written. There are enough for collections while they are made.
      const tensors = Object.fromEntries(
        Array.from({ length: 200 }, (_, i) => [`t${i}`, full([256, 128], i).transpose()]),
      );
      const file = join(folder, 'a.safetensors');
      saveSafetensorsSync(file, tensors);
      const loaded = loadSafetensorsSync(file);
      for (let i = 0; i < 200; i++) expect(same(loaded.tensors[`t${i}`] as Tensor, i)).toBe(true);
      const saving = saveSafetensors(file, tensors);
      for (let i = 0; i < 20; i++) {
        overwrite(i % 2 === 0);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await saving;
      const again = loadSafetensorsSync(file);
      for (let i = 0; i < 200; i++) expect(same(again.tensors[`t${i}`] as Tensor, i)).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('after its tensor was disposed and another one has it', () => {
    const x = full([LENGTH], 1);
    const buffer = x.array.buffer;
    x.dispose();
    const y = full([LENGTH], 2);
    expect(y.array.buffer).toBe(buffer);
    const { data } = y;
    for (let i = 0; i < 4; i++) overwrite(i % 2 === 0);
    expect(data.every((value) => value === 2)).toBe(true);
    expect(same(y, 2)).toBe(true);
  });

  test('when the buffer was taken away from behind', () => {
    const transferred = Array.from({ length: 5 }, () => {
      const { buffer } = full([LENGTH], 1).array;
      return structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
    });
    expect(transferred.length).toBe(5);
    gc();
    for (let i = 0; i < 10; i++) expect(same(full([LENGTH], 7), 7)).toBe(true);
  });
});

test('a random program with collections at random has the values of its tensors', {
  timeout: atMost(60_000),
}, () => {
  let seed = 7;
  const below = (n: number): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return (seed >>> 8) % n;
  };
  const lengths = [5000, 8192, 16384, 20000, 65536];
  const live = lengths.map((): { t: Tensor; value: number }[] => []);
  const shown: { data: ArrayLike<number>; value: number }[] = [];
  for (let i = 0; i < 6000; i++) {
    const at = below(lengths.length);
    const length = lengths[at] as number;
    const list = live[at] as { t: Tensor; value: number }[];
    const any = (): { t: Tensor; value: number } =>
      list[below(list.length)] ?? { t: full([length], 1), value: 1 };
    const [a, b] = [any(), any()];
    const kind = below(16);
    if (kind < 4) list.push({ t: full([length], i % 100), value: i % 100 });
    else if (kind < 8) {
      const value = (a.value + b.value) % 1000;
      list.push({ t: add(a.t, b.t).remainder(1000), value });
    } else if (kind === 8) list.push({ t: a.t.reshape([length]), value: a.value });
    else if (kind === 9) a.t.add(1).sum().item();
    else if (kind === 10 && shown.length < 20)
      shown.push({ data: a.t.data as ArrayLike<number>, value: a.value });
    else if (kind === 11 && i % 40 === 0) gc({ type: 'minor' });
    else if (kind === 12 && i % 400 === 0) gc();
    else if (kind === 13) shown.splice(below(20), 1);
    else list.splice(below(list.length + 1), 1 + below(3));
    if (i % 20 === 0) for (const { t, value } of list) expect(same(t, value)).toBe(true);
    if (i % 500 === 0) {
      for (const { data, value } of shown) {
        expect(Array.prototype.every.call(data, (x) => x === value)).toBe(true);
      }
    }
  }
});

test('tensors made of data have it after collections', () => {
  const source = Float32Array.from({ length: 65536 }, (_, i) => i);
  const made = Array.from({ length: 60 }, () => tensor(source));
  overwrite();
  overwrite(false);
  for (const t of made) expect(same(t.sub(tensor(source)), 0)).toBe(true);
});
