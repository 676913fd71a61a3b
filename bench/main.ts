/** The benchmark: `npm run bench -- --help`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { simdLevel } from 'tilegrad';
import { type Case, casesOf, type SectionName, sectionNames } from './lib/cases.js';
import { compare, type Judge, type Plan, type Result } from './lib/compare.js';
import { float64Loss, Ours } from './lib/ours.js';
import { fmaPeak } from './lib/peak.js';
import { startPeers } from './lib/peers.js';
import { disagreement, reference, trainingAgrees } from './lib/reference.js';
import { line, type Machine, thisMachine, writeResults } from './lib/report.js';

const kHelp = `Measures tilegrad, and its peers beside it where they can be found.

  npm run bench -- [options]

  --only LIST     sections, of ${sectionNames.join(', ')}; separated by commas
  --threads LIST  thread counts; default 1 and 2 (1 on a single core)
  --rounds N      how often every program takes its turn; default 5
  --quick         small cases, once, briefly: does it work?
  --json FILE     writes everything that was measured
  --write         updates bench/RESULTS.md, if every result was right
  --help          this

Peers: PyTorch and NumPy when TILEGRAD_BENCH_PYTHON is a command that runs Python with them
(\`python3\`, arguments allowed); ONNX Runtime when onnxruntime-node can be resolved from here or from
the file or folder (with a slash at the end) that TILEGRAD_BENCH_ONNXRUNTIME names. With
TILEGRAD_BENCH_DEBUG set, what peers say on their error output is shown.
`;

const optionTypes = {
  only: { type: 'string', default: sectionNames.join(',') },
  threads: { type: 'string', default: availableParallelism() > 1 ? '1,2' : '1' },
  rounds: { type: 'string', default: '5' },
  quick: { type: 'boolean', default: false },
  json: { type: 'string' },
  write: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** The command line; ends the program when it has something unknown. */
function parseCommandLine() {
  try {
    return parseArgs({ options: optionTypes }).values;
  } catch (error) {
    return fail((error as Error).message);
  }
}

const options = parseCommandLine();

/** Sections from --only; ends the program when one is unknown. */
function chosenSections(): SectionName[] {
  return options.only.split(',').map((text) => {
    const name = sectionNames.find((known) => known === text.trim());
    if (name === undefined) fail(`unknown section ${text}; known are ${sectionNames.join(', ')}`);
    return name;
  });
}

/** A whole number above 0 from an option. */
function count(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    fail(`--${option} must be a number above 0, not ${text}`);
  return value;
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

/** How a case's results are judged. The reference is computed once, before anything is timed. */
function judgeOf(c: Case): Judge {
  const expected = reference(c);
  if (expected !== null) return (check) => disagreement(check, expected);
  if (c.kind !== 'train') throw new Error(`no reference for ${c.name}`);
  const loss = float64Loss(c);
  return ([own]) =>
    own !== undefined && trainingAgrees(own, loss)
      ? null
      : `loss ${own} after the warm-up, in float64 ${loss}`;
}

/** This library's version, from its manifest. */
function ownVersion(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

async function main(): Promise<void> {
  const plan: Plan = options.quick
    ? { rounds: 1, seconds: 0.005, repeats: 1 }
    : { rounds: count('rounds', options.rounds), seconds: 0.05, repeats: 3 };
  if (options.quick && options.write) fail('--quick says nothing that is worth to --write');
  const sections = chosenSections();
  const threadCounts = options.threads.split(',').map((text) => count('threads', text));
  const say = (text: string): boolean => process.stdout.write(`${text}\n`);

  const peak = (): number => fmaPeak(plan.seconds, plan.repeats);
  const machine: Machine = {
    ...thisMachine(),
    version: ownVersion(),
    simd: simdLevel(),
    peak: peak(),
  };
  say(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, level ${machine.simd}`);
  say(`FMA peak of one core: ${machine.peak.toFixed(1)} GFLOP/s (float32)`);
  say('Peers: their time over ours, median (smallest-largest); above 1 we are faster.');

  const results = new Map<SectionName, Result[]>(sections.map((name) => [name, []]));
  let problems = 0;
  for (const threads of threadCounts) {
    const peers = await startPeers(threads);
    const ours = new Ours('tilegrad', threads);
    try {
      for (const name of sections) {
        // One small operation never uses a second thread.
        if (name === 'overhead' && threads > 1) continue;
        for (const c of casesOf(name, options.quick)) {
          const result = await compare(c, ours, peers, plan, judgeOf(c), peak);
          results.get(name)!.push(result);
          say(line(result));
          for (const problem of result.problems) say(`  WRONG: ${problem}`);
          problems += result.problems.length;
        }
      }
    } finally {
      ours.close();
      for (const peer of peers) peer.close();
    }
  }

  if (options.json !== undefined) {
    const content = { machine, plan, sections: Object.fromEntries(results) };
    writeFileSync(options.json, `${JSON.stringify(content, null, 1)}\n`);
  }
  if (options.write && problems === 0) {
    const command = ['npm run bench --', ...process.argv.slice(2)].join(' ');
    const measured = new Map([...results].filter(([, list]) => list.length > 0));
    writeResults(fileURLToPath(new URL('RESULTS.md', import.meta.url)), measured, machine, command);
  }
  if (problems > 0) {
    say(`${problems} wrong results${options.write ? '; nothing was written' : ''}`);
    process.exitCode = 1;
  }
}

if (options.help) process.stdout.write(kHelp);
else await main();
