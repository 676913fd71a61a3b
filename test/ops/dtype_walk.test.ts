/**
 * Every public function at every dtype beside PyTorch: test/fixtures/dtype_walk_<part>.json has the calls
 * with what PyTorch gives, or that it refuses, and test/operations/dtype_walk/<part>.ts says where the
 * library differs, and why. A difference that isn't there (any more) fails as well.
 */
import * as tilegrad from 'tilegrad';
import { type DType, Tensor, TensorError, type TensorErrorCode, tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { type Difference, parts, withoutWalk } from '../operations/dtype_walk/index.js';
import {
  type Case,
  differenceOf,
  type Part,
  type Run,
  type Stored,
  walk,
} from '../operations/dtype_walk/stored.js';

const epsilon: Partial<Record<DType, number>> = {
  float32: 2 ** -23,
  float64: 2 ** -52,
  bfloat16: 2 ** -7,
  float16: 2 ** -10,
};
/** The smallest number with full precision. */
const smallestNormal: Partial<Record<DType, number>> = {
  float32: 2 ** -126,
  float64: 2 ** -1022,
  bfloat16: 2 ** -126,
  float16: 2 ** -14,
};

function make([dtype, shape, data]: Stored): Tensor {
  const flat =
    dtype === 'int64'
      ? tensor(BigInt64Array.from(data.map(BigInt)))
      : tensor(Float64Array.from(data.map(Number))).to(dtype);
  return flat.reshape(shape);
}

/** The elements exactly, in row-major order. */
const elements = (t: Tensor): (number | bigint)[] =>
  t.dtype === 'int64'
    ? Array.from(t.contiguous().elements as BigInt64Array)
    : [...t.detach().to('float64').contiguous().data];

/** How inputs lie in memory: the values are to be the same. */
const layouts: Record<string, (t: Tensor) => Tensor> = {
  contiguous: (t) => t,
  'every second element': (t) =>
    tilegrad.stack([t, t.flatten().flip(0).reshape(t.shape)], -1).select(-1, 0),
};

/** The arguments of a call: tensors in place of '$0', '$1'..., and the floats that JSON lacks. */
function filled(value: unknown, inputs: readonly Tensor[]): unknown {
  if (Array.isArray(value)) return value.map((item) => filled(item, inputs));
  if (typeof value === 'string') {
    if (/^\$\d+$/.test(value)) return inputs[Number(value.slice(1))];
    return /^(NaN|-?Infinity)$/.test(value) ? Number(value) : value;
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, filled(v, inputs)]));
  }
  return value;
}

/** A function of the library by its name and place: linalg.solve. */
function functionOf(name: string): (...args: unknown[]) => unknown {
  const found = name
    .split('.')
    .reduce((place, key) => (place as Record<string, unknown>)[key], tilegrad as unknown);
  if (typeof found !== 'function') throw new Error(`there is no function ${name}`);
  return found as (...args: unknown[]) => unknown;
}

/** The tensors of a result: one, a list, or those of an object in the order of its keys. */
function tensorsOf(result: unknown): Tensor[] | null {
  if (result instanceof Tensor) return [result];
  if (typeof result !== 'object' || result === null) return null;
  return Object.values(result).filter((value) => value instanceof Tensor);
}

/** What an output is weighted by before the sum is differentiated: see `weights` in dtype_walk.py. */
function weightsOf(y: Tensor): Tensor {
  const values = Float64Array.from({ length: y.numel }, (_, i) => (((i * 5) % 13) - 6.5) / 8);
  return tensor(values).to(y.dtype).reshape(y.shape);
}

/** The largest finite size among numbers. */
const largest = (lists: readonly (readonly (number | bigint)[])[]): number =>
  lists.flat().reduce<number>((most, v) => {
    const size = Math.abs(Number(v));
    return Number.isFinite(size) ? Math.max(most, size) : most;
  }, 0);

/** How `actual` differs from what is stored, or null. `sizes` are numbers that errors may be as large as. */
function differs(
  actual: Tensor,
  wanted: Stored,
  ulps: number,
  sizes: readonly number[],
): string | null {
  const expected = make(wanted);
  const label = (t: Tensor) => `${t.dtype} [${t.shape}]`;
  if (label(actual) !== label(expected)) return `is ${label(actual)}, not ${label(expected)}`;
  const [got, want] = [elements(actual), elements(expected)];
  const unit = (epsilon[actual.dtype] ?? 0) * ulps;
  const least = smallestNormal[actual.dtype] ?? 0;
  const isOff = (value: number | bigint, i: number) => {
    const to = want[i]!;
    if (Object.is(value, to)) return false;
    if (unit === 0 || typeof value === 'bigint' || typeof to === 'bigint') return true;
    return !(
      value === to || Math.abs(value - to) <= unit * Math.max(Math.abs(to), least, ...sizes)
    );
  };
  return got.some(isOff) ? `is [${got}], not [${want}]` : null;
}

/**
 * A stored gradient with ours where the input is NaN: there PyTorch's is NaN, 0 or the output's gradient,
 * as its vectors and its scalars happen to compare.
 */
function besideNaN([dtype, shape, data]: Stored, input: readonly unknown[], ours: Tensor): Stored {
  const own = elements(ours);
  return [dtype, shape, data.map((v, i) => (Number.isNaN(input[i]) ? Number(own[i]) : v))];
}

/** What came of a call. */
type Outcome =
  | { readonly kind: 'agrees' }
  | { readonly kind: 'refuses' | 'computes' | 'dtype' | 'values'; readonly text: string };

/** Calls the function with inputs in that layout, and compares. */
function outcomeOf(
  part: Part,
  { fn, args, ulps, of }: Case,
  run: Run,
  layout: string,
  code: TensorErrorCode,
): Outcome {
  const lay = layouts[layout]!;
  const places = run[1];
  const at = (place: number): Stored => part.tensors[place]!;
  const inputs = places.map((place) => lay(make(at(place))).detach());
  const gradients = run.length === 4 ? run[3] : null;
  for (const [i, place] of (gradients ?? []).entries()) inputs[i]!.requiresGrad = place !== null;
  const before = inputs.map(elements);
  let result: unknown;
  try {
    result = functionOf(fn)(...(filled(args, inputs) as unknown[]));
  } catch (error) {
    const isTyped = error instanceof TensorError && error.code === code;
    if (run.length === 3 && isTyped) return { kind: 'agrees' };
    return { kind: isTyped ? 'refuses' : 'values', text: `throws ${error}` };
  }
  const tensors = tensorsOf(result);
  if (run.length === 3) {
    return { kind: 'computes', text: `gives ${tensors ?? result}, and PyTorch says: ${run[2]}` };
  }
  const wanted = run[2];
  if ('value' in wanted) {
    const same = Object.is(result, wanted.value);
    return same
      ? { kind: 'agrees' }
      : { kind: 'values', text: `is ${result}, not ${wanted.value}` };
  }
  if (tensors?.length !== wanted.length) {
    return { kind: 'values', text: `gives ${tensors?.length} tensors, not ${wanted.length}` };
  }
  const results = wanted.map(at);
  const dtypes = `${tensors.map((t) => t.dtype)}`;
  const theirs = `${results.map(([dtype]) => dtype)}`;
  const sizes = of === 'largest' ? [largest([...before, ...tensors.map(elements)])] : [];
  for (const [i, t] of tensors.entries()) {
    const [, shape, data] = results[i]!;
    const text = differs(t, [t.dtype, shape, data], ulps, sizes);
    if (text !== null) return { kind: 'values', text };
  }
  const outputs = tensors.filter((t) => t.requiresGrad);
  if (gradients === null && outputs.length > 0) return { kind: 'values', text: 'has a gradient' };
  if (gradients !== null) {
    if (outputs.length > 0) tilegrad.backward(outputs, outputs.map(weightsOf));
    for (const [i, place] of gradients.entries()) {
      if (place === null) continue;
      const { grad } = inputs[i]!;
      if (grad === null) return { kind: 'values', text: `input ${i} has no gradient` };
      // A gradient is a product of several factors, or a sum of such.
      const size = largest([elements(grad), elements(make(at(place)))]);
      const text = differs(grad, besideNaN(at(place), before[i]!, grad), 2 * ulps + 4, [
        size,
        ...sizes,
      ]);
      if (text !== null) return { kind: 'values', text: `gradient ${i} ${text}` };
    }
  }
  return dtypes === theirs
    ? { kind: 'agrees' }
    : { kind: 'dtype', text: `is ${dtypes}, not ${theirs}` };
}

describe.each(walk)('$name', (part) => {
  const differences: readonly Difference[] = parts[part.name] ?? [];
  const used = new Set<string>();
  const names = [...new Set(part.cases.map(({ fn }) => fn))];

  test.each(names)('%s', (name) => {
    const wrong: string[] = [];
    for (const item of part.cases.filter(({ fn }) => fn === name)) {
      for (const run of item.runs) {
        const known = differenceOf(part, item, run);
        if (known) used.add(`${known.reason}: ${name}`);
        for (const layout of Object.keys(layouts)) {
          const outcome = outcomeOf(part, item, run, layout, known?.code ?? item.code);
          const text = outcome.kind === 'agrees' ? 'agrees' : outcome.text;
          if (outcome.kind !== (known?.kind ?? 'agrees')) {
            const but = known ? ` (it is said to differ: ${known.reason})` : '';
            wrong.push(
              `${name}(${JSON.stringify(item.args)}) of ${run[0]}, ${layout}: ${text}${but}`,
            );
            break;
          }
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  test('all differences are there', () => {
    const said = differences.flatMap(({ reason, functions }) =>
      functions.map((name) => `${reason}: ${name}`),
    );
    expect(said.filter((one) => !used.has(one))).toEqual([]);
  });
});

test('every function is walked', () => {
  const names = [tilegrad, tilegrad.linalg].flatMap((place) =>
    Object.entries(place)
      .filter(([name, value]) => typeof value === 'function' && /^[a-z]/.test(name))
      .map(([name]) => (place === tilegrad ? name : `linalg.${name}`)),
  );
  const walked = walk.flatMap(({ cases }) => cases.map(({ fn }) => fn));
  const missing = names.filter((name) => !walked.includes(name));
  expect(missing.sort()).toEqual(Object.values(withoutWalk).flat().sort());
});
