/** Saving and loading what schedules keep. */
import { TensorError } from '../../errors.js';
import { scalar } from '../../ops/operand.js';
import { fromTypedArray } from '../../tensor/data.js';
import { dtypes } from '../../tensor/dtype.js';
import { describe } from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';
import { checkShape, checkTensor } from '../state_dict.js';

/** Tensors by name: `last_epoch`, `base_lrs`... */
export type SchedulerState = Record<string, Tensor>;

/** A number of a schedule's, or several: how it is read and set. */
export interface Slot {
  read(): number | readonly number[];
  /** How many numbers; without it `read` gives a single one. */
  readonly length?: number;
  /** Takes the numbers, as a list also where there is a single one. */
  write(values: readonly number[]): void;
}

export type Slots = Readonly<Record<string, Slot>>;

export function saveSlots(slots: Slots): SchedulerState {
  const state: SchedulerState = {};
  for (const [name, slot] of Object.entries(slots)) {
    const value = slot.read();
    state[name] =
      typeof value === 'number'
        ? scalar(value, 'float64')
        : fromTypedArray(Float64Array.from(value));
  }
  return state;
}

/** The numbers for a slot. */
function numbersOf(name: string, value: unknown, slot: Slot): number[] {
  checkTensor(name, value);
  checkShape(name, value, slot.length === undefined ? [] : [slot.length]);
  if (dtypes[value.dtype].floating && !dtypes[value.dtype].arithmetic) {
    throw new TensorError(
      'ERR_DTYPE',
      `[loadStateDict] ${name} is float64 or float32, not ${value.dtype}`,
    );
  }
  const numbers = Array.from(value.contiguous().data, Number);
  // A best metric may still be infinite.
  if (numbers.some(Number.isNaN)) {
    throw new TensorError('ERR_ARGUMENT', `[loadStateDict] ${name} is not a number`);
  }
  return numbers;
}

export function loadSlots(slots: Slots, state: Readonly<SchedulerState>): void {
  if (typeof state !== 'object' || state === null || state instanceof Tensor) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[loadStateDict] expected tensors by name, not ${describe(state)}`,
    );
  }
  const missing = Object.keys(slots).filter((name) => !Object.hasOwn(state, name));
  const unknown = Object.keys(state).filter((name) => !Object.hasOwn(slots, name));
  if (missing.length > 0 || unknown.length > 0) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[loadStateDict] missing: ${missing.join(', ') || 'nothing'}; unknown: ${unknown.join(', ') || 'nothing'}`,
    );
  }
  const values = Object.entries(slots).map(
    ([name, slot]) => [slot, numbersOf(name, state[name], slot)] as const,
  );
  for (const [slot, numbers] of values) slot.write(numbers);
}
