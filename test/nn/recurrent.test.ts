import {
  emptyCache,
  Generator,
  grad,
  gradcheck,
  gradgradcheck,
  inferenceMode,
  manualSeed,
  memory,
  mseLoss,
  nn,
  noGrad,
  ones,
  optim,
  randn,
  type Tensor,
  tensor,
} from 'tilegrad';
import { recurrentLayer } from 'tilegrad/ops/sequence/recurrent.js';
import {
  type Cell,
  cells,
  composedLayer,
  type Direction,
  gatesOf,
} from 'tilegrad/ops/sequence/recurrent_cell.js';
import { describe, expect, it, test } from 'vitest';
import {
  epsilon,
  expectGolden,
  Fixture,
  type FloatType,
  type Golden,
  largest,
  toTensor,
} from '../golden.js';
import { expectError } from '../helpers/errors.js';
import { expectSame } from '../helpers/same.js';

const { rnn } = nn.utils;

interface Stored {
  op: 'RNN' | 'LSTM' | 'GRU' | 'RNNCell' | 'LSTMCell' | 'GRUCell';
  dtype: FloatType;
  options: nn.RNNOptions & nn.LSTMOptions;
  lengths: number[] | null;
  names: string[];
  inputs: number[];
  parameters: number[];
  outputs: number[];
  gradOutputs: number[];
  gradInputs: number[];
  gradParameters: number[];
}

const fixture = new Fixture<{ cases: Stored[] }>('recurrent');

/** The outputs as a flat list: y and states. */
const flat = (value: unknown): Tensor[] => {
  if (value instanceof rnn.PackedSequence) return [value.data];
  return Array.isArray(value) ? value.flatMap(flat) : [value as Tensor];
};

describe('golden recurrent layers and cells', () => {
  for (const [index, c] of fixture.content.cases.entries()) {
    it(`${index}: ${c.op} ${JSON.stringify(c.options)} ${c.lengths ?? ''} ${c.dtype}`, () => {
      const goldens = (list: number[]): Golden[] => list.map((i) => fixture.tensor(i));
      const parameters = goldens(c.parameters);
      const gates = c.op.startsWith('LSTM') ? 4 : c.op.startsWith('GRU') ? 3 : 1;
      const hidden = parameters[1]!.shape[0]! / gates;
      const inputSize = parameters[0]!.shape[1]!;
      const module = new nn[c.op](inputSize, hidden, { ...c.options, dtype: c.dtype }) as nn.LSTM;
      expect(Object.keys(module.stateDict())).toEqual(c.names);
      const state = parameters.map((p, i) => [c.names[i]!, toTensor(p, c.dtype)] as const);
      module.loadStateDict(Object.fromEntries(state));
      const [x, ...parts] = goldens(c.inputs).map((t) => toTensor(t, c.dtype, true)) as [
        Tensor,
        ...Tensor[],
      ];
      const given = c.op.startsWith('LSTM') && parts.length > 0 ? parts : parts[0];
      const { batchFirst = false } = c.options;
      const input = c.lengths
        ? rnn.packPaddedSequence(x, c.lengths, { batchFirst, enforceSorted: false })
        : x;
      const outputs = flat(module.forward(input as never, given as never));
      // Sums of up to so many terms, in each of the steps one after the other.
      const eps = 64 * epsilon[c.dtype];
      for (const [i, want] of goldens(c.outputs).entries()) {
        expectGolden(outputs[i]!, want, () => eps, `output ${i}`);
      }
      const loss = outputs.map((y, i) =>
        y.mul(toTensor(goldens(c.gradOutputs)[i]!, c.dtype)).sum(),
      );
      loss.reduce((a, b) => a.add(b)).backward();
      const near = (want: Golden) => () => 4 * eps * Math.max(1, largest(want));
      for (const [i, want] of goldens(c.gradInputs).entries()) {
        expectGolden([x, ...parts][i]!.grad!, want, near(want), `gradient of input ${i}`);
      }
      for (const [i, [name, parameter]] of [...module.namedParameters()].entries()) {
        const want = goldens(c.gradParameters)[i]!;
        expectGolden(parameter.grad!, want, near(want), `gradient of ${name}`);
      }
    });
  }
});

interface Case {
  cell: Cell;
  sizes: readonly number[];
  hidden: number;
  both: boolean;
  bias: boolean;
  state: boolean;
}

const generator = new Generator(3);
const leafOf =
  (dtype: FloatType) =>
  (...shape: number[]): Tensor => {
    const t = randn(shape, { dtype, generator }).mul(0.5);
    t.requiresGrad = true;
    return t;
  };

/** Inputs of a layer, all of which want gradients. */
function problem(c: Case, dtype: FloatType) {
  const leaf = leafOf(dtype);
  const [batch, inputs] = [c.sizes[0]!, 3];
  const total = c.sizes.reduce((a, b) => a + b);
  const width = gatesOf[c.cell] * c.hidden;
  const x = leaf(total, inputs);
  const directions = Array.from(
    { length: c.both ? 2 : 1 },
    (): Direction => ({
      // Stored as nn does, transposed, and the other way round.
      weightIh: leaf(width, inputs),
      weightHh: c.both ? transposedLeaf(leaf(c.hidden, width)) : leaf(width, c.hidden),
      biasIh: c.bias ? leaf(width) : null,
      biasHh: c.bias ? leaf(width) : null,
      h: c.state ? leaf(batch, c.hidden) : null,
      c: c.state && c.cell === 'lstm' ? leaf(batch, c.hidden) : null,
    }),
  );
  const steps = { batchSizes: c.sizes, batch };
  const all = [x, ...directions.flatMap((d) => Object.values(d).filter((t) => t !== null))];
  return { x, steps, directions, all: all as Tensor[] };
}

function transposedLeaf(t: Tensor): Tensor {
  const turned = t.detach().transpose();
  turned.requiresGrad = true;
  return turned;
}

/** The same leaves in another place of the arguments: for functions of a list of tensors. */
function withLeaves(directions: readonly Direction[], leaves: readonly Tensor[]) {
  let at = 1;
  return directions.map((direction) => {
    const entries = Object.entries(direction).map(([name, t]) => [name, t && leaves[at++]]);
    return Object.fromEntries(entries) as Direction;
  });
}

const cases: Case[] = cells.flatMap((cell) => [
  { cell, sizes: [2, 2, 2], hidden: 4, both: false, bias: true, state: true },
  { cell, sizes: [4, 3, 3, 1], hidden: 3, both: true, bias: true, state: true },
  { cell, sizes: [1, 1, 1], hidden: 2, both: true, bias: false, state: false },
  { cell, sizes: [3], hidden: 5, both: false, bias: true, state: true },
]);
const wide: Case[] = cells.flatMap((cell) => [
  { cell, sizes: [5, 5, 2], hidden: 16, both: true, bias: true, state: true },
  { cell, sizes: [3, 2], hidden: 35, both: false, bias: true, state: true },
  { cell, sizes: [24, 24], hidden: 33, both: false, bias: true, state: false },
]);

const nameOf = ({ cell, sizes, hidden, both }: Case) =>
  `${cell} [${sizes}], ${hidden} units${both ? ', both directions' : ''}`;

describe('the fused passes agree with the composition', () => {
  for (const c of [...cases, ...wide]) {
    it(nameOf(c), () => {
      for (const dtype of ['float64', 'float32'] as const) {
        const { x, steps, directions, all } = problem(c, dtype);
        const run = (layer: typeof recurrentLayer): Tensor[] => {
          for (const t of all) t.zeroGrad();
          const { y, h, c: ends } = layer(c.cell, x, steps, directions);
          const results = [y, ...h, ...ends];
          const weighted = results.map((t) => t.mul(t).mul(t.add(1)).sum());
          weighted.reduce((a, b) => a.add(b)).backward();
          return [...results, ...all.map((t) => t.grad as Tensor)];
        };
        const [fused, composed] = [run(recurrentLayer), run(composedLayer)];
        const eps = 32 * (c.hidden + x.shape[0]!) * epsilon[dtype];
        fused.forEach((t, i) => {
          const data = [...composed[i]!.contiguous().data].map(Number);
          const want = { shape: composed[i]!.shape, data };
          expectGolden(t, want, () => eps * Math.max(1, largest(want)), `${dtype} ${i}`);
        });
      }
    });
  }
});

describe('gradients agree with central differences', () => {
  for (const c of cases) {
    it(nameOf(c), () => {
      const { steps, directions, all } = problem(c, 'float64');
      const fn = (...leaves: Tensor[]): Tensor => {
        const next = withLeaves(directions, leaves);
        const { y, h, c: ends } = recurrentLayer(c.cell, leaves[0]!, steps, next);
        return [y, ...h, ...ends].map((t, i) => t.mul(i + 1).sum()).reduce((a, b) => a.add(b));
      };
      // The relu's kinks are far from every sum of these numbers.
      gradcheck(fn, all);
      if (c.hidden < 3) gradgradcheck(fn, all);
    });
  }

  test('through a module, its state and a packed sequence', () => {
    const lstm = new nn.LSTM(2, 2, { dtype: 'float64', numLayers: 2, generator: new Generator(5) });
    const leaf = leafOf('float64');
    const fn = (x: Tensor, h: Tensor, c: Tensor) => {
      const packed = rnn.packPaddedSequence(x, [1, 3], { enforceSorted: false });
      const [y, [hn, cn]] = lstm.forward(packed, [h, c]);
      const [padded] = rnn.padPackedSequence(y, { paddingValue: 3 });
      return padded.square().sum().add(hn.mul(cn).sum());
    };
    const inputs = [leaf(3, 2, 2), leaf(2, 2, 2), leaf(2, 2, 2)];
    gradcheck(fn as never, inputs);
    gradgradcheck(fn as never, inputs);
  });
});

describe('layers', () => {
  test('start between the bounds of PyTorch, from the generator', () => {
    const make = () => new nn.GRU(3, 16, { numLayers: 2, generator: new Generator(1) });
    const [a, b] = [make(), make()];
    for (const [name, p] of a.namedParameters()) {
      expect(p.abs().max().item()).toBeLessThanOrEqual(0.25);
      expect(p.std().item()).toBeGreaterThan(0.1);
      expectSame(
        p.contiguous().data as Float32Array,
        b.stateDict()[name]!.contiguous().data as never,
      );
    }
    expect(a.weight_ih_l1.shape).toEqual([48, 16]);
    expect(a.weight_hh_l0.strides).toEqual([1, 48]);
  });

  test('cells in a loop give what a layer gives', () => {
    for (const name of ['RNN', 'LSTM', 'GRU'] as const) {
      const layer = new nn[name](3, 5) as nn.LSTM;
      const cell = new nn[`${name}Cell`](3, 5) as nn.LSTMCell;
      const entries = Object.entries(layer.stateDict());
      cell.loadStateDict(Object.fromEntries(entries.map(([k, t]) => [k.replace('_l0', ''), t])));
      const x = randn([4, 2, 3]);
      const [y] = layer.forward(x);
      let state: unknown = null;
      for (let t = 0; t < 4; t++) {
        state = cell.forward(x.select(0, t), state as never);
        const h = (Array.isArray(state) ? state[0] : state) as Tensor;
        expectSame(h.data as never, y.select(0, t).contiguous().data as never);
      }
      const [h] = flat(cell.forward(x.select(0, 0).select(0, 1)));
      expect(h!.shape).toEqual([5]);
    }
  });

  test('a sequence in two parts, the state handed on', () => {
    const lstm = new nn.LSTM(3, 5, { numLayers: 2 });
    const x = randn([6, 2, 3]);
    const [y, [h, c]] = lstm.forward(x);
    const [first, state] = lstm.forward(x.narrow(0, 0, 2));
    const [second, [h2, c2]] = lstm.forward(x.narrow(0, 2, 4), state);
    expectSame(second.data as never, y.narrow(0, 2, 4).data as never);
    expectSame(first.data as never, y.narrow(0, 0, 2).data as never);
    for (const [a, b] of [
      [h, h2],
      [c, c2],
    ] as const) {
      expectSame(b.data as never, a.data as never);
    }
  });

  test('a packed sequence gives each sequence what it gets alone', () => {
    const gru = new nn.GRU(3, 4, { bidirectional: true, numLayers: 2 });
    const sequences = [2, 5, 1, 5].map((length) => randn([length, 3]));
    const packed = rnn.packSequence(sequences, { enforceSorted: false });
    const [y, h] = gru.forward(packed);
    const [padded, lengths] = rnn.padPackedSequence(y, { batchFirst: true });
    expect(lengths).toEqual([2, 5, 1, 5]);
    sequences.forEach((sequence, i) => {
      const [alone, end] = gru.forward(sequence);
      const part = padded.select(0, i).narrow(0, 0, lengths[i]!).contiguous();
      expectSame(part.data as never, alone.data as never);
      expectSame(h.select(1, i).contiguous().data as never, end.contiguous().data as never);
    });
  });

  test('the same without recording, and in inference mode', () => {
    for (const name of ['RNN', 'LSTM', 'GRU'] as const) {
      const layer = new nn[name](3, 18, { bidirectional: true }) as nn.LSTM;
      const x = randn([4, 7, 3]);
      const recorded = flat(layer.forward(x));
      for (const results of [
        noGrad(() => layer.forward(x)),
        inferenceMode(() => layer.forward(x)),
      ]) {
        flat(results).forEach((t, i) => {
          expect(t.requiresGrad).toBe(false);
          expectSame(t.data as never, recorded[i]!.data as never);
        });
      }
    }
  });

  test('dropout between layers, in training alone', () => {
    const make = (dropout: number, generator = new Generator(4)) =>
      new nn.LSTM(3, 6, { numLayers: 2, dropout, generator });
    const x = randn([5, 2, 3]);
    const layer = make(0.5);
    const [a] = layer.forward(x);
    const [b] = layer.forward(x);
    expect(a.toArray()).not.toEqual(b.toArray());
    const plain = make(0).forward(x)[0];
    expect(layer.eval().forward(x)[0].toArray()).toEqual(plain.toArray());
    // Everything dropped: the second layer sees zeros.
    const all = make(1);
    const second = new nn.LSTM(6, 6);
    const entries = Object.entries(all.stateDict()).filter(([name]) => name.includes('_l1'));
    second.loadStateDict(Object.fromEntries(entries.map(([k, t]) => [k.replace('l1', 'l0'), t])));
    const zeros = second.forward(ones([5, 2, 6]).mul(0))[0];
    expect(all.forward(x)[0].toArray()).toEqual(zeros.toArray());
  });

  test('gradients of what is asked for alone', () => {
    const x = randn([3, 2, 2], { requiresGrad: true });
    const lstm = new nn.LSTM(2, 3);
    for (const p of lstm.parameters()) p.requiresGrad = false;
    const [, [, c]] = lstm.forward(x);
    c.sum().backward();
    expect(x.grad?.shape).toEqual([3, 2, 2]);
    expect(lstm.weight_ih_l0.grad).toBeNull();
    lstm.bias_hh_l0.requiresGrad = true;
    const [y] = lstm.forward(x.detach());
    y.sum().backward();
    const found = [...lstm.namedParameters()].filter(([, p]) => p.grad !== null);
    expect(found.map(([name]) => name)).toEqual(['bias_hh_l0']);
  });

  test('what was changed in place before the backward pass is found', () => {
    const gru = new nn.GRU(2, 3);
    const [y] = gru.forward(ones([3, 2, 2]));
    noGrad(() => gru.weight_hh_l0.detach().mul_(2));
    expectError(() => y.sum().backward(), 'ERR_STATE', 'changed in place');
  });

  test('a weight is not learned from what was made in inference mode', () => {
    const x = inferenceMode(() => ones([3, 2, 2]));
    expectError(() => new nn.RNN(2, 3).forward(x), 'ERR_STATE', '[rnn] input 0');
  });

  test('the graph can be kept', () => {
    const lstm = new nn.LSTM(2, 3);
    const loss = lstm.forward(ones([3, 2, 2]))[0].sum();
    loss.backward(null, { retainGraph: true });
    const first = lstm.weight_hh_l0.grad?.clone() as Tensor;
    loss.backward();
    expect(lstm.weight_hh_l0.grad?.toArray()).toEqual(first.mul(2).toArray());
  });

  describe('memory that only the graph knows is reused', () => {
    const layer = (numLayers = 2) =>
      new nn.LSTM(16, 32, { batchFirst: true, numLayers, generator: new Generator(1) });
    const x = randn([20, 10, 16], { generator: new Generator(2) });
    /** Takes what waits to be handed out again, and leaves NaN there. */
    const spoil = () => {
      const sizes = [16, 32, 64, 128].map((width) => 200 * width);
      const taken = sizes.flatMap((n) =>
        Array.from({ length: 8 }, () => ones([n]).mul(Number.NaN)),
      );
      for (const t of taken) t.dispose();
    };
    const numbers = (t: Tensor | null) => t?.toArray();

    test('when a backward pass has freed the graph, and without one at once', () => {
      const lstm = layer();
      emptyCache();
      lstm.forward(x)[0].sum().backward();
      // Gates and states of both layers, the copy of x and the first layer's output.
      expect(memory().pooledBytes).toBeGreaterThan(4 * 200 * (2 * (128 + 2 * 32) + 16 + 32));
      emptyCache();
      noGrad(() => lstm.forward(x));
      expect(memory().pooledBytes).toBeGreaterThan(4 * 200 * 128);
      // Not while it may be needed again.
      const y = lstm.forward(x)[0].sum();
      emptyCache();
      y.backward(null, { retainGraph: true });
      const before = memory().pooledBytes;
      y.backward();
      expect(memory().pooledBytes - before).toBeGreaterThan(4 * 200 * 2 * (128 + 2 * 32));
    });

    test('results stay what they are', () => {
      const lstm = layer();
      const input = x.clone().requiresGrad_();
      const results = flat(lstm.forward(input));
      const before = results.map(numbers);
      results[0]?.square().sum().backward(null, { retainGraph: true });
      const first = numbers(input.grad);
      spoil();
      input.zeroGrad();
      results[0]?.square().sum().backward();
      expect(numbers(input.grad)).toEqual(first);
      spoil();
      expect(results.map(numbers)).toEqual(before);
      expect(numbers(x)).toEqual(numbers(input));
    });

    test('gradients of gradients keep what they need', () => {
      const lstm = layer(1);
      const weights = [...lstm.parameters()];
      const second = (retainGraph: boolean) => {
        const y = lstm.forward(x)[0].sum();
        const first = grad(y, weights, { createGraph: true, retainGraph }) as Tensor[];
        spoil();
        const sum = first.map((g) => g.square().sum()).reduce((a, b) => a.add(b));
        return (grad(sum, weights) as Tensor[]).map(numbers);
      };
      expect(second(false)).toEqual(second(true));
    });
  });

  test('NaN goes through the steps of its own sequence only', () => {
    const x = randn([4, 3, 2]);
    x.data[(1 * 3 + 1) * 2] = Number.NaN;
    for (const name of ['RNN', 'LSTM', 'GRU'] as const) {
      const [y] = (new nn[name](2, 3) as nn.LSTM).forward(x);
      const isNan = y.isnan().all({ dim: 2 }).toArray();
      expect(isNan).toEqual([0, 1, 2, 3].map((t) => [false, t > 0, false]));
    }
  });

  test('an LSTM learns to remember the first number of a sequence', () => {
    manualSeed(1);
    const lstm = new nn.LSTM(1, 8, { batchFirst: true });
    const head = new nn.Linear(8, 1);
    const optimizer = new optim.Adam([...lstm.parameters(), ...head.parameters()], { lr: 0.02 });
    const x = randn([64, 8, 1]);
    const target = x.select(1, 0).detach();
    let loss = Infinity;
    for (let i = 0; i < 200; i++) {
      optimizer.zeroGrad();
      const [, [h]] = lstm.forward(x);
      const error = mseLoss(head.forward(h.select(0, 0)), target);
      error.backward();
      optimizer.step();
      loss = error.item();
    }
    expect(loss).toBeLessThan(0.05); // the target's variance is 1
  });
});

test('an empty batch gives an empty output', () => {
  for (const name of ['RNN', 'LSTM', 'GRU'] as const) {
    const layer = new nn[name](2, 3, { bidirectional: true }) as nn.LSTM;
    const x = tensor([]).reshape([0, 2]).reshape([4, 0, 2]);
    const [y, h] = flat(layer.forward(x)) as [Tensor, Tensor];
    expect([y.shape, h.shape]).toEqual([
      [4, 0, 6],
      [2, 0, 3],
    ]);
    y.sum().backward();
    expect(layer.weight_ih_l0.grad?.abs().sum().item()).toBe(0);
  }
});
