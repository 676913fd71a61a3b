import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import {
  loadSafetensors,
  loadSafetensorsSync,
  type NamedTensors,
  nn,
  saveSafetensors,
  saveSafetensorsSync,
  type Tensor,
  TensorError,
  tensor,
  zeros,
} from 'tilegrad';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

let dir: string;
let file: string;
let files = 0;
beforeAll(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tilegrad-checkpoint-'));
});
beforeEach(() => {
  file = path.join(dir, `${files++}.safetensors`);
});
afterAll(() => fs.rmSync(dir, { recursive: true }));

/** A tensor as plain values, for comparisons. */
const plain = (t: Tensor) => ({ dtype: t.dtype, shape: [...t.shape], values: t.toArray() });
const plainAll = (named: Record<string, Tensor>) =>
  Object.fromEntries(Object.entries(named).map(([name, t]) => [name, plain(t)]));

const samples = (): Record<string, Tensor> => ({
  weight: tensor([
    [1, -2.5],
    [3e30, Number.NEGATIVE_INFINITY],
  ]),
  double: tensor([Math.PI], { dtype: 'float64' }),
  steps: tensor([-1, 2 ** 31 - 1], { dtype: 'int32' }),
  bytes: tensor([0, 255], { dtype: 'uint8' }),
  signed: tensor([-128, 127], { dtype: 'int8' }),
  mask: tensor([[true], [false]]),
  scalar: tensor(7),
  none: zeros([3, 0]),
});

type Save = (file: string, tensors: NamedTensors, metadata?: Record<string, string>) => unknown;
const forms: [string, Save, typeof loadSafetensors | typeof loadSafetensorsSync][] = [
  ['async', (f, tensors, metadata) => saveSafetensors(f, tensors, { metadata }), loadSafetensors],
  [
    'sync',
    (f, tensors, metadata) => saveSafetensorsSync(f, tensors, { metadata }),
    loadSafetensorsSync,
  ],
];

describe.each(forms)('%s', (form, save, load) => {
  test('every dtype, metadata, scalars and empty tensors come back', async () => {
    await save(file, samples(), { epoch: '3' });
    const { tensors, metadata } = await load(file);
    expect(plainAll(tensors)).toEqual(plainAll(samples()));
    expect(metadata).toEqual({ epoch: '3' });
  });

  test('a Map is taken as well, and both forms write the same bytes', async () => {
    await save(file, new Map(Object.entries(samples())));
    const other = `${file}.other`;
    saveSafetensorsSync(other, samples());
    expect(fs.readFileSync(file)).toEqual(fs.readFileSync(other));
  });

  test('views are stored as their own elements', async () => {
    const base = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    await save(file, { t: base.transpose(), part: base.slice([null, [1, 3]]) });
    const { tensors } = await load(file);
    expect(tensors.t!.toArray()).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
    expect(tensors.part!.toArray()).toEqual([
      [2, 3],
      [5, 6],
    ]);
  });

  test('a model goes out and into another one', async () => {
    const build = () => new nn.Sequential(new nn.Linear(3, 4), new nn.ReLU(), new nn.Linear(4, 2));
    const [model, other] = [build(), build()];
    await save(file, model.stateDict());
    other.loadStateDict((await load(file)).tensors);
    const x = tensor([[0.5, -1, 2]]);
    expect(other.forward(x).toArray()).toEqual(model.forward(x).toArray());
  });

  test('names that mean something to JavaScript', async () => {
    const named = new Map(['__proto__', 'constructor', '0'].map((name, i) => [name, tensor(i)]));
    await save(file, named);
    const { tensors } = await load(file);
    expect(Object.keys(tensors).sort()).toEqual(['0', '__proto__', 'constructor']);
    expect((tensors['constructor' as string] as Tensor).item()).toBe(1);
    expect(tensors.toString).toBeUndefined();
  });

  test('what is not a tensor is refused before anything is written', async () => {
    const wrong = { a: [1, 2] } as unknown as NamedTensors;
    await expect(async () => save(file, wrong)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining('"a" is not a tensor but [1, 2]'),
    });
    expect(fs.existsSync(file)).toBe(false);
  });

  test('a missing file and a folder', async () => {
    await expect(async () => load(file)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(async () => load(dir)).rejects.toMatchObject({ code: 'ERR_FORMAT' });
  });

  test('more dimensions than a tensor can have', async () => {
    const header = JSON.stringify({
      deep: { dtype: 'U8', shape: new Array(9).fill(1), data_offsets: [0, 1] },
    });
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    fs.writeFileSync(file, Buffer.concat([length, Buffer.from(header), Buffer.of(1)]));
    await expect(async () => load(file)).rejects.toMatchObject({
      code: 'ERR_FORMAT',
      message: `[safetensors] ${file}: tensor "deep" has 9 dimensions; tensors have at most 8`,
    });
  });

  test('damaged files give tensors or an error about the format, and no open file', async () => {
    saveSafetensorsSync(file, samples(), { metadata: { a: 'b' } });
    const good = fs.readFileSync(file);
    const open = () => fs.readdirSync('/proc/self/fd').length;
    const before = process.platform === 'linux' ? open() : 0;
    await fc.assert(
      fc.asyncProperty(
        fc.nat(good.length - 1),
        fc.nat(255),
        fc.boolean(),
        async (at, byte, cut) => {
          const bytes = Buffer.from(good);
          bytes[at] = byte;
          fs.writeFileSync(file, cut ? bytes.subarray(0, at) : bytes);
          try {
            await load(file);
          } catch (error) {
            expect(error).toBeInstanceOf(TensorError);
            expect((error as TensorError).code).toBe('ERR_FORMAT');
          }
        },
      ),
      { numRuns: 200 },
    );
    if (process.platform === 'linux') expect(open()).toBe(before);
  });

  test('unknown options are refused', async () => {
    const options = { metdata: {} } as object;
    const call = async () =>
      form === 'async'
        ? saveSafetensors(file, {}, options)
        : saveSafetensorsSync(file, {}, options);
    await expect(call).rejects.toThrow('unknown option "metdata"');
  });
});

test('tensors may change while they are being saved', async () => {
  const t = zeros([1 << 16]);
  const saving = saveSafetensors(file, { t });
  t.data.fill(1);
  await saving;
  expect((await loadSafetensors(file)).tensors.t!.data.every((value) => value === 0)).toBe(true);
});

test('an abort ends saving and loading', async () => {
  const signal = AbortSignal.abort(new Error('enough'));
  saveSafetensorsSync(file, { t: tensor(1) });
  await expect(saveSafetensors(file, { t: tensor(2) }, { signal })).rejects.toThrow('enough');
  await expect(loadSafetensors(file, { signal })).rejects.toThrow('enough');
  expect(loadSafetensorsSync(file).tensors.t!.item()).toBe(1);
});
