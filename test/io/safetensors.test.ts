import fc from 'fast-check';
import { TensorError } from 'tilegrad/errors.js';
import { parseSafetensors, type RawTensor, serializeSafetensors } from 'tilegrad/io/safetensors.js';
import type { DType } from 'tilegrad/tensor/dtype.js';
import { describe, expect, test } from 'vitest';

/** A file from header text and data bytes. */
function file(header: string | Uint8Array, data = Buffer.alloc(0)): Buffer {
  const text = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}

const entry = (dtype: string, shape: number[], begin: number, end: number) =>
  JSON.stringify({ dtype, shape, data_offsets: [begin, end] });

function serialize(tensors: Record<string, RawTensor>, metadata?: Record<string, string>): Buffer {
  return Buffer.concat(serializeSafetensors(new Map(Object.entries(tensors)), metadata));
}

function errorOf(run: () => unknown): TensorError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(TensorError);
    return error as TensorError;
  }
  throw new Error('nothing was thrown');
}

const f32 = (shape: number[], values: number[]): RawTensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(values),
});

describe('bytes of the reference implementation', () => {
  // What safetensors' own tests expect of its writer for the same tensors.
  test('no tensors', () => {
    expect(serialize({})).toEqual(file('{}      '));
    expect(serialize({}, { framework: 'pt' })).toEqual(
      file('{"__metadata__":{"framework":"pt"}}     '),
    );
  });

  test('one tensor; the header is padded to 8 bytes', () => {
    const data = Buffer.from(Float32Array.of(0, 1, 2, 3, 4, 5).buffer);
    expect(serialize({ 'attn.0': f32([1, 2, 3], [0, 1, 2, 3, 4, 5]) })).toEqual(
      file('{"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}}', data),
    );
    expect(serialize({ attn0: f32([1, 1, 2, 3], [0, 1, 2, 3, 4, 5]) })).toEqual(
      file('{"attn0":{"dtype":"F32","shape":[1,1,2,3],"data_offsets":[0,24]}}       ', data),
    );
  });
});

test('bfloat16 is BF16, by its bits', () => {
  const bits = Uint16Array.of(0x3f80, 0x8000, 0x7fc1, 0xff80, 1);
  const tensor: RawTensor = { dtype: 'bfloat16', shape: [5], data: bits };
  const bytes = file(`{"w":${entry('BF16', [5], 0, 10)}}`, Buffer.from(bits.buffer));
  expect(parseSafetensors(bytes).tensors.get('w')).toEqual(tensor);
  expect(parseSafetensors(serialize({ w: tensor })).tensors.get('w')).toEqual(tensor);
});

describe('serializeSafetensors', () => {
  test('orders by element size, then dtype, then the bytes of the name', () => {
    const tensors: Record<string, RawTensor> = {
      b1: { dtype: 'bool', shape: [1], data: Uint8Array.of(1) },
      u8: { dtype: 'uint8', shape: [1], data: Uint8Array.of(8) },
      bf16: { dtype: 'bfloat16', shape: [1], data: Uint16Array.of(0x3f80) },
      i8: { dtype: 'int8', shape: [1], data: Int8Array.of(-8) },
      i32: { dtype: 'int32', shape: [1], data: Int32Array.of(32) },
      '\u{10000}': f32([], [4]), // after \uffee in UTF-8, before it in UTF-16
      '\uffee': f32([], [3]),
      '10': f32([], [1]),
      '9': f32([], [2]),
      f16: { dtype: 'float16', shape: [1], data: Int16Array.of(0x3c00) },
      i64: { dtype: 'int64', shape: [1], data: BigInt64Array.of(-64n) },
      f64: { dtype: 'float64', shape: [1], data: Float64Array.of(64) },
    };
    const order = [
      ...['i64', 'f64', '10', '9', '\uffee', '\u{10000}', 'i32', 'bf16', 'f16'],
      ...['i8', 'u8', 'b1'],
    ];
    expect([...parseSafetensors(serialize(tensors)).tensors.keys()]).toEqual(order);
  });

  test('gives the same bytes whatever order tensors and metadata come in', () => {
    const a = f32([2], [1, 2]);
    const b = f32([1], [3]);
    expect(serialize({ a, b }, { x: '1', y: '2' })).toEqual(
      serialize({ b, a }, { y: '2', x: '1' }),
    );
  });

  test.each([
    ['a reserved name', { __metadata__: f32([], [1]) }, {}, 'reserved'],
    ['half a surrogate pair', { '\ud800': f32([], [1]) }, {}, 'not valid Unicode'],
    ['such metadata', {}, { key: '\udfff' }, 'not valid Unicode'],
    ['data that does not fit', { a: f32([3], [1]) }, {}, '"a" of shape [3] needs 3 elements'],
    ['metadata that is not text', {}, { a: 1 as unknown as string }, 'must be text'],
    ['an unknown dtype', { a: { ...f32([], [1]), dtype: 'int16' as DType } }, {}, 'dtype int16'],
  ])('refuses %s', (_, tensors, metadata, message) => {
    const error = errorOf(() => serialize(tensors, metadata as Record<string, string>));
    expect(error.code).toBe('ERR_ARGUMENT');
    expect(error.message).toContain(message);
  });
});

describe('parseSafetensors', () => {
  test('takes what other writers may write', () => {
    const data = Buffer.from(Uint8Array.of(0, 0, 128, 63, 7));
    // Keys in another order than the data, no padding, spaces, unaligned, fields of its own.
    const text =
      '{ "b" : {"data_offsets":[4,5],"shape":[],"dtype":"U8","note":[1,{"a":2,"b":"}"}]},' +
      `"none":${entry('F64', [4, 0], 4, 4)},\n"\\u0061":${entry('F32', [1, 1], 0, 4)}}`;
    const { tensors, metadata } = parseSafetensors(file(text, data));
    expect([...tensors.keys()]).toEqual(['a', 'none', 'b']);
    expect(tensors.get('a')).toEqual(f32([1, 1], [1]));
    expect(tensors.get('b')).toEqual({ dtype: 'uint8', shape: [], data: Uint8Array.of(7) });
    expect(tensors.get('none')).toEqual({
      dtype: 'float64',
      shape: [4, 0],
      data: new Float64Array(0),
    });
    expect(metadata).toEqual({});
  });

  test('the result does not share memory with the bytes', () => {
    const bytes = serialize({ a: f32([1], [1]) });
    const { tensors } = parseSafetensors(bytes);
    bytes.fill(0);
    expect([...tensors.get('a')!.data]).toEqual([1]);
  });

  test('names that mean something to JavaScript are only names', () => {
    const tensors = Object.fromEntries(
      ['__proto__', 'constructor', '0', ''].map((name) => [name, f32([], [1])]),
    );
    const back = parseSafetensors(serialize(tensors, Object.fromEntries([['__proto__', 'text']])));
    expect([...back.tensors.keys()].sort()).toEqual(['', '0', '__proto__', 'constructor']);
    expect(Object.entries(back.metadata)).toEqual([['__proto__', 'text']]);
  });

  const two = (first: string, second: string) => `{"a":${first},"b":${second}}`;
  const u8 = (begin: number, end: number) => entry('U8', [end - begin], begin, end);
  const data = Buffer.alloc(8);
  test.each<[string, Buffer, string]>([
    ['an empty file', Buffer.alloc(0), 'the file has 0 bytes, the header length alone takes 8'],
    ['half a length', Buffer.alloc(7), 'the file has 7 bytes'],
    [
      'a length beyond the file',
      file('{}').fill(99, 0, 1),
      'header says 99 bytes, the file has 10',
    ],
    [
      'a length above the limit',
      Buffer.from([1, 225, 245, 5, 0, 0, 0, 0]),
      'header says 100000001 bytes, the limit is 100000000',
    ],
    ['a length above 2^53', Buffer.alloc(16, 255), 'header says 18446744073709551615 bytes'],
    ['an empty header', file(''), 'the header does not start with {'],
    ['a space before the brace', file(' {}'), 'the header does not start with {'],
    ['a list', file('[]'), 'the header does not start with {'],
    ['invalid UTF-8', file(Uint8Array.of(0x7b, 0xff, 0x7d)), 'the header is not valid UTF-8'],
    ['invalid JSON', file('{"a":}'), 'the header is not valid JSON'],
    ['text after the JSON', file('{} x'), 'the header is not valid JSON'],
    ['zeros after the JSON', file('{}\0\0'), 'the header is not valid JSON'],
    ['a name twice', file(`{"a":${u8(0, 8)},"a":${u8(0, 8)}}`, data), 'has the key "a" twice'],
    [
      'a name twice in two spellings',
      file(`{"a":${u8(0, 8)},"\\u0061":${u8(0, 8)}}`, data),
      'has the key "a" twice',
    ],
    [
      'a field twice',
      file('{"a":{"dtype":"U8","shape":[8],"shape":[8],"data_offsets":[0,8]}}', data),
      'has the key "shape" twice',
    ],
    ['metadata twice', file('{"__metadata__":{},"__metadata__":{}}'), '"__metadata__" twice'],
    ['a metadata key twice', file('{"__metadata__":{"k":"","k":""}}'), '"k" twice'],
    ['metadata that is not an object', file('{"__metadata__":["a"]}'), 'is not an object'],
    ['metadata null', file('{"__metadata__":null}'), '__metadata__ is not an object'],
    ['metadata that is not text', file('{"__metadata__":{"a":1}}'), 'maps "a" to something other'],
    ['half a surrogate pair', file(`{"\\ud800":${u8(0, 8)}}`, data), 'is not valid Unicode'],
    ['a number for a tensor', file('{"a":1}'), 'tensor "a" is not described by an object'],
    ['no dtype', file('{"a":{"shape":[],"data_offsets":[0,1]}}'), 'tensor "a" has no dtype'],
    ['an unknown dtype', file(`{"a":${entry('F99', [1], 0, 8)}}`, data), 'unknown dtype "F99"'],
    ...['U64', 'I16'].map((dtype): [string, Buffer, string] => [
      `${dtype}`,
      file(`{"weights":${entry(dtype, [1], 0, 8)}}`, data),
      `tensor "weights" has dtype ${dtype}, which is not supported yet`,
    ]),
    ['no shape', file('{"a":{"dtype":"U8","data_offsets":[0,8]}}', data), 'a shape that is not'],
    ['a negative size', file(`{"a":${entry('U8', [-8], 0, 8)}}`, data), 'a shape that is not'],
    ['a fraction as size', file(`{"a":${entry('U8', [1.5], 0, 8)}}`, data), 'a shape that is not'],
    ['a size beyond 2^53', file(`{"a":${entry('U8', [2 ** 53], 0, 8)}}`, data), 'a shape that'],
    [
      'sizes whose product overflows',
      file(`{"a":${entry('U8', [2 ** 32, 2 ** 32, 0], 0, 8)}}`, data),
      'impossible shape [4294967296, 4294967296, 0]',
    ],
    ['one offset', file('{"a":{"dtype":"U8","shape":[],"data_offsets":[0]}}'), 'not a pair'],
    ['three', file('{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1,1]}}'), 'not a pair'],
    ['a negative offset', file(`{"a":${entry('U8', [1], -1, 0)}}`, data), 'not a pair'],
    ['offsets the wrong way', file(`{"a":${entry('U8', [8], 8, 0)}}`, data), 'before its start'],
    [
      'a shape that needs more than the offsets hold',
      file(`{"a":${entry('F32', [3], 0, 8)}}`, data),
      'dtype F32 and shape [3] needs 12 bytes, its offsets hold 8',
    ],
    ['a hole at the start', file(`{"a":${u8(1, 8)}}`, data), 'it leaves a hole'],
    ['a hole', file(two(u8(0, 3), u8(4, 8)), data), 'data before it ends at 3: it leaves a hole'],
    ['an overlap', file(two(u8(0, 5), u8(4, 8)), data), 'data before it ends at 5: it overlaps'],
    ['the same data twice', file(two(u8(0, 8), u8(0, 8)), data), 'it overlaps'],
    ['data without a tensor', file(`{"a":${u8(0, 7)}}`, data), 'take 7 bytes, the file holds 8'],
    ['data that is missing', file(`{"a":${u8(0, 9)}}`, data), 'take 9 bytes, the file holds 8'],
    [
      'a bool that is neither',
      file(`{"a":${entry('BOOL', [3], 0, 3)}}`, Buffer.of(0, 1, 2)),
      'is BOOL but element 2 is 2, not 0 or 1',
    ],
  ])('refuses %s', (_, bytes, message) => {
    const error = errorOf(() => parseSafetensors(bytes, 'model.safetensors'));
    expect(error.code).toBe('ERR_FORMAT');
    expect(error.message).toContain(message);
    expect(error.message).toMatch(/^\[safetensors\] model\.safetensors: /);
    expect(error.message).not.toContain('\n');
  });

  test('long names are shortened in messages', () => {
    const error = errorOf(() => parseSafetensors(file(JSON.stringify({ ['x'.repeat(1000)]: 1 }))));
    expect(error.message.length).toBeLessThan(200);
  });

  test('deep nesting does not exhaust the stack', () => {
    const depth = 200_000;
    const error = errorOf(() =>
      parseSafetensors(file(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`)),
    );
    expect(error.code).toBe('ERR_FORMAT');
  });
});

describe('properties', () => {
  const shapes = fc.array(fc.nat(4), { maxLength: 4 });
  const arrays: Record<DType, (n: number) => fc.Arbitrary<RawTensor['data']>> = {
    float64: (n) => fc.float64Array({ minLength: n, maxLength: n }),
    float32: (n) => fc.float32Array({ minLength: n, maxLength: n }),
    int32: (n) => fc.int32Array({ minLength: n, maxLength: n }),
    int64: (n) => fc.bigInt64Array({ minLength: n, maxLength: n }),
    int8: (n) => fc.int8Array({ minLength: n, maxLength: n }),
    uint8: (n) => fc.uint8Array({ minLength: n, maxLength: n }),
    bool: (n) => fc.uint8Array({ minLength: n, maxLength: n, max: 1 }),
    bfloat16: (n) => fc.uint16Array({ minLength: n, maxLength: n }),
    float16: (n) => fc.int16Array({ minLength: n, maxLength: n }),
  };
  const tensor = fc
    .tuple(fc.constantFrom(...(Object.keys(arrays) as DType[])), shapes)
    .chain(([dtype, shape]) =>
      arrays[dtype](shape.reduce((product, size) => product * size, 1)).map(
        (data): RawTensor => ({ dtype, shape, data }),
      ),
    );
  const text = fc.string({ unit: 'grapheme', maxLength: 12 });
  const tensors = fc
    .dictionary(text, tensor, { maxKeys: 6 })
    .filter((named) => !('__metadata__' in named));

  test('what is written is read back, bit for bit', () => {
    fc.assert(
      fc.property(tensors, fc.dictionary(text, text, { maxKeys: 3 }), (named, metadata) => {
        const bytes = serialize(named, metadata);
        const back = parseSafetensors(bytes);
        expect(new Map(Object.entries(named))).toEqual(back.tensors);
        expect(Object.entries(back.metadata).sort()).toEqual(Object.entries(metadata).sort());
        for (const [name, { data }] of back.tensors) {
          const { buffer, byteOffset, byteLength } = named[name]!.data;
          expect(Buffer.from(data.buffer)).toEqual(Buffer.from(buffer, byteOffset, byteLength));
        }
        // Reading loses nothing: writing again gives the same bytes.
        expect(Buffer.concat(serializeSafetensors(back.tensors, back.metadata))).toEqual(bytes);
        expect(bytes.readBigUInt64LE() % 8n).toBe(0n); // the data starts aligned
      }),
    );
  });

  const damage = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), at: fc.nat(), byte: fc.nat(255) }),
    fc.record({ kind: fc.constant('cut' as const), at: fc.nat() }),
    fc.record({ kind: fc.constant('insert' as const), at: fc.nat(), byte: fc.nat(255) }),
    fc.record({ kind: fc.constant('swap' as const), at: fc.nat(), to: fc.nat() }),
  );

  test('damaged bytes give tensors that fit or a TensorError, nothing else', () => {
    fc.assert(
      fc.property(tensors, fc.array(damage, { minLength: 1, maxLength: 4 }), (named, damages) => {
        let bytes = serialize(named, { format: 'pt' });
        for (const what of damages) {
          const at = what.at % bytes.length;
          if (what.kind === 'set') bytes[at] = what.byte;
          if (what.kind === 'cut') bytes = bytes.subarray(0, at + 1);
          if (what.kind === 'insert') {
            bytes = Buffer.concat([
              bytes.subarray(0, at),
              Buffer.of(what.byte),
              bytes.subarray(at),
            ]);
          }
          if (what.kind === 'swap') {
            const to = what.to % bytes.length;
            [bytes[at], bytes[to]] = [bytes[to]!, bytes[at]!];
          }
        }
        try {
          for (const { shape, data } of parseSafetensors(bytes).tensors.values()) {
            expect(data.length).toBe(shape.reduce((product, size) => product * size, 1));
          }
        } catch (error) {
          expect(error).toBeInstanceOf(TensorError);
          expect((error as TensorError).code).toBe('ERR_FORMAT');
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('arbitrary JSON as a header gives tensors or a TensorError', () => {
    const entryLike = fc.record(
      {
        dtype: fc.oneof(fc.constantFrom('F32', 'U8', 'BOOL', 'I64'), fc.jsonValue()),
        shape: fc.oneof(fc.array(fc.nat(3), { maxLength: 3 }), fc.jsonValue()),
        data_offsets: fc.oneof(fc.tuple(fc.nat(8), fc.nat(8)), fc.jsonValue()),
      },
      { requiredKeys: [] },
    );
    const header = fc.dictionary(fc.string(), fc.oneof(entryLike, fc.jsonValue()));
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 8 }), (value, data) => {
        try {
          parseSafetensors(file(JSON.stringify(value), Buffer.from(data)));
        } catch (error) {
          expect(error).toBeInstanceOf(TensorError);
        }
      }),
    );
  });
});
