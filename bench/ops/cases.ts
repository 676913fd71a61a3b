/** Which operations are measured on what. */
import type { OpsCase, OpsInput } from '../lib/cases.js';
import { type OperationName, operations } from './operations.js';

interface Choice {
  /** Of the inputs' sizes, when more than one shape or layout has to be told. */
  label?: string;
  backward?: boolean;
  left?: boolean;
}

function opsCase(op: OperationName, inputs: readonly OpsInput[], choice: Choice = {}): OpsCase {
  const { label = inputs[0]!.shape.join('x'), backward = false, left = false } = choice;
  const how = [backward ? ', forward and backward' : '', left ? ', left to the collector' : ''];
  return {
    kind: 'ops',
    name: `${op} ${label}${how.join('')}`,
    op,
    inputs,
    torch: operations[op].torch,
    backward,
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
  const names = ['exp', 'log1p', 'tanh', 'erf', 'sigmoid', 'gelu'] as const;
  return names.flatMap((op) => [2 ** 14, 2 ** 16, 2 ** 20].map((n) => opsCase(op, [vector(n)])));
}

export function broadcastCases(): OpsCase[] {
  const whole = matrix(1024, 1024);
  return [
    opsCase('add', [whole, { shape: [1024] }], { label: '1024x1024 and a row' }),
    opsCase('add', [whole, matrix(1024, 1)], { label: '1024x1024 and a column' }),
    opsCase('add', [whole, { ...whole, transposed: true }], {
      label: '1024x1024 and a transposed one',
    }),
    opsCase('relu', [{ ...whole, transposed: true }], { label: '1024x1024 transposed' }),
    opsCase('mul', [matrix(128, 10), { shape: [10] }], { label: '128x10 and a row' }),
  ];
}

export function rowCases(): OpsCase[] {
  const shapes = [matrix(128, 10), matrix(128, 1000), matrix(4096, 1024), matrix(64, 32000)];
  return shapes.map((shape) => opsCase('softmax', [shape]));
}

export function reductionCases(): OpsCase[] {
  const names = ['sumRows', 'sumColumns', 'sumAll', 'maxRows', 'maxColumns', 'maxAll'] as const;
  const shapes = [matrix(128, 10), matrix(256, 512), matrix(1024, 1024), matrix(4096, 4096)];
  return names.flatMap((op) => shapes.map((shape) => opsCase(op, [shape])));
}

export function randomCases(): OpsCase[] {
  return [opsCase('randn', [vector(2 ** 20)])];
}
