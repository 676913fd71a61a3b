/** The sections about operations other than the matrix product. */
import type { Case } from '../lib/cases.js';
import type { Yardstick } from '../lib/compare.js';
import { type Column, caseTable, percent } from '../lib/report.js';
import type { Section } from '../lib/section.js';
import {
  broadcastCases,
  einsumCases,
  functionCases,
  indexCases,
  linalgCases,
  mathCases,
  memoryCases,
  randomCases,
  reductionCases,
  rowCases,
  smallCases,
  stepCases,
} from './cases.js';
import { copyYardstick, inPlaceYardstick } from './limits.js';

const copied: Column = {
  head: 'of a copy',
  cell: ({ marks }) => (marks.copy ? percent(marks.copy.median) : ''),
};

const inPlace: Column = {
  head: 'of the bandwidth',
  cell: ({ marks }) => (marks.inPlace ? percent(marks.inPlace.median) : ''),
};

interface Options {
  plan?: Section['plan'];
  dtype?: 'float64';
  note?: string;
  yardsticks?: readonly Yardstick[];
  columns?: readonly Column[];
}

function section(name: string, title: string, cases: () => Case[], options: Options = {}): Section {
  const { dtype = 'float32', note, yardsticks = [], columns = [], plan } = options;
  return {
    name: `ops-${name}`,
    title: `${title}, ${dtype}`,
    ...(note === undefined ? {} : { note }),
    ...(plan === undefined ? {} : { plan }),
    cases,
    yardsticks: () => yardsticks,
    report: (results) => caseTable(results, { columns }),
  };
}

const kDisposed =
  'The result is allocated in every call, and its memory given back at once, as Python does by counting references.';

export const memory = section('memory', 'Elementwise operations that memory limits', memoryCases, {
  note: `${kDisposed} Where it says "left to the collector" nothing is given back. "of a copy" is how fast the same number of bytes is moved beside memcpy on one core, into memory that exists already.`,
  yardsticks: [copyYardstick],
  columns: [copied],
});

export const mathematics = section('math', 'Elementwise mathematics', mathCases, {
  note: kDisposed,
});

export const broadcasts = section('broadcast', 'Strided and broadcast operands', broadcastCases, {
  note: kDisposed,
});

export const rows = section('rows', 'Softmax, cross entropy and layer norm', rowCases, {
  note: `${kDisposed} "forward and backward" also computes the gradients of all inputs, in a \`tidy\`.`,
});

export const reductions = section('reduce', 'Reductions and scans', reductionCases, {
  note: kDisposed,
});

export const random = section('random', 'Random numbers', randomCases, { note: kDisposed });

export const indices = section('index', 'Indices, sorting, selection', indexCases, {
  note: kDisposed,
});

/** 500 cases of 20 to 200 us: more rounds, each too short to notice, tell more than fewer long ones. */
const kFunctionSeconds = 0.004;

export const functions = section('functions', 'Functions one by one', functionCases, {
  note: `${kDisposed} Every function that PyTorch has as well on one size, but for those of the other sections. "forward and backward" also computes the gradients of all inputs.`,
  plan: (plan) => ({ ...plan, seconds: kFunctionSeconds }),
});

export const einsum = section('einsum', 'einsum', einsumCases, { note: kDisposed });

export const linearAlgebra = section('linalg', 'Linear algebra', linalgCases, {
  dtype: 'float64',
  note: `${kDisposed} Matrices are n by n; "solve" has 16 right-hand sides. PyTorch calls LAPACK on OpenBLAS.`,
});

export const small = section('small', 'Operations on ten elements', smallCases, {
  note: 'Results are allocated in every call and left to the collector. "recorded": inputs require gradients.',
});

export const steps = section('steps', 'Optimizer steps', stepCases, {
  note: 'All parameters are stepped in one call of `step()`; PyTorch with `fused=True` where the rule has it (RMSprop: its default) and the case names no other of its ways. The rate is that of parameters. "of the bandwidth" is the time in which `sum` reads as many gradients and `mul_` reads and writes as many parameters and states in place, over that of the step.',
  yardsticks: [inPlaceYardstick],
  columns: [inPlace],
});

export const all = [
  ...[memory, mathematics, broadcasts, rows, reductions, random, indices, functions],
  ...[einsum, linearAlgebra, small, steps],
];
