/** einsum by equation: what PyTorch computes by the same string, and a plain loop over all indices as reference. */
import { einsum } from 'tilegrad';
import { gamma } from '../lib/reference-gemm.js';
import type { Operation, Values } from './operations.js';

const kUnitRoundoff = 2 ** -24;

/** The equations that are measured, with the size of each index. */
export const equations = {
  'ij,jk->ik': { i: 256, j: 256, k: 256 },
  'ij,kj->ik': { i: 256, j: 256, k: 256 },
  'bij,bjk->bik': { b: 32, i: 64, j: 64, k: 64 },
  'bhqd,bhkd->bhqk': { b: 12, h: 4, q: 64, k: 64, d: 32 },
  'bhqk,bhkd->bhqd': { b: 12, h: 4, q: 64, k: 64, d: 32 },
  'bqhd,bkhd->bhqk': { b: 12, h: 4, q: 64, k: 64, d: 32 },
  'ijk,jil->kl': { i: 16, j: 32, k: 64, l: 64 },
  'ij,jk,kl->il': { i: 512, j: 16, k: 512, l: 16 },
  'bn,anm,bm->ba': { a: 16, b: 64, n: 32, m: 32 },
  'i,j->ij': { i: 1000, j: 1000 },
  'ij,ij->': { i: 512, j: 512 },
  'bi,bi->b': { b: 256, i: 512 },
  'ij->ji': { i: 512, j: 512 },
  'iij->j': { i: 64, j: 512 },
} as const satisfies Record<string, Record<string, number>>;

export type Equation = keyof typeof equations;
export type EinsumName = `einsum ${Equation}`;

/** The indices of each operand and of the result. */
function termsOf(equation: string): { operands: string[]; result: string } {
  const [operands, result] = equation.split('->') as [string, string];
  return { operands: operands.split(','), result };
}

/** The shapes of an equation's operands. */
export function shapesOf(equation: Equation): number[][] {
  const sizes: Record<string, number> = equations[equation];
  return termsOf(equation).operands.map((term) => [...term].map((index) => sizes[index]!));
}

/** The sum of the products at one position of the result, and that of their magnitudes. */
function contracted(equation: Equation, position: number, inputs: readonly Values[]) {
  const sizes: Record<string, number> = equations[equation];
  const { operands, result } = termsOf(equation);
  const at: Record<string, number> = {};
  let rest = position;
  for (const index of [...result].reverse()) {
    at[index] = rest % sizes[index]!;
    rest = Math.floor(rest / sizes[index]!);
  }
  const summed = [...new Set(operands.join(''))].filter((index) => !result.includes(index));
  const count = summed.reduce((n, index) => n * sizes[index]!, 1);
  let value = 0;
  let size = 0;
  for (let n = 0; n < count; n++) {
    let step = n;
    for (const index of summed) {
      at[index] = step % sizes[index]!;
      step = Math.floor(step / sizes[index]!);
    }
    const product = operands.reduce((factor, term, k) => {
      let place = 0;
      for (const index of term) place = place * sizes[index]! + at[index]!;
      return factor * inputs[k]!.data[place]!;
    }, 1);
    value += product;
    size += Math.abs(product);
  }
  return { value, size, count };
}

function einsumOperation(equation: Equation): Operation {
  const sizes: Record<string, number> = equations[equation];
  const { operands, result } = termsOf(equation);
  return {
    ours: (...inputs) => einsum(equation, ...inputs),
    torch: `torch.einsum('${equation}', ${['a', 'b', 'c'].slice(0, operands.length).join(', ')})`,
    size: () => [...result].reduce((n, index) => n * sizes[index]!, 1),
    expected(position, inputs) {
      const { value, size, count } = contracted(equation, position, inputs);
      // Each operand beyond the first is one more rounding of every product.
      return { value, bound: gamma(count + operands.length, kUnitRoundoff) * size };
    },
  };
}

export const einsums = Object.fromEntries(
  Object.keys(equations).map((equation) => [
    `einsum ${equation}`,
    einsumOperation(equation as Equation),
  ]),
) as Record<EinsumName, Operation>;
