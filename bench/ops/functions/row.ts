/** What the tables of functions in this folder are made of. */
import type { OpsInput } from '../../lib/cases.js';
import type { Operation } from '../operations.js';

/** A function, what it is measured on, and whether it has a gradient. */
export interface FunctionRow extends Operation {
  readonly inputs: readonly OpsInput[];
  /** `also`: forward, and both directions in a case of its own. `only`: not forward alone. */
  readonly gradient?: 'also' | 'only';
  readonly dtype?: 'float64';
}

type Ours = Operation['ours'];

/** A function without a gradient, or whose gradient is a copy of what stands in another row. */
export function forward(ours: Ours, torch: string, ...inputs: OpsInput[]): FunctionRow {
  return { ours, torch, inputs, expected: 'float64' };
}

/** A function that is measured forward, and forward and backward. */
export function graded(ours: Ours, torch: string, ...inputs: OpsInput[]): FunctionRow {
  return { ...forward(ours, torch, ...inputs), gradient: 'also' };
}

/** A function that serves training: measured forward and backward together. */
export function trained(ours: Ours, torch: string, ...inputs: OpsInput[]): FunctionRow {
  return { ...forward(ours, torch, ...inputs), gradient: 'only' };
}

/** The same in float64. */
export function inFloat64(row: FunctionRow): FunctionRow {
  return { ...row, dtype: 'float64' };
}

/** A function whose result is a view of an input, or the input itself. */
export function shared(ours: Ours, torch: string, ...inputs: OpsInput[]): FunctionRow {
  return { ...forward(ours, torch, ...inputs), shares: true };
}

/** A function that draws numbers, none of which is larger than `bound`. */
export function drawn(
  bound: number,
  ours: Ours,
  torch: string,
  ...inputs: OpsInput[]
): FunctionRow {
  return { ours, torch, inputs, expected: () => ({ value: 0, bound }) };
}

/** Uniform in [-1, 1). */
export const of = (...shape: number[]): OpsInput => ({ shape });
/** In (0, 1]. */
export const positive = (...shape: number[]): OpsInput => ({ shape, positive: true });
/** Whole numbers below a limit: int32, and int64 for PyTorch, whose indices have to be that. */
export const indices = (below: number, ...shape: number[]): OpsInput => ({ shape, below });
/** Whole numbers below 1000 of a type. */
export const whole = (as: NonNullable<OpsInput['as']>, ...shape: number[]): OpsInput => ({
  shape,
  below: as === 'bool' ? 2 : as === 'uint8' || as === 'int8' ? 100 : 1000,
  as,
});

/** 65,536 elements in a row, and in a square: 256 KB of float32, in the second-level cache. */
export const kLong = 65536;
export const vector = of(kLong);
export const square = of(256, 256);
