/** Second derivatives, a gradient penalty and products with a Hessian as PyTorch computes them. */
import * as tilegrad from 'tilegrad';
import {
  batchNorm,
  crossEntropy,
  embedding,
  grad,
  groupNorm,
  type LossReduction,
  layerNorm,
  linear,
  nn,
  optim,
  rmsNorm,
  scatterReduce,
  type Tensor,
} from 'tilegrad';
import { describe, expect, test } from 'vitest';
import {
  epsilon,
  expectGolden,
  Fixture,
  type FloatType,
  type Golden,
  largest,
  toTensor,
} from '../golden.js';

interface Options {
  dim: number;
  /** As text, for infinity. */
  p: string;
  activation: 'gelu' | 'tanh' | 'relu' | 'silu';
  reduction: LossReduction;
  labelSmoothing: number;
}

interface Case {
  op: string;
  dtype: FloatType;
  options: Options;
  inputs: number[];
  constants: number[];
  gradOutput: number;
  first: number[];
  weights: number[];
  second: number[];
}

interface Penalty {
  dtype: FloatType;
  start: number[];
  real: number;
  fake: number;
  share: number;
  losses: number;
  end: number[];
}

interface Hessian {
  dtype: FloatType;
  start: number[];
  vector: number[];
  x: number;
  target: number;
  first: number[];
  product: number[];
}

const fixture = new Fixture<{ cases: Case[]; penalties: Penalty[]; hessians: Hessian[] }>('higher');
const goldens = (list: readonly number[]): Golden[] => list.map((i) => fixture.tensor(i));

type Call = (inputs: Tensor[], options: Options, constants: Golden[], dtype: FloatType) => Tensor;

/** Operations whose call is not f(...inputs) by the fixture's name. */
const calls: Readonly<Record<string, Call>> = {
  geluTanh: ([x]) => tilegrad.gelu(x!, { approximate: 'tanh' }),
  powNumber: ([x]) => tilegrad.pow(x!, 3.5),
  powBase: ([x], _, [exponent], dtype) => tilegrad.pow(x!, toTensor(exponent!, dtype)),
  softmax: ([x], { dim }) => tilegrad.softmax(x!, dim),
  logSoftmax: ([x], { dim }) => tilegrad.logSoftmax(x!, dim),
  cumsum: ([x], { dim }) => tilegrad.cumsum(x!, dim),
  cumprod: ([x], { dim }) => tilegrad.cumprod(x!, dim),
  logcumsumexp: ([x], { dim }) => tilegrad.logcumsumexp(x!, dim),
  logsumexp: ([x], { dim }) => tilegrad.logsumexp(x!, { dim }),
  std: ([x], { dim }) => tilegrad.std(x!, { dim }),
  prod: ([x], { dim }) => tilegrad.prod(x!, { dim }),
  max: ([x], { dim }) => tilegrad.max(x!, { dim }).values,
  norm: ([x], { dim, p }) => tilegrad.norm(x!, { dim, p: p === 'inf' ? Infinity : Number(p) }),
  layerNorm: ([x, weight, bias]) => layerNorm(x!, 6, { weight: weight!, bias: bias! }),
  rmsNorm: ([x, weight]) => rmsNorm(x!, 6, { weight: weight!, eps: 1e-5 }),
  groupNorm: ([x, weight, bias]) => groupNorm(x!, 2, { weight: weight!, bias: bias! }),
  batchNorm: ([x, weight, bias]) => batchNorm(x!, { weight: weight!, bias: bias!, training: true }),
  batchNormEval: ([x, weight, bias], _, constants, dtype) => {
    const [runningMean, runningVar] = constants.map((c) => toTensor(c, dtype));
    return batchNorm(x!, {
      weight: weight!,
      bias: bias!,
      runningMean: runningMean!,
      runningVar: runningVar!,
    });
  },
  linear: ([x, w, b], { activation }) => linear(x!, w!, b!, { activation }),
  embedding: ([weight], _, [indices]) => embedding(weight!, [...indices!.data]).tanh(),
  scatterProd: ([x, source], _, [index]) => scatterReduce(x!, 0, [...index!.data], source!, 'prod'),
  crossEntropy: ([x], { reduction, labelSmoothing }, [target, weight], dtype) =>
    crossEntropy(x!, [...target!.data], {
      reduction,
      labelSmoothing,
      weight: toTensor(weight!, dtype),
    }),
  crossEntropyShares: ([x, shares], _, [weight], dtype) =>
    crossEntropy(x!, shares!, { labelSmoothing: 0.1, weight: toTensor(weight!, dtype) }),
  binaryCrossEntropyWithLogits: ([x], _, [target], dtype) =>
    tilegrad.binaryCrossEntropyWithLogits(x!, toTensor(target!, dtype)),
};

/** Roundings on the way to a second derivative, of sums of a few terms. */
const kRoundings = 64;

describe('golden second derivatives', () => {
  test.each(fixture.content.cases.map((c, i) => [`${i}: ${c.op} ${c.dtype}`, c] as const))(
    '%s',
    (_, c) => {
      const { op, dtype, options } = c;
      const inputs = goldens(c.inputs).map((x) => toTensor(x, dtype, true));
      const direct = (tilegrad as unknown as Record<string, (...t: Tensor[]) => Tensor>)[op];
      const call: Call = calls[op] ?? ((tensors) => direct!(...tensors));
      const y = call(inputs, options, goldens(c.constants), dtype);
      const gradOutput = toTensor(fixture.tensor(c.gradOutput), dtype, true);
      const first = grad(y, inputs, { gradOutputs: gradOutput, createGraph: true });
      const bound = (want: Golden) => {
        const limit = kRoundings * epsilon[dtype] * Math.max(1, largest(want));
        return () => limit;
      };
      for (const [i, want] of goldens(c.first).entries()) {
        expectGolden(first[i]!, want, bound(want), `first derivative by input ${i}`);
      }
      const weights = goldens(c.weights).map((w) => toTensor(w, dtype));
      const second = grad(first, [...inputs, gradOutput], {
        gradOutputs: weights,
        materializeGrads: true,
      });
      for (const [i, want] of goldens(c.second).entries()) {
        expectGolden(second[i]!, want, bound(want), `second derivative by input ${i}`);
      }
    },
  );
});

/** As in make_higher.py. */
class Critic extends nn.Module {
  readonly first: nn.Linear;
  readonly norm: nn.LayerNorm;
  readonly second: nn.Linear;
  readonly last: nn.Linear;

  constructor(dtype: FloatType) {
    super();
    this.first = new nn.Linear(3, 8, { dtype });
    this.norm = new nn.LayerNorm(8, { dtype, bias: false });
    this.second = new nn.Linear(8, 6, { dtype });
    this.last = new nn.Linear(6, 1, { dtype });
  }

  override forward(x: Tensor): Tensor {
    const y = this.norm.forward(this.first.forward(x).leakyRelu({ negativeSlope: 0.2 }));
    return this.last.forward(this.second.forward(y).tanh());
  }
}

describe('a gradient penalty (Gulrajani et al. 2017)', () => {
  test.each(fixture.content.penalties.map((p) => [p.dtype, p] as const))('%s', (dtype, p) => {
    const [real, fake, share] = [p.real, p.fake, p.share].map((i) =>
      toTensor(fixture.tensor(i), dtype),
    ) as [Tensor, Tensor, Tensor];
    const critic = new Critic(dtype);
    const names = Object.keys(critic.stateDict());
    critic.loadStateDict(
      Object.fromEntries(
        names.map((name, i) => [name, toTensor(fixture.tensor(p.start[i]!), dtype)]),
      ),
    );
    const optimizer = new optim.Adam(critic.parameters(), { lr: 0.02, betas: [0, 0.9] });
    for (const [step, want] of fixture.tensor(p.losses).data.entries()) {
      const between = real.lerp(fake, tilegrad.sub(1, share));
      between.requiresGrad = true;
      const scores = critic.forward(between);
      const slope = grad(scores, between, {
        gradOutputs: tilegrad.onesLike(scores),
        createGraph: true,
      });
      const penalty = slope.norm({ dim: 1 }).sub(1).square().mean();
      const loss = critic
        .forward(fake)
        .mean()
        .sub(critic.forward(real).mean())
        .add(penalty.mul(10));
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      // Every step rounds some tens of times and hands its errors on, which Adam may enlarge.
      const limit = kRoundings * (step + 1) * epsilon[dtype] * Math.max(1, Math.abs(want));
      expect(Math.abs(loss.item() - want), `loss of step ${step}`).toBeLessThanOrEqual(limit);
    }
    for (const [i, index] of p.end.entries()) {
      const want = fixture.tensor(index);
      const limit = kRoundings * 10 * epsilon[dtype] * Math.max(1, largest(want));
      expectGolden(critic.stateDict()[names[i]!]!, want, () => limit, names[i]!);
    }
  });
});

describe("a vector times the Hessian of a network's loss", () => {
  test.each(fixture.content.hessians.map((h) => [h.dtype, h] as const))('%s', (dtype, h) => {
    const parameters = goldens(h.start).map((p) => toTensor(p, dtype, true));
    const [w1, b1, w2, b2] = parameters as [Tensor, Tensor, Tensor, Tensor];
    const x = toTensor(fixture.tensor(h.x), dtype);
    const y = linear(linear(x, w1, b1, { activation: 'tanh' }), w2, b2);
    const loss = crossEntropy(y, [...fixture.tensor(h.target).data]);
    const first = grad(loss, parameters, { createGraph: true });
    const vector = goldens(h.vector).map((v) => toTensor(v, dtype));
    const product = grad(first, parameters, { gradOutputs: vector });
    for (const [i, want] of [...goldens(h.first), ...goldens(h.product)].entries()) {
      const limit = kRoundings * epsilon[dtype] * Math.max(1, largest(want));
      expectGolden([...first, ...product][i]!, want, () => limit, `tensor ${i}`);
    }
  });
});
