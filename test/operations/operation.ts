/**
 * What the tests know about the library's functions, as data: one file for each family of operations.
 * From these tables test/misuse makes the wrong calls, test/autograd checks gradients, same-bits.test.ts
 * compares levels and threads, coverage.test.ts counts and the reference has its page of operations
 * (summary.ts). A function without a row fails.
 */
import type { Add } from './bits.js';
import type { Case } from './gradients.js';
import type { Misuse } from './misuse.js';

export interface Operation {
  /** Wrong calls; none of a function without arguments. */
  readonly misuse: readonly Misuse[];
  /** Calls whose gradients are compared with central differences, or that there is no gradient. */
  readonly gradients: readonly Case[] | 'none';
}

export interface Family {
  /** What the reference calls it. */
  readonly title: string;
  /** Functions of the library's top level, by name. */
  readonly operations: Readonly<Record<string, Operation>>;
  /** Wrong calls of classes in `nn` and `optim`, by name. */
  readonly modules?: Readonly<Record<string, readonly Misuse[]>>;
  readonly optimizers?: Readonly<Record<string, readonly Misuse[]>>;
  /** Wrong calls of classes in `optim.lrScheduler`, by name. */
  readonly schedules?: Readonly<Record<string, readonly Misuse[]>>;
  /** Wrong calls of functions in `nn.utils`, by name. */
  readonly utilities?: Readonly<Record<string, readonly Misuse[]>>;
  /** Wrong calls of functions in `nn.utils.rnn`, by name. */
  readonly sequences?: Readonly<Record<string, readonly Misuse[]>>;
  /** Wrong calls of functions in `nn.utils.parametrize` and `nn.utils.parametrizations`, by name. */
  readonly parametrize?: Readonly<Record<string, readonly Misuse[]>>;
  readonly parametrizations?: Readonly<Record<string, readonly Misuse[]>>;
  /** Wrong calls of functions in `linalg`, by name. */
  readonly linalg?: Readonly<Record<string, readonly Misuse[]>>;
  /** Computations that have to give the same bits at every level and number of threads. */
  bits?(add: Add): void;
}
