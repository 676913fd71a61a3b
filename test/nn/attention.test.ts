import { gradcheck, nn, randn, type Tensor, TensorError, tensor, tidy, zeros } from 'tilegrad';
import { describe, expect, it, test } from 'vitest';
import { epsilon, expectGolden, Fixture, largest, toTensor } from '../golden.js';

interface Stored {
  module:
    | 'MultiheadAttention'
    | 'TransformerEncoderLayer'
    | 'TransformerDecoderLayer'
    | 'Transformer';
  args: number[];
  options: object;
  call?: object;
  state: Record<string, number>;
  inputs: number[];
  output: number;
  weights?: number;
  gradOutput: number;
  gradInputs: number[];
  gradState?: Record<string, number>;
  floatMask?: boolean;
  attnMask?: number;
  keyPaddingMask?: number;
  srcKeyPaddingMask?: number;
}

const fixture = new Fixture<{ modules: Stored[] }>('attention');
const dtype = 'float64';

/** Sums of up to 64 products of numbers of ordinary size, through up to four layers. */
const bound = () => 2000 * epsilon.float64;

type AnyLayer = nn.Module<Tensor[], Tensor | [Tensor, Tensor | null]>;

describe('golden modules', () => {
  for (const [index, stored] of fixture.content.modules.entries()) {
    it(`${index}: ${stored.module} ${JSON.stringify(stored.options)}`, () => {
      type Kind = new (...args: unknown[]) => AnyLayer;
      const Layer = nn[stored.module] as unknown as Kind;
      const layer = new Layer(...stored.args, { ...stored.options, dtype });
      const state = Object.entries(stored.state).map(([name, at]) => [
        name,
        toTensor(fixture.tensor(at), dtype),
      ]);
      expect(Object.keys(layer.stateDict())).toEqual(Object.keys(stored.state));
      layer.loadStateDict(Object.fromEntries(state));
      const inputs = stored.inputs.map((at) => toTensor(fixture.tensor(at), dtype, true));
      const call: Record<string, unknown> = { ...stored.call };
      for (const name of ['attnMask', 'keyPaddingMask', 'srcKeyPaddingMask'] as const) {
        const at = stored[name];
        if (at === undefined) continue;
        const mask = toTensor(fixture.tensor(at), dtype);
        call[name] = name === 'attnMask' && stored.floatMask ? mask : mask.ne(0);
      }
      const result = layer.forward(...inputs, call as unknown as Tensor);
      const [y, weights] = Array.isArray(result) ? result : [result, null];
      expectGolden(y, fixture.tensor(stored.output), bound, 'output');
      if (stored.weights !== undefined) {
        expectGolden(weights as Tensor, fixture.tensor(stored.weights), bound, 'weights');
        const without = layer.forward(...inputs, { ...call, needWeights: false } as never);
        expectGolden((without as [Tensor, null])[0], fixture.tensor(stored.output), bound, 'fused');
      }
      y.backward(toTensor(fixture.tensor(stored.gradOutput), dtype));
      inputs.forEach((x, i) => {
        const golden = fixture.tensor(stored.gradInputs[i] as number);
        expectGolden(x.grad as Tensor, golden, bound, `gradient of input ${i}`);
      });
      for (const [name, parameter] of layer.namedParameters()) {
        if (stored.gradState === undefined) break;
        const golden = fixture.tensor(stored.gradState[name] as number);
        const limit = () => bound() * Math.max(1, largest(golden));
        expectGolden(parameter.grad as Tensor, golden, limit, `gradient of ${name}`);
      }
    });
  }
});

describe('MultiheadAttention', () => {
  const layer = new nn.MultiheadAttention(6, 3, { batchFirst: true, dtype });
  const x = randn([2, 5, 6], { dtype });

  test('the packed path, the ways with and without weights, and the causal mask agree', () => {
    const mask = nn.generateSquareSubsequentMask(5, { dtype });
    const results = [
      layer.forward(x, x, x, { needWeights: false, isCausal: true }),
      layer.forward(x, x, x, { isCausal: true }),
      layer.forward(x, x.clone(), x, { needWeights: false, attnMask: mask }),
      layer.forward(x, x, x, { needWeights: false, attnMask: mask, isCausal: true }),
    ];
    const gradients = results.map(([y]) => {
      layer.zeroGrad();
      y.square().sum().backward();
      return [...layer.parameters()].map((p) => (p.grad as Tensor).clone());
    });
    const [[y]] = results as [[Tensor, null]];
    for (const [i, [z]] of results.entries()) {
      expect(z.sub(y).abs().max().item()).toBeLessThan(1000 * epsilon.float64);
      gradients[i]!.forEach((g, p) => {
        const difference = g
          .sub(gradients[0]![p] as Tensor)
          .abs()
          .max()
          .item();
        expect(difference).toBeLessThan(10_000 * epsilon.float64);
      });
    }
    expect(results.map(([, weights]) => weights === null)).toEqual([true, false, true, true]);
  });

  test('gradients of parameters, and of gradients, of the packed path', () => {
    const w = layer.inProjWeight as Tensor;
    const call = (input: Tensor) =>
      layer.forward(input, input, input, { needWeights: false, isCausal: true })[0];
    const input = x.slice([[0, 1]]).clone();
    input.requiresGrad = true;
    gradcheck((t: Tensor) => call(t), [input]);
    expect(w.grad === null || w.grad.numel > 0).toBe(true);
  });

  test('a batch of sequences whose keys are all left out gives the bias', () => {
    const keyPaddingMask = tensor([
      [true, true, true, true, true],
      [false, false, false, false, true],
    ]);
    for (const needWeights of [true, false]) {
      const [y] = layer.forward(x, x, x, { keyPaddingMask, needWeights });
      const bias = (layer.outProj.bias as Tensor).toArray();
      expect(y.slice([0, 0]).toArray()).toEqual(bias);
    }
  });

  test('dropout drops weights in training only, and its gradient is of the same weights', () => {
    const dropping = new nn.MultiheadAttention(4, 2, { dropout: 0.5, dtype, batchFirst: true });
    const input = randn([1, 6, 4], { dtype });
    const call = () => dropping.forward(input, input, input, { needWeights: false })[0].toArray();
    expect(call()).not.toEqual(call());
    dropping.eval();
    expect(call()).toEqual(call());
  });
});

describe('transformers', () => {
  test('the layers of an encoder are copies, each with parameters of its own', () => {
    const layer = new nn.TransformerEncoderLayer(4, 2, { dimFeedforward: 8, dropout: 0 });
    const encoder = new nn.TransformerEncoder(layer, 2, new nn.LayerNorm(4));
    const state = encoder.stateDict();
    expect(Object.keys(state).slice(0, 2)).toEqual([
      'layers.0.self_attn.in_proj_weight',
      'layers.0.self_attn.in_proj_bias',
    ]);
    expect(Object.keys(state).slice(-2)).toEqual(['norm.weight', 'norm.bias']);
    const weight = (i: number) => state[`layers.${i}.linear1.weight`] as Tensor;
    expect(weight(1).toArray()).toEqual(weight(0).toArray());
    weight(0).fill_(0);
    expect(weight(1).abs().max().item()).toBeGreaterThan(0);
    expect(layer.linear1.weight.abs().max().item()).toBeGreaterThan(0);
  });

  test('the padding of a source changes nothing before it', () => {
    const options = { dimFeedforward: 8, dropout: 0, numEncoderLayers: 1, numDecoderLayers: 1 };
    const model = new nn.Transformer(4, 2, { ...options, batchFirst: true });
    const [src, tgt] = [randn([1, 4, 4]), randn([1, 3, 4])];
    const padding = tensor([[false, false, true, true]]);
    const call = (s: Tensor) =>
      model
        .forward(s, tgt, { srcKeyPaddingMask: padding, memoryKeyPaddingMask: padding })
        .toArray();
    const other = src.clone();
    other.slice([null, [2, 4]]).fill_(7);
    expect(call(other)).toEqual(call(src));
  });

  test('an activation of the own, and one that is unknown', () => {
    const make = (activation: unknown) =>
      new nn.TransformerEncoderLayer(4, 2, { dimFeedforward: 8, activation: activation as 'relu' });
    expect(make((x: Tensor) => x.tanh()).forward(randn([3, 1, 4])).shape).toEqual([3, 1, 4]);
    expect(() => make('sine')).toThrow(TensorError);
  });
});

describe('positions', () => {
  test('sines and cosines by their definition', () => {
    const layer = new nn.SinusoidalPositionalEncoding(6, { maxLen: 50, batchFirst: true, dtype });
    const y = layer.forward(zeros([2, 40, 6], { dtype }));
    for (const [n, l, e] of [
      [0, 0, 0],
      [1, 39, 3],
      [0, 17, 4],
    ] as const) {
      const angle = l / 10_000 ** ((e - (e % 2)) / 6);
      const expected = e % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
      expect(y.slice([n, l, e]).item()).toBeCloseTo(expected, 14);
    }
    const first = new nn.SinusoidalPositionalEncoding(6, { dtype });
    expect(
      first
        .forward(zeros([40, 2, 6], { dtype }))
        .transpose(0, 1)
        .toArray(),
    ).toEqual(y.toArray());
  });

  test('learned vectors get the gradients of all sequences', () => {
    const layer = new nn.LearnedPositionalEmbedding(2, { maxLen: 4, batchFirst: true });
    layer
      .forward(zeros([3, 2, 2]))
      .sum()
      .backward();
    expect(layer.weight.grad?.toArray()).toEqual([
      [3, 3],
      [3, 3],
      [0, 0],
      [0, 0],
    ]);
  });

  test.each([true, false])(
    'dot products after a rotation depend on distances, %s',
    (interleaved) => {
      const layer = new nn.RotaryEmbedding(8, { maxLen: 32, dtype, interleaved });
      const [q, k] = [randn([8], { dtype }), randn([8], { dtype })];
      const product = (i: number, j: number) => {
        const at = (x: Tensor, offset: number) => layer.forward(x.reshape([1, 8]), { offset });
        return at(q, i).mul(at(k, j)).sum().item();
      };
      expect(product(3, 1)).toBeCloseTo(product(20, 18), 12);
      expect(product(0, 5)).toBeCloseTo(product(20, 25), 12);
      expect(product(3, 1)).not.toBeCloseTo(product(3, 2), 6);
      expect(layer.forward(q.reshape([1, 8])).toArray()).toEqual([q.toArray()]);
      const x = randn([2, 3, 5, 8], { dtype });
      const y = layer.forward(x);
      expect(
        y
          .square()
          .sum({ dim: -1 })
          .sub(x.square().sum({ dim: -1 }))
          .abs()
          .max()
          .item(),
      ).toBeLessThan(100 * epsilon.float64);
      expect(tidy(() => layer.forward(x)).toArray()).toEqual(y.toArray());
    },
  );

  test('positions beyond the table are refused', () => {
    const code = (call: () => unknown) => {
      try {
        call();
      } catch (error) {
        return (error as TensorError).code;
      }
      return 'nothing';
    };
    const learned = new nn.LearnedPositionalEmbedding(2, { maxLen: 4 });
    expect(code(() => learned.forward(zeros([5, 2])))).toBe('ERR_SHAPE');
    const rotary = new nn.RotaryEmbedding(2, { maxLen: 4 });
    expect(code(() => rotary.forward(zeros([3, 2]), { offset: 2 }))).toBe('ERR_SHAPE');
    expect(code(() => new nn.RotaryEmbedding(3))).toBe('ERR_ARGUMENT');
  });
});
