/** Measures a case with every contender, round by round. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Case } from './cases.js';
import type { Budget, Contender } from './measure.js';
import { median, middleHalf, type Spread, spread } from './statistics.js';

export interface Plan extends Budget {
  /** How often every contender takes its turn. */
  rounds: number;
  /**
   * Up to how many rounds a case goes on whose ratios differ between them (see `agree`). By default it
   * doesn't.
   */
  most?: number;
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

/** Our product with a weight that was packed before the timed part, as that of some peers is. */
export interface PackedResult {
  /** Its time over that of our product that packs, if it does, in every call; taken within each round. */
  ratio: Spread;
  /** The time of the peers that pack ahead over this one. */
  peers: readonly Pick<PeerResult, 'name' | 'threads' | 'ratio'>[];
  /**
   * Like for like: the smallest ratio of a round, where peers that pack ahead are held against this product and
   * all others against the one that doesn't.
   */
  best: Spread | null;
}

export interface Result {
  case: Case;
  threads: number;
  /** Our median time of one run, in seconds. */
  seconds: number;
  peers: PeerResult[];
  /** The fastest peer's time over ours, taken within each round. */
  best: Spread | null;
  /** The same, round by round. */
  ratios: readonly number[];
  /** Whether the rounds agree (see `agree`), like for like as well. */
  agreed: boolean;
  /** What our product with a weight packed ahead took, where that was measured. */
  packed: PackedResult | null;
  marks: Marks;
  /** Contenders whose values are wrong. */
  problems: string[];
  /** How we compute it. */
  plan?: string;
}

/** What is wrong with a contender's values, or null. */
export type Judge = (check: readonly number[]) => string | null;

// OpenBLAS's threads keep spinning for 2^26 cycles, about 20 ms, after their work is done, PyTorch's
// and ONNX Runtime's for less, some for longer. The next contender waits until they sleep: 55x1789x456
// of ours on two threads reached 42 to 45 % of the peak beside all peers with 30 ms, 58 % with 60, 82
// with 100, 74 with 300, and 91 without peers.
const kSettleMilliseconds = 100;

/** How much larger the largest ratio of a case may be than the smallest for its rounds to agree. */
const kAgreement = 1.2;

/**
 * Whether the rounds of a case agree: the ratios in the middle half of them lie within a fifth of one another.
 * Inverse ratios give the same answer, so it doesn't depend on who is faster.
 */
export function agree(ratios: readonly number[]): boolean {
  const { low, high } = middleHalf(ratios);
  return high <= kAgreement * low;
}

/**
 * In every round each contender measures the case once, right after one another, so that a machine
 * that slows down slows all of them; odd rounds go backwards, so that nobody always comes first.
 * @param packed our products with the weight packed ahead, if they are to be measured
 */
export async function compare(
  c: Case,
  ours: Contender,
  peers: readonly Contender[],
  plan: Plan,
  judge: Judge,
  yardsticks: readonly Yardstick[],
  packed: Contender | null = null,
): Promise<Result> {
  const times = new Map<Contender, number[]>();
  const lengths = new Map<string, number[]>();
  const problems: string[] = [];
  let how: string | undefined;
  let contenders = [ours, ...(packed === null ? [] : [packed]), ...peers];
  const most = plan.most ?? plan.rounds;
  for (
    let round = 0;
    round < plan.rounds || (round < most && !agreed(ours, packed, times));
    round++
  ) {
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
      // A contender on one thread leaves nobody behind that spins, and our threads do for microseconds.
      if (peers.includes(contender) && contender.threads > 1) await sleep(kSettleMilliseconds);
    }
    contenders.reverse();
  }
  const result = summarize(c, ours, packed, times, lengths, problems);
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

type Times = ReadonlyMap<Contender, readonly number[]>;

/** The ratios of two lists of times, round by round. */
function over(numerators: readonly number[], denominators: readonly number[]): Spread {
  return spread(numerators.map((seconds, round) => seconds / denominators[round]!));
}

/**
 * The smallest ratio of a peer's time to ours in each round; none without peers.
 * @param packed whom peers that pack ahead are held against; all others are held against us
 */
function fastest(ours: Contender, packed: Contender, peers: Times, times: Times): number[] {
  if (peers.size === 0) return [];
  return times.get(ours)!.map((_, round) =>
    Math.min(
      ...[...peers].map(([{ packsAhead }, seconds]) => {
        const own = times.get(packsAhead ? packed : ours)!;
        return seconds[round]! / own[round]!;
      }),
    ),
  );
}

/** The times of the peers alone. */
function ofPeers(times: Times, ours: Contender, packed: Contender | null): Times {
  return new Map([...times].filter(([other]) => other !== ours && other !== packed));
}

/** Whether a case needs no further round: what it says of us agrees, plain and like for like. */
function agreed(ours: Contender, packed: Contender | null, times: Times): boolean {
  const peers = ofPeers(times, ours, packed);
  const ways = packed !== null && times.has(packed) ? [ours, packed] : [ours];
  return peers.size === 0 || ways.every((way) => agree(fastest(ours, way, peers, times)));
}

function summarize(
  c: Case,
  ours: Contender,
  packed: Contender | null,
  times: Times,
  lengths: ReadonlyMap<string, number[]>,
  problems: string[],
): Result {
  const own = times.get(ours)!;
  const peers = ofPeers(times, ours, packed);
  const marks = (seconds: readonly number[]): Marks =>
    Object.fromEntries([...lengths].map(([name, length]) => [name, over(length, seconds)]));
  const ratios = fastest(ours, ours, peers, times);
  return {
    case: c,
    threads: ours.threads,
    seconds: median(own),
    peers: [...peers].map(([{ name, threads }, seconds]) => ({
      name,
      threads,
      seconds: median(seconds),
      ratio: over(seconds, own),
      marks: marks(seconds),
    })),
    best: peers.size > 0 ? spread(ratios) : null,
    ratios,
    agreed: agreed(ours, packed, times),
    packed: packed !== null && times.has(packed) ? packedResult(ours, packed, peers, times) : null,
    marks: marks(own),
    problems,
  };
}

function packedResult(
  ours: Contender,
  packed: Contender,
  peers: Times,
  times: Times,
): PackedResult {
  const own = times.get(packed)!;
  return {
    ratio: over(own, times.get(ours)!),
    peers: [...peers]
      .filter(([{ packsAhead }]) => packsAhead)
      .map(([{ name, threads }, seconds]) => ({ name, threads, ratio: over(seconds, own) })),
    best: peers.size > 0 ? spread(fastest(ours, packed, peers, times)) : null,
  };
}
