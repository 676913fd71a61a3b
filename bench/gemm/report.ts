/** What many products say together. */
import { flops, type Layout } from '../lib/cases.js';
import type { Result } from '../lib/compare.js';
import { markdownTable, peerNames, peerOf, percent, ratio } from '../lib/report.js';
import { geometricMean, middleHalf, quantile } from '../lib/statistics.js';

function known<T>(values: readonly (T | undefined | null)[]): T[] {
  return values.filter((v): v is T => v !== undefined && v !== null);
}

/** "geometric mean 1.05, smallest 0.90 (case)". */
function meanAndSmallest(
  results: readonly Result[],
  of: (r: Result) => number | undefined,
): string | null {
  const pairs = known(
    results.map((r) => {
      const value = of(r);
      return value === undefined ? null : { value, name: r.case.name };
    }),
  );
  const [first] = pairs.sort((a, b) => a.value - b.value);
  if (first === undefined) return null;
  const mean = geometricMean(pairs.map(({ value }) => value)).toFixed(3);
  return `geometric mean ${mean}, smallest ${first.value.toFixed(2)} (${first.name})`;
}

/** The layers' products in a few lines, by layout. */
export function layerSummary(results: readonly Result[]): string {
  const layouts: readonly Layout[] = ['NN', 'NT', 'TN'];
  const lines = layouts.flatMap((layout) => {
    const own = results.filter((r) => r.case.kind === 'gemm' && r.case.layout === layout);
    const nn = meanAndSmallest(own, (r) => r.marks.rowMajor?.median);
    const peer = meanAndSmallest(own, (r) => r.best?.median);
    return [
      ...(nn ? [`- ${layout}, our NN's time over ours: ${nn}`] : []),
      ...(peer ? [`- ${layout}, the fastest peer's time over ours: ${peer}`] : []),
    ];
  });
  return lines.join('\n');
}

const quantiles = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99];
const kWorst = 10;

function bestOf(r: Result): number | undefined {
  return r.best?.median;
}

function likeForLike(r: Result): number | undefined {
  return r.packed?.best?.median;
}

/** "200 shapes, <what>: geometric mean ...; at least 1 in 180."; null where nothing was measured. */
function summaryLine(
  results: readonly Result[],
  what: string,
  of: (r: Result) => number | undefined,
): string | null {
  const text = meanAndSmallest(results, of);
  const ratios = known(results.map(of));
  const ahead = ratios.filter((x) => x >= 1).length;
  return text && `${ratios.length} shapes, ${what}: ${text}; at least 1 in ${ahead}.`;
}

/** How many shapes had further rounds, and of how many of them the last rounds didn't agree either. */
function furtherRounds(results: readonly Result[]): string | null {
  const rounds = results.map(({ ratios }) => ratios.length);
  const [fewest, most] = [Math.min(...rounds), Math.max(...rounds)];
  if (fewest === most) return null;
  const again = rounds.filter((count) => count > fewest).length;
  const left = results.filter(({ agreed }) => !agreed).length;
  return `${again} shapes whose ${fewest} rounds differed by more than a fifth were measured in further rounds, up to ${most}; ${left} still differ so.`;
}

/** The sweep in some lines. */
export function sweepSummary(results: readonly Result[]): string {
  const strict = summaryLine(results, "the fastest peer's time over ours", bestOf);
  if (strict === null) return `${results.length} shapes, no peer beside them.`;
  const like = summaryLine(results, 'the same like for like, packed beside packed', likeForLike);
  return known([strict, like, furtherRounds(results)]).join('\n\n');
}

/** A distribution's line in the table of quantiles. */
function distribution(name: string, values: readonly number[]): string[] {
  const number = (x: number): string => x.toFixed(2);
  return [
    name,
    `${values.length}`,
    geometricMean(values).toFixed(3),
    number(Math.min(...values)),
    ...quantiles.map((p) => number(quantile(values, p))),
    number(Math.max(...values)),
    percent(values.filter((x) => x >= 1).length / values.length),
  ];
}

/** The peers that pack ahead beside ours that does, and ours that does beside ours that doesn't. */
function packedRows(results: readonly Result[]): string[][] {
  const packed = known(results.map((r) => r.packed));
  const names = new Set(packed.flatMap(({ peers }) => peers.map(({ name }) => name)));
  const of = (name: string): number[] =>
    known(packed.map(({ peers }) => peers.find((peer) => peer.name === name)?.ratio.median));
  if (packed.length === 0) return [];
  return [
    ...[...names].map((name) => distribution(`${name} over ours packed`, of(name))),
    distribution(
      'ours packed',
      packed.map((r) => r.ratio.median),
    ),
  ];
}

function fastestName(result: Result): string {
  const fastest = peerNames([result]).sort(
    (a, b) => peerOf(result, a)!.seconds - peerOf(result, b)!.seconds,
  );
  return fastest[0] ?? '';
}

function worstTable(results: readonly Result[]): string {
  const worst = results
    .filter((r) => r.best !== null)
    .sort((a, b) => bestOf(a)! - bestOf(b)!)
    .slice(0, kWorst);
  const rows = worst.map((r) => [
    r.case.name,
    `${(flops(r.case) / r.seconds / 1e9).toFixed(1)} GFLOP/s`,
    r.marks.peak ? percent(r.marks.peak.median) : '',
    r.plan ?? '',
    fastestName(r),
    ratio({ ...r.best!, ...middleHalf(r.ratios) }),
    r.packed?.best ? r.packed.best.median.toFixed(2) : '',
    `${r.ratios.length}`,
  ]);
  return markdownTable(
    [
      ...['case', 'rate', 'of the peak', 'path', 'fastest peer', 'its time over ours'],
      ...['like for like', 'rounds'],
    ],
    rows,
  );
}

/** The sweep as markdown: distributions of the ratios, our share of the peak, and the worst cases. */
export function sweepReport(results: readonly Result[]): string {
  const ratios = known(results.map(bestOf));
  const peers = peerNames(results).map((name) =>
    distribution(name, known(results.map((r) => peerOf(r, name)?.ratio.median))),
  );
  const like = known(results.map(likeForLike));
  const head = [
    'time over ours',
    'shapes',
    'geometric mean',
    'smallest',
    ...quantiles.map((p) => `${Math.round(100 * p)} %`),
    'largest',
    'at least 1',
  ];
  const shares = known(results.map((r) => r.marks.peak?.median));
  const share = `Our share of the peak of multiply-adds: ${[0.1, 0.25, 0.5, 0.75, 0.9]
    .map((p) => `${percent(quantile(shares, p))} at the ${100 * p} % quantile`)
    .join(', ')}.`;
  if (ratios.length === 0) return [sweepSummary(results), share].join('\n\n');
  return [
    sweepSummary(results),
    markdownTable(head, [
      distribution('fastest peer', ratios),
      ...(like.length > 0 ? [distribution('fastest peer, like for like', like)] : []),
      ...peers,
      ...packedRows(results),
    ]),
    share,
    `The ${Math.min(kWorst, ratios.length)} shapes where the fastest peer is furthest ahead:`,
    worstTable(results),
  ].join('\n\n');
}
