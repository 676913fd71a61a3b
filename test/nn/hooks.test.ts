import { grad, nn, noGrad, ones, relu, type Tensor, tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { epsilon, expectGolden, Fixture, type FloatType, toTensor } from '../golden.js';

interface Case {
  dtype: FloatType;
  differentiates: [boolean, boolean];
  inputs: [number, number];
  weight: number;
  bias: number;
  output: number;
  gradOutput: number;
  seen: { hook: string; values: (number | null)[] }[];
  gradInputs: (number | null)[];
  gradWeight: number;
  gradBias: number;
}

const fixture = new Fixture<{ hooks: Case[] }>('modules');

describe('golden: hooks of a Bilinear layer that change everything', () => {
  test.each(fixture.content.hooks.map((c) => [`${c.dtype} ${c.differentiates}`, c] as const))(
    '%s',
    (_, c) => {
      const { dtype } = c;
      // Sums of at most 6 products of numbers below 2^12.
      const bound = () => epsilon[dtype] * 8 * 2 ** 12;
      const stored = (i: number) => fixture.tensor(i);
      const layer = new nn.Bilinear(3, 2, 4, { dtype });
      layer.loadStateDict({
        weight: toTensor(stored(c.weight), dtype),
        bias: toTensor(stored(c.bias), dtype),
      });
      const seen: { hook: string; values: (Tensor | null)[] }[] = [];
      layer.registerForwardPreHook((module, inputs) => {
        expect(module).toBe(layer);
        seen.push({ hook: 'forwardPre', values: [...inputs] });
        return inputs.map((x) => x.mul(2)) as [Tensor, Tensor];
      });
      layer.registerForwardHook((_, inputs, output) => {
        seen.push({ hook: 'forward', values: [...inputs, output] });
        return output.add(1);
      });
      layer.registerFullBackwardPreHook((_, gradOutput) => {
        seen.push({ hook: 'backwardPre', values: [...gradOutput] });
        return [(gradOutput[0] as Tensor).mul(3)];
      });
      layer.registerFullBackwardHook((_, gradInput, gradOutput) => {
        seen.push({ hook: 'backward', values: [...gradInput, ...gradOutput] });
        return gradInput.map((g) => g?.mul(5) ?? null);
      });
      const leaves = c.inputs.map((i, k) => toTensor(stored(i), dtype, c.differentiates[k]));
      const y = layer.forward(leaves[0]!.mul(7), leaves[1]!.mul(7));
      expectGolden(y, stored(c.output), bound, 'output');
      y.backward(toTensor(stored(c.gradOutput), dtype));
      expect(seen.map(({ hook }) => hook)).toEqual(c.seen.map(({ hook }) => hook));
      type Pair = readonly [label: string, got: Tensor | null | undefined, want: number | null];
      const pairs: Pair[] = c.seen.flatMap(({ hook, values }, k) =>
        values.map((want, i): Pair => [`${hook} ${i}`, seen[k]!.values[i] ?? null, want] as const),
      );
      pairs.push(
        ...c.gradInputs.map((want, i) => [`input ${i}`, leaves[i]!.grad, want] as const),
        ['weight', layer.weight.grad, c.gradWeight],
        ['bias', (layer.bias as Tensor).grad, c.gradBias],
      );
      for (const [label, got, want] of pairs) {
        // PyTorch gives zeros where no gradient is asked for.
        const isAsked = label !== 'backward 0' || c.differentiates[0];
        if (want === null || !isAsked) expect({ label, got }).toEqual({ label, got: null });
        else expectGolden(got as Tensor, stored(want), bound, label);
      }
    },
  );
});

describe('hooks', () => {
  test('cost nothing when they are gone', () => {
    const layer = new nn.Linear(2, 2);
    const before = Object.getOwnPropertyNames(layer);
    const one = layer.registerForwardHook(() => {});
    const two = layer.registerForwardPreHook(() => {});
    expect(Object.hasOwn(layer, 'forward')).toBe(true);
    expect(Object.keys(layer)).toEqual(before);
    one.remove();
    one.remove();
    expect(Object.hasOwn(layer, 'forward')).toBe(true);
    two.remove();
    expect(Object.getOwnPropertyNames(layer)).toEqual(before);
    expect(layer.forward).toBe(nn.Linear.prototype.forward);
  });

  test('run in the order of registration, also inside of containers', () => {
    const model = new nn.Sequential(new nn.Lambda(relu), (x: Tensor) => x.mul(2));
    const seen: string[] = [];
    for (const name of ['a', 'b']) {
      model.at(0).registerForwardHook((_, [x], y) => {
        seen.push(`${name} ${x?.toArray()} ${y.toArray()}`);
        return y.add(1);
      });
    }
    expect(model.forward(tensor([-1])).toArray()).toEqual([4]);
    expect(seen).toEqual(['a -1 0', 'b -1 1']);
  });

  test('may take themselves away and replace the only input alone', () => {
    const model = new nn.Lambda(relu);
    const handle = model.registerForwardPreHook(() => {
      handle.remove();
      return tensor([7]);
    });
    expect(model.forward(tensor([1])).toArray()).toEqual([7]);
    expect(model.forward(tensor([1])).toArray()).toEqual([1]);
  });

  test('stand around a forward of the object itself, which comes back', () => {
    const model = new nn.Lambda(relu);
    const own = (x: Tensor) => x.mul(3);
    model.forward = own;
    const handle = model.registerForwardHook((_, __, y) => y.add(1));
    expect(model.forward(tensor([-1])).toArray()).toEqual([-2]);
    const copy = model.clone();
    expect(copy.forward(tensor([-1])).toArray()).toEqual([-2]);
    handle.remove();
    expect(model.forward).toBe(own);
    expect(copy.forward(tensor([-1])).toArray()).toEqual([-2]);
  });

  test('of the backward pass see every call of a module by itself', () => {
    const layer = new nn.Linear(1, 1, { bias: false });
    layer.weight.data[0] = 3;
    const seen: unknown[] = [];
    layer.registerFullBackwardHook((_, [gradInput], [gradOutput]) => {
      seen.push([gradInput?.item(), gradOutput?.item()]);
    });
    const x = ones([1, 1], { requiresGrad: true });
    layer.forward(layer.forward(x)).sum().backward();
    expect(seen).toEqual([
      [3, 1],
      [9, 3],
    ]);
    expect(x.grad?.item()).toBe(9);
    expect(layer.weight.grad?.item()).toBe(6);
  });

  test('of the backward pass see null for what needs no gradient, and lists of outputs', () => {
    class Two extends nn.Module<[Tensor, number, Tensor], [Tensor, string, Tensor]> {
      forward(x: Tensor, factor: number, y: Tensor): [Tensor, string, Tensor] {
        return [x.mul(factor), 'text', y.add(x)];
      }
    }
    const two = new Two();
    const seen: unknown[] = [];
    const numbers = (list: nn.ModuleGradients) => list.map((g) => g?.toArray() ?? null);
    two.registerFullBackwardHook((_, gradInput, gradOutput) => {
      seen.push(numbers(gradInput), numbers(gradOutput));
    });
    const x = ones([1], { requiresGrad: true });
    const [a, text, b] = two.forward(x, 5, ones([1]));
    expect(text).toBe('text');
    a.add(b.mul(2)).sum().backward();
    expect(seen).toEqual([
      [[7], null, null],
      [[1], null, [2]],
    ]);
    // Only one of the outputs is used.
    two
      .forward(x, 5, ones([1]))[0]
      .sum()
      .backward();
    expect(seen.slice(2)).toEqual([
      [[5], null, null],
      [[1], null, null],
    ]);
  });

  test('of the backward pass are not called where nothing is recorded', () => {
    const layer = new nn.Linear(2, 2);
    let calls = 0;
    layer.registerFullBackwardHook(() => void calls++);
    const y = noGrad(() => layer.forward(ones([1, 2], { requiresGrad: true })));
    expect([y.requiresGrad, calls]).toEqual([false, 0]);
  });

  test('of the backward pass can be differentiated', () => {
    const cube = new nn.Lambda((x: Tensor) => x.mul(x).mul(x));
    cube.registerFullBackwardHook((_, [g]) => (g as Tensor).mul(2));
    const x = tensor([2], { dtype: 'float64', requiresGrad: true });
    const [first] = grad(cube.forward(x).sum(), [x], { createGraph: true }) as [Tensor];
    expect(first.item()).toBe(24);
    // The second pass goes through the input as well, and the hook doubles again, as in PyTorch.
    const [second] = grad(first.sum(), [x]) as [Tensor];
    expect(second.item()).toBe(48);
  });

  test('are copied with the module, and go one by one', () => {
    const layer = new nn.Lambda(relu);
    const handle = layer.registerForwardHook((_, __, y) => y.add(1));
    const copy = layer.clone();
    handle.remove();
    expect(layer.forward(tensor([1])).toArray()).toEqual([1]);
    expect(copy.forward(tensor([1])).toArray()).toEqual([2]);
  });
});
