import type { Case } from './cases.js';
import type { Plan, Result, Yardstick } from './compare.js';
import type { GemmDType } from './dtypes.js';

/** A group of cases with a table of its own. */
export interface Section {
  /** For --only, and for the section's markers in the results file. */
  name: string;
  title: string;
  /** A paragraph above the tables: what a reader must know to read them. */
  note?: string;
  cases(): readonly Case[];
  /** The SIMD level; a machine that doesn't have it leaves the section out. Default: the best. */
  level?: string;
  /** Whose peak of multiply-adds stands above the tables. Default float32. */
  dtype?: GemmDType;
  /** Measured only on one thread: a single small operation never uses a second one. */
  oneThread?: boolean;
  /** Whether products are also measured with B as a weight that we pack ahead, as a peer does. */
  packsAhead?: boolean;
  /** How to measure, when the plan of the run doesn't suit so many or so long cases. */
  plan?(plan: Plan): Plan;
  /** What cases are held against besides the peers and the peak, at that level and thread count. */
  yardsticks?(threads: number, level: string): readonly Yardstick[];
  /** What the results of one thread count say together, for the terminal. */
  summary?(results: readonly Result[]): string;
  /** The results of one thread count as markdown. */
  report(results: readonly Result[]): string;
}
