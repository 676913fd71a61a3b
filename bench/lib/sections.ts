/** The sections that are not about the matrix product alone; those are in bench/gemm, nor about
 * single operations (bench/ops).
 */
import { mlpCases, overheadCases } from './cases.js';
import { caseTable } from './report.js';
import type { Section } from './section.js';

export const mlp: Section = {
  name: 'mlp',
  title: 'Training step and inference of multilayer perceptrons, float32',
  cases: mlpCases,
  report: (results) => caseTable(results),
};

export const overhead: Section = {
  name: 'overhead',
  title: 'One small operation',
  oneThread: true,
  cases: overheadCases,
  report: (results) => caseTable(results),
};
