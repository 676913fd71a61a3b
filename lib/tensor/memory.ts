/**
 * Where tensors' elements live. JavaScript owns all of it: storages are parts of ordinary typed
 * arrays, so the garbage collector frees them and nothing has to be disposed. On top of that,
 * memory that is known to be dead (gradients inside a backward pass, disposed tensors) is kept in
 * free lists and handed out again, which saves clearing and page faults. Large storages that the
 * collector finds dead come back too (reclaim.ts).
 */
import { TensorError } from '../errors.js';
import { misalignment } from '../native/commands.js';
import { type DType, dtypes, infoOf, type StoredArray } from './dtype.js';
import { FreeLists } from './free_lists.js';
import { dropReclaimed, dropUnneeded, reclaimedBytes, release, takeLarge } from './reclaim.js';
import { Storage } from './storage.js';

/** Storages start at multiples of this: a cache line, and one AVX-512 register. */
export const ALIGNMENT = 64;

/**
 * Storages of up to `storage` bytes are cut from slabs of `slab` bytes, at least 16 from one. A fresh
 * buffer of any of these sizes costs 0.7 to 1 microseconds, three times an operation on ten elements. A
 * tensor that outlives its neighbours keeps its slab alive and no more; the smallest, such as losses,
 * are the likeliest to be kept, so they have the smaller slabs to themselves.
 */
const SLABS = [
  { storage: 4096, slab: 65536 },
  { storage: 16384, slab: 262144 },
] as const;
const LARGEST_IN_SLAB = SLABS[1].storage;

/**
 * At most this much waits to be handed out again, then memory goes back to the collector. When as much
 * was turned away, what wasn't needed meanwhile makes room: a transformer's training step of 28 ms took
 * 38 after three other networks, whose sizes filled the lists for good.
 */
const POOL_LIMIT_BYTES = 512 * 1024 * 1024;

/**
 * What was allocated since `enterScope` and belongs to nobody else yet. Scopes nest; a storage is of
 * the innermost one at first. It names its scope only while that is open.
 */
export interface Scope {
  readonly outer: Scope | null;
  readonly storages: Storage[];
  /** What is recorded in it, for a scope whose memory may have to wait for that. */
  readonly graph: ScopeGraph | null;
}

/**
 * The nodes that are recorded in a scope. Their rules may hold any storage of the scope, so one that is
 * no result of it waits until all of them have been freed, and is recycled then. Nothing refers to this
 * but the nodes and the storages: if they are never freed, the collector takes all together.
 */
export interface ScopeGraph {
  readonly outer: ScopeGraph | null;
  /** Nodes that aren't freed, graphs of scopes inside that have any, and one while the scope is open. */
  users: number;
  /** What waits. */
  readonly waiting: Storage[];
}

interface Block {
  readonly array: StoredArray;
  readonly offset: number;
}

interface Slab {
  array: StoredArray;
  used: number; // elements
}

/** The slabs in use, one for each line of SLABS, and blocks that were given back. */
type Arena = { slabs: (Slab | undefined)[]; free: FreeLists<Block> };

/** By the dtype's index. */
const arenas = Object.keys(dtypes).map((): Arena => ({ slabs: [], free: new FreeLists() }));

let pooledBytes = 0;
/** For which there was no room since the free lists were looked through. */
let turnedAwayBytes = 0;
let keepEverything = false;
let openScope: Scope | null = null;

/** An array of `bytes` bytes, its first element aligned. The content is arbitrary. */
export function alignedArray(dtype: DType, bytes: number): StoredArray {
  const info = infoOf(dtype);
  // Not cleared: clearing costs more than many operations, and whoever needs zeros fills them in.
  const buffer = Buffer.allocUnsafeSlow(bytes + ALIGNMENT).buffer;
  const shift = (ALIGNMENT - misalignment(new Uint8Array(buffer))) % ALIGNMENT;
  return new info.Array(buffer, shift, bytes / info.bytes);
}

/** Sizes that storages are rounded up to: multiples of 64 bytes, above 1 KB four sizes per octave. */
function classBytes(bytes: number): number {
  const lines = Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);
  if (lines <= 1024) return lines;
  // Whole numbers of 32 bits: a logarithm and a power took 90 ns, a third of a small operation.
  const step =
    lines <= 2 ** 30
      ? 1 << (29 - Math.clz32(lines - 1))
      : 2 ** (Math.floor(Math.log2(lines - 1)) - 2);
  return Math.ceil(lines / step) * step;
}

/**
 * Memory for `length` elements, aligned to 64 bytes, with arbitrary content.
 * @throws TensorError ERR_ARGUMENT when the system has no memory of that size
 */
export function allocate(dtype: DType, length: number): Storage {
  const { bytes: elementBytes, index } = infoOf(dtype);
  const arena = arenas[index] as Arena;
  const bytes = classBytes(length * elementBytes);
  const capacity = bytes / elementBytes;
  let storage: Storage;
  const block = arena.free.take(bytes);
  if (block !== undefined) {
    pooledBytes -= bytes;
    storage = new Storage(dtype, block.array, block.offset, length, capacity);
  } else if (bytes <= LARGEST_IN_SLAB) {
    const size = bytes <= SLABS[0].storage ? 0 : 1;
    let slab = arena.slabs[size];
    if (slab === undefined || slab.used + capacity > slab.array.length) {
      slab = { array: alignedArray(dtype, SLABS[size].slab), used: 0 };
      arena.slabs[size] = slab;
    }
    storage = new Storage(dtype, slab.array, slab.used, length, capacity);
    slab.used += capacity;
  } else {
    storage = new Storage(dtype, largeArray(dtype, bytes, length), 0, length, capacity);
  }
  if (openScope !== null) {
    storage.scope = openScope;
    openScope.storages.push(storage);
  }
  return storage;
}

function largeArray(dtype: DType, bytes: number, length: number): StoredArray {
  const take = () => takeLarge(dtype, bytes, alignedArray, hasRoom);
  try {
    return take();
  } catch {
    emptyCache(); // V8 frees what it can before it fails, but not what waits here
  }
  try {
    return take();
  } catch (cause) {
    throw new TensorError('ERR_ARGUMENT', `no memory for ${length} elements of ${dtype}`, {
      cause,
    });
  }
}

/**
 * Zeros in a SharedArrayBuffer of their own, aligned to 64 bytes. Other threads may hold it, so that it
 * is never reused: it is treated as memory of the user's.
 * @throws TensorError ERR_ARGUMENT when the system has no memory of that size
 */
export function allocateShared(dtype: DType, length: number): Storage {
  const info = infoOf(dtype);
  let array: StoredArray;
  try {
    const buffer = new SharedArrayBuffer(length * info.bytes + ALIGNMENT);
    const shift = (ALIGNMENT - misalignment(new Uint8Array(buffer))) % ALIGNMENT;
    array = new info.Array(buffer as ArrayBufferLike as ArrayBuffer, shift, length);
  } catch (cause) {
    throw new TensorError('ERR_ARGUMENT', `no shared memory for ${length} elements of ${dtype}`, {
      cause,
    });
  }
  return adopt(dtype, array);
}

/** A storage over memory of the user's, which is never reused. */
export function adopt(dtype: DType, array: StoredArray): Storage {
  return new Storage(dtype, array, 0, array.length, 0);
}

/** Takes a storage that nothing will use again. Its memory is handed out again by `allocate`. */
export function recycle(storage: Storage): void {
  if (keepEverything) return;
  const array = storage.take();
  if (array === null || storage.capacity === 0) return;
  const { bytes: elementBytes, index } = infoOf(storage.dtype);
  const bytes = storage.capacity * elementBytes;
  if (!hasRoom(bytes)) return;
  (arenas[index] as Arena).free.put(bytes, { array, offset: storage.offset });
  pooledBytes += bytes;
}

/** Whether so much more may wait to be handed out again. */
function hasRoom(bytes: number): boolean {
  if (pooledBytes + reclaimedBytes() + bytes <= POOL_LIMIT_BYTES) return true;
  turnedAwayBytes += bytes;
  if (turnedAwayBytes < POOL_LIMIT_BYTES) return false;
  turnedAwayBytes = 0;
  for (const { free } of arenas) free.dropUnneeded(leaveToCollector);
  dropUnneeded();
  return pooledBytes + reclaimedBytes() + bytes <= POOL_LIMIT_BYTES;
}

function leaveToCollector({ array }: Block, bytes: number): void {
  release(array.buffer);
  pooledBytes -= bytes;
}

/** What is recorded now belongs to it. */
let openGraph: ScopeGraph | null = null;
/** How many `recycleAfter` run. */
let passes = 0;
/** Graphs that were freed in these; gradients on their way may still lie in their memory. */
const freedGraphs: ScopeGraph[] = [];

/**
 * Opens a scope: what is allocated from now on belongs to it until `leaveScope`.
 * @param withGraph whether it shall know what is recorded in it
 */
export function enterScope(withGraph = false): Scope {
  let graph: ScopeGraph | null = null;
  if (withGraph) {
    graph = { outer: openGraph, users: 1, waiting: [] };
    if (openGraph !== null) openGraph.users++;
    openGraph = graph;
  }
  openScope = { outer: openScope, storages: [], graph };
  return openScope;
}

/**
 * Closes the innermost scope and recycles what it has. `kept` go to the scope around it. Elements that
 * somebody outside holds as a typed array are not reused: the collector knows when they are free.
 * @param waits whether the rest waits for the scope's graph; it belongs to the scope around it meanwhile
 */
export function leaveScope(
  scope: Scope,
  kept: ReadonlySet<Storage> | 'all' = NOTHING,
  waits = false,
): void {
  openScope = scope.outer;
  const { graph } = scope;
  if (graph !== null) openGraph = graph.outer;
  for (const storage of scope.storages) {
    if (storage.scope !== scope) continue;
    if (kept === 'all' || kept.has(storage)) give(storage, scope.outer);
    else if (waits && graph !== null) {
      give(storage, scope.outer);
      storage.waitsFor = graph;
      graph.waiting.push(storage);
    } else recycleUnlessExposed(storage);
  }
  if (graph !== null) leaveGraph(graph);
}

const NOTHING: ReadonlySet<Storage> = new Set();

function recycleUnlessExposed(storage: Storage): void {
  storage.scope = null;
  if (storage.exposed && !keepEverything) storage.take();
  else recycle(storage);
}

function give(storage: Storage, scope: Scope | null): void {
  storage.scope = scope;
  scope?.storages.push(storage);
}

/** The graph that a node belongs to that is recorded now; `leaveGraph` when the node is freed. */
export function joinGraph(): ScopeGraph | null {
  if (openGraph !== null) openGraph.users++;
  return openGraph;
}

/** One user less. After the last one what waits is recycled, at the end of the pass if one runs. */
export function leaveGraph(graph: ScopeGraph): void {
  graph.users--;
  if (graph.users > 0) return;
  if (passes > 0) freedGraphs.push(graph);
  else recycleWaiting(graph);
  if (graph.outer !== null) leaveGraph(graph.outer);
}

function recycleWaiting(graph: ScopeGraph): void {
  for (const storage of graph.waiting) {
    if (storage.waitsFor === graph) recycleUnlessExposed(storage);
  }
}

/** Leaves what waits for a graph to the collector, since another graph grows out of it. */
export function abandonGraph(graph: ScopeGraph): void {
  for (let g: ScopeGraph | null = graph; g !== null; g = g.outer) {
    g.users = Number.POSITIVE_INFINITY;
  }
}

/**
 * Runs fn, then recycles every storage allocated in it that didn't `letEscape`. Only for code that
 * knows where all of its tensors go, such as a backward pass.
 */
export function recycleAfter<R>(fn: () => R): R {
  const scope = enterScope();
  passes++;
  try {
    return fn();
  } finally {
    leaveScope(scope);
    passes--;
    if (passes === 0) for (const graph of freedGraphs.splice(0)) recycleWaiting(graph);
  }
}

/** Runs fn without a scope: for memory that lives as long as what it belongs to, such as an optimizer. */
export function outsideScope<R>(fn: () => R): R {
  const before = openScope;
  openScope = null;
  try {
    return fn();
  } finally {
    openScope = before;
  }
}

/** Runs fn in the scope around an open one. */
export function inScopeAround<R>(scope: Scope, fn: () => R): R {
  const before = openScope;
  openScope = scope.outer;
  try {
    return fn();
  } finally {
    openScope = before;
  }
}

/** Whether this is the innermost open scope. */
export function isInnermost(scope: Scope): boolean {
  return openScope === scope;
}

/** Whether the storage belongs to the innermost open scope. */
export function ownedByScope(storage: Storage): boolean {
  return openScope !== null && storage.scope === openScope;
}

/** Hands a storage of the innermost scope to the one around it: it is a result of what runs there. */
export function letEscape(storage: Storage): void {
  if (ownedByScope(storage)) give(storage, (openScope as Scope).outer);
}

/** Lets a storage of the innermost scope live as long as its owner, but beyond this scope. */
export function escapeWith(storage: Storage, owner: Storage): void {
  if (!ownedByScope(storage)) return;
  give(storage, ownedByScope(owner) ? (openScope as Scope).outer : owner.scope);
}

/** Lets a storage live as long as its owner: in the owner's scope, if it has one. */
export function liveWith(storage: Storage, owner: Storage): void {
  if (storage.scope !== null && storage.scope !== owner.scope) give(storage, owner.scope);
}

/** Takes a storage out of all scopes. */
export function keepStorage(storage: Storage): void {
  storage.scope = null;
  storage.waitsFor = null;
}

/** Takes everything out of all scopes that was allocated in them so far. */
export function keepAllStorages(): void {
  for (let scope = openScope; scope !== null; scope = scope.outer) {
    for (const storage of scope.storages) if (storage.scope === scope) storage.scope = null;
    scope.storages.length = 0;
  }
}

/**
 * Runs fn without reusing memory that it gives back. A recorded program goes on using the memory of
 * its commands, so nobody else may get it.
 */
export function withoutRecycling<R>(fn: () => R): R {
  const before = keepEverything;
  keepEverything = true;
  try {
    return fn();
  } finally {
    keepEverything = before;
  }
}

/** What `memory` tells, in bytes, about the thread that it is called in. */
export interface MemoryInfo {
  /**
   * In array buffers that are not in the pool: of tensors in use, and of those that nobody uses but
   * the garbage collector hasn't found yet. Buffers that are not tensors' count as well: Node knows
   * them only together (`process.memoryUsage().arrayBuffers`).
   */
  readonly liveBytes: number;
  /**
   * Kept to be handed out again: given back by `dispose`, `tidy` and backward passes, or (of tensors
   * above 16 KB) found dead by the garbage collector.
   */
  readonly pooledBytes: number;
}

/**
 * How much memory tensors of this thread take. There is no number of tensors: knowing it would cost
 * every small operation as much as the operation itself, since the garbage collector owns them. Not
 * even slabs are counted: the weak references that a collection of the young generation clears are
 * native ones, and a slab that a FinalizationRegistry or a WeakRef knows waits for the collection of
 * the whole heap.
 * @example
 * ```ts
 * emptyCache();
 * ones([1000]).dispose();
 * memory().pooledBytes; // => 4096
 * ```
 */
export function memory(): MemoryInfo {
  const { arrayBuffers } = process.memoryUsage();
  const waiting = pooledBytes + reclaimedBytes();
  return { liveBytes: Math.max(0, arrayBuffers - waiting), pooledBytes: waiting };
}

/**
 * Gives the memory that waits to be handed out again (`memory().pooledBytes`) to the garbage
 * collector, as torch.cuda.empty_cache. Never needed for correctness; it makes the next allocations
 * slower.
 * @example
 * ```ts
 * ones([1000]).dispose();
 * emptyCache();
 * memory().pooledBytes; // => 0
 * ```
 */
export function emptyCache(): void {
  for (const { free } of arenas) free.dropAll(leaveToCollector);
  dropReclaimed();
}
