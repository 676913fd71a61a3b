/** Tensors in safetensors files: what a model's `stateDict()` gives goes out, and comes back. */
import fs from 'node:fs';
import { TensorError } from '../errors.js';
import { contiguous } from '../ops/operand.js';
import { fromTypedArray } from '../tensor/data.js';
import { checkOptions, checkPath, checkSignal, describe, MAX_RANK } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { writeFileAtomic, writeFileAtomicSync } from './atomic.js';
import {
  formatError,
  type HeaderEntry,
  LENGTH_BYTES,
  parseHeader,
  parseHeaderLength,
  type RawTensor,
  serializeSafetensors,
  toRawTensor,
} from './safetensors.js';

/** Tensors by name, as a Map or a plain object. */
export type NamedTensors = ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>;

/** Options of {@link saveSafetensors}. */
export interface SaveOptions {
  /** Text by key, stored beside the tensors. Default none. */
  metadata?: Readonly<Record<string, string>>;
}

/** What a safetensors file holds. */
export interface Checkpoint {
  /** The tensors by name, as `loadStateDict` takes them; none of them requires gradients. */
  tensors: Record<string, Tensor>;
  /** The file's text by key; empty if it has none. */
  metadata: Record<string, string>;
}

/** Options of functions that read files asynchronously. */
export interface AbortOptions {
  /** Ends the call early; its promise then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** One call reads at most this much, so that an abort is seen soon and no system limit is met. */
const PIECE_BYTES = 1 << 24;

/**
 * Writes tensors to a safetensors file, replacing an existing one in one step: a crash at any moment
 * leaves the old file or the new one, never half of one. The same tensors and metadata give the same
 * bytes. All dtypes can be stored; views are stored as their own elements. The tensors are copied
 * before the call returns its promise, so they may change while the file is being written.
 *
 * An existing file keeps its permissions; where `file` is a symbolic link, the file behind it is
 * replaced. An abort or an error leaves the old file.
 *
 * @throws the file system's error; TensorError ERR_ARGUMENT for names the format can't hold and
 *   for a `file` that is not a regular file
 * @example
 * ```ts
 * await saveSafetensors('weights.safetensors', { w: tensor([1, 2]) });
 * (await loadSafetensors('weights.safetensors')).tensors.w; // => [1, 2]
 * ```
 */
export async function saveSafetensors(
  file: string,
  tensors: NamedTensors,
  options: SaveOptions & AbortOptions = {},
): Promise<void> {
  checkPath('saveSafetensors', 'the file', file);
  checkOptions('saveSafetensors', options, ['metadata', 'signal']);
  checkSignal('saveSafetensors', options.signal);
  const chunks = serializeSafetensors(toRaw('saveSafetensors', tensors, true), options.metadata);
  await writeFileAtomic(file, chunks, options.signal);
}

/**
 * {@link saveSafetensors}, synchronously.
 * @example
 * ```ts
 * saveSafetensorsSync('weights.safetensors', { w: tensor([1, 2]) });
 * loadSafetensorsSync('weights.safetensors').tensors.w; // => [1, 2]
 * ```
 */
export function saveSafetensorsSync(
  file: string,
  tensors: NamedTensors,
  options: SaveOptions = {},
): void {
  checkPath('saveSafetensorsSync', 'the file', file);
  checkOptions('saveSafetensorsSync', options, ['metadata']);
  const raw = toRaw('saveSafetensorsSync', tensors, false);
  writeFileAtomicSync(file, serializeSafetensors(raw, options.metadata));
}

/**
 * Reads all tensors of a safetensors file, checking every rule of the format.
 *
 * @throws the file system's error; TensorError ERR_FORMAT when the file is damaged or holds a dtype
 *   that this library doesn't have (I64, F16 and others)
 * @example
 * ```ts
 * await saveSafetensors('weights.safetensors', new nn.Linear(3, 2).stateDict());
 * const model = new nn.Linear(3, 2);
 * model.loadStateDict((await loadSafetensors('weights.safetensors')).tensors);
 * ```
 */
export async function loadSafetensors(
  file: string,
  options: AbortOptions = {},
): Promise<Checkpoint> {
  checkPath('loadSafetensors', 'the file', file);
  checkOptions('loadSafetensors', options, ['signal']);
  const { signal } = options;
  checkSignal('loadSafetensors', signal);
  signal?.throwIfAborted();
  const handle = await fs.promises.open(file, 'r');
  try {
    const plan = planLoad(file, await handle.stat());
    for (let step = plan.next(); ; step = plan.next()) {
      if (step.done) return step.value;
      const { buffer, position } = step.value;
      for (let done = 0; done < buffer.length; ) {
        signal?.throwIfAborted();
        const length = Math.min(buffer.length - done, PIECE_BYTES);
        const { bytesRead } = await handle.read(buffer, done, length, position + done);
        if (bytesRead === 0) throw endedEarly(file);
        done += bytesRead;
      }
    }
  } finally {
    await handle.close();
  }
}

/**
 * {@link loadSafetensors}, synchronously.
 * @example
 * ```ts
 * saveSafetensorsSync('weights.safetensors', { w: tensor([1, 2]) });
 * loadSafetensorsSync('weights.safetensors').tensors.w; // => [1, 2]
 * ```
 */
export function loadSafetensorsSync(file: string): Checkpoint {
  checkPath('loadSafetensorsSync', 'the file', file);
  const descriptor = fs.openSync(file, 'r');
  try {
    const plan = planLoad(file, fs.fstatSync(descriptor));
    for (let step = plan.next(); ; step = plan.next()) {
      if (step.done) return step.value;
      const { buffer, position } = step.value;
      for (let done = 0; done < buffer.length; ) {
        const length = Math.min(buffer.length - done, PIECE_BYTES);
        const bytesRead = fs.readSync(descriptor, buffer, done, length, position + done);
        if (bytesRead === 0) throw endedEarly(file);
        done += bytesRead;
      }
    }
  } finally {
    fs.closeSync(descriptor);
  }
}

/** A part of the file that is wanted: `buffer.length` bytes from `position` on. */
interface ReadRequest {
  buffer: Uint8Array;
  position: number;
}

/** Loads a file, leaving the reading to the caller, who fills each buffer before going on. */
function* planLoad(file: string, stats: fs.Stats): Generator<ReadRequest, Checkpoint, void> {
  if (!stats.isFile()) throw formatError(file, 'not a regular file');
  const { size } = stats;
  const first = new Uint8Array(Math.min(size, LENGTH_BYTES));
  yield { buffer: first, position: 0 };
  const text = new Uint8Array(parseHeaderLength(first, size, file));
  yield { buffer: text, position: LENGTH_BYTES };
  const start = LENGTH_BYTES + text.length;
  const header = parseHeader(text, size - start, file);
  // Without a prototype: every name is only a name, also constructor and __proto__.
  const tensors: Record<string, Tensor> = Object.create(null);
  for (const entry of header.entries) {
    const bytes = new Uint8Array(entry.end - entry.begin);
    yield { buffer: bytes, position: start + entry.begin };
    tensors[entry.name] = toTensor(entry, bytes, file);
  }
  return { tensors, metadata: header.metadata };
}

function endedEarly(file: string): TensorError {
  return formatError(file, 'the file became shorter while it was read');
}

function toTensor(entry: HeaderEntry, bytes: Uint8Array<ArrayBuffer>, file: string): Tensor {
  const { dtype, shape } = entry;
  if (shape.length > MAX_RANK) {
    const name = JSON.stringify(entry.name);
    throw formatError(
      file,
      `tensor ${name} has ${shape.length} dimensions; tensors have at most ${MAX_RANK}`,
    );
  }
  return fromTypedArray(toRawTensor(entry, bytes.buffer, file).data, shape, { dtype });
}

function toRaw(operation: string, tensors: NamedTensors, copy: boolean): Map<string, RawTensor> {
  if (typeof tensors !== 'object' || tensors === null || tensors instanceof Tensor) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] expected tensors by name, not ${describe(tensors)}`,
    );
  }
  const entries = tensors instanceof Map ? tensors.entries() : Object.entries(tensors);
  const raw = new Map<string, RawTensor>();
  for (const [name, tensor] of entries as Iterable<[string, unknown]>) {
    if (!(tensor instanceof Tensor)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${operation}] ${JSON.stringify(name)} is not a tensor but ${describe(tensor)}`,
      );
    }
    const { dtype, shape } = tensor;
    const { elements } = contiguous(tensor);
    raw.set(name, { dtype, shape, data: copy ? elements.slice() : elements });
  }
  return raw;
}
