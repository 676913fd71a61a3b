/**
 * What optimizers keep from step to step. A parameter's buffers lie one after the other, and those of
 * small parameters in one array, so that a single native call can step many parameters.
 */
import { copyInto } from '../ops/operand.js';
import { fillWith } from '../tensor/creation.js';
import { type DType, dtypes } from '../tensor/dtype.js';
import { allocate, outsideScope } from '../tensor/memory.js';
import { contiguousStrides } from '../tensor/shape.js';
import type { Storage } from '../tensor/storage.js';
import { Tensor } from '../tensor/tensor.js';
import { checkArithmetic, type ParameterGroup, type RowRule } from './group.js';

/** Numbers of a parameter's own that native steps read and advance: `ScalarSlot` in native/ops/optim/optimizer.h. */
export const SCALARS = 3;

/** Buffers start at cache lines. */
const LINE_BYTES = 64;

/**
 * State goes into one array up to this size, which is that of many slabs of lib/tensor/memory.ts:
 * parameters of one slab should rarely be parted. A parameter with more state has an array of its own.
 */
const ARENA_BYTES = 2 ** 20;

/** A parameter with its state. */
export interface Member {
  readonly parameter: Tensor;
  /** The parameter's memory and strides that the state is for: `to(dtype)` of a module gives it others. */
  readonly home: Storage;
  readonly strides: readonly number[];
  readonly group: ParameterGroup<RowRule>;
  /** Its place among all parameters. */
  readonly index: number;
  /** The numbers of its group's parameters, SCALARS each, and which of them are its own. */
  readonly scalars: Float64Array;
  readonly slot: number;
  readonly numel: number;
  /** Whether its elements fill one stretch of memory in some order, as native steps need it. */
  readonly isStretch: boolean;
  /** Which of the rule's buffers there are, as bits. */
  readonly kept: number;
  /** Elements from one buffer to the next. */
  readonly stride: number;
  /** Where the buffers are. Null until there is need of them: a frozen parameter has none. */
  storage: Storage | null;
  /** Index of the first buffer's first element in `storage.array`. */
  offset: number;
}

/** A buffer of a member's, with the parameter's shape, lying in memory as the parameter does. */
export function bufferOf(member: Member, position: number): Tensor {
  const { shape } = member.parameter;
  const strides = member.isStretch ? member.strides : contiguousStrides(shape);
  const offset = member.offset + position * member.stride;
  return new Tensor(member.storage as Storage, shape, strides, offset);
}

/** The names of a group's buffers, in the order in which they lie in memory. */
export function bufferNames(group: ParameterGroup<RowRule>): string[] {
  return group.rule.buffers.filter((name) => name !== null);
}

/** Gives the members memory: small ones together, as long as they fit. */
function place(members: readonly Member[], dtype: DType): void {
  const { bytes } = dtypes[dtype];
  const sizeOf = (member: Member): number => member.stride * bufferNames(member.group).length;
  const allocateFor = (list: readonly Member[]): void => {
    const size = list.reduce((sum, member) => sum + sizeOf(member), 0);
    const storage = outsideScope(() => allocate(dtype, size));
    let { offset } = storage;
    for (const member of list) {
      member.storage = storage;
      member.offset = offset;
      offset += sizeOf(member);
    }
  };
  let open: Member[] = [];
  let used = 0;
  for (const member of members) {
    const size = sizeOf(member) * bytes;
    if (size >= ARENA_BYTES) {
      allocateFor([member]);
      continue;
    }
    if (used + size > ARENA_BYTES) {
      allocateFor(open);
      [open, used] = [[], 0];
    }
    open.push(member);
    used += size;
  }
  if (open.length > 0) allocateFor(open);
}

/** Whether the elements fill one stretch of memory in some order. */
function isStretch(t: Tensor): boolean {
  return t.isContiguous || t.isDense;
}

/** Sets a member's state to what it is before the first step. */
export function reset(member: Member): void {
  const { scalars } = member;
  const { rule } = member.group;
  if (member.storage === null) return;
  for (const [position, name] of bufferNames(member.group).entries()) {
    fillWith(bufferOf(member, position), rule.initial?.[name] ?? 0);
  }
  const first = member.slot * SCALARS;
  scalars[first] = 0;
  for (const [k, [, initial]] of (rule.scalars ?? []).entries()) scalars[first + 1 + k] = initial;
}

/** What of a member follows from how its parameter lies in memory. */
function layoutOf(parameter: Tensor) {
  const { numel, dtype, storage: home, strides } = parameter;
  const line = LINE_BYTES / dtypes[dtype].bytes;
  const stride = Math.ceil(numel / line) * line;
  return { home, strides, numel, stride, isStretch: isStretch(parameter) };
}

/**
 * A group's parameters, before any step, with memory for the state of those that require gradients; the
 * first is number `first` of all.
 */
export function makeState(group: ParameterGroup<RowRule>, first: number): Member[] {
  const kept = group.rule.buffers.reduce((mask, name, k) => mask | (name === null ? 0 : 1 << k), 0);
  const scalars = new Float64Array(group.params.length * SCALARS);
  const members = group.params.map((parameter, slot): Member => {
    const common = { parameter, group, kept, ...layoutOf(parameter) };
    return { ...common, index: first + slot, scalars, slot, storage: null, offset: 0 };
  });
  for (const dtype of ['float32', 'float64'] as const) {
    const isOwn = ({ parameter }: Member): boolean =>
      parameter.leafRequiresGrad && parameter.dtype === dtype;
    place(members.filter(isOwn), dtype);
  }
  for (const member of members) reset(member);
  return members;
}

/** Whether a member can take a step as it is; otherwise {@link prepared} makes one that can. */
export function isPrepared({ storage, home, parameter }: Member): boolean {
  return storage !== null && parameter.storage === home;
}

/**
 * The member with memory for its state, which was frozen until now or whose parameter has new memory: then
 * the state is converted to its dtype.
 * @throws TensorError ERR_DTYPE for a parameter that isn't float32 or float64
 */
export function prepared(member: Member): Member {
  const { parameter, group } = member;
  checkArithmetic(parameter);
  const next: Member = { ...member, ...layoutOf(parameter), storage: null, offset: 0 };
  place([next], parameter.dtype);
  if (member.storage === null) {
    reset(next);
    return next;
  }
  for (const position of bufferNames(group).keys())
    copyInto(bufferOf(next, position), bufferOf(member, position));
  return next;
}
