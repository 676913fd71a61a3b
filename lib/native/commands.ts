/**
 * Calls into the table of operations. Operands go as typed arrays, everything else through the
 * parameter block: first an element offset for each operand, then the row's numbers, then (for rows
 * over N dimensions) rank, shape and the strides of each operand. The native side checks all of it
 * against the arrays' lengths, so a wrong call is an error and never a wrong access.
 */
import { TensorError, type TensorErrorCode } from '../errors.js';
import { loadBinding } from './binding.js';
import type { NativeBinding, NativeProgram, OperandArray, Row, RowName } from './interface.js';

const native: NativeBinding = loadBinding();

/** As many numbers as the longest call takes: kMaxParams in native/addon/trampoline.h. */
const PARAMETER_COUNT = 116;

/**
 * The parameter block. A SharedArrayBuffer can't be detached, so the native side may keep the pointer.
 * Operations that are called most write their numbers themselves: a list that holds whole numbers in one
 * call and others in the next is converted at every call.
 */
export const params = native.attach(
  new Float64Array(new SharedArrayBuffer(PARAMETER_COUNT * Float64Array.BYTES_PER_ELEMENT)),
);

/** Where `params` says, for a call with fewer arrays than operands, which array each operand lies in. */
const WHICH = PARAMETER_COUNT - 2;
/** The first operand's part of that number is the lowest one; each can be up to ABSENT, for none. */
const WHICH_STEP = 16;
const ABSENT = WHICH_STEP - 1;

/** Where `params` says which row is called. */
const ROW = PARAMETER_COUNT - 1;

/** The table: `rows.exp`, `rows.gemm`... */
export const rows: Readonly<Record<RowName, Row>> = native.rows;

/** One function for all rows: V8 calls a function that it knows 30 ns faster than one of many. */
const callNative = native.call;

/** An operand: where its elements are. `strides` are in elements, as many as the shape has numbers. */
export interface Operand {
  readonly array: OperandArray;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** What the native side's errors are called here. */
const CODES = new Map<unknown, TensorErrorCode>([
  ['ERR_NATIVE_ARGUMENT', 'ERR_ARGUMENT'],
  ['ERR_NATIVE_INDEX', 'ERR_INDEX'],
  ['ERR_NATIVE_MEMORY', 'ERR_STATE'],
]);

/** The error for a tensor over memory of the user's that isn't there any more. */
export function memoryGone(operation: string, cause?: unknown): TensorError {
  return new TensorError(
    'ERR_ARGUMENT',
    `[${operation}] the ArrayBuffer under a tensor was transferred or made smaller, and its elements ` +
      'are gone; tensor(array) copies where fromTypedArray(array) does not',
    { cause },
  );
}

/**
 * How the native side reports an operand that reaches out of its array, the operation in front. The
 * library's own arrays never shrink, so it is one of the user's.
 */
const TOO_SHORT = /^\[(\w+)\] .*(is empty or detached|reaches from|detached or has shrunk)/;

/** Reports an error of the native side as the library's own. */
function rethrow(error: unknown): never {
  const code = CODES.get((error as { code?: unknown }).code);
  const tooShort = code && TOO_SHORT.exec((error as Error).message);
  if (tooShort) throw memoryGone(tooShort[1] as string, error);
  if (code !== undefined) throw new TensorError(code, (error as Error).message, { cause: error });
  throw error;
}

/** Where an operand's elements begin. */
export type Place = Omit<Operand, 'strides'>;

/** The numbers of rows without any. */
const NONE: readonly number[] = [];

/** Writes a row's numbers and then n elements as one dimension; returns where the strides begin. */
function writeFlat(at: number, numbers: readonly number[], n: number): number {
  for (let i = 0; i < numbers.length; i++) params[at++] = numbers[i] as number;
  params[at] = 1;
  params[at + 1] = n;
  return at + 2;
}

/** y = f(x) over n contiguous elements each, with the row's numbers. */
export function runUnaryContiguous(
  row: Row,
  x: Place,
  y: Place,
  n: number,
  numbers: readonly number[] = NONE,
): void {
  params[0] = x.offset;
  params[1] = y.offset;
  const strides = writeFlat(2, numbers, n);
  params[strides] = 1;
  params[strides + 1] = 1;
  call2(row, x.array, y.array);
}

/**
 * Calls a row of two operands. Most small tensors lie in one slab, and what an array is takes the native
 * side 30 ns to ask: each one goes only once.
 */
function call2(row: Row, x: OperandArray, y: OperandArray): void {
  params[ROW] = row;
  try {
    if (x === y) {
      params[WHICH] = 0;
      callNative(x);
    } else callNative(x, y);
  } catch (error) {
    rethrow(error);
  }
}

/** The same with three, whose offsets and numbers are in `params`. */
export function call3(row: Row, a: OperandArray, b: OperandArray, y: OperandArray): void {
  params[ROW] = row;
  try {
    if (a !== b && b !== y && a !== y) {
      callNative(a, b, y);
      return;
    }
    const ofB = a === b ? 0 : 1;
    const ofY = a === y ? 0 : 1;
    params[WHICH] = (ofB + ofY * WHICH_STEP) * WHICH_STEP;
    if (ofB === 1) callNative(a, b);
    else if (ofY === 1) callNative(a, y);
    else callNative(a);
  } catch (error) {
    rethrow(error);
  }
}

/** y = f(a, b) over n contiguous elements; a step of 0 instead of 1 makes an operand a scalar. */
export function runBinaryContiguous(
  row: Row,
  a: Place,
  aStep: 0 | 1,
  b: Place,
  bStep: 0 | 1,
  y: Place,
  n: number,
  numbers: readonly number[] = NONE,
): void {
  params[0] = a.offset;
  params[1] = b.offset;
  params[2] = y.offset;
  const strides = writeFlat(3, numbers, n);
  params[strides] = aStep;
  params[strides + 1] = bStep;
  params[strides + 2] = 1;
  call3(row, a.array, b.array, y.array);
}

/** An operand with the shape that it has before it is stretched. */
interface Stretchable extends Operand {
  readonly shape: readonly number[];
}

/** Writes the strides under which an operand looks like the shape, which it broadcasts to. */
function writeStretched(at: number, t: Stretchable, rank: number): number {
  const missing = rank - t.shape.length;
  for (let d = 0; d < rank; d++) {
    const from = d - missing;
    const stretches = from < 0 || t.shape[from] === 1;
    params[at++] = stretches ? 0 : (t.strides[from] as number);
  }
  return at;
}

/** y = f(a, b), where both broadcast to y's shape. */
export function runBinaryBroadcast(
  row: Row,
  a: Stretchable,
  b: Stretchable,
  y: Stretchable,
  numbers: readonly number[] = NONE,
): void {
  const { shape } = y;
  const rank = shape.length;
  params[0] = a.offset;
  params[1] = b.offset;
  params[2] = y.offset;
  let at = 3;
  for (let i = 0; i < numbers.length; i++) params[at++] = numbers[i] as number;
  params[at++] = rank;
  for (let d = 0; d < rank; d++) params[at++] = shape[d] as number;
  at = writeStretched(at, a, rank);
  at = writeStretched(at, b, rank);
  writeStretched(at, y, rank);
  call3(row, a.array, b.array, y.array);
}

/** The same of three inputs that need no stretching, for rows that take a number besides or none. */
export function runTernaryContiguous(
  row: Row,
  inputs: readonly [Place, Place, Place],
  steps: readonly [number, number, number],
  y: Place,
  n: number,
  value: number | null,
): void {
  const [a, b, c] = inputs;
  params[0] = a.offset;
  params[1] = b.offset;
  params[2] = c.offset;
  params[3] = y.offset;
  let at = 4;
  if (value !== null) params[at++] = value;
  params[at++] = 1;
  params[at++] = n;
  params[at++] = steps[0];
  params[at++] = steps[1];
  params[at++] = steps[2];
  params[at++] = 1;
  call(row, [a.array, b.array, c.array, y.array]);
}

/** Calls a row whose offsets and numbers are in `params`; an operand may be absent. */
export function call(row: Row, arrays: readonly (OperandArray | null)[]): void {
  let first: OperandArray | null = null;
  let second: OperandArray | null = null;
  let third: OperandArray | null = null;
  let fourth: OperandArray | null = null;
  let fifth: OperandArray | null = null;
  let sixth: OperandArray | null = null;
  let count = 0;
  let which = 0;
  let step = 1;
  for (let k = 0; k < arrays.length; k++) {
    const array = arrays[k] as OperandArray | null;
    let index: number;
    if (array === null) index = ABSENT;
    else if (array === first) index = 0;
    else if (array === second) index = 1;
    else if (array === third) index = 2;
    else if (array === fourth) index = 3;
    else if (array === fifth) index = 4;
    else if (array === sixth) index = 5;
    else {
      index = count++;
      if (index === 0) first = array;
      else if (index === 1) second = array;
      else if (index === 2) third = array;
      else if (index === 3) fourth = array;
      else if (index === 4) fifth = array;
      else if (index === 5) sixth = array;
    }
    which += index * step;
    step *= WHICH_STEP;
  }
  params[ROW] = row;
  try {
    params[WHICH] = which;
    // Spreading a short list costs more than the call, hence the cases.
    if (count === 1) callNative(first);
    else if (count === 2) callNative(first, second);
    else if (count === 3) callNative(first, second, third);
    else if (count === 4) callNative(first, second, third, fourth);
    else if (count === 5) callNative(first, second, third, fourth, fifth);
    else if (count === 6) callNative(first, second, third, fourth, fifth, sixth);
    else callNative(...arrays);
  } catch (error) {
    rethrow(error);
  }
}

/** The same for operands that know where they are; the numbers behind the offsets are in `params`. */
export function callAt(row: Row, places: readonly (Place | null)[]): void {
  const arrays = new Array<OperandArray | null>(places.length);
  for (let k = 0; k < places.length; k++) {
    const place = places[k] as Place | null;
    params[k] = place === null ? 0 : place.offset;
    arrays[k] = place === null ? null : place.array;
  }
  call(row, arrays);
}

/** A row over N dimensions: `numbers` first, then the geometry. Strides of 0 broadcast or reduce. */
export function runGeometry(
  row: Row,
  shape: readonly number[],
  operands: readonly Operand[],
  numbers: readonly number[] = NONE,
): void {
  const rank = shape.length;
  const arrays = new Array<OperandArray>(operands.length);
  const strideStart = operands.length + numbers.length + 1 + rank;
  for (let k = 0; k < operands.length; k++) {
    const operand = operands[k] as Operand;
    arrays[k] = operand.array;
    params[k] = operand.offset;
    for (let d = 0; d < rank; d++)
      params[strideStart + k * rank + d] = operand.strides[d] as number;
  }
  let at = operands.length;
  for (let i = 0; i < numbers.length; i++) params[at++] = numbers[i] as number;
  params[at++] = rank;
  for (let d = 0; d < rank; d++) params[at++] = shape[d] as number;
  call(row, arrays);
}

/**
 * A reduction of x over the dimensions whose bits are set in `reduced`, to results that lie in
 * row-major order without gaps at each of the places `to` (null for one that isn't wanted). Numbers
 * of the row's own follow in `number`.
 */
export function runReduction(
  row: Row,
  x: Operand,
  shape: readonly number[],
  reduced: number,
  to: readonly (Place | null)[],
  number?: number,
): void {
  const rank = shape.length;
  const count = to.length + 1;
  params[0] = x.offset;
  for (let k = 1; k < count; k++) params[k] = to[k - 1]?.offset ?? 0;
  let at = count;
  const keptAt = at++;
  if (number !== undefined) params[at++] = number;
  params[at++] = rank;
  // Kept dimensions stand first in the geometry.
  const sizes = at;
  const strides = sizes + rank;
  let kept = 0;
  for (let d = 0; d < rank; d++) {
    if (((reduced >> d) & 1) === 1) continue;
    params[sizes + kept] = shape[d] as number;
    params[strides + kept++] = x.strides[d] as number;
  }
  for (let d = 0, i = kept; d < rank; d++) {
    if (((reduced >> d) & 1) === 0) continue;
    params[sizes + i] = shape[d] as number;
    params[strides + i++] = x.strides[d] as number;
  }
  params[keptAt] = kept;
  for (let k = 1; k < count; k++) {
    const begin = strides + k * rank;
    let stride = 1;
    for (let i = rank - 1; i >= 0; i--) {
      const has = i < kept && to[k - 1] !== null;
      params[begin + i] = has ? stride : 0;
      if (has) stride *= params[sizes + i] as number;
    }
  }
  if (count === 2) call2(row, x.array, (to[0] as Place).array);
  else call(row, [x.array, to[0]?.array ?? null, to[1]?.array ?? null]);
}

/** A reduction of n contiguous elements to one. */
export function runReductionContiguous(
  row: Row,
  x: Place,
  n: number,
  y: Place,
  number?: number,
): void {
  params[0] = x.offset;
  params[1] = y.offset;
  params[2] = 0;
  let at = 3;
  if (number !== undefined) params[at++] = number;
  params[at++] = 1;
  params[at++] = n;
  params[at++] = 1;
  params[at] = 0;
  call2(row, x.array, y.array);
}

/** A row without geometry: arrays with their offsets, then its numbers in the signature's order. */
export function runRow(
  row: Row,
  arrays: readonly (OperandArray | null)[],
  offsets: readonly number[],
  numbers: readonly number[],
): void {
  let at = 0;
  for (let i = 0; i < offsets.length; i++) params[at++] = offsets[i] as number;
  for (let i = 0; i < numbers.length; i++) params[at++] = numbers[i] as number;
  call(row, arrays);
}

/** The row's name at the beginning of an error. */
const ROW_NAME = /^\[\w+\]/;

/** `runRow` for a row that serves several functions: its errors name the one that was called. */
export function runRowFor(
  operation: string,
  row: Row,
  arrays: readonly (OperandArray | null)[],
  offsets: readonly number[],
  numbers: readonly number[],
): void {
  try {
    runRow(row, arrays, offsets, numbers);
  } catch (error) {
    if (!(error instanceof TensorError)) throw error;
    const text = error.message.replace(ROW_NAME, `[${operation}]`);
    throw new TensorError(error.code, text, { cause: error });
  }
}

/** Bytes from the last 64-byte boundary to the array's first element. */
export function misalignment(array: OperandArray): number {
  return native.misalignment(array);
}

let recordingNow = false;
let replayCount = 0;

/** Whether commands are being recorded: then nothing may depend on what memory holds now. */
export function isRecording(): boolean {
  return recordingNow;
}

/** How many programs were replayed so far. Each may have changed any tensor. */
export function replays(): number {
  return replayCount;
}

/** Runs fn and returns the program of all commands that ran in it. */
export function record(fn: () => void): NativeProgram {
  native.beginRecord();
  recordingNow = true;
  try {
    fn();
  } catch (error) {
    native.abandonRecord();
    throw error;
  } finally {
    recordingNow = false;
  }
  return native.endRecord();
}

/** Runs a program again, on the same arrays. */
export function replay(program: NativeProgram): void {
  replayCount++;
  try {
    native.replay(program);
  } catch (error) {
    rethrow(error);
  }
}
