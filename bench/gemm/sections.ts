/**
 * The sections about the matrix product. A new element type gets one here, like `float64`
 * (lib/dtypes.ts says what else it needs).
 */
import type { Case, GemmCase } from '../lib/cases.js';
import type { Plan, Yardstick } from '../lib/compare.js';
import { Ours } from '../lib/ours.js';
import { type Column, caseTable, percent, ratio } from '../lib/report.js';
import type { Section } from '../lib/section.js';
import { median } from '../lib/statistics.js';
import { bandwidthYardstick } from './bandwidth.js';
import {
  callCases,
  cubeCases,
  layerCases,
  narrowTypeCases,
  shapeCases,
  sweepCases,
} from './cases.js';
import { layerSummary, sweepReport, sweepSummary } from './report.js';

const kShares =
  'A peer’s cell ends with its own share of the peak, which was measured in the same rounds.';

const kPacked =
  'ONNX Runtime "packed" has B as a constant, which it lays out before the timed part. "Like for like" holds it against our product with a weight that we pack ahead, too (`linear` outside of recording, where packing is of use), and all others against `matmul`; the figures before it hold every peer against `matmul`, which packs B, if at all, in every call.';

const path: Column = { head: 'path', cell: ({ plan = '' }) => plan };

const bandwidth: Column = {
  head: 'of read bandwidth',
  cell: ({ marks }) => (marks.bandwidth ? percent(marks.bandwidth.median) : ''),
};

const likeForLike: Column = {
  head: 'fastest peer, like for like',
  cell: ({ packed }) => (packed?.best ? ratio(packed.best) : ''),
};

export const shapes: Section = {
  name: 'gemm',
  title: 'Matrix product, float32',
  note: `${kShares} For products of few rows the read bandwidth is the other limit: the bytes of A, B and C a second over what the faster of the reductions \`sum\` and \`max\` reads from an array of B's size in the same rounds. Those are the fastest kernels that only read, so the true limit may be higher. ${kPacked}`,
  cases: shapeCases,
  packsAhead: true,
  yardsticks: () => [bandwidthYardstick],
  report: (results) =>
    caseTable(results, { columns: [path, bandwidth, likeForLike], peerShares: true }),
};

/** Our own time for another product in the place of a case's, where there is one. */
function ownProduct(
  name: string,
  other: (c: GemmCase) => GemmCase | null,
  threads: number,
  level: string,
): Yardstick {
  const ours = new Ours(name, threads, level);
  return {
    name,
    seconds: async (c: Case, budget) => {
      const product = c.kind === 'gemm' ? other(c) : null;
      if (product === null) return null;
      const answer = await ours.measure(product, budget);
      return 'skip' in answer ? null : median(answer.seconds);
    },
  };
}

const rowMajor = (c: GemmCase): GemmCase | null =>
  c.layout === 'NN' ? null : { ...c, layout: 'NN' };

const inFloat32 = (c: GemmCase): GemmCase => ({ ...c, dtype: 'float32' });

const ownRowMajor: Column = {
  head: 'our NN',
  cell: ({ marks }) => (marks.rowMajor ? ratio(marks.rowMajor) : ''),
};

export const layers: Section = {
  name: 'gemm-layers',
  title: 'Products of a linear layer, forward and backward, float32',
  note: `For a layer of inputs-outputs and a batch: forward Y = X W, the input's gradient dX = dY W^T and the weight's dW = X^T dY, with W stored as [inputs, outputs] and transposed operands read as views. "our NN" is the time of our product of the same sizes with both operands row-major over the time of this one: above 1 the transposed product is the faster. ${kShares} ONNX Runtime's packed weights are only for the forward product: in training they are not constant.`,
  cases: layerCases,
  yardsticks: (threads, level) => [ownProduct('rowMajor', rowMajor, threads, level)],
  summary: layerSummary,
  report: (results) =>
    [
      layerSummary(results),
      caseTable(results, { columns: [path, ownRowMajor], peerShares: true }),
    ].join('\n\n'),
};

/**
 * Many cases: what a single one says may be rougher, the means are what counts. Where its rounds don't agree
 * it gets more of them. On two threads a round takes 0.35 s, a third of it for threads of peers to fall asleep: 200
 * shapes take 2 minutes on one thread and 4 to 5.5 on two, by how many are measured again.
 */
const sweepPlan = (plan: Plan): Plan => {
  const rounds = Math.min(plan.rounds, 2);
  return { rounds, most: 2 * rounds, seconds: 0.01, repeats: 1 };
};

export const sweep: Section = {
  name: 'gemm-sweep',
  title: 'Matrix products of random shapes, float32',
  note: `200 shapes m x k x n, each size log-uniform in 1 to 2048, always the same ones. Each was measured briefly, in 2 rounds; where the smallest ratio of the rounds and the largest are more than a fifth apart, whoever is faster, in further ones until the middle half of the ratios isn’t, up to 4. In brackets stands the middle half. ${kPacked}`,
  cases: sweepCases,
  packsAhead: true,
  plan: sweepPlan,
  summary: sweepSummary,
  report: sweepReport,
};

export const float64: Section = {
  name: 'gemm-float64',
  title: 'Matrix product, float64',
  note: kShares,
  dtype: 'float64',
  cases: () => cubeCases([512, 1024], 'float64'),
  report: (results) => caseTable(results, { columns: [path], peerShares: true }),
};

function narrowType(dtype: 'bfloat16' | 'int8', title: string, note: string): Section {
  return {
    name: `gemm-${dtype}`,
    title,
    note: `${note} "our float32" is the time of our float32 product of the same sizes over the time of this one. The peak is that of float32. ${kShares}`,
    cases: () => narrowTypeCases(dtype),
    yardsticks: (threads, level) => [ownProduct('float32', inFloat32, threads, level)],
    report: (results) =>
      caseTable(results, {
        columns: [
          { head: 'our float32', cell: ({ marks }) => (marks.float32 ? ratio(marks.float32) : '') },
        ],
        peerShares: true,
      }),
  };
}

export const bfloat16 = narrowType(
  'bfloat16',
  'Matrix product, bfloat16, summed in float32',
  'Results are bfloat16.',
);

export const int8 = narrowType(
  'int8',
  'Matrix product, int8, summed in int32',
  'PyTorch is measured with `torch._int_mm`.',
);

export const avx2: Section = {
  name: 'gemm-avx2',
  title: 'Matrix product at the SIMD level avx2, float32',
  note: `Peers are held to AVX2 as well; ONNX Runtime has no setting for that. ${kShares}`,
  level: 'avx2',
  cases: () => cubeCases([512, 1024], 'float32'),
  report: (results) => caseTable(results, { columns: [path], peerShares: true }),
};

export const calls: Section = {
  name: 'gemm-calls',
  title: 'One small matrix product, float32, result allocated',
  oneThread: true,
  cases: callCases,
  report: (results) => caseTable(results),
};
