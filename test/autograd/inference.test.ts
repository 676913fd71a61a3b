/** Which operations take tensors of `inferenceMode` is a list; here it is compared with what rules read. */
import {
  concat,
  inferenceMode,
  noGrad,
  ones,
  stack,
  type Tensor,
  TensorError,
  zeros,
} from 'tilegrad';
import { LINEAR, needsGrad, READS_NOTHING, tracing } from 'tilegrad/autograd/tape.js';
import { constant } from 'tilegrad/ops/operand.js';
import { readAsOf } from 'tilegrad/tensor/storage.js';
import type { GradNode, GradRule } from 'tilegrad/tensor/tensor.js';
import { expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';
import { table } from '../operations/differentiable.js';
import { type Fn, input } from '../operations/gradients.js';

/** All nodes that the calls of the table record, with the shapes and dtypes of their results. */
function recorded(): [GradNode, Tensor][] {
  const nodes: [GradNode, Tensor][] = [];
  const observe = (result: Tensor, node: GradNode): void => {
    nodes.push([node, result]);
  };
  // The table's conversion is one to the dtype that is there already.
  const conversion = { fn: (x: Tensor) => x.to('float32'), shapes: [[2]], around: 0 };
  for (const cases of [...Object.values(table), [conversion]]) {
    for (const { fn, shapes, around } of cases) {
      const inputs = shapes.map((shape) => input(shape, 'contiguous', around));
      tracing(observe, () => (fn as Fn)(...inputs));
    }
  }
  return nodes;
}

/** Numbers among the operands share their memory with all others, and are never inference tensors. */
const numbers = new Set([constant(1, 'float32').storage, constant(1, 'float64').storage]);

/** Whether a rule reads its operation's inputs: they count as written to since, and reading is refused. */
function readsInputs(node: GradNode, rule: GradRule, g: Tensor): boolean {
  for (const { storage } of node.inputs) if (!numbers.has(storage)) storage.version++;
  const before = readAsOf({ name: node.name, sequence: node.sequence, inputs: node.inputs });
  try {
    noGrad(() => rule(g));
    return false;
  } catch (error) {
    if (error instanceof TensorError && error.message.includes('its input')) return true;
    throw error;
  } finally {
    readAsOf(before);
  }
}

test('operations that only move elements take tensors of inferenceMode', () => {
  const x = ones([2], { requiresGrad: true });
  const c = inferenceMode(() => ones([2]).mul(3));
  stack([concat([x, c]), concat([c, x]).indexCopy(0, [0], c.narrow(0, 0, 1))])
    .sum()
    .backward();
  expect(x.grad?.toArray()).toEqual([2, 2]);
  expectError(() => x.maximum(c), 'ERR_STATE', '[maximum] input 1 was made in inferenceMode');
});

test('the operations that take tensors of inferenceMode are those whose rules read no input', () => {
  const reads = new Map<string, boolean>();
  const several = new Set<string>();
  // In the order of recording: a rule may read its result, which later nodes have as an input.
  for (const [node, { shape, dtype }] of recorded()) {
    // A joint rule says itself what it keeps.
    if (node.rules === null || typeof node.rules === 'function') continue;
    if (node.inputs.length > 1) several.add(node.name);
    for (const [i, rule] of node.rules.entries()) {
      if (reads.get(node.name) === true || !needsGrad(node.inputs[i] as Tensor)) continue;
      reads.set(node.name, readsInputs(node, rule, zeros(shape, { dtype })));
    }
  }
  expect([...LINEAR].filter((name) => reads.get(name) !== false)).toEqual([]);
  // Of one input it matters less: a result is recorded only if that input itself requires gradients.
  expect([...several].filter((name) => reads.get(name) === false && !LINEAR.has(name))).toEqual([]);
});

test('operations that hold no memory read neither inputs nor results', () => {
  const seen = new Set<string>();
  // The last first: what is taken away here was read by none of those before.
  for (const [node, result] of recorded().reverse()) {
    if (!READS_NOTHING.has(node.name) || typeof node.rules !== 'object') continue;
    const g = zeros(result.shape, { dtype: result.dtype });
    for (const { storage } of [...node.inputs, result]) if (!numbers.has(storage)) storage.take();
    for (const [i, rule] of (node.rules ?? []).entries()) {
      if (needsGrad(node.inputs[i] as Tensor)) noGrad(() => rule(g));
    }
    seen.add(node.name);
  }
  expect([...READS_NOTHING].filter((name) => !seen.has(name))).toEqual([]);
});
