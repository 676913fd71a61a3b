/** What the families of losses are written with: pairs of inputs, targets, wrong factors. */
import { type LossReduction, ones, type Tensor, tensor } from 'tilegrad';
import { type Case, one } from './gradients.js';
import { lossOptions } from './loss_options.js';
import { leaf, losses, type Misuse, wrong, x } from './misuse.js';

type Options = Record<string, unknown>;

export const reductions: readonly LossReduction[] = ['mean', 'sum', 'none'];

/** What factors reject; `call` takes an input of shape [2, 3]. */
export const factors = (
  name: string,
  call: (options: never) => unknown,
  option: string,
): Misuse[] => [
  [() => call(wrong({ [option]: [1, 2, 3] })), 'ERR_ARGUMENT'],
  [() => call(wrong({ [option]: ones([3], { dtype: 'int32' }) })), 'ERR_DTYPE'],
  [() => call(wrong({ [option]: ones([3], { dtype: 'float64' }) })), 'ERR_DTYPE'],
  [() => call(wrong({ [option]: ones([2]) })), 'ERR_SHAPE', `[${name}]`],
  [() => call(wrong({ [option]: ones([1, 2, 3]) })), 'ERR_SHAPE', `[${name}]`],
  [() => call(wrong({ [option]: leaf })), 'ERR_ARGUMENT', 'detach'],
];

/** 1 and -1 by turns, float64. */
export const signs = (shape: readonly number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  const list = Array.from({ length: size }, (_, i) => (i % 3 === 0 ? -1 : 1));
  return tensor(list, { dtype: 'float64' }).reshape([...shape]);
};

/** The second of two equal inputs, moved away from the first, so that no difference is at a bend. */
export const apart = (y: Tensor): Tensor => y.mul(-0.7).add(0.05);

/** Gradients by both inputs, for each set of options, the first one with each reduction. */
export const pairs = (
  call: (x: Tensor, y: Tensor, options: never) => Tensor,
  sets: readonly Options[] = [{}],
  prepare: (x: Tensor, y: Tensor) => [Tensor, Tensor] = (x, y) => [x, apart(y)],
  scalarOptions: Options = {},
): Case[] => [
  ...sets.flatMap((set, i) =>
    (i === 0 ? reductions : (['none'] as const)).map((reduction) =>
      one((x, y) => call(...prepare(x, y!), wrong({ ...set, reduction })), [2, 2], [2, 2]),
    ),
  ),
  one((x, y) => call(...prepare(x, y!), wrong(scalarOptions)), [], []),
];

/** Gradients by one input, with targets of its shape that are 1 or -1. */
export const signed = (
  call: (x: Tensor, y: Tensor, options: never) => Tensor,
  sets: readonly Options[] = [{}],
): Case[] =>
  reductions.flatMap((reduction) =>
    sets.flatMap((set) =>
      [[2, 3], []].map((shape) =>
        one((x) => call(x, signs(shape), wrong({ ...set, reduction })), shape),
      ),
    ),
  );

export const sigmoids = (x: Tensor, y: Tensor): [Tensor, Tensor] => [
  x.sigmoid(),
  apart(y).sigmoid(),
];

export const weights = tensor([0.5, 2, 1.5], { dtype: 'float64' });
export const two = tensor([0.5, 2], { dtype: 'float64' });

/** Rows of a pair of tensors of one shape. */
export const pairRows = (
  name: string,
  call: (x: Tensor, y: Tensor, options?: never) => Tensor,
): Misuse[] => [
  ...losses((a, b) => call(a, b)),
  ...lossOptions(name, (options) => call(x, x, options)),
];
