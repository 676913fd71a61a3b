/** What the tables of wrong calls are made of: see operation.ts. */
import { fileURLToPath } from 'node:url';
import type * as tilegrad from 'tilegrad';
import { ones, type Tensor, type TensorErrorCode } from 'tilegrad';

/** A wrong call, the code of its error, and what the message has to contain (default `[name]`). */
export type Misuse = readonly [call: () => unknown, code: TensorErrorCode, message?: string];

/** What the table is about: a wrong argument doesn't have the type that it should have. */
export const wrong = (value: unknown): never => value as never;

export const x = ones([2, 3]);
export const integers = ones([2, 3], { dtype: 'int32' });
export const longs = ones([2, 3], { dtype: 'int64' });
export const half = ones([2, 3], { dtype: 'bfloat16' });
export const half16 = ones([2, 3], { dtype: 'float16' });
export const bools = ones([2, 3], { dtype: 'bool' });
export const bytes = ones([2, 3], { dtype: 'int8' });
export const leaf = ones([2], { requiresGrad: true });
/** A file of no known format: this one. */
export const file = fileURLToPath(import.meta.url);

export const kinds: unknown[] = [
  undefined,
  null,
  5,
  'text',
  true,
  [1, 2],
  {},
  () => x,
  new Float32Array(2),
];

/** Everything that is no tensor in the place of a tensor, tensors of integers, of bfloat16 and float16. */
export function tensorArguments(
  call: (value: never) => unknown,
  other: {
    takesNumbers?: boolean;
    takesBooleans?: boolean;
    takesIntegers?: boolean;
    /** Integers, but neither bools nor 16-bit floats. */
    takesWhole?: boolean;
    takesHalf?: boolean;
    /** What the message for bfloat16 says. */
    half?: string;
  } = {},
): Misuse[] {
  const values = kinds.filter(
    (value) =>
      !(other.takesNumbers && typeof value === 'number') &&
      !(other.takesBooleans && typeof value === 'boolean'),
  );
  const rows = values.map((value): Misuse => [() => call(wrong(value)), 'ERR_ARGUMENT']);
  if (other.takesWhole) {
    rows.push([() => call(wrong(bools)), 'ERR_DTYPE'], [() => call(wrong(half16)), 'ERR_DTYPE']);
  } else if (!other.takesIntegers) {
    rows.push([() => call(wrong(integers)), 'ERR_DTYPE'], [() => call(wrong(longs)), 'ERR_DTYPE']);
    rows.push([() => call(wrong(half16)), 'ERR_DTYPE']);
  }
  if (!other.takesIntegers && !other.takesHalf) {
    const message = other.half ?? "convert with to('float32')";
    rows.push([() => call(wrong(half)), 'ERR_DTYPE', message]);
  }
  return rows;
}

/** An unknown option, which has to be named, and options that are no object. */
export function optionsOf(name: string, call: (options: never) => unknown): Misuse[] {
  return [
    [() => call(wrong({ unheard: 1 })), 'ERR_ARGUMENT', `[${name}] unknown option "unheard"`],
    [() => call(wrong(null)), 'ERR_ARGUMENT'],
    [() => call(wrong(7)), 'ERR_ARGUMENT'],
  ];
}

export const shapes = (call: (shape: never) => unknown): Misuse[] =>
  [undefined, null, 5, 'text', {}, [-1], [0.5], ['1'], [[1]], [Number.NaN]].map(
    (shape): Misuse => [() => call(wrong(shape)), 'ERR_SHAPE'],
  );

export const dims = (call: (dim: never) => unknown): Misuse[] =>
  [2, -3, 0.5, '0', null, {}, Number.NaN].map(
    (dim): Misuse => [() => call(wrong(dim)), 'ERR_INDEX'],
  );

export const dtypesOf = (call: (options: never) => unknown): Misuse[] =>
  ['int16', 5, null, 'toString'].map(
    (dtype): Misuse => [() => call(wrong({ dtype })), 'ERR_DTYPE'],
  );

/** A wrong call with bfloat16. */
export const noHalf = (call: (t: Tensor) => unknown): Misuse => [
  () => call(half),
  'ERR_DTYPE',
  "convert with to('float32')",
];

/** Of functions that take floats only. */
export const floatUnary = (call: (x: Tensor) => Tensor): Misuse[] => tensorArguments(call);

/** Of functions that take all dtypes but floats of 16 bits. */
export const unary = (call: (x: Tensor) => Tensor): Misuse[] => [
  ...tensorArguments(call, { takesIntegers: true }),
  noHalf(call),
  [() => call(half16), 'ERR_DTYPE', "convert with to('float32')"],
];

export const notFinite: unknown[] = ['text', '1', [1], Number.NaN, Infinity, -Infinity, x];

/** Of functions that take floats only, and numbers in place of one. */
export const floatBinary = (call: (a: Tensor, b: Tensor) => Tensor): Misuse[] => [
  ...tensorArguments((a) => call(a, x), { takesNumbers: true, takesIntegers: true }),
  ...tensorArguments((b) => call(x, b), { takesNumbers: true, takesIntegers: true }),
  [() => call(wrong(1), wrong(2)), 'ERR_ARGUMENT'],
  [() => call(integers, integers), 'ERR_DTYPE'],
  [() => call(longs, wrong(1n)), 'ERR_DTYPE'],
  [() => call(integers, wrong(1)), 'ERR_DTYPE'],
  [() => call(half, half), 'ERR_DTYPE', "convert with to('float32')"],
  [() => call(half16, half16), 'ERR_DTYPE', "convert with to('float32')"],
  [() => call(half, wrong(1)), 'ERR_DTYPE', "convert with to('float32')"],
  [() => call(half, integers), 'ERR_DTYPE'],
  [() => call(x, ones([2, 2])), 'ERR_SHAPE'],
];

/** Of functions that take integers, but neither bools nor bfloat16. */
export const numberUnary = (call: (x: Tensor) => Tensor): Misuse[] => [
  ...tensorArguments(call, { takesIntegers: true }),
  [() => call(bools), 'ERR_DTYPE'],
  noHalf(call),
];

/** Of functions that take tensors of all dtypes but bfloat16, and numbers in place of one. */
export const numberBinary = (call: (a: Tensor, b: Tensor) => Tensor): Misuse[] => [
  ...tensorArguments((a) => call(a, x), { takesNumbers: true, takesIntegers: true }),
  ...tensorArguments((b) => call(x, b), { takesNumbers: true, takesIntegers: true }),
  [() => call(wrong(1), wrong(2)), 'ERR_ARGUMENT'],
  noHalf((t) => call(t, t)),
  noHalf((t) => call(t, wrong(1))),
  noHalf((t) => call(integers, t)),
  [() => call(x, ones([2, 2])), 'ERR_SHAPE'],
  [() => call(integers, ones([4], { dtype: 'int32' })), 'ERR_SHAPE'],
];

/** Of functions that take integers only, and bools if they say so. */
export const integerBinary = (
  call: (a: Tensor, b: Tensor) => Tensor,
  takesBools: boolean,
): Misuse[] => [
  ...tensorArguments((a) => call(a, integers), { takesNumbers: true, takesIntegers: true }),
  ...tensorArguments((b) => call(integers, b), { takesNumbers: true, takesIntegers: true }),
  [() => call(wrong(1), wrong(2)), 'ERR_ARGUMENT'],
  [() => call(x, x), 'ERR_DTYPE', "takes integers, not float32; convert with to('int32')"],
  [() => call(integers, x), 'ERR_DTYPE'],
  [() => call(integers, wrong(1.5)), 'ERR_DTYPE'],
  [() => call(half, half), 'ERR_DTYPE'],
  [() => call(integers, ones([4], { dtype: 'int32' })), 'ERR_SHAPE'],
  ...(takesBools ? [] : [[() => call(bools, bools), 'ERR_DTYPE'] satisfies Misuse]),
];

export function addProduct(
  name: string,
  call: typeof tilegrad.addmm,
  left: number[],
  right: number[],
): Misuse[] {
  const a = ones(left);
  const b = ones(right);
  const double = ones(right, { dtype: 'float64' });
  return [
    ...tensorArguments((t) => call(t, a, b), { takesWhole: true, half: name }),
    ...tensorArguments((t) => call(a, t, b), { takesWhole: true, half: name }),
    ...tensorArguments((t) => call(a, b, t), { takesWhole: true, half: name }),
    ...optionsOf(name, (options) => call(ones([1]), a, b, options)),
    ...notFinite.flatMap((factor): Misuse[] => [
      [() => call(ones([1]), a, b, { alpha: wrong(factor) }), 'ERR_ARGUMENT'],
      [() => call(ones([1]), a, b, { beta: wrong(factor) }), 'ERR_ARGUMENT'],
    ]),
    [() => call(ones([1]), a, a), 'ERR_SHAPE'],
    [() => call(ones([1]), ones([3]), ones([3])), 'ERR_SHAPE'],
    [() => call(ones([7]), a, b), 'ERR_SHAPE', ''],
    [() => call(ones([1]), a, double), 'ERR_DTYPE'],
    [() => call(ones([1], { dtype: 'float64' }), a, b), 'ERR_DTYPE'],
  ];
}

export const reduction = (
  name: string,
  call: (x: Tensor, options?: object) => unknown,
  other: { takesIntegers?: boolean } = {},
): Misuse[] => [
  ...tensorArguments(call, other),
  ...optionsOf(name, (options) => call(x, options)),
  ...dims((dim) => call(x, { dim })),
  ...dims((dim) => call(x, { dim: [0, dim] })),
  [() => call(x, { dim: [0, 0] }), 'ERR_ARGUMENT'],
];

export const creation = (name: string, call: (options: never) => Tensor): Misuse[] => [
  ...optionsOf(name, call),
  ...dtypesOf(call),
  [() => call(wrong({ dtype: 'int32', requiresGrad: true })), 'ERR_DTYPE'],
];

export const random = (name: string, call: (shape: never, options?: never) => Tensor): Misuse[] => [
  ...shapes(call),
  ...optionsOf(name, (options) => call(wrong([2]), options)),
  ...dtypesOf((options) => call(wrong([2]), options)),
  [() => call(wrong([2]), wrong({ dtype: 'int32' })), 'ERR_DTYPE'],
  [() => call(wrong([2]), wrong({ generator: 5 })), 'ERR_ARGUMENT'],
];

export const notSizes: unknown[] = [undefined, null, 0, -1, 1.5, Number.NaN, '3', [3]];

/** Wrong calls of the constructor of a layer with learned weights, whose first arguments are sizes. */
export const learned = (
  name: string,
  sizes: readonly number[],
  make: (sizes: readonly never[], options?: never) => unknown,
): Misuse[] => {
  const right = sizes as readonly never[];
  return [
    ...sizes.flatMap((_, i) =>
      notSizes.map((size): Misuse => [() => make(right.with(i, wrong(size))), 'ERR_ARGUMENT']),
    ),
    ...optionsOf(name, (options) => make(right, options)),
    ...dtypesOf((options) => make(right, options)),
    [() => make(right, wrong({ dtype: 'int32' })), 'ERR_DTYPE'],
    [() => make(right, wrong({ generator: 5 })), 'ERR_ARGUMENT'],
  ];
};

export const losses = (call: (a: Tensor, b: Tensor) => Tensor): Misuse[] => [
  ...tensorArguments((a) => call(a, x)),
  ...tensorArguments((b) => call(x, b), { takesIntegers: true }),
  [() => call(x, ones([3])), 'ERR_SHAPE'],
  [() => call(x, ones([2, 1])), 'ERR_SHAPE'],
];
