/** The sections that are not about the matrix product alone; those are in bench/gemm, nor about
 * single operations (bench/ops).
 */
import { networkCases } from '../nn/networks.js';
import { mlpCases, overheadCases } from './cases.js';
import { caseTable } from './report.js';
import type { Section } from './section.js';

export const mlp: Section = {
  name: 'mlp',
  title: 'Training step and inference of multilayer perceptrons, float32',
  cases: mlpCases,
  report: (results) => caseTable(results),
};

export const networks: Section = {
  name: 'networks',
  title: 'Training step of networks, float32',
  note: 'With Adam. The CNN: convolutions of 32 and 64 filters 3 x 3 on 28 x 28 pictures, pooling, 128 units, 10 classes. Recurrent: one layer of 128 units over 32 elements of 128 features. The transformer: 4 layers, 4 heads, width 128, 64 places, causal.',
  cases: networkCases,
  report: (results) => caseTable(results),
};

export const overhead: Section = {
  name: 'overhead',
  title: 'One small operation',
  oneThread: true,
  cases: overheadCases,
  report: (results) => caseTable(results),
};
