/** What is measured. A case is also the request that goes to a peer (see bench/peers). */

export interface GemmCase {
  kind: 'gemm';
  name: string;
  /** [m, k] times [k, n]. */
  m: number;
  k: number;
  n: number;
}

export interface TrainCase {
  kind: 'train';
  name: string;
  /** Width of the input, of the hidden layers (ReLU between them) and of the output. */
  dims: readonly number[];
  batch: number;
  optimizer: 'sgd' | 'adam';
}

export interface InferCase {
  kind: 'infer';
  name: string;
  dims: readonly number[];
  batch: number;
}

export interface OpsCase {
  kind: 'ops';
  name: string;
  op: 'add' | 'relu' | 'exp' | 'tanh' | 'sigmoid' | 'gelu' | 'softmax';
  /** softmax is over the last dimension. */
  shape: readonly number[];
}

export interface OverheadCase {
  kind: 'overhead';
  name: string;
  /** On 2 x 2 matrices. */
  op: 'add' | 'matmul';
  /** Whether the operation is recorded for a gradient. */
  recorded: boolean;
}

export type Case = GemmCase | TrainCase | InferCase | OpsCase | OverheadCase;

export const sectionNames = ['gemm', 'mlp', 'ops', 'overhead'] as const;
export type SectionName = (typeof sectionNames)[number];

/** Training steps before the timed ones; the loss after them is checked. */
export const kWarmUpSteps = 20;
export const kLearningRate = { sgd: 0.1, adam: 1e-3 } as const;

// Squares from the L1 cache to beyond the L2, the skinny products of small batches, and the layers
// of the MLPs below.
const gemmShapes: readonly (readonly [number, number, number])[] = [
  [64, 64, 64],
  [128, 128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [1024, 1024, 1024],
  [2048, 2048, 2048],
  [1, 1024, 1024],
  [8, 1024, 1024],
  [32, 784, 128],
  [128, 784, 512],
  [128, 512, 10],
  [128, 512, 256],
  [256, 1024, 1024],
  [512, 4096, 1024],
];

// From a toy whose time is all overhead to one that is all arithmetic.
const networks: readonly Omit<TrainCase, 'kind' | 'name'>[] = [
  { dims: [2, 8, 2], batch: 4, optimizer: 'sgd' },
  { dims: [784, 128, 10], batch: 1, optimizer: 'sgd' },
  { dims: [784, 128, 10], batch: 32, optimizer: 'sgd' },
  { dims: [784, 128, 10], batch: 128, optimizer: 'adam' },
  { dims: [784, 512, 256, 10], batch: 128, optimizer: 'adam' },
  { dims: [1024, 1024, 1024, 1024, 10], batch: 256, optimizer: 'adam' },
];

const elementwiseSizes = [1024, 65536, 2 ** 20, 2 ** 24];
const softmaxShapes = [
  [128, 10],
  [128, 1000],
  [4096, 1024],
  [64, 32000],
];

/** Multiplications and additions of one run (forward 2, training 6 per weight and example). */
export function flops(c: Case): number {
  const weights = (dims: readonly number[]) =>
    dims.slice(1).reduce((sum, outputs, i) => sum + outputs * dims[i]!, 0);
  switch (c.kind) {
    case 'gemm':
      return 2 * c.m * c.k * c.n;
    case 'train':
      // The first layer's input needs no gradient.
      return c.batch * (6 * weights(c.dims) - 2 * c.dims[0]! * c.dims[1]!);
    case 'infer':
      return c.batch * 2 * weights(c.dims);
    default:
      return 0;
  }
}

function gemmCases(): Case[] {
  return gemmShapes.map(([m, k, n]) => ({ kind: 'gemm', name: `${m}x${k}x${n}`, m, k, n }));
}

function mlpCases(): Case[] {
  return networks.flatMap(({ dims, batch, optimizer }): Case[] => {
    const net = `${dims.join('-')} b${batch}`;
    return [
      { kind: 'train', name: `train ${net} ${optimizer}`, dims, batch, optimizer },
      { kind: 'infer', name: `infer ${net}`, dims, batch },
    ];
  });
}

function opsCases(): Case[] {
  const ops = ['add', 'relu', 'exp', 'tanh', 'sigmoid', 'gelu'] as const;
  return [
    ...ops.flatMap((op) =>
      elementwiseSizes.map((n): Case => ({ kind: 'ops', name: `${op} ${n}`, op, shape: [n] })),
    ),
    ...softmaxShapes.map(
      (shape): Case => ({ kind: 'ops', name: `softmax ${shape.join('x')}`, op: 'softmax', shape }),
    ),
  ];
}

function overheadCases(): Case[] {
  return (['add', 'matmul'] as const).flatMap((op) =>
    [false, true].map(
      (recorded): Case => ({
        kind: 'overhead',
        name: `${op} 2x2${recorded ? ', gradient recorded' : ''}`,
        op,
        recorded,
      }),
    ),
  );
}

/** The largest case of a quick run: enough to see that everything works. */
const kQuickFlops = 2e8;
const kQuickElements = 2 ** 18;

/** The cases of a section; `quick` leaves out the large ones. */
export function casesOf(section: SectionName, quick: boolean): Case[] {
  const all = { gemm: gemmCases, mlp: mlpCases, ops: opsCases, overhead: overheadCases }[section]();
  if (!quick) return all;
  return all.filter(
    (c) =>
      flops(c) <= kQuickFlops &&
      (c.kind !== 'ops' || c.shape.reduce((a, b) => a * b, 1) <= kQuickElements),
  );
}
