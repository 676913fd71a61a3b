/** Which operations are measured on what. */
import type { OpsCase, OpsInput, StepsCase } from '../lib/cases.js';
import { type Equation, equations, shapesOf } from './einsum.js';
import { functions } from './functions/all.js';
import type { FunctionRow } from './functions/row.js';
import { type OperationName, operations } from './operations.js';

interface Choice {
  recorded?: boolean;
  /** Of the inputs' sizes, when more than one shape or layout has to be told. */
  label?: string;
  dtype?: 'float64';
  backward?: boolean;
  left?: boolean;
}

function opsCase(op: OperationName, inputs: readonly OpsInput[], choice: Choice = {}): OpsCase {
  const { label = inputs[0]!.shape.join('x') } = choice;
  const { dtype = 'float32', backward = false, recorded = false, left = false } = choice;
  const how = [
    backward ? ', forward and backward' : '',
    recorded ? ', recorded' : '',
    left ? ', left to the collector' : '',
  ];
  return {
    kind: 'ops',
    name: `${op} ${label}${how.join('')}`,
    op,
    inputs,
    dtype,
    torch: operations[op].torch,
    backward,
    recorded,
    disposed: !left,
  };
}

const vector = (n: number): OpsInput => ({ shape: [n] });
const matrix = (rows: number, cols: number): OpsInput => ({ shape: [rows, cols] });

/** In the first-level, the second-level and the third-level cache, and in memory. */
const kSizes = [2 ** 11, 2 ** 14, 2 ** 16, 2 ** 20, 2 ** 24];

export function memoryCases(): OpsCase[] {
  const cases = kSizes.flatMap((n) => [
    opsCase('relu', [vector(n)]),
    opsCase('add', [vector(n), vector(n)]),
    opsCase('mul', [vector(n), vector(n)]),
  ]);
  // Beyond the caches of one core the collector decides whether memory is warm.
  const left = [2 ** 16, 2 ** 20, 2 ** 24].flatMap((n) => [
    opsCase('relu', [vector(n)], { left: true }),
    opsCase('add', [vector(n), vector(n)], { left: true }),
  ]);
  return [...cases, ...left];
}

export function mathCases(): OpsCase[] {
  const names = [
    ...(['exp', 'log', 'log1p', 'tanh', 'erf', 'sigmoid', 'gelu', 'silu'] as const),
    ...(['softplus', 'sin', 'atan', 'pow'] as const),
  ];
  const inputs = (op: OperationName, n: number): OpsInput[] => {
    if (op === 'log') return [{ shape: [n], positive: true }];
    return op === 'pow' ? [{ shape: [n], positive: true }, vector(n)] : [vector(n)];
  };
  return names.flatMap((op) => [2 ** 14, 2 ** 16, 2 ** 20].map((n) => opsCase(op, inputs(op, n))));
}

export function broadcastCases(): OpsCase[] {
  // In the second-level cache, where a copy isn't what limits both libraries, and in the third.
  const squares = [256, 1024].flatMap((n) => {
    const whole = matrix(n, n);
    const turned = { ...whole, transposed: true };
    const label = `${n}x${n}`;
    return [
      opsCase('add', [whole, vector(n)], { label: `${label} and a row` }),
      opsCase('add', [whole, matrix(n, 1)], { label: `${label} and a column` }),
      opsCase('add', [whole, turned], { label: `${label} and a transposed one` }),
      opsCase('relu', [turned], { label: `${label} transposed` }),
    ];
  });
  return [...squares, opsCase('mul', [matrix(128, 10), vector(10)], { label: '128x10 and a row' })];
}

export function rowCases(): OpsCase[] {
  const shapes = [matrix(128, 10), matrix(128, 1000), matrix(4096, 1024), matrix(64, 32000)];
  const losses = [matrix(128, 10), matrix(4096, 1000)];
  const norms = [matrix(64, 768), matrix(4096, 768)];
  return [
    ...shapes.map((shape) => opsCase('softmax', [shape])),
    ...shapes.map((shape) => opsCase('softmax', [shape], { backward: true })),
    ...losses.map((shape) => {
      const [rows, classes] = shape.shape as [number, number];
      return opsCase('crossEntropy', [shape, { shape: [rows], below: classes }], {
        backward: true,
      });
    }),
    ...norms.flatMap((shape) => {
      const inputs = [shape, { shape: [768] }, { shape: [768] }];
      return [opsCase('layerNorm', inputs), opsCase('layerNorm', inputs, { backward: true })];
    }),
  ];
}

export function reductionCases(): OpsCase[] {
  const names = [
    ...(['sum rows', 'sum columns', 'sum all', 'amax rows', 'amax columns', 'amax all'] as const),
    ...(['variance rows', 'argmax rows', 'cumsum rows'] as const),
  ];
  const shapes = [matrix(128, 10), matrix(256, 512), matrix(1024, 1024), matrix(4096, 4096)];
  return names.flatMap((op) => shapes.map((shape) => opsCase(op, [shape])));
}

export function randomCases(): OpsCase[] {
  const names = ['rand', 'randn', 'dropout', 'randperm'] as const;
  return names.map((op) => opsCase(op, [vector(2 ** 20)]));
}

export function indexCases(): OpsCase[] {
  const table = matrix(5000, 256);
  const tokens: OpsInput = { shape: [8192], below: 5000 };
  return [
    opsCase('embedding', [table, tokens]),
    opsCase('embedding', [table, tokens], { backward: true }),
    opsCase('sort', [vector(2 ** 20)]),
    opsCase('topk', [matrix(64, 32000)]),
    opsCase('where', [matrix(1024, 1024), matrix(1024, 1024)]),
  ];
}

export function einsumCases(): OpsCase[] {
  return (Object.keys(equations) as Equation[]).map((equation) => {
    const label = Object.entries(equations[equation])
      .map(([index, size]) => `${index} = ${size}`)
      .join(', ');
    return opsCase(
      `einsum ${equation}`,
      shapesOf(equation).map((shape) => ({ shape })),
      { label: `(${label})` },
    );
  });
}

/** Operations of other sections whose gradients are measured beside those of the functions. */
const kElsewhere = [
  ...(['relu', 'exp', 'log1p', 'tanh', 'erf', 'sigmoid', 'gelu', 'silu', 'softplus'] as const),
  ...(['sin', 'atan', 'sum rows', 'sum columns', 'sum all', 'amax rows', 'amax columns'] as const),
  ...(['amax all', 'variance rows', 'cumsum rows', 'dropout'] as const),
];
const kElsewhereOfTwo = ['add', 'mul', 'where'] as const;

export function functionCases(): OpsCase[] {
  const rows = Object.entries(functions) as [OperationName, FunctionRow][];
  const square = matrix(256, 256);
  return [
    ...rows.flatMap(([name, { inputs, gradient, dtype }]) => {
      const choice = dtype ? { dtype } : {};
      const cases = gradient === 'only' ? [] : [opsCase(name, inputs, choice)];
      const both = gradient ? [opsCase(name, inputs, { ...choice, backward: true })] : [];
      return [...cases, ...both];
    }),
    ...kElsewhere.map((name) => opsCase(name, [square], { backward: true })),
    ...kElsewhereOfTwo.map((name) => opsCase(name, [square, square], { backward: true })),
  ];
}

export function linalgCases(): OpsCase[] {
  return [128, 512, 1024].flatMap((n) => {
    const general = { ...matrix(n, n), diagonal: n };
    return [
      opsCase('cholesky', [{ ...general, symmetric: true }], { dtype: 'float64' }),
      opsCase('solve', [general, matrix(n, 16)], { dtype: 'float64' }),
      opsCase('inv', [general], { dtype: 'float64' }),
    ];
  });
}

export function smallCases(): OpsCase[] {
  const ten = vector(10);
  const users = { ...ten, users: true };
  return [
    ...(['relu', 'exp', 'sum all'] as const).map((op) => opsCase(op, [ten], { left: true })),
    opsCase('add', [ten, ten], { left: true }),
    opsCase('relu', [ten], { left: true, recorded: true }),
    opsCase('add', [ten, ten], { left: true, recorded: true }),
    opsCase('add', [users, users], { left: true, label: "10, operands in the user's arrays" }),
  ];
}

/** Weights and biases of a network of these widths. */
const layerSizes = (widths: readonly number[]): number[] =>
  widths.slice(1).flatMap((outputs, i) => [widths[i]! * outputs, outputs]);

export function stepCases(): StepsCase[] {
  const of = (
    what: string,
    sizes: readonly number[],
    optimizer: StepsCase['optimizer'],
    choice: Partial<Pick<StepsCase, 'momentum' | 'form'>> = {},
  ): StepsCase => {
    // The fastest form that the rule has.
    const fastest = optimizer === 'RMSprop' ? 'default' : 'fused';
    const { momentum = 0, form = fastest } = choice;
    const rule = momentum === 0 ? optimizer : `${optimizer} with momentum`;
    const beside = form === fastest ? '' : `, PyTorch ${form}`;
    return { kind: 'steps', name: `${rule} ${what}${beside}`, optimizer, momentum, sizes, form };
  };
  // A small network, many small parameters, and one beyond the caches.
  const small = layerSizes([784, 512, 256, 10]);
  const many = Array.from({ length: 100 }, () => 64);
  const rules = ['SGD', 'Adam', 'AdamW', 'RMSprop'] as const;
  // 3.0 million parameters in ten tensors.
  const widths = [784, 1024, 1024, 1024, 128, 10];
  const large = layerSizes(widths);
  return [
    ...rules.flatMap((optimizer) => [
      of('784-512-256-10', small, optimizer),
      of('100 x 64', many, optimizer),
      of('2^22', [2 ** 22], optimizer),
    ]),
    ...(['fused', 'foreach', 'default'] as const).flatMap((form) => [
      of(widths.join('-'), large, 'Adam', { form }),
      of(widths.join('-'), large, 'SGD', { form, momentum: 0.9 }),
    ]),
  ];
}
