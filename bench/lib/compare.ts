/** Measures a case with every contender, round by round. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Case, flops } from './cases.js';
import type { Answer, Budget, Contender } from './measure.js';
import { median, type Spread, spread } from './statistics.js';

export interface Plan extends Budget {
  /** How often every contender takes its turn. */
  rounds: number;
}

export interface PeerResult {
  name: string;
  threads: number;
  /** Median time of one run, in seconds. */
  seconds: number;
  /** Its time over ours, taken within each round: above 1 where we are faster. */
  ratio: Spread;
}

export interface Result {
  case: Case;
  threads: number;
  /** Our median time of one run, in seconds. */
  seconds: number;
  peers: PeerResult[];
  /** The fastest peer's time over ours, taken within each round. */
  best: Spread | null;
  /** Our speed over the peak of as many cores, taken within each round; null without arithmetic. */
  share: Spread | null;
  /** Contenders whose values are wrong. */
  problems: string[];
}

/** What is wrong with a contender's values, or null. */
export type Judge = (check: readonly number[]) => string | null;

/** Measures GFLOP/s of one core at its peak. */
export type PeakMeter = () => number;

// OpenBLAS's threads keep spinning for 2^26 cycles, about 20 ms, after their work is done, PyTorch's
// and ONNX Runtime's for less. The next contender waits until they sleep.
const kSettleMilliseconds = 30;

/**
 * In every round each contender measures the case once, right after one another, so that a machine
 * that slows down slows all of them; odd rounds go backwards, so that nobody always comes first. The
 * peak of the machine is measured right after us, for the same reason.
 */
export async function compare(
  c: Case,
  ours: Contender,
  peers: readonly Contender[],
  plan: Plan,
  judge: Judge,
  peak: PeakMeter,
): Promise<Result> {
  const times = new Map<Contender, number[]>();
  const problems: string[] = [];
  const peaks: number[] = [];
  let contenders = [ours, ...peers];
  for (let round = 0; round < plan.rounds; round++) {
    for (const contender of [...contenders]) {
      const answer = await contender.measure(c, plan);
      if ('skip' in answer) {
        contenders = contenders.filter((other) => other !== contender);
        times.delete(contender);
        continue;
      }
      record(times, contender, answer);
      if (contender === ours && flops(c) > 0) peaks.push(peak());
      if (round === 0) {
        const problem = judge(answer.check);
        if (problem !== null) problems.push(`${contender.name}: ${problem}`);
      }
      if (peers.length > 0) await sleep(kSettleMilliseconds);
    }
    contenders.reverse();
  }
  return summarize(c, ours, times, peaks, problems);
}

function record(times: Map<Contender, number[]>, contender: Contender, { seconds }: Answer): void {
  const list = times.get(contender) ?? [];
  list.push(median(seconds));
  times.set(contender, list);
}

function summarize(
  c: Case,
  ours: Contender,
  times: Map<Contender, number[]>,
  peaks: readonly number[],
  problems: string[],
): Result {
  const own = times.get(ours)!;
  times.delete(ours);
  const fastest = own.map((_, round) => Math.min(...[...times.values()].map((t) => t[round]!)));
  return {
    case: c,
    threads: ours.threads,
    seconds: median(own),
    peers: [...times].map(([{ name, threads }, seconds]) => ({
      name,
      threads,
      seconds: median(seconds),
      ratio: spread(seconds.map((s, round) => s / own[round]!)),
    })),
    best: times.size > 0 ? spread(fastest.map((s, round) => s / own[round]!)) : null,
    share:
      peaks.length > 0
        ? spread(peaks.map((peak, round) => flops(c) / own[round]! / (peak * 1e9 * ours.threads)))
        : null,
    problems,
  };
}
