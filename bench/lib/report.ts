/** Results as text: a line for the terminal, tables for bench/RESULTS.md. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, release, totalmem, type } from 'node:os';
import { broadcast } from '../ops/operations.js';
import { flops } from './cases.js';
import type { PeerResult, Result } from './compare.js';
import type { GemmDType } from './dtypes.js';
import type { Section } from './section.js';
import type { Spread } from './statistics.js';

/** What the figures were measured on. */
export interface Machine {
  cpu: string;
  cores: number;
  memoryGiB: number;
  system: string;
  node: string;
  version: string;
}

/** The state of the machine in which a section was measured. */
export interface State {
  /** SIMD level. */
  level: string;
  dtype: GemmDType;
  /** GFLOP/s of one core that did nothing but fused multiply-adds, right before the section. */
  peak: number;
}

/** The parts of a machine's description that Node knows. */
export function thisMachine(): Omit<Machine, 'version'> {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown CPU',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()} ${arch()}`,
    node: process.version,
  };
}

function duration(seconds: number): string {
  if (seconds < 1e-6) return `${(seconds * 1e9).toFixed(0)} ns`;
  if (seconds < 1e-3) return `${(seconds * 1e6).toFixed(seconds < 1e-5 ? 2 : 1)} us`;
  return `${(seconds * 1e3).toFixed(2)} ms`;
}

export function ratio({ median, low, high }: Spread): string {
  return `${median.toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

/** GFLOP/s, and how much of the peak of as many cores that is; for elements, 10^9 a second. */
function rate(result: Result): string {
  const c = result.case;
  if (c.kind === 'ops') {
    const elements = broadcast(c.inputs).reduce((a, b) => a * b, 1);
    return `${(elements / result.seconds / 1e9).toFixed(2)} G/s`;
  }
  if (c.kind === 'steps') {
    const elements = c.sizes.reduce((a, b) => a + b, 0);
    return `${(elements / result.seconds / 1e9).toFixed(2)} G/s`;
  }
  const { peak } = result.marks;
  if (peak === undefined) return '';
  const gflops = flops(c) / result.seconds / 1e9;
  return `${gflops.toFixed(1)} GFLOP/s (${percent(peak.median)})`;
}

/** A peer's name, with its thread count where that isn't ours. */
export function peerName(
  { name, threads }: Pick<PeerResult, 'name' | 'threads'>,
  own: number,
): string {
  return threads === own ? name : `${name} on ${threads}`;
}

/** One case for the terminal. */
export function line(result: Result): string {
  const peers = result.peers.map((p) => `${peerName(p, result.threads)} ${ratio(p.ratio)}`);
  const marks = Object.entries(result.marks)
    .filter(([name]) => name !== 'peak') // which is in the rate
    .map(([name, mark]) => `${name} ${ratio(mark)}`);
  return [
    result.case.name.padEnd(42),
    `${result.threads}T`,
    duration(result.seconds).padStart(10),
    rate(result).padStart(22),
    ...marks,
    ...peers,
    ...(result.packed?.best ? [`like for like ${ratio(result.packed.best)}`] : []),
  ].join('  ');
}

/** Lines of cells as markdown, the first one as head. */
export function markdownTable(head: readonly string[], rows: readonly string[][]): string {
  return [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

/** The names of all peers that have a result. */
export function peerNames(results: readonly Result[]): string[] {
  return [...new Set(results.flatMap((r) => r.peers.map((p) => peerName(p, r.threads))))];
}

export function peerOf(result: Result, name: string): PeerResult | undefined {
  return result.peers.find((p) => peerName(p, result.threads) === name);
}

/** A column that only some sections have. */
export interface Column {
  head: string;
  /** Empty where it has nothing to say. */
  cell(result: Result): string;
}

export interface TableOptions {
  /** Put after the rate. */
  columns?: readonly Column[];
  /** Whether a peer's cell also says how much of the peak the peer reaches. */
  peerShares?: boolean;
}

/** One line for each case. */
export function caseTable(results: readonly Result[], options: TableOptions = {}): string {
  const { columns = [], peerShares = false } = options;
  const names = peerNames(results);
  const last = names.length > 1 ? ['fastest peer'] : [];
  const peerCell = (peer: PeerResult | undefined): string => {
    if (peer === undefined) return '';
    const { peak } = peer.marks;
    const share = peerShares && peak !== undefined ? `, ${percent(peak.median)}` : '';
    return ratio(peer.ratio) + share;
  };
  const rows = results.map((r) => [
    r.case.name,
    duration(r.seconds),
    rate(r),
    ...columns.map((column) => column.cell(r)),
    ...names.map((name) => peerCell(peerOf(r, name))),
    ...last.map(() => (r.best ? ratio(r.best) : '')),
  ]);
  return markdownTable(
    ['case', 'time', 'rate', ...columns.map(({ head }) => head), ...names, ...last],
    rows,
  );
}

/** Results of a section that belong together. */
export interface Measured {
  section: Section;
  results: readonly Result[];
  state: State;
}

/** A section as markdown: when, on what, by which command, and a table for each thread count. */
function text({ section, results, state }: Measured, machine: Machine, command: string): string {
  const threads = [...new Set(results.map((r) => r.threads))];
  const date = new Date().toISOString().slice(0, 10);
  return [
    `## ${section.title}`,
    `${date}, ${machine.cpu} (${machine.cores} cores, ${machine.memoryGiB} GiB), ${machine.system}, ` +
      `Node ${machine.node}, tilegrad ${machine.version} at level ${state.level}, FMA peak of one ` +
      `core ${state.peak.toFixed(0)} GFLOP/s (${state.dtype}). Command: \`${command}\``,
    ...(section.note ? [section.note] : []),
    ...threads.flatMap((t) => [
      `### ${t} thread${t === 1 ? '' : 's'}`,
      section.report(results.filter((r) => r.threads === t)),
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
  sections: readonly Measured[],
  machine: Machine,
  command: string,
): void {
  let content = existsSync(file) ? readFileSync(file, 'utf8') : kIntroduction;
  for (const measured of sections) {
    const { name } = measured.section;
    const begin = `<!-- ${name}: written by npm run bench -->`;
    const end = `<!-- ${name}: end -->`;
    const block = `${begin}\n${text(measured, machine, command)}\n${end}`;
    const from = content.indexOf(begin);
    const to = content.indexOf(end);
    content =
      from >= 0 && to > from
        ? content.slice(0, from) + block + content.slice(to + end.length)
        : `${content}\n${block}\n`;
  }
  writeFileSync(file, content);
}
