/** Random graphs: whatever watches a pass or splits it must not change a bit of its gradients. */
import { checkpoint, grad, linear, manualSeed, randn, type Tensor } from 'tilegrad';
import { Random } from 'tilegrad/data/random.js';
import { describe, expect, test } from 'vitest';

const SIZE = 3;

/** One step: an operation on earlier tensors, by their numbers. */
interface Step {
  readonly op: number;
  readonly a: number;
  readonly b: number;
}

const operations: readonly ((a: Tensor, b: Tensor) => Tensor)[] = [
  (a, b) => a.add(b),
  (a, b) => a.mul(b),
  (a, b) => a.sub(b.sum({ dim: 0 })),
  (a) => a.sin(),
  (a) => a.tanh(),
  (a, b) => linear(a, b, null, { activation: 'tanh' }),
  (a, b) => linear(a.sigmoid(), b),
  (a) => a.transpose(),
  (a, b) => a.matmul(b).mul(0.25),
];

/** A chain of 25 steps that take any of 3 leaves and of the steps before. */
function steps(seed: number): Step[] {
  const random = new Random(seed);
  const below = (n: number): number => random.below(n);
  return Array.from({ length: 25 }, (_, i) => {
    const recent = (): number => 3 + i - 1 - below(Math.min(i + 3, 5));
    return { op: below(operations.length), a: Math.max(0, recent()), b: below(3 + i) };
  });
}

function run(list: readonly Step[], tensors: Tensor[], each: (t: Tensor) => void = () => {}): void {
  for (const { op, a, b } of list) {
    const t = operations[op]!(tensors[a]!, tensors[b]!);
    each(t);
    tensors.push(t);
  }
}

function leaves(seed: number): Tensor[] {
  manualSeed(seed);
  return [0, 1, 2].map(() => randn([SIZE, SIZE]).requiresGrad_());
}

const bits = (list: readonly (Tensor | null)[]): unknown =>
  list.map((t) => (t === null ? null : [...t.contiguous().data]));

describe.each(Array.from({ length: 40 }, (_, seed) => seed))('graph %i', (seed) => {
  const list = steps(seed);

  function plain(): { loss: number; gradients: unknown } {
    const tensors = leaves(seed);
    run(list, tensors);
    const loss = tensors.at(-1)!.sum();
    loss.backward();
    return { loss: loss.item(), gradients: bits(tensors.slice(0, 3).map((t) => t.grad)) };
  }

  test('with hooks and kept gradients everywhere, which are those of grad', () => {
    const tensors = leaves(seed);
    const seen = new Map<Tensor, Tensor>();
    run(list, tensors, (t) => {
      t.retainGrad();
      t.registerHook((g) => void seen.set(t, g));
    });
    for (const t of tensors.slice(0, 3)) t.registerHook((g) => void seen.set(t, g));
    const loss = tensors.at(-1)!.sum();
    const values = grad(loss, tensors, { allowUnused: true, retainGraph: true });
    for (const t of tensors) t.grad = null;
    loss.backward();
    const kept = tensors.map((t) => t.grad);
    expect(bits(values)).toEqual(bits(kept));
    expect(bits(tensors.map((t) => seen.get(t) ?? null))).toEqual(bits(kept));
    expect(bits(kept.slice(0, 3))).toEqual(plain().gradients);
  });

  test('in checkpoints', () => {
    const tensors = leaves(seed);
    for (let from = 0; from < list.length; from += 6) {
      const part = list.slice(from, from + 6);
      const results = checkpoint((...before: Tensor[]) => {
        const all = [...before];
        run(part, all);
        return all.slice(before.length);
      }, tensors);
      tensors.push(...results);
    }
    const loss = tensors.at(-1)!.sum();
    loss.backward();
    const { loss: expected, gradients } = plain();
    expect(loss.item()).toBe(expected);
    expect(bits(tensors.slice(0, 3).map((t) => t.grad))).toEqual(gradients);
  });

  test('in a second pass through a kept graph', () => {
    const tensors = leaves(seed);
    run(list, tensors);
    const loss = tensors.at(-1)!.sum();
    loss.backward(undefined, { retainGraph: true });
    const first = bits(tensors.slice(0, 3).map((t) => t.grad));
    for (const t of tensors.slice(0, 3)) t.zeroGrad();
    loss.backward();
    expect(bits(tensors.slice(0, 3).map((t) => t.grad))).toEqual(first);
    expect(first).toEqual(plain().gradients);
  });
});
