/** How `console.log(t)` shows a tensor. */
import { inspect } from 'node:util';
import { dtypes } from './dtype.js';
import { formatShape } from './shape.js';
import { Tensor } from './tensor.js';

/** PyTorch's defaults: tensors with more elements are shortened to this many at each end of a dim. */
const THRESHOLD = 1000;
const EDGE_ITEMS = 3;

/** Digits after the decimal point, and the range of magnitudes shown without an exponent. */
const PRECISION = 4;
const MAX_FIXED = 1e8;
const MIN_FIXED = 1e-4;

/** Indices of a dimension that are shown; null stands for the gap. */
function shownIndices(size: number, shorten: boolean): (number | null)[] {
  const all = Array.from({ length: size }, (_, i) => i);
  if (!shorten || size <= 2 * EDGE_ITEMS) return all;
  return [...all.slice(0, EDGE_ITEMS), null, ...all.slice(size - EDGE_ITEMS)];
}

function collect(t: Tensor, shorten: boolean): number[] {
  const values: number[] = [];
  const walk = (dim: number, at: number): void => {
    if (dim === t.ndim) {
      values.push(t.elementAt(at));
      return;
    }
    for (const i of shownIndices(t.shape[dim] as number, shorten)) {
      if (i !== null) walk(dim + 1, at + i * (t.strides[dim] as number));
    }
  };
  walk(0, t.offset);
  return values;
}

/** One format for all values, so that columns line up. */
function formatter(t: Tensor, values: readonly number[]): (value: number) => string {
  if (t.dtype === 'bool') return (value) => (value !== 0 ? 'true' : 'false');
  if (!dtypes[t.dtype].floating) return String;
  const finite = values.filter((value) => Number.isFinite(value) && value !== 0).map(Math.abs);
  const special = (value: number, text: string) =>
    Number.isNaN(value) ? 'nan' : Number.isFinite(value) ? text : value > 0 ? 'inf' : '-inf';
  if (finite.every(Number.isInteger) && finite.every((value) => value < MAX_FIXED)) {
    return (value) => special(value, `${value}.`);
  }
  const largest = Math.max(...finite);
  const smallest = Math.min(...finite);
  if (largest >= MAX_FIXED || smallest < MIN_FIXED || largest / smallest > 1000 * MAX_FIXED) {
    return (value) => special(value, value.toExponential(PRECISION));
  }
  return (value) => special(value, value.toFixed(PRECISION));
}

/** The tensor as text: its values in brackets, then shape and dtype. */
export function formatTensor(t: Tensor): string {
  if (t.storage.disposed) return `Tensor(disposed, shape=${formatShape(t.shape)}, ${t.dtype})`;
  if (!t.storage.isIntact) return `Tensor(memory gone, shape=${formatShape(t.shape)}, ${t.dtype})`;
  const shorten = t.numel > THRESHOLD;
  const values = collect(t, shorten);
  const format = formatter(t, values);
  const width = values.reduce((most, value) => Math.max(most, format(value).length), 0);
  const indent = 'Tensor('.length;

  const render = (dim: number, at: number): string => {
    if (dim === t.ndim) return format(t.elementAt(at)).padStart(t.ndim === 0 ? 0 : width);
    const items = shownIndices(t.shape[dim] as number, shorten).map((i) =>
      i === null ? '...' : render(dim + 1, at + i * (t.strides[dim] as number)),
    );
    const inner = t.ndim - dim - 1; // dimensions inside this one: rows apart, blocks by a blank line
    const separator = inner === 0 ? ', ' : `,${'\n'.repeat(inner)}${' '.repeat(indent + dim + 1)}`;
    return `[${items.join(separator)}]`;
  };

  const notes = [`shape=${formatShape(t.shape)}`, t.dtype];
  if (t.node !== null) notes.push(`gradFn=${t.node.name}`);
  else if (t.leafRequiresGrad) notes.push('requiresGrad');
  return `Tensor(${render(0, t.offset)}, ${notes.join(', ')})`;
}

declare module './tensor.js' {
  interface Tensor {
    /** The values in brackets with shape and dtype; large tensors are shortened. */
    toString(): string;
  }
}

Tensor.prototype.toString = function (this: Tensor) {
  return formatTensor(this);
};
Object.defineProperty(Tensor.prototype, inspect.custom, {
  value(this: Tensor) {
    return formatTensor(this);
  },
});
