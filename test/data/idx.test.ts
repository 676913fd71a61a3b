import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { parseIdx, readIdx, readIdxSync } from 'tilegrad/data/idx.js';
import { TensorError } from 'tilegrad/errors.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeIdx } from './idx-files.js';

let dir: string;
beforeAll(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tilegrad-idx-'));
});
afterAll(() => fs.rmSync(dir, { recursive: true }));

const small = encodeIdx(0x08, [2, 3], [0, 1, 2, 253, 254, 255]);

function errorOf(run: () => unknown): TensorError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(TensorError);
    return error as TensorError;
  }
  throw new Error('nothing was thrown');
}

describe('parseIdx', () => {
  test.each([
    [0x08, Uint8Array, [0, 7, 255]],
    [0x09, Int8Array, [-128, 0, 127]],
    [0x0b, Int16Array, [-32768, 258, 32767]],
    [0x0c, Int32Array, [-(2 ** 31), 16909060, 2 ** 31 - 1]],
    [0x0d, Float32Array, [-1.5, 0, 2 ** 100]],
    [0x0e, Float64Array, [Math.PI, -0, 1e300]],
  ])('type 0x%s', (type, Type, values) => {
    const { shape, data } = parseIdx(encodeIdx(type, [3], values));
    expect(shape).toEqual([3]);
    expect(data).toBeInstanceOf(Type);
    expect([...data]).toEqual(values);
  });

  test('shapes: several dimensions, an empty one, none', () => {
    expect(parseIdx(small)).toEqual({ shape: [2, 3], data: new Uint8Array(small.subarray(12)) });
    expect(parseIdx(encodeIdx(0x0d, [0, 4], []))).toEqual({
      shape: [0, 4],
      data: new Float32Array(0),
    });
    expect(parseIdx(encodeIdx(0x08, [], [9]))).toEqual({ shape: [], data: Uint8Array.of(9) });
  });

  test('bytes at an odd address are read and left alone', () => {
    const source = encodeIdx(0x0e, [2], [1.25, -3]);
    const padded = new Uint8Array(source.length + 1);
    padded.set(source, 1);
    expect([...parseIdx(padded.subarray(1)).data]).toEqual([1.25, -3]);
    expect(padded.subarray(1)).toEqual(new Uint8Array(source));
  });

  test.each([
    ['nothing', Buffer.alloc(0), 'the file has 0 bytes, the magic number alone takes 4'],
    ['text', Buffer.from('hello'), 'not an IDX file: it starts with 0x68656c6c'],
    ['an unknown type', Buffer.of(0, 0, 0x0a, 1), 'not an IDX file: it starts with 0x00000a01'],
    ['half a header', small.subarray(0, 9), 'the header takes 12 bytes, the file has 9'],
    ['a byte too few', small.subarray(0, -1), 'shape [2, 3] takes 6 bytes of data, the file has 5'],
    [
      'a byte too many',
      Buffer.concat([small, Buffer.of(0)]),
      'shape [2, 3] takes 6 bytes of data, the file has 7',
    ],
  ])('refuses %s', (_, bytes, message) => {
    const error = errorOf(() => parseIdx(bytes, 'x.idx'));
    expect(error.code).toBe('ERR_FORMAT');
    expect(error.message).toBe(`[idx] x.idx: ${message}`);
  });

  test('sizes whose product overflows are refused', () => {
    const sizes = new Array<number>(255).fill(2 ** 32 - 1);
    const error = errorOf(() => parseIdx(encodeIdx(0x08, [...sizes.slice(1), 0], [])));
    expect(error.code).toBe('ERR_FORMAT');
  });

  test('any damage gives an array or a TensorError', () => {
    fc.assert(
      fc.property(fc.nat(small.length - 1), fc.nat(255), fc.nat(small.length), (at, byte, cut) => {
        const damaged = Buffer.from(small);
        damaged[at] = byte;
        try {
          const { shape, data } = parseIdx(damaged.subarray(0, cut));
          expect(data.length).toBe(shape.reduce((product, size) => product * size, 1));
        } catch (error) {
          expect(error).toBeInstanceOf(TensorError);
        }
      }),
    );
  });
});

describe('readIdx', () => {
  const write = (name: string, bytes: Uint8Array) => {
    const file = path.join(dir, name);
    fs.writeFileSync(file, bytes);
    return file;
  };
  const expected = { shape: [2, 3], data: Uint8Array.of(0, 1, 2, 253, 254, 255) };

  test.each([
    ['plain', small],
    ['gzipped', zlib.gzipSync(small)],
  ])('%s files, whatever they are called', async (_, bytes) => {
    const file = write('any.name', bytes);
    expect(await readIdx(file)).toEqual(expected);
    expect(readIdxSync(file)).toEqual(expected);
  });

  test.each([
    ['cut off', (gz: Buffer) => gz.subarray(0, -6)],
    [
      'with a wrong checksum',
      (gz: Buffer) => Buffer.from(gz).fill(1, gz.length - 8, gz.length - 4),
    ],
    ['with garbage behind it', (gz: Buffer) => Buffer.concat([gz, Buffer.from('garbage')])],
  ])('gzip data %s', async (_, damage) => {
    const file = write('damaged.gz', damage(zlib.gzipSync(small)));
    const message = `[idx] ${file}: damaged gzip data`;
    expect(errorOf(() => readIdxSync(file)).message).toContain(message);
    await expect(readIdx(file)).rejects.toThrow(message);
    await expect(readIdx(file)).rejects.toMatchObject({ code: 'ERR_FORMAT' });
  });

  test('a missing file is the file system error', async () => {
    const file = path.join(dir, 'missing');
    expect(() => readIdxSync(file)).toThrow('ENOENT');
    await expect(readIdx(file)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('an abort rejects with its reason', async () => {
    const file = write('plain.idx', small);
    await expect(readIdx(file, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});
