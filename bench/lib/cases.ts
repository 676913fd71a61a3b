/** What is measured. A case is also the request that goes to a peer (see bench/peers). */
import type { DType } from 'tilegrad';
import { type NetworkCase, networkFlops } from '../nn/networks.js';
import type { OperationName } from '../ops/operations.js';
import type { GemmDType } from './dtypes.js';

/**
 * How the operands of a product lie in memory, in BLAS's letters, A's first: N row-major, T stored
 * transposed (A as [k, m], B as [n, k]) and read through a view.
 */
export type Layout = 'NN' | 'NT' | 'TN';

/** [m, k] times [k, n]. */
export interface Product {
  m: number;
  k: number;
  n: number;
  layout: Layout;
  dtype: GemmDType;
}

export interface GemmCase extends Product {
  kind: 'gemm';
  name: string;
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

/** An input of an operation, uniform in [-1, 1). */
export interface OpsInput {
  shape: readonly number[];
  /** In (0, 1] instead. */
  positive?: boolean;
  /** Added to every element. */
  plus?: number;
  /** Whether no gradient is asked for it: targets of losses. Whole numbers have none either. */
  constant?: boolean;
  /** In ascending order. */
  ascending?: boolean;
  /** Whole numbers below this instead, which step through all of them: classes, indices. */
  below?: number;
  /**
   * What those are: by default int32, and int64 for PyTorch, whose indices have to be that. float32 stands
   * for what the case is computed in.
   */
  as?: Exclude<DType, 'float64'>;
  /** Added to the diagonal of a square matrix. */
  diagonal?: number;
  /** Whether the upper triangle of a matrix with `diagonal` mirrors the lower one. */
  symmetric?: boolean;
  /** Whether it is a view of a matrix that lies in memory transposed. */
  transposed?: boolean;
  /** Whether it lies in a typed array of the user's instead of in the library's memory. */
  users?: boolean;
}

export interface OpsCase {
  kind: 'ops';
  name: string;
  op: OperationName;
  inputs: readonly OpsInput[];
  /** What it is computed in. */
  dtype: 'float32' | 'float64';
  /** What PyTorch evaluates: see bench/ops/operations.ts. */
  torch: string;
  /** Whether gradients of all inputs are computed too, for a gradient of ones. */
  backward: boolean;
  /** Whether the operation is recorded for a gradient that nobody asks for. */
  recorded: boolean;
  /** Whether results are disposed at once; Python always does that, by counting references. */
  disposed: boolean;
}

/** Steps of an optimizer; the gradients stay the same. */
export interface StepsCase {
  kind: 'steps';
  name: string;
  optimizer: 'SGD' | 'Adam' | 'AdamW' | 'RMSprop';
  /** Of SGD; 0 for none. */
  momentum: number;
  /** Elements of the parameters. */
  sizes: readonly number[];
  /** Which of its ways PyTorch goes: one kernel for all, loops over lists of tensors, or what it does untold. */
  form: 'fused' | 'foreach' | 'default';
}

export interface OverheadCase {
  kind: 'overhead';
  name: string;
  op: 'add' | 'matmul';
  /** On [size, size] matrices. */
  size: number;
  /** Whether the operation is recorded for a gradient. */
  recorded: boolean;
  /** Whether the result is disposed at once; Python always does that, by counting references. */
  disposed: boolean;
}

export type Case =
  | GemmCase
  | TrainCase
  | InferCase
  | NetworkCase
  | OpsCase
  | StepsCase
  | OverheadCase;

/** Training steps before the timed ones; the loss after them is checked. */
export const kWarmUpSteps = 20;
export const kLearningRate = { sgd: 0.1, adam: 1e-3 } as const;

// From a toy whose time is all overhead to one that is all arithmetic.
const networks: readonly Omit<TrainCase, 'kind' | 'name'>[] = [
  { dims: [2, 8, 2], batch: 4, optimizer: 'sgd' },
  { dims: [784, 128, 10], batch: 1, optimizer: 'sgd' },
  { dims: [784, 128, 10], batch: 32, optimizer: 'sgd' },
  { dims: [784, 128, 10], batch: 128, optimizer: 'adam' },
  { dims: [784, 512, 256, 10], batch: 128, optimizer: 'adam' },
  { dims: [1024, 1024, 1024, 1024, 10], batch: 256, optimizer: 'adam' },
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
    case 'network':
      return networkFlops(c);
    default:
      return 0;
  }
}

export function mlpCases(): Case[] {
  return networks.flatMap(({ dims, batch, optimizer }): Case[] => {
    const net = `${dims.join('-')} b${batch}`;
    return [
      { kind: 'train', name: `train ${net} ${optimizer}`, dims, batch, optimizer },
      { kind: 'infer', name: `infer ${net}`, dims, batch },
    ];
  });
}

export function overheadCases(): Case[] {
  return (['add', 'matmul'] as const).flatMap((op) =>
    [false, true].map(
      (recorded): Case => ({
        kind: 'overhead',
        name: `${op} 2x2${recorded ? ', gradient recorded' : ''}`,
        op,
        size: 2,
        recorded,
        disposed: false,
      }),
    ),
  );
}

/** The largest case of a quick run: enough to see that everything works. */
const kQuickFlops = 2e8;
const kQuickElements = 2 ** 18;

function isQuick(c: Case): boolean {
  const elements =
    c.kind === 'ops'
      ? c.inputs[0]!.shape.reduce((a, b) => a * b, 1)
      : c.kind === 'steps'
        ? c.sizes.reduce((a, b) => a + b, 0)
        : 0;
  return flops(c) <= kQuickFlops && elements <= kQuickElements;
}

/** The small ones of some cases, and always at least the smallest. */
export function quickCases(cases: readonly Case[]): Case[] {
  const quick = cases.filter(isQuick);
  return quick.length > 0 ? quick : [...cases].sort((a, b) => flops(a) - flops(b)).slice(0, 1);
}
