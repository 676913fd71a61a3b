import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Case } from './cases.js';
import type { Answer, Budget, Contender } from './measure.js';

/** How to start a peer. */
export interface PeerCommand {
  /** Program and arguments. */
  command: readonly string[];
  /** Added to the environment. */
  env?: Readonly<Record<string, string>>;
  threads: number;
  /** What to add to the name that the peer gives itself. */
  variant?: string;
  /** As in `Contender`. */
  packsAhead?: boolean;
}

type Line = { peer: string; case?: string; ready?: true } & (Answer | { skip: string });

/** A program of bench/peers, kept running and asked case by case. */
export class Peer implements Contender {
  private ended = false;

  private constructor(
    readonly name: string,
    readonly threads: number,
    readonly packsAhead: boolean,
    private readonly child: ChildProcess,
    private readonly lines: AsyncIterator<string>,
  ) {}

  /** Starts a peer; null when it can't be run here (no such program or library). */
  static async start(how: PeerCommand): Promise<Peer | null> {
    const { command, env, threads, variant, packsAhead = false } = how;
    const [program, ...args] = command;
    const child = spawn(program!, args, {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', process.env.TILEGRAD_BENCH_DEBUG ? 'inherit' : 'ignore'],
    });
    // A peer that ends early shows by the end of its output; these need no other reaction.
    child.on('error', () => {});
    child.stdin.on('error', () => {});
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const first = await lines.next();
    if (first.done) return null;
    const { peer } = JSON.parse(first.value) as Line;
    const name = variant ? `${peer} ${variant}` : peer;
    return new Peer(name, threads, packsAhead, child, lines);
  }

  async measure(c: Case, budget: Budget): Promise<Answer | { skip: string }> {
    // The case travels under `case`: `name` stays free for the peer's own use.
    const { name, ...parameters } = c;
    this.child.stdin!.write(`${JSON.stringify({ ...parameters, ...budget, case: name })}\n`);
    const line = await this.lines.next();
    if (line.done) {
      if (!this.ended) process.stderr.write(`${this.name} ended at ${name}\n`);
      this.ended = true;
      return { skip: `${this.name} ended` };
    }
    return JSON.parse(line.value) as Line;
  }

  close(): void {
    this.child.stdin!.end();
  }
}
