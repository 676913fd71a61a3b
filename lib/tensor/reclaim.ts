/**
 * Large storages that the garbage collector finds dead, without giving their memory to V8. The buffer
 * under each of them is held here, and the storage has a typed array of its own over it, the view. All
 * of the library refers to the view, so when that is dead nobody uses the memory, and the next storage
 * of the size gets a new view over it. V8 never frees such a buffer, so it doesn't count it as garbage
 * either: that made it collect the whole heap, 2 to 3 ms, for every 100 to 200 MB of results.
 *
 * Whoever hands out a buffer to the user calls `letGo` first: from then on it is V8's. Within the
 * library a part of a view that doesn't refer to it keeps it alive by `keepAlive`. Memory is handed out
 * again by `takeLarge` alone, so code that allocates nothing in between needs no care.
 */
import { collect, collectYoung, unwatch, watch } from '../native/weak.js';
import { type DType, infoOf, type StoredArray } from './dtype.js';
import { FreeLists } from './free_lists.js';

/** A buffer that is held, with room for `bytes` from the aligned place `start` on. */
interface Held {
  readonly buffer: ArrayBuffer;
  readonly start: number;
  readonly bytes: number;
  /** The slot of the view's weak reference; none while nobody has the memory. */
  slot: number;
}

/** Larger ones are left to V8: four would fill the free lists. */
const LARGEST_BYTES = 128 * 1024 * 1024;

/**
 * What is handed out before a collection of the young generation is brought about: as much as stays in
 * the caches together with what an operation reads, for 50 to 100 us. Measured with 8, 16 and 32 MB
 * (means in us, one thread): relu of 65,536 floats 8.0, 9.8, 15, of 2^20 119, 137, 196. Twice as much
 * when less than half of it was found dead, up to MOST_BUDGET, since then the program keeps what it makes.
 */
const BUDGET = 8 * 1024 * 1024;
const MOST_BUDGET = 512 * 1024 * 1024;

/**
 * V8 (of Node 20 and 22) collects the young generation when its array buffers have this many bytes: twice
 * the largest semi-space. A buffer of that size costs 10 us, since nobody touches it; one of twice the
 * size made V8 collect the whole heap at almost every second one (its limit for external memory).
 */
const FORCING_BYTES = 32 * 1024 * 1024;

/**
 * The stock is looked through when this many budgets were handed out, 128 MB: more than a round of a
 * program that works on tensors of many sizes.
 */
const BETWEEN_LOOKS = 16;

/**
 * Of a size that users mostly take out (as `data`), so many more than are found dead are too many: the
 * next LEFT_TO_V8 of the size are V8's from the start. Watching a buffer for nothing costs 1 us, and what
 * survives a collection before it is let go is V8's to find in the whole heap: a loop that reads 256 KB
 * in every turn took 28 us in the mean without any watching, 35 with it, and 33 so beside 36 without.
 */
const MOST_EXPOSED = 16;
const LEFT_TO_V8 = 256;

/** So often nothing may be collected before it is taken to be impossible: in Node 24, in other engines. */
const MOST_FAILURES = 3;

/** By the number of the slot; what isn't in use is undefined. */
const watched: (Held | undefined)[] = [];
const heldOf = new Map<ArrayBufferLike, Held>();
/** What nobody uses. */
const stock = new FreeLists<Held>();
/** By size: how many more were let go than found dead; negative, how many are left to V8 unseen. */
const exposed = new Map<number, number>();
let stockBytes = 0;
let enabled = true;

let dead = new Int32Array(64);
/** Under views that aren't known to be dead, and how many make it time for a collection. */
let watchedBytes = 0;
let limitBytes = BUDGET;
let budget = BUDGET;
let failures = 0;
/** Handed out since the stock was looked through. */
let handedOut = 0;

type HasRoom = (bytes: number) => boolean;

/** Bytes that were found dead and wait to be handed out again. */
export function reclaimedBytes(): number {
  return stockBytes;
}

/**
 * An array of `bytes` bytes over memory that comes back when the array is dead.
 * @param allocate a fresh array of that size, aligned
 * @param hasRoom whether so many bytes more may wait to be handed out again
 */
export function takeLarge(
  dtype: DType,
  bytes: number,
  allocate: (dtype: DType, bytes: number) => StoredArray,
  hasRoom: HasRoom,
): StoredArray {
  if (!enabled || bytes > LARGEST_BYTES || isLeft(bytes)) return allocate(dtype, bytes);
  const held = fromStock(bytes) ?? (findDead(hasRoom) ? fromStock(bytes) : undefined);
  handedOut += bytes;
  if (held !== undefined) {
    const info = infoOf(dtype);
    const array = new info.Array(held.buffer, held.start, bytes / info.bytes);
    hold(held, array);
    return array;
  }
  const array = allocate(dtype, bytes);
  const { buffer, byteOffset: start } = array;
  const fresh: Held = { buffer: buffer as ArrayBuffer, start, bytes, slot: -1 };
  heldOf.set(buffer, fresh);
  hold(fresh, array);
  return array;
}

/** Whether an allocation of this size is V8's. */
function isLeft(bytes: number): boolean {
  const count = exposed.get(bytes);
  if (count === undefined || count >= 0) return false;
  exposed.set(bytes, count + 1);
  return true;
}

function hold(held: Held, array: StoredArray): void {
  held.slot = watch(array);
  watched[held.slot] = held;
  watchedBytes += held.bytes;
}

function unhold(held: Held): void {
  watched[held.slot] = undefined;
  held.slot = -1;
  watchedBytes -= held.bytes;
}

function fromStock(bytes: number): Held | undefined {
  const held = stock.take(bytes);
  if (held === undefined) return undefined;
  stockBytes -= bytes;
  // Somebody transferred it, though it was never handed out as a buffer.
  if (held.buffer.byteLength === 0) {
    heldOf.delete(held.buffer);
    return fromStock(bytes);
  }
  return held;
}

/** Puts what is known to be dead into stock, after a collection if it is time for one. */
function findDead(hasRoom: HasRoom): boolean {
  let found = takeDead(hasRoom);
  if (watchedBytes >= limitBytes) {
    const before = watchedBytes;
    bringCollectionAbout();
    const bytes = takeDead(hasRoom);
    if (bytes < 0 && ++failures >= MOST_FAILURES) giveUp();
    else if (bytes >= 0) {
      failures = 0;
      const keeps = bytes < Math.min(budget, before) / 2;
      budget = keeps ? Math.min(2 * budget, MOST_BUDGET) : Math.max(budget / 2, BUDGET);
      found = Math.max(found, 0) + bytes;
    }
    limitBytes = watchedBytes + budget;
  } else if (found > 0) {
    // One that V8 started by itself may have come long before, so what it left isn't all in use.
    limitBytes = Math.min(limitBytes, watchedBytes + budget);
  }
  if (handedOut >= BETWEEN_LOOKS * budget) dropUnneeded();
  return found > 0;
}

/** Returns the bytes of what was found dead, or -1 when nothing was collected since the last time. */
function takeDead(hasRoom: HasRoom): number {
  if (dead.length < watched.length) dead = new Int32Array(2 * watched.length);
  const count = collect(dead);
  if (count < 0) return -1;
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    const slot = dead[i] as number;
    const held = watched[slot] as Held;
    unhold(held);
    bytes += held.bytes;
    const count = exposed.get(held.bytes);
    if (count !== undefined && count > 0) exposed.set(held.bytes, count - 1);
    if (hasRoom(held.bytes)) {
      stock.put(held.bytes, held);
      stockBytes += held.bytes;
    } else {
      heldOf.delete(held.buffer);
    }
  }
  return bytes;
}

/** Leaves what was not needed since the last time to V8. */
export function dropUnneeded(): void {
  stock.dropUnneeded(leaveToV8);
  handedOut = 0;
}

function leaveToV8({ buffer }: Held, bytes: number): void {
  heldOf.delete(buffer);
  stockBytes -= bytes;
}

/** V8 looks at the bytes of young array buffers when it makes the next one. */
function bringCollectionAbout(): void {
  try {
    collectYoung(Buffer.allocUnsafeSlow(FORCING_BYTES).buffer);
  } catch {
    // No memory for it: then V8 has collected everything.
  }
}

function giveUp(): void {
  enabled = false;
  for (const held of watched) if (held !== undefined) unwatch(held.slot);
  watched.length = 0;
  watchedBytes = 0;
  stock.dropAll(leaveToV8);
  heldOf.clear();
}

/** Leaves a buffer to V8, if it is one that is held: somebody has it. */
export function letGo(buffer: ArrayBufferLike): void {
  const bytes = release(buffer);
  if (bytes === 0) return;
  const count = (exposed.get(bytes) ?? 0) + 1;
  exposed.set(bytes, count < MOST_EXPOSED ? count : -LEFT_TO_V8);
}

/** Leaves a buffer to V8, if it is one that is held. Returns how many bytes of it were in use. */
export function release(buffer: ArrayBufferLike): number {
  const held = heldOf.get(buffer);
  if (held === undefined) return 0;
  heldOf.delete(buffer);
  if (held.slot < 0) return 0;
  unwatch(held.slot);
  unhold(held);
  return held.bytes;
}

const wholes = new WeakMap<StoredArray, StoredArray>();

/** Keeps a view as long as a part of it that was made by `subarray`, which refers to the buffer alone. */
export function keepAlive(view: StoredArray, part: StoredArray): void {
  if (heldOf.has(view.buffer)) wholes.set(part, view);
}

/** Leaves all memory to V8 that nobody uses, as far as that is known. */
export function dropReclaimed(): void {
  takeDead(() => false);
  stock.dropAll(leaveToV8);
  exposed.clear();
}
