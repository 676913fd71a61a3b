/** Measures a case with every contender, round by round. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Case } from './cases.js';
import type { Budget, Contender } from './measure.js';
import { median, type Spread, spread } from './statistics.js';

export interface Plan extends Budget {
  /** How often every contender takes its turn. */
  rounds: number;
}

/**
 * Something that a case's time is held against besides the peers: the time that a limit of the
 * machine allows, or that of another computation. It is measured in every round, right after us.
 */
export interface Yardstick {
  name: string;
  /** Its seconds for the case; null where it has nothing to say, and then in every round. */
  seconds(c: Case, budget: Budget): Promise<number | null>;
}

/** Each yardstick's time over the contender's, by name, taken within each round. */
export type Marks = Readonly<Record<string, Spread>>;

export interface PeerResult {
  name: string;
  threads: number;
  /** Median time of one run, in seconds. */
  seconds: number;
  /** Its time over ours, taken within each round: above 1 where we are faster. */
  ratio: Spread;
  marks: Marks;
}

export interface Result {
  case: Case;
  threads: number;
  /** Our median time of one run, in seconds. */
  seconds: number;
  peers: PeerResult[];
  /** The fastest peer's time over ours, taken within each round. */
  best: Spread | null;
  marks: Marks;
  /** Contenders whose values are wrong. */
  problems: string[];
  /** How we compute it. */
  plan?: string;
}

/** What is wrong with a contender's values, or null. */
export type Judge = (check: readonly number[]) => string | null;

// OpenBLAS's threads keep spinning for 2^26 cycles, about 20 ms, after their work is done, PyTorch's
// and ONNX Runtime's for less. The next contender waits until they sleep.
const kSettleMilliseconds = 30;

/**
 * In every round each contender measures the case once, right after one another, so that a machine
 * that slows down slows all of them; odd rounds go backwards, so that nobody always comes first.
 */
export async function compare(
  c: Case,
  ours: Contender,
  peers: readonly Contender[],
  plan: Plan,
  judge: Judge,
  yardsticks: readonly Yardstick[],
): Promise<Result> {
  const times = new Map<Contender, number[]>();
  const lengths = new Map<string, number[]>();
  const problems: string[] = [];
  let how: string | undefined;
  let contenders = [ours, ...peers];
  for (let round = 0; round < plan.rounds; round++) {
    for (const contender of [...contenders]) {
      const answer = await contender.measure(c, plan);
      if ('skip' in answer) {
        contenders = contenders.filter((other) => other !== contender);
        times.delete(contender);
        continue;
      }
      append(times, contender, median(answer.seconds));
      if (contender === ours) {
        how = answer.plan;
        await lay(yardsticks, c, plan, lengths);
      }
      if (round === 0) {
        const problem = judge(answer.check);
        if (problem !== null) problems.push(`${contender.name}: ${problem}`);
      }
      // A contender on one thread leaves nobody behind that spins.
      if (peers.length > 0 && contender.threads > 1) await sleep(kSettleMilliseconds);
    }
    contenders.reverse();
  }
  const result = summarize(c, ours, times, lengths, problems);
  return how === undefined ? result : { ...result, plan: how };
}

function append<Key>(lists: Map<Key, number[]>, key: Key, value: number): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

async function lay(
  yardsticks: readonly Yardstick[],
  c: Case,
  plan: Plan,
  lengths: Map<string, number[]>,
): Promise<void> {
  for (const yardstick of yardsticks) {
    const seconds = await yardstick.seconds(c, plan);
    if (seconds !== null) append(lengths, yardstick.name, seconds);
  }
}

/** The ratios of two lists of times, round by round. */
function over(numerators: readonly number[], denominators: readonly number[]): Spread {
  return spread(numerators.map((seconds, round) => seconds / denominators[round]!));
}

function summarize(
  c: Case,
  ours: Contender,
  times: Map<Contender, number[]>,
  lengths: ReadonlyMap<string, number[]>,
  problems: string[],
): Result {
  const own = times.get(ours)!;
  times.delete(ours);
  const marks = (seconds: readonly number[]): Marks =>
    Object.fromEntries([...lengths].map(([name, length]) => [name, over(length, seconds)]));
  const fastest = own.map((_, round) => Math.min(...[...times.values()].map((t) => t[round]!)));
  return {
    case: c,
    threads: ours.threads,
    seconds: median(own),
    peers: [...times].map(([{ name, threads }, seconds]) => ({
      name,
      threads,
      seconds: median(seconds),
      ratio: over(seconds, own),
      marks: marks(seconds),
    })),
    best: times.size > 0 ? over(fastest, own) : null,
    marks: marks(own),
    problems,
  };
}
