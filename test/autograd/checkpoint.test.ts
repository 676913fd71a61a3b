import {
  add,
  checkpoint,
  checkpointSequential,
  detectAnomaly,
  dropout,
  enableGrad,
  grad,
  linear,
  manualSeed,
  nn,
  noGrad,
  ones,
  rand,
  randn,
  type Tensor,
  tensor,
} from 'tilegrad';
import { copyInto } from 'tilegrad/ops/operand.js';
import { describe, expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';

const leaf = (data: Parameters<typeof tensor>[0]): Tensor => tensor(data, { requiresGrad: true });
const bytes = (t: Tensor | null): unknown => [...(t as Tensor).contiguous().data];

/** A leaf of numbers that round in every product and sum. */
function noise(shape: number[]): Tensor {
  return randn(shape).requiresGrad_();
}

/** The same computation with and without checkpoints, in the same bits. */
function expectSame(
  build: (point: typeof checkpoint) => { loss: Tensor; leaves: readonly Tensor[] },
): void {
  const plain = (fn: (...x: unknown[]) => unknown, inputs: unknown): unknown =>
    fn(...(Array.isArray(inputs) ? inputs : [inputs]));
  const runs = [plain as never, checkpoint];
  const results = runs.map((point: typeof checkpoint) => {
    manualSeed(5);
    const { loss, leaves } = build(point);
    const after = rand([1]).item();
    loss.backward();
    return [bytes(loss), after, rand([1]).item(), ...leaves.map((t) => bytes(t.grad))];
  });
  expect(results[1]).toEqual(results[0]);
}

describe('checkpoint gives the bits that the function gives without', () => {
  test('for its inputs and for parameters from outside', () => {
    expectSame((point) => {
      const [x, w, v] = [noise([4, 5]), noise([6, 5]), noise([3, 6])];
      const y = point(
        (t: Tensor) => linear(linear(t, w, null, { activation: 'tanh' }), v),
        x.mul(3),
      );
      return { loss: y.square().sum(), leaves: [x, w, v] };
    });
  });

  test('where a tensor is used several times, inside and outside', () => {
    expectSame((point) => {
      const [x, w] = [noise([7]), noise([7])];
      const y = x.mul(w).add(w.exp());
      const z = point((a: Tensor, b: Tensor) => a.mul(b).add(b.sin()).mul(w).add(x.mul(a)), [y, w]);
      return { loss: z.mul(w).add(y).add(x).sum(), leaves: [x, w] };
    });
  });

  test('with dropout', () => {
    expectSame((point) => {
      const x = noise([50]);
      const y = point((t: Tensor) => dropout(dropout(t.exp(), 0.3).sin(), 0.5), x);
      return { loss: dropout(y, 0.2).sum(), leaves: [x] };
    });
  });

  test('nested, one after the other', () => {
    expectSame((point) => {
      const [x, w] = [noise([5]), noise([5])];
      const inner = (t: Tensor): Tensor => dropout(t.mul(w).sin(), 0.4);
      const outer = (t: Tensor): Tensor => point(inner, point(inner, t.exp()).mul(w)).add(w);
      return { loss: point(outer, point(outer, x)).sum(), leaves: [x, w] };
    });
  });

  test('with several results, of which not all are used', () => {
    expectSame((point) => {
      const x = noise([5]);
      const [a, b, , d] = point((t: Tensor) => [t.exp(), t.sin(), t.cos(), t.argmax()], x) as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
      ];
      expect(d.requiresGrad).toBe(false);
      return { loss: a.mul(b).sum(), leaves: [x] };
    });
  });

  test('of an activation from outside', () => {
    expectSame((point) => {
      const [x, w, v] = [noise([4, 5]), noise([6, 5]), noise([3, 6])];
      const h = linear(x, w, null, { activation: 'tanh' });
      return {
        loss: point((t: Tensor) => linear(t, v), h)
          .square()
          .sum(),
        leaves: [x, w, v],
      };
    });
  });
});

describe('checkpoint', () => {
  test('keeps nothing and runs twice', () => {
    const x = leaf([1, 2]);
    let runs = 0;
    const nodes: (string | null)[] = [];
    const y = checkpoint((t) => {
      runs++;
      const a = t.exp();
      nodes.push(a.gradFn);
      return a.sin();
    }, x);
    expect([runs, y.gradFn]).toEqual([1, 'checkpoint']);
    y.sum().backward();
    expect([runs, nodes]).toEqual([2, ['exp', 'exp']]);
    expectError(() => y.sum().backward(), 'ERR_STATE', 'checkpoint was freed');
  });

  test('can be gone through twice, and differentiated twice', () => {
    const x = leaf([1, 2]);
    const y = checkpoint((t) => t.square().mul(t), x.mul(1));
    y.sum().backward(undefined, { retainGraph: true });
    y.sum().backward(undefined, { retainGraph: true });
    expect(x.grad?.toArray()).toEqual([6, 24]);
    const g = grad(y.sum(), x, { createGraph: true });
    expect(grad(g.sum(), x).toArray()).toEqual([6, 12]);
  });

  test('works with grad by inputs, parameters and results before it', () => {
    const [x, w] = [leaf([1, 2]), leaf([3, 4])];
    const h = x.mul(2);
    const y = checkpoint((t) => t.mul(w).square(), h);
    const [gh, gw, gx] = grad(y.sum(), [h, w, x], { retainGraph: true });
    expect([gh, gw, gx].map((g) => g?.toArray())).toEqual([
      [36, 128],
      [24, 128],
      [72, 256],
    ]);
    expect(grad(y.sum(), w).toArray()).toEqual([24, 128]);
  });

  test('takes values that are no tensors, and needs nothing that requires gradients', () => {
    const x = leaf([1, 2]);
    const fn = (t: Tensor, factor: number, name: string): Tensor =>
      name === 'mul' ? t.mul(factor) : t;
    checkpoint(fn, [x, 3, 'mul']).sum().backward();
    expect(x.grad?.toArray()).toEqual([3, 3]);
    expect(checkpoint(fn, [x, 3, ''])).toBe(x);
    expect(checkpoint(fn, [ones([2]), 3, 'mul']).requiresGrad).toBe(false);
    expect(noGrad(() => checkpoint(fn, [x, 3, 'mul'])).requiresGrad).toBe(false);
  });

  test('without the random state the second run draws other numbers', () => {
    const x = leaf(Array(200).fill(1));
    const run = (preserveRngState: boolean): boolean => {
      const y = checkpoint((t) => dropout(t, 0.5), x, { preserveRngState });
      x.zeroGrad();
      y.sum().backward();
      return String(y.toArray()) === String(x.grad?.toArray());
    };
    expect([run(true), run(false)]).toEqual([true, false]);
  });

  test('notices what changed between the runs', () => {
    const [x, w] = [leaf([1, 2]), leaf([3, 4])];
    const y = checkpoint((t) => t.mul(w), x);
    copyInto(w, ones([2]));
    expectError(() => y.sum().backward(), 'ERR_STATE', 'checkpoint needs was changed in place');
    let calls = 0;
    const other = checkpoint((t) => (++calls === 1 ? t.mul(2) : t.sum()), x);
    expectError(() => other.sum().backward(), 'ERR_STATE', '[checkpoint] the second run differs');
    calls = 0;
    const another = checkpoint((t) => (++calls === 1 ? t.mul(2) : t.mul(w)), x);
    expectError(() => another.sum().backward(), 'ERR_STATE', 'uses another tensor');
  });

  test('hooks inside are called in the second run, and anomalies found', () => {
    const x = leaf([1, 2]);
    const seen: unknown[] = [];
    const y = checkpoint((t) => {
      const a = t.mul(2);
      a.registerHook((g) => {
        seen.push(g.toArray());
      });
      return a.square();
    }, x);
    y.sum().backward();
    expect(seen).toEqual([[4, 8]]);
    expectError(() => detectAnomaly(() => checkpoint((t) => t.neg().log(), x)), 'ERR_STATE', 'log');
  });

  test('an error in either run leaves nothing behind', () => {
    const x = leaf([1, 2]);
    const fail = (): never => {
      throw new Error('inside');
    };
    expect(() => checkpoint(fail as (t: Tensor) => Tensor, x)).toThrow('inside');
    let calls = 0;
    const y = checkpoint((t) => (++calls === 2 ? fail() : t.exp()), x);
    expect(() => y.sum().backward()).toThrow('inside');
    const z = x.exp();
    expect(z.gradFn).toBe('exp');
    z.sum().backward();
    expect(x.grad?.toArray()).toEqual(z.toArray());
  });

  test('in a hook and in another graph', () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    y.registerHook((g) => {
      const inner = leaf([3]);
      enableGrad(() => checkpoint((t) => t.square(), inner).backward());
      return g.mul(inner.grad as Tensor);
    });
    checkpoint((t) => t.mul(5), y)
      .sum()
      .backward();
    expect(x.grad?.toArray()).toEqual([60, 60]);
  });
});

describe('checkpointSequential', () => {
  test('gives the gradients of the sequence, from functions and layers', () => {
    const model = new nn.Sequential(new nn.Linear(3, 4), new nn.Linear(4, 4), new nn.Linear(4, 2));
    const steps = [...model.layers, (t: Tensor) => t.tanh(), (t: Tensor) => t.square()];
    const x = noise([2, 3]);
    const parameters = [x, ...model.parameters()];
    const plain = steps.reduce<Tensor>(
      (t, step) => (typeof step === 'function' ? step(t) : step.forward(t)),
      x,
    );
    const expected = grad(plain.sum(), parameters).map(bytes);
    for (const segments of [1, 2, 3, 5]) {
      const y = checkpointSequential(steps, segments, x);
      expect(bytes(y)).toEqual(bytes(plain));
      expect(grad(y.sum(), parameters).map(bytes)).toEqual(expected);
    }
  });

  test('a sum with what went in', () => {
    const x = leaf([2]);
    add(checkpointSequential([(t) => t.square(), (t) => t.exp()], 2, x), x).backward();
    expect(x.grad?.item()).toBeCloseTo(4 * Math.exp(4) + 1, 3);
  });
});
