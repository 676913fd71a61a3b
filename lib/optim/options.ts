/** Options that several optimizers have, checked. */
import { TensorError } from '../errors.js';
import { checkNumber, describe } from '../tensor/shape.js';

/** What every optimizer takes, or nearly every one. */
export interface CommonOptions {
  /** Ascends instead of descending. Default false. */
  maximize?: boolean;
}

/** Why a group without momentum gets none later. */
export const NO_BUFFER =
  'a group that was made with momentum 0 has no momentum buffer; make the optimizer with a momentum';

/**
 * Two numbers given as an array.
 * @throws TensorError ERR_ARGUMENT for anything else
 */
export function checkPair(name: string, option: string, value: unknown): readonly [number, number] {
  if (!Array.isArray(value) || value.length !== 2) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${name}] ${option} are two numbers, not ${describe(value)}`,
    );
  }
  return value as unknown as readonly [number, number];
}

/** The decays of two running means, each in [0, 1). */
export function checkBetas(name: string, betas: unknown): Record<'beta1' | 'beta2', number> {
  const [beta1, beta2] = checkPair(name, 'betas', betas);
  return {
    beta1: checkNumber(name, 'beta1', beta1, 0, 1),
    beta2: checkNumber(name, 'beta2', beta2, 0, 1),
  };
}

/** Numbers that are finite and not negative, by name. */
export function checkNotNegative<Names extends string>(
  name: string,
  numbers: Readonly<Record<Names, unknown>>,
): Record<Names, number> {
  const checked = Object.entries(numbers).map(([option, value]) => [
    option,
    checkNumber(name, option, value, 0),
  ]);
  return Object.fromEntries(checked) as Record<Names, number>;
}
