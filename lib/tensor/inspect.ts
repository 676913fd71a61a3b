import { inspect } from 'node:util';

/** Makes `console.log` print the instances of a class as their `toString` says. */
export function printAsText(type: { readonly prototype: { toString(): string } }): void {
  Object.defineProperty(type.prototype, inspect.custom, {
    value(this: { toString(): string }) {
      return this.toString();
    },
  });
}
