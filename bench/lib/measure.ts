import type { Case } from './cases.js';

/** How long to measure: `repeats` times, each about `seconds`. */
export interface Budget {
  seconds: number;
  repeats: number;
}

/** What a contender answers about a case. */
export interface Answer {
  /** Time of one run, in seconds, by repeat. */
  seconds: number[];
  /** Values of the result, to be held against the reference. */
  check: number[];
  /** How it is computed, where the program can tell. */
  plan?: string;
}

/** A program that is measured: this library, or a peer. */
export interface Contender {
  /** Name and version. */
  readonly name: string;
  readonly threads: number;
  /** Whether it lays out a product's second matrix, as a constant weight, before the timed part. */
  readonly packsAhead?: boolean;
  /** Measures a case, or says why it has none such. */
  measure(c: Case, budget: Budget): Promise<Answer | { skip: string }>;
  close(): void;
}

/** A case ready to run: what to repeat, and its checked values. */
export interface Prepared {
  run(): unknown;
  check: number[];
  plan?: string;
  /** Seconds to run before the first repeat, if more than usual. */
  warmUp?: number | undefined;
}

/**
 * Before the first repeat, so that V8 has compiled what runs, and memory is mapped: a product of 8 x
 * 221 x 18 takes 5 us at first, 1.3 us after 30 ms and 0.9 us after 50 ms.
 */
const kWarmUpSeconds = 0.06;

/**
 * The same for what is mostly V8's work: training steps (2-8-2 takes 118 us after 30 ms, 36 us after 100,
 * 13 us after 220 and 8.5 us from 310 ms on) and operations on few elements, each of which makes V8
 * compile anew what all operations share.
 */
export const kLongWarmUpSeconds = 0.4;

const now = (): number => Number(process.hrtime.bigint()) * 1e-9;

/**
 * Times prepared cases. Keeps how many runs fill a repeat, so that every round of a case does the
 * same work. A run that returns a promise is awaited.
 */
export class Stopwatch {
  private iterations = 0;

  constructor(
    private readonly run: () => unknown,
    private readonly warmUp: number = kWarmUpSeconds,
  ) {}

  async measure(budget: Budget): Promise<number[]> {
    if (this.iterations === 0) this.iterations = await this.calibrate(budget.seconds);
    const times: number[] = [];
    for (let repeat = 0; repeat < budget.repeats; repeat++) {
      times.push((await this.time(this.iterations)) / this.iterations);
    }
    return times;
  }

  private async time(iterations: number): Promise<number> {
    const { run } = this;
    const start = now();
    const first = run();
    if (first instanceof Promise) {
      await first;
      for (let i = 1; i < iterations; i++) await run();
    } else {
      for (let i = 1; i < iterations; i++) run();
    }
    return now() - start;
  }

  private async calibrate(seconds: number): Promise<number> {
    const start = now();
    let trial = 1;
    let elapsed = await this.time(trial);
    while (elapsed < seconds / 4 || now() - start < this.warmUp) {
      trial = Math.max(1, Math.floor((trial * seconds) / 2 / Math.max(elapsed, 1e-7)));
      elapsed = await this.time(trial);
    }
    return Math.max(1, Math.round((trial * seconds) / elapsed));
  }
}
