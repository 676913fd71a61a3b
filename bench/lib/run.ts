/** Measures sections: options, order of events, and what comes out. */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setSimdLevel, simdLevel, simdLevels } from 'tilegrad';
import { type Case, quickCases } from './cases.js';
import { compare, type Judge, type Plan, type Result } from './compare.js';
import { inFloat64, Ours } from './ours.js';
import { fmaPeak, peakYardstick } from './peak.js';
import type { Peer } from './peer.js';
import { startPeers } from './peers.js';
import { differenceFromFloat64, disagreement, reference } from './reference.js';
import {
  line,
  type Machine,
  type Measured,
  peerName,
  thisMachine,
  writeResults,
} from './report.js';
import type { Section } from './section.js';

/** A benchmark that can be started from the command line. */
export interface Benchmark {
  /** As it is typed, without options. */
  command: string;
  /** What it measures: the first line of the help. */
  about: string;
  sections: readonly Section[];
}

function help({ command, about, sections }: Benchmark): string {
  const width = Math.max(...sections.map(({ name }) => name.length));
  return `${about}

  ${command} -- [options]

  --only LIST     sections, separated by commas (below)
  --cases REGEXP  only cases whose names match it
  --threads LIST  thread counts; default 1 and 2 (1 on a single core)
  --rounds N      how often every program takes its turn; default 5
  --quick         small cases, once, briefly: does it work?
  --json FILE     writes everything that was measured
  --write         updates bench/RESULTS.md, if every result was right
  --help          this

Sections:
${sections.map(({ name, title }) => `  ${name.padEnd(width)}  ${title}`).join('\n')}

Peers: PyTorch and NumPy when TILEGRAD_BENCH_PYTHON is a command that runs Python with them
(\`python3\`, arguments allowed); ONNX Runtime when onnxruntime-node can be resolved from here or from
the file or folder (with a slash at the end) that TILEGRAD_BENCH_ONNXRUNTIME names. With
TILEGRAD_BENCH_DEBUG set, what peers say on their error output is shown.
`;
}

const optionTypes = {
  only: { type: 'string' },
  cases: { type: 'string', default: '' },
  threads: { type: 'string', default: availableParallelism() > 1 ? '1,2' : '1' },
  rounds: { type: 'string', default: '5' },
  quick: { type: 'boolean', default: false },
  json: { type: 'string' },
  write: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

type Options = ReturnType<typeof parseCommandLine>;

/** The command line; ends the program when it has something unknown. */
function parseCommandLine() {
  try {
    return parseArgs({ options: optionTypes }).values;
  } catch (error) {
    return fail((error as Error).message);
  }
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Sections from --only; ends the program when one is unknown. */
function chosen(sections: readonly Section[], only: string | undefined): readonly Section[] {
  if (only === undefined) return sections;
  const known = sections.map(({ name }) => name).join(', ');
  return only
    .split(',')
    .map(
      (text) =>
        sections.find(({ name }) => name === text.trim()) ??
        fail(`unknown section ${text}; known are ${known}`),
    );
}

/** A whole number above 0 from an option. */
function count(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    fail(`--${option} must be a number above 0, not ${text}`);
  return value;
}

/** How a case's results are judged. The reference is computed once, before anything is timed. */
function judgeOf(c: Case): Judge {
  const expected = reference(c);
  if (expected !== null) return (check) => disagreement(check, expected);
  if (c.kind === 'gemm' || c.kind === 'infer' || c.kind === 'overhead')
    throw new Error(`no reference for ${c.name}`);
  const float64 = inFloat64(c);
  return (check) => differenceFromFloat64(check, float64);
}

/** This library's version, from its manifest. */
function ownVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

/** The peers for one thread count and level at a time. */
class Peers {
  private key = '';
  private peers: Peer[] = [];

  async at(threads: number, level: string): Promise<Peer[]> {
    const key = `${threads} ${level}`;
    if (key !== this.key) {
      this.close();
      this.peers = await startPeers(threads, level);
      this.key = key;
      // A peer that could not be started shows by its absence.
      const names = this.peers.map((peer) => peerName(peer, threads)).join(', ');
      say(`Beside ${threads} thread(s) at level ${level}: ${names || 'no peer'}`);
    }
    return this.peers;
  }

  close(): void {
    for (const peer of this.peers) peer.close();
    this.peers = [];
    this.key = '';
  }
}

/** Measures all cases of a section; says each result. */
async function measure(
  section: Section,
  threads: number,
  level: string,
  peers: readonly Peer[],
  plan: Plan,
  { quick, cases: wanted }: Pick<Options, 'quick' | 'cases'>,
): Promise<Result[]> {
  const ours = new Ours('tilegrad', threads, level);
  const packed = section.packsAhead ? new Ours('tilegrad packed', threads, level, true) : null;
  const yardsticks = [peakYardstick(threads), ...(section.yardsticks?.(threads, level) ?? [])];
  const own = quick ? plan : (section.plan?.(plan) ?? plan);
  const named = new RegExp(wanted);
  const all = section.cases().filter(({ name }) => named.test(name));
  const cases = quick ? quickCases(all) : all;
  const results: Result[] = [];
  for (const c of cases) {
    const result = await compare(c, ours, peers, own, judgeOf(c), yardsticks, packed);
    results.push(result);
    say(line(result));
    for (const problem of result.problems) say(`  WRONG: ${problem}`);
  }
  ours.close();
  packed?.close();
  return results;
}

/** Runs a benchmark by the options on the command line. */
export async function run(benchmark: Benchmark): Promise<void> {
  const options = parseCommandLine();
  if (options.help) {
    process.stdout.write(help(benchmark));
    return;
  }
  if (options.quick && options.write) fail('--quick says nothing that is worth to --write');
  if (options.cases && options.write) fail('--write wants whole sections, not some --cases');
  const plan: Plan = options.quick
    ? { rounds: 1, seconds: 0.005, repeats: 1 }
    : { rounds: count('rounds', options.rounds), seconds: 0.05, repeats: 3 };
  const sections = chosen(benchmark.sections, options.only);
  const threadCounts = options.threads.split(',').map((text) => count('threads', text));
  const best = simdLevel();

  const machine: Machine = { ...thisMachine(), version: ownVersion() };
  say(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, level ${best}`);
  say('Peers: their time over ours, median (smallest-largest); above 1 we are faster.');

  const measured = new Map<string, Measured>();
  const peers = new Peers();
  try {
    for (const threads of threadCounts) {
      for (const section of sections) {
        const level = section.level ?? best;
        const dtype = section.dtype ?? 'float32';
        if (section.oneThread && threads > 1) continue;
        if (!simdLevels().includes(level)) {
          say(`${section.name}: left out, this machine has no ${level}`);
          continue;
        }
        setSimdLevel(level);
        const peak = fmaPeak(dtype, plan.seconds, plan.repeats);
        say(`${section.name}: level ${level}, FMA peak ${peak.toFixed(1)} GFLOP/s (${dtype})`);
        const beside = await peers.at(threads, level);
        const results = await measure(section, threads, level, beside, plan, options);
        const before = measured.get(section.name);
        measured.set(section.name, {
          section,
          state: before?.state ?? { level, dtype, peak },
          results: [...(before?.results ?? []), ...results],
        });
        const report = section.summary?.(results);
        if (report) say(report);
      }
    }
  } finally {
    peers.close();
    setSimdLevel(best);
  }
  finish(benchmark, options, [...measured.values()], machine, plan);
}

/** Writes what is asked for; a wrong result fails the run and keeps the results file as it was. */
function finish(
  { command }: Benchmark,
  options: Options,
  measured: readonly Measured[],
  machine: Machine,
  plan: Plan,
): void {
  if (options.json !== undefined) {
    const parts = measured.map(({ section, state, results }) => [
      section.name,
      { ...state, results },
    ]);
    const content = { machine, plan, sections: Object.fromEntries(parts) };
    writeFileSync(options.json, `${JSON.stringify(content, null, 1)}\n`);
  }
  const problems = measured.flatMap(({ results }) => results.flatMap((r) => r.problems)).length;
  if (problems > 0) {
    say(`${problems} wrong results${options.write ? '; nothing was written' : ''}`);
    process.exitCode = 1;
  } else if (options.write) {
    const typed = [`${command} --`, ...process.argv.slice(2)].join(' ');
    const file = fileURLToPath(new URL('../RESULTS.md', import.meta.url));
    writeResults(file, measured, machine, typed);
  }
}
