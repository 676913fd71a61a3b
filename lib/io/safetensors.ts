/**
 * The safetensors format over bytes in memory: no files, no tensors (checkpoint.ts has both).
 *
 * A file is an 8-byte little-endian header length n, n bytes of UTF-8 JSON, and the data:
 *
 *     {"__metadata__": {"key": "text"}, "name": {"dtype": "F32", "shape": [2, 3],
 *      "data_offsets": [begin, end]}, ...}
 *
 * Offsets count from the end of the header; elements are little-endian in row-major order. The
 * rules checked here are those of the format's README (github.com/huggingface/safetensors): the
 * tensors cover the data exactly, without holes or overlaps, and no key occurs twice.
 */
import { endianness } from 'node:os';
import { TensorError } from '../errors.js';
import { type DType, dtypes, type StoredArray } from '../tensor/dtype.js';

/** One tensor without its handle: `data` has as many elements as `shape` says, row-major. */
export interface RawTensor {
  dtype: DType;
  shape: readonly number[];
  data: StoredArray;
}

/** Where one tensor lies: bytes [begin, end) of the data behind the header. */
export interface HeaderEntry {
  name: string;
  dtype: DType;
  shape: number[];
  begin: number;
  end: number;
}

/** A checked header: entries in the order of their data, which they cover without a hole. */
export interface Header {
  entries: HeaderEntry[];
  metadata: Record<string, string>;
}

/** The length field that starts every file. */
export const LENGTH_BYTES = 8;

/** The reference implementation's limit for a header; a longer one is an attack or damage. */
const MAX_HEADER_BYTES = 100_000_000;

/** Writers pad the header with spaces to this, so that mapped float64 data is aligned. */
const HEADER_ALIGNMENT = 8;

const METADATA_KEY = '__metadata__';

/** Half of a surrogate pair: JSON can spell it, UTF-8 can't hold it. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Characters of a name from a file that an error message repeats. */
const MAX_QUOTED = 80;

/**
 * The dtypes by the format's names for them, in the reference implementation's order of writing:
 * falling alignment, then its own order of dtypes.
 */
const CODES: ReadonlyMap<string, DType> = new Map([
  ['I64', 'int64'],
  ['F64', 'float64'],
  ['F32', 'float32'],
  ['I32', 'int32'],
  ['BF16', 'bfloat16'],
  ['F16', 'float16'],
  ['I8', 'int8'],
  ['U8', 'uint8'],
  ['BOOL', 'bool'],
]);

/** Codes of the format that this library has no dtype for. */
const UNSUPPORTED_CODES: ReadonlySet<string> = new Set([
  ...['U64', 'U32', 'I16', 'U16', 'C64'],
  ...['F8_E4M3', 'F8_E5M2', 'F8_E8M0', 'F6_E2M3', 'F6_E3M2', 'F4'],
]);

/** An error about the file or buffer called `source`. */
export function formatError(source: string, text: string, cause?: unknown): TensorError {
  const options = cause === undefined ? undefined : { cause };
  return new TensorError('ERR_FORMAT', `[safetensors] ${source}: ${text}`, options);
}

/**
 * Parses a whole file's bytes. The result owns its data: `bytes` may be reused, and may lie at any
 * alignment.
 *
 * @param source what error messages call the bytes; default `buffer`
 * @throws TensorError ERR_FORMAT when the bytes break a rule of the format or hold an unsupported
 *   dtype
 */
export function parseSafetensors(
  bytes: Uint8Array,
  source = 'buffer',
): { tensors: Map<string, RawTensor>; metadata: Record<string, string> } {
  const headerBytes = parseHeaderLength(bytes, bytes.length, source);
  const start = LENGTH_BYTES + headerBytes;
  const header = parseHeader(bytes.subarray(LENGTH_BYTES, start), bytes.length - start, source);
  const tensors = new Map<string, RawTensor>();
  for (const entry of header.entries) {
    const copy = new Uint8Array(entry.end - entry.begin);
    copy.set(bytes.subarray(start + entry.begin, start + entry.end));
    tensors.set(entry.name, toRawTensor(entry, copy.buffer, source));
  }
  return { tensors, metadata: header.metadata };
}

/**
 * The header's length from a file's first bytes.
 *
 * @param bytes at least the first 8 bytes of the file, or the whole file when it is shorter
 * @param fileBytes the length of the file
 */
export function parseHeaderLength(bytes: Uint8Array, fileBytes: number, source: string): number {
  if (bytes.length < LENGTH_BYTES || fileBytes < LENGTH_BYTES) {
    throw formatError(source, `the file has ${fileBytes} bytes, the header length alone takes 8`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw formatError(source, `header says ${length} bytes, the limit is ${MAX_HEADER_BYTES}`);
  }
  const headerBytes = Number(length);
  if (LENGTH_BYTES + headerBytes > fileBytes) {
    throw formatError(source, `header says ${headerBytes} bytes, the file has ${fileBytes}`);
  }
  return headerBytes;
}

/**
 * Parses and checks the JSON header.
 *
 * @param bytes the header without the length field
 * @param dataBytes the number of bytes behind the header
 */
export function parseHeader(bytes: Uint8Array, dataBytes: number, source: string): Header {
  const root = parseJsonObject(bytes, source);
  const entries: HeaderEntry[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(root)) {
    if (LONE_SURROGATE.test(name)) {
      throw formatError(source, `the name ${quote(name)} is not valid Unicode`);
    }
    if (name === METADATA_KEY) metadata = parseMetadata(value, source);
    else entries.push(parseEntry(name, value, source));
  }
  // The order of the keys says nothing; the data's order does.
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const entry of entries) {
    if (entry.begin !== covered) {
      const what = entry.begin > covered ? 'leaves a hole' : 'overlaps';
      throw formatError(
        source,
        `tensor ${quote(entry.name)} starts at byte ${entry.begin}, the data before it ends at ` +
          `${covered}: it ${what}`,
      );
    }
    covered = entry.end;
  }
  if (covered !== dataBytes) {
    throw formatError(source, `tensors take ${covered} bytes, the file holds ${dataBytes} of data`);
  }
  return { entries, metadata };
}

/** A tensor over `buffer`, which holds exactly the entry's bytes and becomes the tensor's own. */
export function toRawTensor(entry: HeaderEntry, buffer: ArrayBuffer, source: string): RawTensor {
  checkEndianness();
  const data = new dtypes[entry.dtype].Array(buffer);
  if (entry.dtype === 'bool') {
    const wrong = data.findIndex((byte) => byte > 1);
    if (wrong >= 0) {
      throw formatError(
        source,
        `tensor ${quote(entry.name)} is BOOL but element ${wrong} is ${data[wrong]}, not 0 or 1`,
      );
    }
  }
  return { dtype: entry.dtype, shape: entry.shape, data };
}

/**
 * The bytes of a file, as pieces to be written one after the other: the header, then one view per
 * tensor on the tensor's own data. The same tensors and metadata always give the same bytes,
 * whatever order they come in: data lies in the order of falling element size and then of names,
 * as the reference implementation writes it, and metadata in the order of its keys.
 *
 * @throws TensorError ERR_ARGUMENT for names and metadata that the format can't hold and for data
 *   that doesn't fit its shape
 */
export function serializeSafetensors(
  tensors: ReadonlyMap<string, RawTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  checkEndianness();
  const codes = [...CODES.keys()];
  const rank = (tensor: RawTensor) => codes.indexOf(codeOf(tensor.dtype));
  const sorted = [...tensors].sort(
    ([aName, a], [bName, b]) => rank(a) - rank(b) || compareNames(aName, bName),
  );
  // Assembled by hand: in a JavaScript object, names that look like numbers would come first.
  const fields: string[] = [];
  if (typeof metadata !== 'object' || metadata === null) {
    throw argumentError('metadata must be texts by name');
  }
  const texts = Object.entries(metadata).sort(([a], [b]) => compareNames(a, b));
  if (texts.length > 0) {
    const inner = texts.map(([key, text]) => `${textToJson(key)}:${textToJson(text)}`);
    fields.push(`"${METADATA_KEY}":{${inner.join(',')}}`);
  }
  const chunks: Uint8Array[] = [];
  let begin = 0;
  for (const [name, tensor] of sorted) {
    checkTensor(name, tensor);
    const { data } = tensor;
    const end = begin + data.byteLength;
    fields.push(
      `${textToJson(name)}:{"dtype":"${codeOf(tensor.dtype)}",` +
        `"shape":[${tensor.shape.join(',')}],"data_offsets":[${begin},${end}]}`,
    );
    chunks.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    begin = end;
  }
  return [encodeHeader(`{${fields.join(',')}}`), ...chunks];
}

function encodeHeader(json: string): Uint8Array {
  const text = new TextEncoder().encode(json);
  const length = Math.ceil(text.length / HEADER_ALIGNMENT) * HEADER_ALIGNMENT;
  if (length > MAX_HEADER_BYTES) {
    throw argumentError(`the header takes ${length} bytes, the limit is ${MAX_HEADER_BYTES}`);
  }
  const header = new Uint8Array(LENGTH_BYTES + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(text, LENGTH_BYTES);
  return header;
}

function checkTensor(name: string, tensor: RawTensor): void {
  if (name === METADATA_KEY) {
    throw argumentError(`the name ${METADATA_KEY} is reserved by the format`);
  }
  const elements = tensor.shape.reduce((product, size) => product * size, 1);
  if (elements !== tensor.data.length) {
    throw argumentError(
      `tensor ${quote(name)} of shape [${tensor.shape.join(', ')}] needs ${elements} elements, ` +
        `its data has ${tensor.data.length}`,
    );
  }
}

function parseJsonObject(bytes: Uint8Array, source: string): Record<string, unknown> {
  // The format asks for the brace at once, so that a file can't be valid in two formats.
  if (bytes[0] !== 0x7b) throw formatError(source, 'the header does not start with {');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw formatError(source, 'the header is not valid UTF-8', error);
  }
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    throw formatError(source, 'the header is not valid JSON', error);
  }
  const duplicate = findDuplicateKey(text);
  if (duplicate !== undefined) {
    throw formatError(source, `the header has the key ${quote(duplicate)} twice`);
  }
  return root as Record<string, unknown>; // it starts with a brace
}

/** The first key that an object of `json`, which must be valid, has twice: JSON.parse hides it. */
function findDuplicateKey(json: string): string | undefined {
  const scopes: (Set<string> | undefined)[] = []; // the keys of each open object; none for arrays
  let expectsKey = false;
  for (let i = 0; i < json.length; i++) {
    const char = json[i];
    if (char === '{' || char === '[') {
      expectsKey = char === '{';
      scopes.push(expectsKey ? new Set() : undefined);
    } else if (char === '}' || char === ']') {
      scopes.pop();
    } else if (char === ',') {
      expectsKey = scopes.at(-1) !== undefined;
    } else if (char === '"') {
      const start = i;
      for (i++; json[i] !== '"'; i++) if (json[i] === '\\') i++;
      if (!expectsKey) continue;
      const key: string = JSON.parse(json.slice(start, i + 1)); // two spellings may be one key
      const keys = scopes.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
      expectsKey = false;
    }
  }
  return undefined;
}

function parseMetadata(value: unknown, source: string): Record<string, string> {
  if (!isObject(value)) throw formatError(source, `${METADATA_KEY} is not an object`);
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') {
      throw formatError(source, `${METADATA_KEY} maps ${quote(key)} to something other than text`);
    }
  }
  return value as Record<string, string>;
}

function parseEntry(name: string, value: unknown, source: string): HeaderEntry {
  const fail = (text: string) => formatError(source, `tensor ${quote(name)} ${text}`);
  if (!isObject(value)) throw fail('is not described by an object');
  const { dtype: code, shape, data_offsets: offsets } = value;
  if (typeof code !== 'string') throw fail('has no dtype');
  const dtype = CODES.get(code);
  if (dtype === undefined) {
    throw UNSUPPORTED_CODES.has(code)
      ? fail(`has dtype ${code}, which is not supported yet`)
      : fail(`has the unknown dtype ${quote(code)}`);
  }
  if (!isSizeList(shape)) throw fail('has a shape that is not a list of sizes');
  if (!isSizeList(offsets) || offsets.length !== 2) {
    throw fail('has data_offsets that are not a pair of byte offsets');
  }
  const [begin, end] = offsets as [number, number];
  if (end < begin) throw fail(`ends at byte ${end}, before its start at ${begin}`);
  let bytes = dtypes[dtype].bytes;
  for (const size of shape) {
    bytes *= size;
    if (!Number.isSafeInteger(bytes)) throw fail(`has the impossible shape [${shape.join(', ')}]`);
  }
  if (bytes !== end - begin) {
    throw fail(
      `of dtype ${code} and shape [${shape.join(', ')}] needs ${bytes} bytes, its offsets ` +
        `hold ${end - begin}`,
    );
  }
  return { name, dtype, shape, begin, end };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** True for whole numbers from 0 to 2^53 - 1; larger ones would lose digits, -0 isn't a size. */
function isSizeList(value: unknown): value is number[] {
  const isSize = (item: unknown) =>
    Number.isSafeInteger(item) && (item as number) >= 0 && !Object.is(item, -0);
  return Array.isArray(value) && value.every(isSize);
}

function codeOf(dtype: DType): string {
  for (const [code, candidate] of CODES) if (candidate === dtype) return code;
  throw argumentError(`dtype ${String(dtype)} can't be stored`);
}

/** By the bytes of the UTF-8 text, as the reference implementation compares. */
function compareNames(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function textToJson(text: string): string {
  if (typeof text !== 'string') throw argumentError('metadata values must be text');
  if (LONE_SURROGATE.test(text)) throw argumentError(`${quote(text)} is not valid Unicode`);
  return JSON.stringify(text);
}

/** A name as an error message shows it: on one line and not endless. */
function quote(name: string): string {
  return JSON.stringify(name.length > MAX_QUOTED ? `${name.slice(0, MAX_QUOTED)}...` : name);
}

function argumentError(text: string): TensorError {
  return new TensorError('ERR_ARGUMENT', `[safetensors] ${text}`);
}

/** The data is viewed, not converted, which is right on every CPU that the library runs on. */
function checkEndianness(): void {
  if (endianness() !== 'LE') {
    throw new TensorError('ERR_STATE', '[safetensors] big-endian machines are not supported');
  }
}
