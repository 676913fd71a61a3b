/**
 * How `console.log(t)` shows a tensor: as PyTorch does (torch/_tensor_str.py), with the shape and the
 * dtype always behind the values.
 */
import { TensorError } from '../errors.js';
import { dtypes } from './dtype.js';
import { getElement } from './element.js';
import { printAsText } from './inspect.js';
import { checkOptions, describe, formatShape } from './shape.js';
import { Tensor } from './tensor.js';

/** Options of {@link setPrintOptions}. */
export interface PrintOptions {
  /** Options to start from: PyTorch's profiles. Default: those in use. */
  profile?: 'default' | 'short' | 'full';
  /** Digits after the decimal point. Default 4. */
  precision?: number;
  /** Tensors with more elements are shortened. Default 1000. */
  threshold?: number;
  /** How many items a shortened tensor shows at each end of a dimension. Default 3. */
  edgeItems?: number;
  /** Characters of a line, after which a row goes on in the next one. Default 80. */
  lineWidth?: number;
  /** Whether numbers have exponents; null: where magnitudes ask for it. Default null. */
  sciMode?: boolean | null;
}

type Settings = Required<Omit<PrintOptions, 'profile'>>;

/** PyTorch's defaults. */
const DEFAULTS: Settings = {
  precision: 4,
  threshold: 1000,
  edgeItems: 3,
  lineWidth: 80,
  sciMode: null,
};
const PROFILES: Readonly<Record<string, Settings>> = {
  default: DEFAULTS,
  short: { ...DEFAULTS, precision: 2, edgeItems: 2 },
  full: { ...DEFAULTS, threshold: Infinity },
};
const LEAST = { precision: 0, threshold: 0, edgeItems: 0, lineWidth: 1 } as const;
/** What Number.prototype.toFixed takes. */
const MOST_DIGITS = 100;

let current = DEFAULTS;

/**
 * Sets how tensors are shown as text; what isn't named stays. Returns the options that were in use,
 * which can be set again.
 * @throws TensorError ERR_ARGUMENT for unknown options and values out of range
 * @example
 * ```ts
 * const before = setPrintOptions({ precision: 2 });
 * tensor([0.125]).toString(); // => 'Tensor([0.13], shape=[1], float32)'
 * setPrintOptions(before);
 * ```
 */
export function setPrintOptions(options: PrintOptions): Settings {
  checkOptions('setPrintOptions', options, ['profile', ...Object.keys(DEFAULTS)]);
  const { profile, ...others } = options;
  const known = typeof profile === 'string' && Object.hasOwn(PROFILES, profile);
  if (profile !== undefined && !known) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[setPrintOptions] the profile is default, short or full, not ${describe(profile)}`,
    );
  }
  const wanted: Settings = { ...(profile ? (PROFILES[profile] as Settings) : current), ...others };
  for (const [name, least] of Object.entries(LEAST)) {
    const value = wanted[name as keyof typeof LEAST];
    const most = name === 'precision' ? MOST_DIGITS : Infinity;
    const whole = Number.isInteger(value) || (value === Infinity && most === Infinity);
    if (!whole || value < least || value > most) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[setPrintOptions] ${name} is a whole number >= ${least}, not ${describe(value)}`,
      );
    }
  }
  if (wanted.sciMode !== null && typeof wanted.sciMode !== 'boolean') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[setPrintOptions] sciMode is true, false or null, not ${describe(wanted.sciMode)}`,
    );
  }
  const before = current;
  current = wanted;
  return before;
}

/** Where fixed numbers get too long, lose their digits, or differ too much from each other. */
const MAX_FIXED = 1e8;
const MIN_FIXED = 1e-4;
const MAX_RATIO = 1000;

/** Indices of a dimension that are shown; null stands for the gap. */
function shownIndices(size: number, shorten: boolean): (number | null)[] {
  const { edgeItems } = current;
  const count = shorten && size > 2 * edgeItems ? edgeItems : size;
  const first = Array.from({ length: count }, (_, i): number | null => i);
  if (count === size) return first;
  return [...first, null, ...first.map((i) => size - count + (i as number))];
}

/** An element with all of its digits. */
const elementOf = (t: Tensor, at: number): number | bigint => getElement(t.array, at, t.dtype);

function collect(t: Tensor, shorten: boolean): (number | bigint)[] {
  const values: (number | bigint)[] = [];
  const walk = (dim: number, at: number): void => {
    if (dim === t.ndim) {
      values.push(elementOf(t, at));
      return;
    }
    for (const i of shownIndices(t.shape[dim] as number, shorten)) {
      if (i !== null) walk(dim + 1, at + i * (t.strides[dim] as number));
    }
  };
  walk(0, t.offset);
  return values;
}

/** With an exponent of at least two digits, so that columns line up. */
function scientific(value: number, digits: number): string {
  return value.toExponential(digits).replace(/e([+-])(\d)$/, 'e$10$2');
}

/** -0 as a number with its sign. */
function fixed(value: number, digits: number): string {
  return Object.is(value, -0) ? `-${(0).toFixed(digits)}` : value.toFixed(digits);
}

/** One format for all values, so that columns line up. */
function formatter(
  t: Tensor,
  values: readonly (number | bigint)[],
): (value: number | bigint) => string {
  if (t.dtype === 'bool') return (value) => (value !== 0 ? 'true' : 'false');
  if (!dtypes[t.dtype].floating) return String;
  const format = floatFormatter(values as readonly number[]);
  return (value) => format(value as number);
}

function floatFormatter(values: readonly number[]): (value: number) => string {
  const { precision, sciMode } = current;
  const whole = values.every((value) => !Number.isFinite(value) || Number.isInteger(value));
  let largest = 0;
  let smallest = Infinity;
  for (const value of values) {
    if (!Number.isFinite(value) || value === 0) continue;
    largest = Math.max(largest, Math.abs(value));
    smallest = Math.min(smallest, Math.abs(value));
  }
  const exponents =
    sciMode ??
    (largest / smallest > MAX_RATIO || largest > MAX_FIXED || (!whole && smallest < MIN_FIXED));
  return (value) => {
    if (Number.isNaN(value)) return 'nan';
    if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
    if (exponents) return scientific(value, precision);
    return whole ? `${fixed(value, 0)}.` : fixed(value, precision);
  };
}

/** A row of items, over as many lines as it takes. */
function row(items: readonly string[], width: number, indent: number): string {
  const perLine = Math.max(1, Math.floor((current.lineWidth - indent) / (width + 2)));
  const lines: string[] = [];
  for (let i = 0; i < items.length; i += perLine)
    lines.push(items.slice(i, i + perLine).join(', '));
  return `[${lines.join(`,\n${' '.repeat(indent + 1)}`)}]`;
}

/** Text with notes behind it, each in a new line when the last one is full. */
function withNotes(text: string, notes: readonly string[], indent: number): string {
  let length = text.length - text.lastIndexOf('\n') + 1;
  let result = text;
  for (const note of notes) {
    if (length + note.length + 2 > current.lineWidth) {
      result += `,\n${' '.repeat(indent)}${note}`;
      length = indent + note.length;
    } else {
      result += `, ${note}`;
      length += note.length + 2;
    }
  }
  return `${result})`;
}

/** The tensor as text: its values in brackets, then shape and dtype. */
function formatTensor(t: Tensor): string {
  if (t.storage.disposed) return `Tensor(disposed, shape=${formatShape(t.shape)}, ${t.dtype})`;
  if (!t.storage.isIntact) return `Tensor(memory gone, shape=${formatShape(t.shape)}, ${t.dtype})`;
  const shorten = t.numel > current.threshold;
  const values = collect(t, shorten);
  const format = formatter(t, values);
  const width = values.reduce<number>((most, value) => Math.max(most, format(value).length), 1);
  const start = 'Tensor(';

  const render = (dim: number, at: number): string => {
    if (dim === t.ndim) return format(elementOf(t, at)).padStart(t.ndim === 0 ? 0 : width);
    const inner = t.ndim - dim - 1; // dimensions inside this one: rows apart, blocks by a blank line
    const items = shownIndices(t.shape[dim] as number, shorten).map((i) => {
      if (i === null) return inner === 0 ? ' ...' : '...';
      return render(dim + 1, at + i * (t.strides[dim] as number));
    });
    const indent = start.length + dim;
    if (inner === 0) return row(items, width, indent);
    return `[${items.join(`,${'\n'.repeat(inner)}${' '.repeat(indent + 1)}`)}]`;
  };

  const notes = [`shape=${formatShape(t.shape)}`, t.dtype as string];
  if (t.node !== null) notes.push(`gradFn=${t.node.name}`);
  else if (t.leafRequiresGrad) notes.push('requiresGrad');
  return withNotes(`${start}${render(0, t.offset)}`, notes, start.length);
}

declare module './tensor.js' {
  interface Tensor {
    /** The values in brackets with shape and dtype; large tensors are shortened. See `setPrintOptions`. */
    toString(): string;
    /**
     * What `JSON.stringify` writes: the values as nested arrays. JSON has no NaN and no infinities:
     * they become null.
     */
    toJSON(): ReturnType<Tensor['toArray']>;
  }
}

Tensor.prototype.toString = function (this: Tensor) {
  return formatTensor(this);
};
Tensor.prototype.toJSON = function (this: Tensor) {
  return this.toArray();
};
printAsText(Tensor);
