/** Results as text: a line for the terminal, tables for bench/RESULTS.md. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, release, totalmem, type } from 'node:os';
import { flops, type SectionName } from './cases.js';
import type { PeerResult, Result } from './compare.js';
import type { Spread } from './statistics.js';

/** What the figures were measured on. */
export interface Machine {
  cpu: string;
  cores: number;
  memoryGiB: number;
  system: string;
  node: string;
  version: string;
  simd: string;
  /** GFLOP/s of one core that did nothing but fused multiply-adds, float32, before the rest began. */
  peak: number;
}

/** The parts of a machine's description that Node knows. */
export function thisMachine(): Omit<Machine, 'version' | 'simd' | 'peak'> {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown CPU',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()} ${arch()}`,
    node: process.version,
  };
}

const titles: Record<SectionName, string> = {
  gemm: 'Matrix product, float32',
  mlp: 'Training step and inference of multilayer perceptrons, float32',
  ops: 'Elementwise operations and softmax, float32, result allocated',
  overhead: 'One small operation',
};

function duration(seconds: number): string {
  if (seconds < 1e-6) return `${(seconds * 1e9).toFixed(0)} ns`;
  if (seconds < 1e-3) return `${(seconds * 1e6).toFixed(seconds < 1e-5 ? 2 : 1)} us`;
  return `${(seconds * 1e3).toFixed(2)} ms`;
}

function ratio({ median, low, high }: Spread): string {
  return `${median.toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`;
}

/** GFLOP/s, and how much of the peak of as many cores that is; for elements, 10^9 a second. */
function rate(result: Result): string {
  const c = result.case;
  if (c.kind === 'ops') {
    const elements = c.shape.reduce((a, b) => a * b, 1);
    return `${(elements / result.seconds / 1e9).toFixed(2)} G/s`;
  }
  if (result.share === null) return '';
  const gflops = flops(c) / result.seconds / 1e9;
  return `${gflops.toFixed(1)} GFLOP/s (${(100 * result.share.median).toFixed(0)} %)`;
}

function peerName({ name, threads }: Pick<PeerResult, 'name' | 'threads'>, own: number): string {
  return threads === own ? name : `${name} on ${threads}`;
}

/** One case for the terminal. */
export function line(result: Result): string {
  const peers = result.peers.map((p) => `${peerName(p, result.threads)} ${ratio(p.ratio)}`);
  return [
    result.case.name.padEnd(42),
    `${result.threads}T`,
    duration(result.seconds).padStart(10),
    rate(result).padStart(22),
    ...peers,
  ].join('  ');
}

function table(results: readonly Result[]): string {
  const own = results[0]!.threads;
  const names = [...new Set(results.flatMap((r) => r.peers.map((p) => peerName(p, own))))];
  const rows = results.map((r) => [
    r.case.name,
    duration(r.seconds),
    rate(r),
    ...names.map((name) => {
      const peer = r.peers.find((p) => peerName(p, own) === name);
      return peer ? ratio(peer.ratio) : '';
    }),
    ...(names.length > 1 ? [r.best ? ratio(r.best) : ''] : []),
  ]);
  const head = ['case', 'time', 'rate', ...names, ...(names.length > 1 ? ['fastest peer'] : [])];
  return [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

/** A section as markdown: when, on what, by which command, and a table for each thread count. */
function section(
  name: SectionName,
  results: readonly Result[],
  machine: Machine,
  command: string,
  date: string,
): string {
  const threads = [...new Set(results.map((r) => r.threads))];
  return [
    `## ${titles[name]}`,
    `${date}, ${machine.cpu} (${machine.cores} cores, ${machine.memoryGiB} GiB), ${machine.system}, ` +
      `Node ${machine.node}, tilegrad ${machine.version} at level ${machine.simd}, ` +
      `FMA peak of one core ${machine.peak.toFixed(0)} GFLOP/s. Command: \`${command}\``,
    ...threads.flatMap((t) => [
      `### ${t} thread${t === 1 ? '' : 's'}`,
      table(results.filter((r) => r.threads === t)),
    ]),
  ].join('\n\n');
}

const kIntroduction = `# Benchmark results

Times are medians. A peer's column is its time over ours, measured in turns within the same minutes: median over the rounds, then the smallest and the largest; above 1 means that tilegrad is faster. Every result was compared with a float64 reference before it counted. Percentages are of the peak of fused multiply-adds on as many cores, measured in the same rounds.
`;

/**
 * Replaces sections of the results file, each between its own pair of markers; sections that were
 * not measured stay as they are.
 */
export function writeResults(
  file: string,
  sections: ReadonlyMap<SectionName, readonly Result[]>,
  machine: Machine,
  command: string,
): void {
  let text = existsSync(file) ? readFileSync(file, 'utf8') : kIntroduction;
  const date = new Date().toISOString().slice(0, 10);
  for (const [name, results] of sections) {
    const begin = `<!-- ${name}: written by npm run bench -->`;
    const end = `<!-- ${name}: end -->`;
    const block = `${begin}\n${section(name, results, machine, command, date)}\n${end}`;
    const from = text.indexOf(begin);
    const to = text.indexOf(end);
    text =
      from >= 0 && to > from
        ? text.slice(0, from) + block + text.slice(to + end.length)
        : `${text}\n${block}\n`;
  }
  writeFileSync(file, text);
}
