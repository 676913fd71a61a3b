/** What an einsum's equation means for operands of certain shapes. */
import { TensorError } from '../../errors.js';
import { checkOptions, describe, formatShape, MAX_RANK, type Shape } from '../../tensor/shape.js';
import {
  type EinsumPath,
  type EinsumPathInfo,
  type EinsumStrategy,
  findPath,
} from './einsum_path.js';

/** Options of {@link einsum}. */
export interface EinsumOptions {
  /** The order of contraction: a strategy, or pairs as in `EinsumPath`. Default `auto`. */
  path?: EinsumStrategy | EinsumPath;
}

/** An index of an operand or the result: a letter, or `.0`, `.1`... for the dimensions of an ellipsis. */
export type Label = string;

/** What an equation means for operands of these shapes. */
export interface Plan {
  readonly operands: readonly (readonly Label[])[];
  readonly output: readonly Label[];
  readonly sizes: ReadonlyMap<Label, number>;
  readonly order: EinsumPathInfo;
  /** Where it is one matrix product whatever the strides are. */
  readonly plain: PlainProduct | null;
}

/** One matrix product of views: the orders of dimensions that make them, null for the one that is there. */
export interface PlainProduct {
  /** The place of the left operand, 0 or 1. */
  readonly first: 0 | 1;
  readonly left: readonly number[] | null;
  readonly right: readonly number[] | null;
  readonly result: readonly number[] | null;
}

/** The order that makes `to` of `from`. */
function orderOf(from: readonly Label[], to: readonly Label[]): readonly number[] | null {
  const order = to.map((label) => from.indexOf(label));
  return order.every((d, i) => d === i) ? null : order;
}

/** Two operands with one index of rows, one of columns, one inner and at most one of a batch, none stretched. */
function plainOf(
  operands: readonly (readonly Label[])[],
  shapes: readonly Shape[],
  output: readonly Label[],
  sizes: ReadonlyMap<Label, number>,
): PlainProduct | null {
  const [a = [], b = []] = operands;
  const isWhole = operands.every(
    (labels, i) =>
      new Set(labels).size === labels.length &&
      labels.every((label, d) => shapes[i]?.[d] === sizes.get(label)),
  );
  const shared = a.filter((label) => b.includes(label));
  const inner = shared.filter((label) => !output.includes(label));
  const batch = shared.filter((label) => output.includes(label));
  const own = [a, b].map((labels) => labels.filter((label) => !shared.includes(label)));
  const isPlain =
    operands.length === 2 &&
    isWhole &&
    inner.length === 1 &&
    batch.length <= 1 &&
    own.every((labels) => labels.length === 1 && output.includes(labels[0] as Label));
  if (!isPlain) return null;
  // Rows are those of the operand whose index comes first in the result.
  const [x, y] = own.map(([label]) => output.indexOf(label as Label)) as [number, number];
  const first = x < y ? 0 : 1;
  const [rows, columns] = [own[first], own[1 - first]] as [Label[], Label[]];
  return {
    first,
    left: orderOf(operands[first] as Label[], [...batch, ...rows, ...inner]),
    right: orderOf(operands[1 - first] as Label[], [...batch, ...inner, ...columns]),
    result: orderOf([...batch, ...rows, ...columns], output),
  };
}

function fail(code: 'ERR_ARGUMENT' | 'ERR_SHAPE', operation: string, message: string): never {
  throw new TensorError(code, `[${operation}] ${message}`);
}

/** The letters of one term with a single `...` in place of an ellipsis. */
function termOf(operation: string, text: string): string[] {
  const items: string[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (/[a-zA-Z]/.test(character)) items.push(character);
    else if (text.startsWith('...', at) && !items.includes('...')) {
      items.push('...');
      at += 2;
    } else {
      const what = character === '.' ? 'a term has at most one "..." and no other dots' : '';
      fail(
        'ERR_ARGUMENT',
        operation,
        what || `indices are letters, not ${describe(character)} in ${describe(text)}`,
      );
    }
  }
  return items;
}

/** The dimensions of an ellipsis as labels, aligned at the right as in broadcasting. */
const dots = (count: number): Label[] =>
  Array.from({ length: count }, (_, i) => `.${count - 1 - i}`);

/** An operand's labels: its ellipsis takes the dimensions that the letters leave. */
function labelled(operation: string, term: string[], shape: Shape, at: number): Label[] {
  const letters = term.filter((item) => item !== '...').length;
  const free = shape.length - letters;
  if (free < 0 || (free > 0 && !term.includes('...'))) {
    fail(
      'ERR_SHAPE',
      operation,
      `operand ${at} of shape ${formatShape(shape)} does not have the indices ` +
        `${describe(term.join(''))}`,
    );
  }
  return term.flatMap((item) => (item === '...' ? dots(free) : [item]));
}

/** Without `->`: the ellipsis, then every letter that occurs once, in alphabetical order. */
function implicitOutput(operands: readonly Label[][], widest: number): Label[] {
  const count = new Map<Label, number>();
  for (const label of operands.flat()) count.set(label, (count.get(label) ?? 0) + 1);
  // Capital letters come before small ones, as in NumPy and PyTorch.
  const once = [...count].filter(([label, n]) => n === 1 && !label.startsWith('.'));
  return [...dots(widest), ...once.map(([label]) => label).sort()];
}

function outputLabels(
  operation: string,
  text: string,
  widest: number,
  known: ReadonlyMap<Label, number>,
): Label[] {
  const labels = termOf(operation, text).flatMap((item) =>
    item === '...' ? dots(widest) : [item],
  );
  labels.forEach((label, i) => {
    if (labels.indexOf(label) !== i) {
      fail('ERR_ARGUMENT', operation, `the result has the index ${describe(label)} twice`);
    }
    if (!known.has(label)) {
      fail('ERR_ARGUMENT', operation, `no operand has the result's index ${describe(label)}`);
    }
  });
  return labels;
}

/** How long each index is: a size of 1 stretches. */
function sizesOf(
  operation: string,
  operands: readonly Label[][],
  shapes: readonly Shape[],
): Map<Label, number> {
  const sizes = new Map<Label, number>();
  operands.forEach((labels, i) => {
    labels.forEach((label, d) => {
      const size = shapes[i]?.[d] as number;
      const first = shapes[i]?.[labels.indexOf(label)] as number;
      if (first !== size) {
        fail(
          'ERR_SHAPE',
          operation,
          `index ${describe(label)} comes twice in operand ${i}, with sizes ${first} and ${size}`,
        );
      }
      const before = sizes.get(label) ?? 1;
      if (before !== 1 && size !== 1 && before !== size) {
        const what = label.startsWith('.') ? 'a dimension of "..."' : `index ${describe(label)}`;
        fail('ERR_SHAPE', operation, `${what} has sizes ${before} and ${size}`);
      }
      sizes.set(label, before === 1 ? size : before);
    });
  });
  return sizes;
}

function makePlan(
  operation: string,
  equation: string,
  shapes: readonly Shape[],
  choice: EinsumStrategy | EinsumPath,
): Plan {
  const [left = '', right, more] = equation.replaceAll(' ', '').split('->');
  if (more !== undefined) fail('ERR_ARGUMENT', operation, 'the equation has "->" twice');
  const terms = left.split(',').map((text) => termOf(operation, text));
  if (terms.length !== shapes.length) {
    fail(
      'ERR_ARGUMENT',
      operation,
      `the equation ${describe(equation)} is for ${terms.length} operands, not ${shapes.length}`,
    );
  }
  const operands = terms.map((term, i) => labelled(operation, term, shapes[i] as Shape, i));
  const widest = Math.max(...operands.map((labels) => labels.filter(isDot).length));
  const sizes = sizesOf(operation, operands, shapes);
  const output =
    right === undefined
      ? implicitOutput(operands, widest)
      : outputLabels(operation, right, widest, sizes);
  if (output.length > MAX_RANK) {
    fail(
      'ERR_SHAPE',
      operation,
      `the result has ${output.length} dimensions, more than ${MAX_RANK}`,
    );
  }
  const distinct = operands.map((labels) => [...new Set(labels)]);
  const order = findPath(operation, distinct, output, sizes, choice);
  return { operands, output, sizes, order, plain: plainOf(operands, shapes, output, sizes) };
}

const isDot = (label: Label): boolean => label.startsWith('.');

/** Plans by equation, shapes and path: a model asks for the same few again and again. */
const plans = new Map<string, Plan>();
const MOST_PLANS = 256;

/**
 * The plan of an equation for operands of these shapes.
 * @throws TensorError ERR_ARGUMENT or ERR_SHAPE when they don't go together
 */
export function planOf(
  operation: string,
  equation: unknown,
  shapes: readonly Shape[],
  options: EinsumOptions,
): Plan {
  if (typeof equation !== 'string') {
    fail(
      'ERR_ARGUMENT',
      operation,
      `the equation is a text such as "ij,jk->ik", not ${describe(equation)}`,
    );
  }
  checkOptions(operation, options, ['path']);
  const { path = 'auto' } = options;
  // A path that isn't a list of lists of numbers is refused before its text could be mistaken.
  if (typeof path !== 'string') return makePlan(operation, equation, shapes, path);
  const key = `${path} ${equation} ${shapes.join(' ')}`;
  const known = plans.get(key);
  if (known !== undefined) return known;
  const plan = makePlan(operation, equation, shapes, path);
  if (plans.size >= MOST_PLANS) plans.clear();
  plans.set(key, plan);
  return plan;
}
