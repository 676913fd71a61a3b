/** Penalties: what counts, their values and gradients, and weights that become exactly 0. */
import { Generator, gradcheck, mseLoss, nn, optim, randn, type Tensor, tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';

class Mixed extends nn.Module {
  readonly linear = new nn.Linear(2, 1);
  readonly norm = new nn.BatchNorm1d(1);
  readonly act = new nn.PReLU();
  /** A weight of one dimension that is no bias. */
  readonly slope = new nn.Parameter(tensor([3]));
  /** Names of a recurrent layer and of an attention. */
  readonly bias_ih_l0 = new nn.Parameter(tensor([100]));
  readonly in_proj_bias = new nn.Parameter(tensor([100]));
  readonly unbiased = new nn.Parameter(tensor([4]));
  forward(x: Tensor): Tensor {
    return this.act.forward(this.norm.forward(this.linear.forward(x)));
  }
}

function mixed(): Mixed {
  const model = new Mixed();
  nn.init.constant(model.linear.weight, -2);
  nn.init.constant(model.linear.bias as Tensor, 100);
  return model;
}

describe('what counts', () => {
  test('the weights of a module, without biases, scales and slopes', () => {
    const model = mixed();
    expect(nn.l1Penalty(model, 1).item()).toBe(2 * 2 + 3 + 4);
    expect(nn.l2Penalty(model, 1).item()).toBe(2 * 4 + 9 + 16);
    expect(nn.elasticPenalty(model, { l1: 1, l2: 10 }).item()).toBe(11 + 330);
  });

  test('biases and scales when they are asked for', () => {
    const model = mixed();
    expect(nn.l1Penalty(model, 1, { biases: true }).item()).toBe(11 + 300);
    // The scale of the normalisation is 1, the slope of PReLU 0.25.
    expect(nn.l1Penalty(model, 1, { scales: true }).item()).toBe(11 + 1.25);
    expect(nn.l1Penalty(model, 1, { biases: true, scales: true }).item()).toBe(312.25);
    nn.l1Penalty(model, 1).backward();
    const withGradient = [...model.namedParameters()].filter(([, p]) => p.grad !== null);
    expect(withGradient.map(([name]) => name).sort()).toEqual([
      'linear.weight',
      'slope',
      'unbiased',
    ]);
  });

  test('all parameters of a list, and shared ones once', () => {
    const model = mixed();
    expect(nn.l1Penalty([...model.parameters()], 1).item()).toBe(312.25);
    expect(nn.l1Penalty(model.parameters(), 1).item()).toBe(312.25);
    expect(nn.l1Penalty([model.slope, model.slope], 1).item()).toBe(3);
    expect(nn.l1Penalty(model.slope, 2).item()).toBe(6);
    const tied = new nn.Sequential(model.linear, model.linear);
    expect(nn.l1Penalty(tied, 1).item()).toBe(4);
  });

  test('groups with factors of their own', () => {
    const model = mixed();
    const groups = [
      { parameters: model.linear, l1: 1 },
      { parameters: [model.slope], l2: 2 },
      { parameters: model.linear, l1: 0.5, biases: true },
    ];
    expect(nn.elasticPenalty(groups).item()).toBe(4 + 18 + 0.5 * 104);
    expect(nn.elasticPenalty(groups, { l1: 3 }).item()).toBe(4 + (9 + 18) + 52);
    expect(nn.elasticPenalty([{ parameters: model.slope }]).item()).toBe(0);
  });
});

test('gradients are those of the sums, in each dtype', () => {
  const data = [0.5, -1.5, 2];
  const [a, b] = (['float64', 'float32'] as const).map((dtype) =>
    tensor(data, { dtype, requiresGrad: true }),
  ) as [Tensor, Tensor];
  nn.elasticPenalty([a, b], { l1: 0.5, l2: 0.25 }).backward();
  const expected = data.map((w) => 0.5 * Math.sign(w) + 0.5 * w);
  expect(a.grad?.toArray()).toEqual(expected);
  expect(b.grad?.toArray()).toEqual(expected);
  expect(b.grad?.dtype).toBe('float32');
  gradcheck((w) => nn.elasticPenalty(w, { l1: 0.5, l2: 0.25 }), [a]);
});

test('a proximal step shrinks weights in place and leaves biases alone', () => {
  const model = new nn.Linear(3, 1);
  model.weight.data.set([0.05, -0.3, 2]);
  (model.bias as Tensor).data.set([0.01]);
  nn.proximalL1(model, 0.1);
  const expected = new Float32Array([0, -0.2, 1.9]);
  for (const [i, w] of [...model.weight.data].entries()) expect(w).toBeCloseTo(expected[i]!, 6);
  expect(model.weight.data[0]).toBe(0);
  expect(model.bias?.data[0]).toBe(Math.fround(0.01));
  expect(model.weight.requiresGrad).toBe(true);
  expect(model.weight.isLeaf).toBe(true);
});

test('L1 finds the few weights that matter, L2 none that are 0', () => {
  const generator = new Generator(3);
  const [samples, features, factor, lr] = [64, 20, 0.05, 0.05];
  const x = randn([samples, features], { generator });
  const truth = tensor(Array.from({ length: features }, (_, i) => (i < 3 ? 2 : 0)));
  const y = x
    .matmul(truth)
    .unsqueeze(1)
    .add(randn([samples, 1], { generator }).mul(0.1));
  const zeros = (penalty: 'l1' | 'l2' | 'proximal') => {
    const model = new nn.Linear(features, 1, { generator });
    const optimizer = new optim.SGD(model.parameters(), { lr });
    for (let step = 0; step < 150; step++) {
      optimizer.zeroGrad();
      const loss = mseLoss(model.forward(x), y);
      const extra = penalty === 'l1' ? nn.l1Penalty(model, factor) : nn.l2Penalty(model, factor);
      (penalty === 'proximal' ? loss : loss.add(extra)).backward();
      optimizer.step();
      if (penalty === 'proximal') nn.proximalL1(model, lr * factor);
    }
    const size = [...model.weight.contiguous().data].map(Math.abs);
    return [size.filter((w) => w === 0).length, size.filter((w) => w < 2 * lr * factor).length];
  };
  const [l1, l2, proximal] = [zeros('l1'), zeros('l2'), zeros('proximal')] as number[][];
  // All 17 weights without a part in y, give or take those that noise keeps alive.
  expect(proximal[0]).toBeGreaterThanOrEqual(14);
  expect(proximal[0]).toBeLessThanOrEqual(17);
  expect(l1[0]).toBe(0);
  expect(l1[1]).toBeGreaterThanOrEqual(14);
  expect(l2[0]).toBe(0);
  expect(l2[1]).toBeLessThan(8);
});
