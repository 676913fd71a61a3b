/** Options that losses and their modules reject. */
import { type Misuse, notFinite, optionsOf, wrong } from './misuse.js';

/** Options that every loss rejects. */
export const lossOptions = (name: string, call: (options: never) => unknown): Misuse[] => [
  ...optionsOf(name, call),
  ...[null, 'average', 1, 'toString'].map(
    (reduction): Misuse => [
      () => call(wrong({ reduction })),
      'ERR_ARGUMENT',
      `[${name}] reduction`,
    ],
  ),
];

/** Values that an option rejects. */
export const rejects = (
  name: string,
  call: (options: never) => unknown,
  option: string,
  values: readonly unknown[],
): Misuse[] =>
  values.map(
    (value): Misuse => [
      () => call(wrong({ [option]: value })),
      'ERR_ARGUMENT',
      `[${name}] ${option}`,
    ],
  );

export const numberOption = [null, ...notFinite];
export const flag = [null, 0, 1, 'true', {}];
