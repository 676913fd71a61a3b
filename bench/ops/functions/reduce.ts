/** Reductions, scans, sorting and searching. */
import * as t from 'tilegrad';
import type { OpsInput } from '../../lib/cases.js';
import {
  type FunctionRow,
  forward,
  graded,
  indices,
  kLong,
  of,
  positive,
  square,
  vector,
  whole,
} from './row.js';

type Dim = { dim?: number };

/** A reduction over rows, over columns and over everything. */
function directions<Name extends string>(
  make: typeof graded,
  name: Name,
  ours: (a: t.Tensor, dim: Dim) => t.Tensor,
  torch: (dim: string) => string,
  input: OpsInput = square,
): Record<`${Name} rows` | `${Name} columns` | `${Name} all`, FunctionRow> {
  return {
    [`${name} rows`]: make((a) => ours(a, { dim: 1 }), torch(', 1'), input),
    [`${name} columns`]: make((a) => ours(a, { dim: 0 }), torch(', 0'), input),
    [`${name} all`]: make((a) => ours(a, {}), torch(''), input),
  } as Record<`${Name} rows` | `${Name} columns` | `${Name} all`, FunctionRow>;
}

const bool = whole('bool', 256, 256);
const near: OpsInput = { ...positive(256, 256), plus: 0.5 };

export const reductions = {
  ...directions(
    forward,
    'all',
    (a, d) => a.all(d),
    (d) => `torch.all(a${d})`,
    bool,
  ),
  ...directions(
    forward,
    'any',
    (a, d) => a.any(d),
    (d) => `torch.any(a${d})`,
    bool,
  ),
  ...directions(
    graded,
    'amin',
    (a, d) => a.amin(d),
    (d) => `torch.amin(a${d})`,
  ),
  ...directions(
    forward,
    'argmin',
    (a, d) => a.argmin(d),
    (d) => `torch.argmin(a${d})`,
  ),
  ...directions(
    graded,
    'mean',
    (a, d) => a.mean(d),
    (d) => `torch.mean(a${d})`,
  ),
  ...directions(
    graded,
    'nansum',
    (a, d) => t.nansum(a, d),
    (d) => `torch.nansum(a${d})`,
  ),
  ...directions(
    graded,
    'nanmean',
    (a, d) => t.nanmean(a, d),
    (d) => `torch.nanmean(a${d})`,
  ),
  ...directions(
    graded,
    'norm',
    (a, d) => a.norm(d),
    (d) => `torch.linalg.vector_norm(a${d && `, dim=${d.slice(2)}`})`,
  ),
  ...directions(
    graded,
    'prod',
    (a, d) => a.prod(d),
    (d) => `torch.prod(a${d})`,
    { shape: [256, 256], positive: true, plus: 0.5 },
  ),
  ...directions(
    graded,
    'std',
    (a, d) => a.std(d),
    (d) => `torch.std(a${d})`,
  ),
  ...directions(
    forward,
    'countNonzero',
    (a, d) => t.countNonzero(a, d),
    (d) => `torch.count_nonzero(a${d})`,
  ),
  aminmax: forward(
    (a) => Object.values(t.aminmax(a, { dim: 1 })),
    'torch.aminmax(a, dim=1)[0]',
    square,
  ),
  cov: graded((a) => t.cov(a), 'torch.cov(a)', of(64, 256)),
  corrcoef: graded((a) => t.corrcoef(a), 'torch.corrcoef(a)', of(64, 256)),
  logsumexp: graded((a) => t.logsumexp(a, { dim: 1 }), 'torch.logsumexp(a, 1)', square),
  'logsumexp columns': graded((a) => t.logsumexp(a, { dim: 0 }), 'torch.logsumexp(a, 0)', square),
  'max rows': graded((a) => Object.values(a.max({ dim: 1 })), 'torch.max(a, 1)[0]', square),
  'max columns': graded((a) => Object.values(a.max({ dim: 0 })), 'torch.max(a, 0)[0]', square),
  'min rows': graded((a) => Object.values(a.min({ dim: 1 })), 'torch.min(a, 1)[0]', square),
  'min all': graded((a) => a.min(), 'torch.min(a)', square),
  'norm 1': graded(
    (a) => a.norm({ p: 1, dim: 1 }),
    'torch.linalg.vector_norm(a, 1, dim=1)',
    square,
  ),
  'norm 3': graded(
    (a) => a.norm({ p: 3, dim: 1 }),
    'torch.linalg.vector_norm(a, 3, dim=1)',
    square,
  ),
  'norm infinity': graded(
    (a) => a.norm({ p: Infinity, dim: 1 }),
    'torch.linalg.vector_norm(a, torch.inf, dim=1)',
    square,
  ),
  stdMean: forward(
    (a) => Object.values(t.stdMean(a, { dim: 1 })),
    'torch.std_mean(a, 1)[0]',
    square,
  ),
  'sum int32': forward((a) => a.sum(), 'torch.sum(a)', whole('int32', kLong)),
  'sum bool': forward((a) => a.sum(), 'torch.sum(a)', whole('bool', kLong)),
  'sum of the middle': graded((a) => a.sum({ dim: 1 }), 'torch.sum(a, 1)', of(16, 64, 64)),
  trace: graded((a) => t.trace(a), 'torch.trace(a)', square),
  variance: graded((a) => a.var({ dim: 0 }), 'torch.var(a, 0)', square),
  'variance all': graded((a) => a.var(), 'torch.var(a)', square),
  varMean: forward(
    (a) => Object.values(t.varMean(a, { dim: 1 })),
    'torch.var_mean(a, 1)[0]',
    square,
  ),
};

export const scans = {
  cummax: graded((a) => Object.values(t.cummax(a, 1)), 'torch.cummax(a, 1)[0]', square),
  cummin: graded((a) => Object.values(t.cummin(a, 0)), 'torch.cummin(a, 0)[0]', square),
  cumprod: graded((a) => t.cumprod(a, 1), 'torch.cumprod(a, 1)', near),
  'cumprod columns': graded((a) => t.cumprod(a, 0), 'torch.cumprod(a, 0)', near),
  'cumsum columns': graded((a) => t.cumsum(a, 0), 'torch.cumsum(a, 0)', square),
  'cumsum vector': graded((a) => t.cumsum(a, 0), 'torch.cumsum(a, 0)', vector),
  cumulativeTrapezoid: forward(
    (a) => t.cumulativeTrapezoid(a),
    'torch.cumulative_trapezoid(a)',
    square,
  ),
  diff: graded((a) => t.diff(a), 'torch.diff(a)', square),
  logcumsumexp: graded((a) => t.logcumsumexp(a, 1), 'torch.logcumsumexp(a, 1)', square),
  trapezoid: graded((a) => t.trapezoid(a), 'torch.trapezoid(a)', square),
};

const some = of(2 ** 14);
export const sorting = {
  argsort: forward((a) => t.argsort(a), 'torch.argsort(a)', of(64, 256)),
  'sort rows': graded((a) => Object.values(a.sort()), 'torch.sort(a)[0]', of(64, 256)),
  'sort vector': forward((a) => Object.values(a.sort()), 'torch.sort(a)[0]', some),
  'sort int32': forward(
    (a) => Object.values(a.sort()),
    'torch.sort(a)[0]',
    whole('int32', 2 ** 14),
  ),
  'sort columns': forward(
    (a) => Object.values(a.sort({ dim: 0 })),
    'torch.sort(a, 0)[0]',
    of(256, 64),
  ),
  msort: forward((a) => t.msort(a), 'torch.msort(a)', of(256, 64)),
  'topk rows': graded((a) => Object.values(a.topk(5)), 'torch.topk(a, 5)[0]', of(64, 1000)),
  kthvalue: forward(
    (a) => Object.values(t.kthvalue(a, 10)),
    'torch.kthvalue(a, 10)[0]',
    of(64, 256),
  ),
  median: graded(
    (a) => Object.values(t.median(a, { dim: 1 })),
    'torch.median(a, 1)[0]',
    of(64, 256),
  ),
  'median all': forward((a) => t.median(a), 'torch.median(a)', some),
  nanmedian: forward(
    (a) => Object.values(t.nanmedian(a, { dim: 1 })),
    'torch.nanmedian(a, 1)[0]',
    of(64, 256),
  ),
  mode: forward((a) => Object.values(t.mode(a)), 'torch.mode(a)[0]', whole('int32', 64, 256)),
  quantile: graded((a) => t.quantile(a, 0.3, { dim: 1 }), 'torch.quantile(a, 0.3, 1)', of(64, 256)),
  nanquantile: forward(
    (a) => t.nanquantile(a, 0.3, { dim: 1 }),
    'torch.nanquantile(a, 0.3, 1)',
    of(64, 256),
  ),
  unique: forward((a) => t.unique(a).values, 'torch.unique(a)', whole('int32', 2 ** 14)),
  'unique float32': forward((a) => t.unique(a).values, 'torch.unique(a)', some),
  uniqueConsecutive: forward(
    (a) => t.uniqueConsecutive(a).values,
    'torch.unique_consecutive(a)',
    whole('int32', 2 ** 14),
  ),
  searchsorted: forward(
    (a, b) => t.searchsorted(a, b),
    'torch.searchsorted(a, b)',
    { shape: [1000], ascending: true },
    some,
  ),
  bucketize: forward(
    (a, b) => t.bucketize(b, a),
    'torch.bucketize(b, a)',
    { shape: [100], ascending: true },
    some,
  ),
  isin: forward(
    (a, b) => t.isin(a, b),
    'torch.isin(a, b)',
    whole('int32', 2 ** 14),
    indices(100, 100),
  ),
  bincount: forward((a) => t.bincount(a), 'torch.bincount(a)', indices(1000, kLong)),
  histc: forward(
    (a) => t.histc(a, { bins: 100, min: -1, max: 1 }),
    'torch.histc(a, 100, -1, 1)',
    vector,
  ),
  histogram: forward(
    (a) => t.histogram(a, 100, { range: [-1, 1] }).hist,
    'torch.histogram(a, 100, range=(-1, 1))[0]',
    vector,
  ),
  equal: forward(
    (a, b) => t.full([], t.equal(a, b)),
    'torch.tensor(torch.equal(a, b))',
    whole('int32', kLong),
    whole('int32', kLong),
  ),
  allClose: forward(
    (a, b) => t.full([], t.allClose(a, b)),
    'torch.tensor(torch.allclose(a, b))',
    whole('float32', kLong),
    whole('float32', kLong),
  ),
};
