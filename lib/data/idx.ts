/**
 * The IDX format of the MNIST files, plain or gzipped: two zero bytes, a type byte, the number of
 * dimensions, one big-endian uint32 per dimension, then the elements, big-endian and row-major
 * (described at the end of yann.lecun.com/exdb/mnist).
 */
import fs from 'node:fs';
import { endianness } from 'node:os';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { TensorError } from '../errors.js';
import { checkOptions, checkPath, checkSignal, describe } from '../tensor/shape.js';

/** The typed arrays that IDX files hold. */
export type IdxData =
  | Uint8Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>;

/** An IDX file's content: as many elements in `data` as `shape` says, row-major. */
export interface IdxArray {
  /** Sizes of the dimensions, outermost first. */
  shape: number[];
  /** The elements, row-major. */
  data: IdxData;
}

interface IdxType {
  new (buffer: ArrayBuffer): IdxData;
  readonly BYTES_PER_ELEMENT: number;
}

const TYPES: ReadonlyMap<number, IdxType> = new Map<number, IdxType>([
  [0x08, Uint8Array],
  [0x09, Int8Array],
  [0x0b, Int16Array],
  [0x0c, Int32Array],
  [0x0d, Float32Array],
  [0x0e, Float64Array],
]);

/** The start of a gzip member (RFC 1952). */
const GZIP_MAGIC = [0x1f, 0x8b] as const;

/**
 * A gzipped file may unpack to this much: twenty times the largest MNIST file, and little enough
 * for any machine that can train on it. gzip can blow a small file up a thousandfold.
 */
const MAX_UNPACKED_BYTES = 2 ** 30;

const gunzip = promisify(zlib.gunzip);

/**
 * Reads an IDX file, plain or gzipped, whatever it is called.
 *
 * @throws the file system's error; TensorError ERR_FORMAT when the file is damaged, is not IDX, has
 *   bytes left over, or unpacks to more than 1 GiB
 * @example
 * ```ts
 * const bytes = new Uint8Array([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]);
 * const { writeFile } = await import('node:fs/promises');
 * await writeFile('labels.idx', bytes);
 * (await readIdx('labels.idx')).data; // => [7, 8, 9]
 * ```
 */
export async function readIdx(
  file: string,
  options: { signal?: AbortSignal } = {},
): Promise<IdxArray> {
  checkPath('readIdx', 'the file', file);
  checkOptions('readIdx', options, ['signal']);
  const { signal } = options;
  checkSignal('readIdx', signal);
  let bytes: Uint8Array = await fs.promises.readFile(file, { signal });
  if (isGzip(bytes)) {
    try {
      bytes = await gunzip(bytes, { maxOutputLength: MAX_UNPACKED_BYTES });
    } catch (error) {
      throw unpackingError(file, error);
    }
    signal?.throwIfAborted();
  }
  return parseIdx(bytes, file);
}

/**
 * {@link readIdx}, synchronously.
 * @example
 * ```ts
 * const bytes = new Uint8Array([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]);
 * const { writeFileSync } = await import('node:fs');
 * writeFileSync('labels.idx', bytes);
 * readIdxSync('labels.idx').data; // => [7, 8, 9]
 * ```
 */
export function readIdxSync(file: string): IdxArray {
  checkPath('readIdxSync', 'the file', file);
  let bytes: Uint8Array = fs.readFileSync(file);
  if (isGzip(bytes)) {
    try {
      bytes = zlib.gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED_BYTES });
    } catch (error) {
      throw unpackingError(file, error);
    }
  }
  return parseIdx(bytes, file);
}

/**
 * Parses the unpacked bytes of an IDX file. The result owns its data.
 *
 * @param source what error messages call the bytes; default `buffer`
 * @throws TensorError ERR_FORMAT when the bytes are not exactly one IDX array, ERR_ARGUMENT for
 *   anything but bytes
 * @example
 * ```ts
 * const bytes = new Uint8Array([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]);
 * parseIdx(bytes).data; // => [7, 8, 9]
 * ```
 */
export function parseIdx(bytes: Uint8Array, source = 'buffer'): IdxArray {
  if (!(bytes instanceof Uint8Array)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[parseIdx] expected a Uint8Array or Buffer, not ${describe(bytes)}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4) {
    throw idxError(source, `the file has ${bytes.length} bytes, the magic number alone takes 4`);
  }
  const Type = TYPES.get(view.getUint8(2));
  if (view.getUint16(0) !== 0 || Type === undefined) {
    const magic = view.getUint32(0).toString(16).padStart(8, '0');
    throw idxError(source, `not an IDX file: it starts with 0x${magic}`);
  }
  const rank = view.getUint8(3);
  const headerBytes = 4 + 4 * rank;
  if (bytes.length < headerBytes) {
    throw idxError(source, `the header takes ${headerBytes} bytes, the file has ${bytes.length}`);
  }
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const dataBytes = shape.reduce((product, size) => product * size, Type.BYTES_PER_ELEMENT);
  if (dataBytes !== bytes.length - headerBytes) {
    throw idxError(
      source,
      `shape [${shape.join(', ')}] takes ${dataBytes} bytes of data, the file has ` +
        `${bytes.length - headerBytes}`,
    );
  }
  const copy = new Uint8Array(dataBytes);
  copy.set(bytes.subarray(headerBytes));
  swapToNative(copy, Type.BYTES_PER_ELEMENT);
  return { shape, data: new Type(copy.buffer) };
}

function swapToNative(bytes: Uint8Array<ArrayBuffer>, elementBytes: number): void {
  if (endianness() === 'BE') return;
  const buffer = Buffer.from(bytes.buffer);
  if (elementBytes === 2) buffer.swap16();
  if (elementBytes === 4) buffer.swap32();
  if (elementBytes === 8) buffer.swap64();
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === GZIP_MAGIC[0] && bytes[1] === GZIP_MAGIC[1];
}

function unpackingError(source: string, cause: unknown): TensorError {
  const tooLarge = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
  const text = tooLarge
    ? `unpacks to more than ${MAX_UNPACKED_BYTES} bytes`
    : `damaged gzip data (${(cause as Error).message})`;
  return idxError(source, text, cause);
}

function idxError(source: string, text: string, cause?: unknown): TensorError {
  const options = cause === undefined ? undefined : { cause };
  return new TensorError('ERR_FORMAT', `[idx] ${source}: ${text}`, options);
}
