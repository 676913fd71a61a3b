import { TensorError } from '../errors.js';

/** Sizes of the dimensions, outermost first. [] is a scalar. */
export type Shape = readonly number[];

/** As many dimensions as the native side takes (kMaxRank in native/ops/command.h). */
export const MAX_RANK = 8;

/** How many elements a shape has. */
export function numel(shape: Shape): number {
  let count = 1;
  for (let d = 0; d < shape.length; d++) count *= shape[d] as number;
  return count;
}

// Nearly all small tensors are scalars and vectors, which share theirs.
const SCALAR_STRIDES: readonly number[] = [];
const VECTOR_STRIDES: readonly number[] = [1];

/** Row-major strides, in elements. An empty dimension counts as one, so that no stride is 0. */
export function contiguousStrides(shape: Shape): readonly number[] {
  if (shape.length < 2) return shape.length === 0 ? SCALAR_STRIDES : VECTOR_STRIDES;
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    strides[d] = stride;
    stride *= Math.max(1, shape[d] as number);
  }
  return strides;
}

/** Whether elements lie row-major without gaps. Strides of dimensions of size 1 don't matter. */
export function isContiguous(shape: Shape, strides: readonly number[]): boolean {
  let stride = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    const size = shape[d] as number;
    if (size !== 1) {
      if (size === 0) return true;
      if (strides[d] !== stride) return false;
      stride *= size;
    }
  }
  return true;
}

/**
 * Whether elements lie without gaps or overlaps, row-major in some order of the dimensions: the strides
 * from the smallest on are the products of the sizes before them. Windows that overlap fail it although
 * none of their strides is 0.
 */
export function isPermuted(shape: Shape, strides: readonly number[]): boolean {
  let next = 1;
  let left = 0;
  for (const size of shape) {
    if (size === 0) return true;
    if (size > 1) left++;
  }
  for (; left > 0; left--) {
    // No two dimensions have the same stride, since each one taken is longer than 1.
    const d = strides.findIndex((stride, i) => stride === next && (shape[i] as number) > 1);
    if (d < 0) return false;
    next *= shape[d] as number;
  }
  return true;
}

/**
 * Strides under which the same elements have another shape, or null when only a copy has it. The new
 * dimensions are laid out over the old ones from the last on; where the old ones don't follow each
 * other in memory, a new one has to begin.
 */
export function stridesAs(
  shape: Shape,
  strides: readonly number[],
  target: Shape,
): readonly number[] | null {
  if (isContiguous(shape, strides) || shape.includes(0)) return contiguousStrides(target);
  const result = new Array<number>(target.length);
  let to = target.length - 1;
  let d = shape.length - 1;
  while (d >= 0) {
    // Dimensions d and outwards that can be walked as one, with steps of `step`.
    const step = strides[d] as number;
    let count = shape[d--] as number;
    while (d >= 0 && (shape[d] === 1 || strides[d] === count * step)) count *= shape[d--] as number;
    let taken = 1;
    while (to >= 0 && (taken < count || target[to] === 1)) {
      result[to] = taken * step;
      taken *= target[to--] as number;
    }
    if (taken !== count) return null;
  }
  return result;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a.length !== b.length) return false;
  for (let d = 0; d < a.length; d++) if (a[d] !== b[d]) return false;
  return true;
}

/** The sizes of all dimensions but one. */
export function withoutDim(shape: Shape, dim: number): number[] {
  const rest = new Array<number>(shape.length - 1);
  for (let d = 0; d < rest.length; d++) rest[d] = shape[d < dim ? d : d + 1] as number;
  return rest;
}

/** `[2, 3]` as text for messages. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/**
 * Checks a shape given by the user and copies it.
 * @throws TensorError ERR_SHAPE unless it is a list of at most 8 whole numbers >= 0
 */
export function checkShape(operation: string, shape: unknown): number[] {
  if (!Array.isArray(shape) || !shape.every((n) => Number.isSafeInteger(n) && n >= 0)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] a shape is a list of whole numbers >= 0, not ${describe(shape)}`,
    );
  }
  if (shape.length > MAX_RANK) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] ${shape.length} dimensions; tensors have at most ${MAX_RANK}`,
    );
  }
  if (!Number.isSafeInteger(numel(shape))) {
    throw new TensorError('ERR_SHAPE', `[${operation}] shape ${formatShape(shape)} is too large`);
  }
  return [...shape];
}

/**
 * The dimension that `dim` means in a tensor of that rank; negative ones count from the end.
 * @throws TensorError ERR_INDEX when it is out of range
 */
export function normalizeDim(operation: string, dim: unknown, rank: number): number {
  if (!Number.isInteger(dim) || (dim as number) < -rank || (dim as number) >= rank) {
    const range = rank === 0 ? 'a scalar has no dimensions' : `it must be ${-rank} to ${rank - 1}`;
    throw new TensorError('ERR_INDEX', `[${operation}] dimension ${describe(dim)}: ${range}`);
  }
  return (dim as number) < 0 ? (dim as number) + rank : (dim as number);
}

/**
 * The shape that both broadcast to: aligned at the right, a size of 1 stretches (as in NumPy).
 * @throws TensorError ERR_SHAPE when a dimension fits neither way
 */
export function broadcastShapes(operation: string, a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  const shape = new Array<number>(rank);
  for (let d = 1; d <= rank; d++) {
    // Asked before it is read: an index below 0 is looked up as a name, which takes 100 ns.
    const m = d <= a.length ? (a[a.length - d] as number) : 1;
    const n = d <= b.length ? (b[b.length - d] as number) : 1;
    if (m !== n && m !== 1 && n !== 1) {
      throw new TensorError(
        'ERR_SHAPE',
        `[${operation}] shapes ${formatShape(a)} and ${formatShape(b)} do not fit: ${m} != ${n}`,
      );
    }
    shape[rank - d] = m === 1 ? n : m;
  }
  return shape;
}

/** Strides under which a tensor looks like `target`, which it broadcasts to: 0 where it stretches. */
export function broadcastStrides(
  shape: Shape,
  strides: readonly number[],
  target: Shape,
): number[] {
  const offset = target.length - shape.length;
  const result = new Array<number>(target.length);
  for (let d = 0; d < target.length; d++) {
    const from = d - offset;
    result[d] = from < 0 || shape[from] === 1 ? 0 : (strides[from] as number);
  }
  return result;
}

/** Whether this was a tensor until a structured clone took its class away. */
export function isLostTensor(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value?.constructor === Object &&
    ['storage', 'shape', 'strides', 'leafRequiresGrad'].every((name) => Object.hasOwn(value, name))
  );
}

/** A value as short text for messages: of arrays the first items, two levels deep. */
export function describe(value: unknown, depth = 0): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) {
    if (depth === 2) return '[...]';
    const items = value.slice(0, MAX_RANK).map((item) => describe(item, depth + 1));
    return `[${items.join(', ')}${value.length > MAX_RANK ? ', ...' : ''}]`;
  }
  if (typeof value === 'function') return 'a function';
  if (isLostTensor(value)) {
    return (
      'what postMessage or structuredClone makes of a tensor (send toMessage(tensor), and receive ' +
      'it with fromMessage)'
    );
  }
  if (typeof value === 'object' && value !== null) return value.constructor?.name ?? 'object';
  return String(value);
}

/**
 * Checks a number that the user gave.
 * @throws TensorError ERR_ARGUMENT unless it is a number >= low and < high
 */
export function checkNumber(
  operation: string,
  name: string,
  value: unknown,
  low = -Infinity,
  high = Infinity,
): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < low || value >= high) {
    const range = `${low > -Infinity ? ` >= ${low}` : ''}${high < Infinity ? ` and < ${high}` : ''}`;
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] ${name} must be a finite number${range}, not ${describe(value)}`,
    );
  }
  return value;
}

/**
 * Checks a count that the user gave.
 * @throws TensorError ERR_ARGUMENT unless it is a whole number >= least
 */
export function checkCount(operation: string, name: string, value: unknown, least = 1): number {
  if (Number.isSafeInteger(value) && (value as number) >= least) return value as number;
  throw new TensorError(
    'ERR_ARGUMENT',
    `[${operation}] ${name} is a whole number >= ${least}, not ${describe(value)}`,
  );
}

/**
 * Checks an option that the user switched on or off. Left out it is `otherwise`, if there is one.
 * @throws TensorError ERR_ARGUMENT unless it is true or false
 */
export function checkFlag(
  operation: string,
  name: string,
  value: unknown,
  otherwise?: boolean,
): boolean {
  if (typeof value === 'boolean') return value;
  if (value === undefined && otherwise !== undefined) return otherwise;
  throw new TensorError(
    'ERR_ARGUMENT',
    `[${operation}] ${name} is true or false, not ${describe(value)}`,
  );
}

/** @throws TensorError ERR_ARGUMENT unless it is text: Node would take a number for an open file */
export function checkPath(operation: string, what: string, value: unknown): void {
  if (typeof value === 'string') return;
  throw new TensorError(
    'ERR_ARGUMENT',
    `[${operation}] ${what} must be a path, not ${describe(value)}`,
  );
}

/** @throws TensorError ERR_ARGUMENT unless it is a signal to abort, or none */
export function checkSignal(operation: string, signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw new TensorError(
    'ERR_ARGUMENT',
    `[${operation}] signal must be an AbortSignal, not ${describe(signal)}`,
  );
}

/**
 * Rejects options that an operation doesn't know, so that a misspelt one is noticed.
 * @throws TensorError ERR_ARGUMENT naming the unknown option and the known ones
 */
export function checkOptions(operation: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] options must be an object, not ${describe(options)}`,
    );
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${operation}] unknown option ${JSON.stringify(key)}; known are ${known.join(', ')}`,
      );
    }
  }
}
