/** The calls of the walk as test/fixtures/dtype_walk_<part>.json has them, with what PyTorch makes of them. */
import { readdirSync, readFileSync } from 'node:fs';
import type { DType, TensorErrorCode } from 'tilegrad';
import { type Difference, parts } from './index.js';

export type Stored = readonly [dtype: DType, shape: number[], data: (number | string)[]];
/** Places of tensors, or another answer. */
export type Result = readonly number[] | { readonly value: unknown };
export type Run =
  | readonly [dtypes: string, inputs: number[], refusal: string]
  | readonly [dtypes: string, inputs: number[], Result, gradients: (number | null)[] | null];

export interface Case {
  readonly fn: string;
  readonly args: readonly unknown[];
  readonly ulps: number;
  readonly of: 'element' | 'largest';
  readonly code: TensorErrorCode;
  readonly runs: readonly Run[];
}

export interface Part {
  readonly name: string;
  readonly cases: readonly Case[];
  readonly tensors: readonly Stored[];
}

const folder = new URL('../../fixtures/', import.meta.url);

export const walk: readonly Part[] = readdirSync(folder)
  .filter((file) => /^dtype_walk_.*\.json$/.test(file))
  .map((file) => ({
    name: file.slice('dtype_walk_'.length, -'.json'.length),
    ...(JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Omit<Part, 'name'>),
  }));

/** The difference that is said to be there. */
export function differenceOf(part: Part, { fn, args }: Case, run: Run): Difference | undefined {
  const refused = run.length === 3;
  const places = refused || 'value' in run[2] ? [] : run[2];
  const results = places.map((place) => part.tensors[place]![0]);
  const walked = { dtypes: run[0].split(' '), results, args };
  return parts[part.name]?.find(
    ({ kind, functions, when }) =>
      (kind === 'computes') === refused && functions.includes(fn) && (when?.(walked) ?? true),
  );
}

/** Whether the library takes what a call is made with. */
export function isTaken(part: Part, item: Case, run: Run): boolean {
  const kind = differenceOf(part, item, run)?.kind;
  return run.length === 3 ? kind === 'computes' : kind !== 'refuses';
}
