/** A tensor's elements, and when they were made and written to. */
import { TensorError } from '../errors.js';
import { memoryGone } from '../native/commands.js';
import type { DType, StoredArray } from './dtype.js';
import type { Scope, ScopeGraph } from './memory.js';
import { letGo } from './reclaim.js';

/** What happened when, across storages and nodes of the autograd graph. */
let now = 0;

/** The time of the last event. */
export function currentTime(): number {
  return now;
}

/** The next point in time. */
export function nextTime(): number {
  return ++now;
}

/** Who reads storages as they were at a time in the past: a gradient rule, as they were recorded. */
export interface PastReader {
  readonly name: string;
  /** The time that it looks back to. */
  readonly sequence: number;
  readonly inputs: readonly { readonly storage: Storage }[];
}

let pastReader: PastReader | null = null;

/**
 * Until the next call, reading a storage that was there at the reader's time and was written to since
 * is an error. Returns the reader before.
 */
export function readAsOf(reader: PastReader | null): PastReader | null {
  const before = pastReader;
  pastReader = reader;
  return before;
}

let inference = false;

/** Whether storages made from now on are marked as inference memory. Returns what was before. */
export function markAsInference(value: boolean): boolean {
  const before = inference;
  inference = value;
  return before;
}

/** A tensor's elements: `length` of them from `offset` on in `array`. Views share one storage. */
export class Storage {
  /** The open scope that will recycle this storage, or none. */
  scope: Scope | null = null;
  /** The graph that has to be freed before this storage is recycled, or none. */
  waitsFor: ScopeGraph | null = null;
  /** The time of the last write to existing elements; 0 for none. */
  private written = 0;
  /** What was made at this time or later isn't older than this storage. */
  private readonly born = now;
  /** Whether it was made in `inferenceMode`: no gradient rule may need its elements. */
  readonly inference: boolean = inference;
  /** Whether somebody outside may hold the elements, so that they can change without notice. */
  exposed: boolean;

  constructor(
    readonly dtype: DType,
    private memory: StoredArray | null,
    readonly offset: number,
    readonly length: number,
    /** Elements of its class that may be reused; 0 when the memory belongs to the user. */
    readonly capacity: number,
  ) {
    this.exposed = capacity === 0;
  }

  /**
   * The typed array that the elements lie in (it may hold other storages too).
   * @throws TensorError ERR_DISPOSED after `recycle`
   */
  get array(): StoredArray {
    if (this.memory === null) {
      throw new TensorError(
        'ERR_DISPOSED',
        'this tensor was disposed; its memory is gone (a tensor that was made in tidy() is disposed ' +
          'at its end, unless it is returned from there or given to keep())',
      );
    }
    if (pastReader !== null && this.written > pastReader.sequence) this.checkUnchanged(pastReader);
    return this.memory;
  }

  /**
   * Changes with every operation that writes to existing elements: copies made from them are stale.
   * Whatever writes says so by `version++`; the numbers are times, so that a gradient rule can tell
   * whether the write came after its operation.
   */
  get version(): number {
    return this.written;
  }

  set version(_: number) {
    this.written = nextTime();
  }

  /** Whether it was there before `last` and was written to after `first`. */
  changedSince(first: number, last: number): boolean {
    return this.written > first && this.born < last;
  }

  private checkUnchanged(reader: PastReader): void {
    if (!this.changedSince(reader.sequence, reader.sequence)) return;
    const { name, inputs } = reader;
    const index = inputs.findIndex(({ storage }) => storage === this);
    const which = index < 0 ? 'its result or a tensor that it keeps' : `its input ${index}`;
    throw new TensorError(
      'ERR_STATE',
      `[backward] one of the tensors that ${name} needs was changed in place after ${name} used it: ` +
        `${which} (version ${this.version}, expected at most ${reader.sequence}); ` +
        'change a clone() instead, or change it after backward',
    );
  }

  /** Says that somebody outside gets the elements: their memory is never handed out behind his back. */
  expose(): void {
    if (this.exposed) return;
    this.exposed = true;
    if (this.memory !== null) letGo(this.memory.buffer);
  }

  /**
   * For code in JavaScript that reads elements: native code finds out by itself.
   * @throws TensorError ERR_ARGUMENT when the user's memory was transferred or has become too small
   */
  checkIntact(operation: string): void {
    if (!this.isIntact) throw memoryGone(operation);
  }

  /** False when the elements lie in memory of the user's that was transferred or has shrunk. */
  get isIntact(): boolean {
    return this.offset + this.length <= this.array.length;
  }

  get disposed(): boolean {
    return this.memory === null;
  }

  /** Takes the memory away; the storage can't be used afterwards. */
  take(): StoredArray | null {
    const memory = this.memory;
    this.memory = null;
    return memory;
  }
}
