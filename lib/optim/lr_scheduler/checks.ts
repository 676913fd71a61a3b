/** What schedules check of their arguments. */
import { TensorError } from '../../errors.js';
import { checkNumber, describe } from '../../tensor/shape.js';
import { Optimizer } from '../optimizer.js';

/** An optimizer with whatever options. */
export type AnyOptimizer = Optimizer<never>;

/** @throws TensorError ERR_ARGUMENT unless it is an optimizer */
export function checkOptimizer(name: string, value: unknown): asserts value is AnyOptimizer {
  if (!(value instanceof Optimizer)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${name}] the first argument is an optimizer, not ${describe(value)}`,
    );
  }
}

/** @throws TensorError ERR_ARGUMENT unless it is a whole number >= least */
export function checkCount(name: string, option: string, value: unknown, least = 1): number {
  if (!Number.isSafeInteger(value) || (value as number) < least) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${name}] ${option} must be a whole number >= ${least}, not ${describe(value)}`,
    );
  }
  return value as number;
}

/**
 * A number within bounds, both included.
 * @throws TensorError ERR_ARGUMENT
 */
export function checkWithin(
  name: string,
  option: string,
  value: unknown,
  low: number,
  high: number,
): number {
  const number = checkNumber(name, option, value, low);
  if (number > high) {
    throw new TensorError('ERR_ARGUMENT', `[${name}] ${option} must be <= ${high}, not ${number}`);
  }
  return number;
}

/** @throws TensorError ERR_ARGUMENT unless it is one of the choices */
export function checkChoice<Choice extends string>(
  name: string,
  option: string,
  value: unknown,
  choices: readonly Choice[],
): Choice {
  if (!choices.includes(value as Choice)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${name}] ${option} is one of ${choices.join(', ')}, not ${describe(value)}`,
    );
  }
  return value as Choice;
}

/**
 * One value for each group: a single one is everybody's.
 * @throws TensorError ERR_ARGUMENT for a list of another length, and what `check` throws
 */
export function perGroup<Value>(
  name: string,
  option: string,
  value: unknown,
  optimizer: AnyOptimizer,
  check: (item: unknown) => Value,
): Value[] {
  const { length } = optimizer.groups;
  if (!Array.isArray(value)) {
    const one = check(value);
    return Array.from({ length }, () => one);
  }
  if (value.length !== length) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${name}] ${option} has ${value.length} values, and the optimizer ${length} parameter groups`,
    );
  }
  return value.map(check);
}

/** `perGroup` of numbers >= low and < high. */
export function numberPerGroup(
  name: string,
  option: string,
  value: unknown,
  optimizer: AnyOptimizer,
  high = Infinity,
): number[] {
  return perGroup(name, option, value, optimizer, (item) =>
    checkNumber(name, option, item, 0, high),
  );
}
