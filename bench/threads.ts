/**
 * Where several threads are slower than one: `npm run bench:threads -- --help`. Every case of the other
 * benchmarks, by this library alone, with one thread and with several in turns; one call right after
 * another, and with pauses between them, in which the pool's threads fall asleep, as programs have them
 * that do something else as well.
 */
import { parseArgs } from 'node:util';
import { setNumThreads } from 'tilegrad';
import * as gemm from './gemm/sections.js';
import type { Case } from './lib/cases.js';
import { prepare } from './lib/ours.js';
import type { Section } from './lib/section.js';
import * as nets from './lib/sections.js';
import { geometricMean, median, spread } from './lib/statistics.js';
import * as ops from './ops/sections.js';

const { shapes, layers, sweep, float64, bfloat16, int8 } = gemm;
const sections: readonly Section[] = [
  ...[shapes, layers, sweep, float64, bfloat16, int8],
  ...[nets.mlp, nets.networks],
  ...ops.all,
];

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: sections.map(({ name }) => name).join() },
    cases: { type: 'string', default: '' },
    threads: { type: 'string', default: '2' },
    pause: { type: 'string', default: '0,100,1000' },
    rounds: { type: 'string', default: '5' },
    all: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (options.help) {
  process.stdout.write(`Compares this library on several threads with itself on one.

  --only LIST     sections, separated by commas; default all
  --cases REGEXP  only cases whose names match it
  --threads N     how many; default 2
  --pause LIST    microseconds between two calls; default 0,100,1000
  --rounds N      how often each takes its turn; default 5
  --all           every case; otherwise those that are slower on several threads

Sections: ${sections.map(({ name }) => name).join(' ')}
`);
  process.exit(0);
}

const threads = Number(options.threads);
const rounds = Number(options.rounds);
const pauses = options.pause.split(',').map(Number);
const only = options.only.split(',');
const named = new RegExp(options.cases);

/** Above this, several threads count as slower: what is below comes and goes from round to round. */
const kSlower = 1.1;

const kWarmUpSeconds = 0.1; // see lib/measure.ts
const kTurnSeconds = 0.01; // of calls, without the pauses
const kMostPausesSeconds = 0.03;

const now = (): number => Number(process.hrtime.bigint()) * 1e-9;

function spend(seconds: number): void {
  const end = now() + seconds;
  while (now() < end);
}

/** The median time of a call, of as many as a turn has. */
function turn(run: () => unknown, count: number, pause: number): number {
  run(); // the first one after the other turn
  const times = Array.from({ length: count }, () => {
    if (pause > 0) spend(pause);
    const start = now();
    run();
    return now() - start;
  });
  return median(times);
}

/** Seconds on one thread and the ratios of several to it, one a round. */
function compare(run: () => unknown, pause: number): { seconds: number; ratios: number[] } {
  const call = turn(run, 3, 0);
  const most = pause > 0 ? kMostPausesSeconds / pause : 1000;
  const count = Math.max(3, Math.ceil(Math.min(kTurnSeconds / call, most)));
  const pairs = Array.from({ length: rounds }, () =>
    [1, threads].map((n) => {
      setNumThreads(n);
      return turn(run, count, pause);
    }),
  );
  return {
    seconds: median(pairs.map(([one]) => one!)),
    ratios: pairs.map(([one, several]) => several! / one!),
  };
}

function measure(c: Case): number[] {
  const { run } = prepare(c);
  const end = now() + kWarmUpSeconds;
  while (now() < end) run();
  return pauses.map((microseconds) => {
    const { seconds, ratios } = compare(run, microseconds * 1e-6);
    const { median: middle, low, high } = spread(ratios);
    if (options.all || (middle > kSlower && low > 1)) {
      const range = `${low.toFixed(2)} to ${high.toFixed(2)}`;
      const time = `${(seconds * 1e6).toFixed(1)} us`;
      process.stdout.write(
        `${c.name.padEnd(50)} pause ${microseconds} us: ${time} x ${middle.toFixed(2)} (${range})\n`,
      );
    }
    return middle;
  });
}

const seen = new Set<string>();
const results: number[][] = [];
for (const section of sections.filter(({ name }) => only.includes(name))) {
  for (const c of section.cases()) {
    if (!named.test(c.name) || seen.has(c.name)) continue;
    seen.add(c.name);
    results.push(measure(c));
  }
}
pauses.forEach((pause, i) => {
  const ratios = results.map((ofCase) => ofCase[i]!);
  const slower = ratios.filter((ratio) => ratio > kSlower).length;
  process.stdout.write(
    `pause ${pause} us: ${slower} of ${ratios.length} slower, mean ${geometricMean(ratios).toFixed(3)}\n`,
  );
});
