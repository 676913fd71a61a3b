/** Asking which typed arrays the garbage collector has found dead. */
import { loadBinding } from './binding.js';
import type { OperandArray } from './interface.js';

const native = loadBinding();
const list = native.newWeakList();

/** Takes a weak reference to an array. Returns the number of its slot. */
export function watch(array: OperandArray): number {
  return native.watch(list, array);
}

/** Frees the slot of an array that may still be alive. */
export function unwatch(slot: number): void {
  native.unwatch(list, slot);
}

/**
 * Frees the slots of dead arrays and writes their numbers to `dead`, as many as there is room for.
 * Returns how many, or -1 when nothing was collected since it last found all, which costs little.
 */
export function collect(dead: Int32Array): number {
  return native.collect(list, dead);
}

/**
 * Makes V8 collect its young generation if the array buffers there, of which this has to be one, have
 * the bytes for it. The buffer is detached.
 */
export function collectYoung(buffer: ArrayBuffer): void {
  native.collectYoung(buffer);
}
