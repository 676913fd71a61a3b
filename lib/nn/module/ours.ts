/**
 * Which code inside of a network is the library's own. A layer that is made of others gives back what
 * passes between them (`insideLayer`), but a layer of the user's may keep what it sees.
 */
import { outsideLayer } from '../../autograd/tidy.js';
import type { Module } from './module.js';

/** Prototypes of layers and functions that keep no tensor that goes in or comes out. */
const ours = new WeakSet<object>();

/** Notes layers' prototypes and functions as the library's own. */
export function addOurs(items: readonly object[]): void {
  for (const item of items) ours.add(item);
}

/** Whether a function is the library's own. */
export function isOurs(fn: object): boolean {
  return ours.has(fn);
}

/** The layer's result. A subclass of the user's is not ours, nor is an object with a `forward` of its own. */
export function callLayer<Inputs extends readonly unknown[], Output>(
  layer: Module<Inputs, Output>,
  ...inputs: Inputs
): Output {
  return ours.has(Object.getPrototypeOf(layer)) && !Object.hasOwn(layer, 'forward')
    ? layer.forward(...inputs)
    : outsideLayer(inputs, () => layer.forward(...inputs));
}

/** The result of a function that may be the user's. */
export function callFunction<Inputs extends readonly unknown[], R>(
  fn: (...inputs: Inputs) => R,
  ...inputs: Inputs
): R {
  return ours.has(fn) ? fn(...inputs) : outsideLayer(inputs, () => fn(...inputs));
}
