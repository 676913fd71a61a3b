/** What the families of indices and of changes in place have in common. */
import { noGrad, type Tensor, zeros } from 'tilegrad';
import { leaf, type Misuse, tensorArguments, wrong } from './misuse.js';

export const every = { takesIntegers: true };
export const numeric = { takesNumbers: true, takesIntegers: true };

export const flags = (name: string, call: (options: never) => unknown): Misuse[] =>
  [null, 1, 'yes', {}].map(
    (value): Misuse => [() => call(wrong({ [name]: value })), 'ERR_ARGUMENT'],
  );

/** What no change in place takes: recorded tensors, and stretched ones. */
export const inPlace = (call: (t: Tensor) => unknown): Misuse[] => [
  ...tensorArguments((t) => call(t), { takesIntegers: true }),
  [() => call(leaf), 'ERR_STATE', 'a leaf that requires gradients'],
  [() => call(leaf.mul(1)), 'ERR_STATE', 'a result of mul'],
  [() => call(zeros([1]).expand([2])), 'ERR_STATE', 'share memory'],
  [() => noGrad(() => call(zeros([1]).expand([2]))), 'ERR_STATE', 'share memory'],
];
