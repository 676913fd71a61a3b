import { inspect } from 'node:util';
import {
  batches,
  crossEntropy,
  nn,
  ones,
  optim,
  randn,
  type Tensor,
  tensor,
  zeros,
} from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';

/** Everything that a module can have inside. */
class Net extends nn.Module {
  readonly inner = new nn.ModuleDict({ a: new nn.Linear(3, 3), norm: new nn.BatchNorm1d(3) });
  readonly gain = new nn.Parameter(ones([3]));
  readonly tied = this.inner.get('a') as nn.Linear;
  readonly table = new nn.Buffer(tensor([1, 2, 3]), { persistent: false });
  readonly list = [new nn.Parameter(zeros([1]))];
  readonly settings = { sizes: [1, 2], base: tensor([4]) };
  readonly activate = (x: Tensor): Tensor => x.relu();

  forward(x: Tensor): Tensor {
    const y = this.inner.get('norm').forward(this.inner.get('a').forward(x));
    return this.activate(y.mul(this.gain).add(this.table)).add(this.list[0] as Tensor);
  }
}

/** A few steps of training, so that nothing is as it was at first. */
function trained(net: Net = new Net()): Net {
  const optimizer = new optim.Adam(net.parameters(), { lr: 0.1 });
  for (let i = 0; i < 3; i++) {
    net.zeroGrad();
    net
      .forward(randn([4, 3]))
      .square()
      .mean()
      .backward();
    optimizer.step();
  }
  return net;
}

const namesOf = (entries: Iterable<[string, unknown]>) => [...entries].map(([name]) => name);

describe('names', () => {
  const net = new Net();

  test('of modules, in PyTorch’s order, shared ones once', () => {
    expect(namesOf(net.namedModules())).toEqual(['', 'inner', 'inner.a', 'inner.norm']);
    expect(namesOf(net.namedModules('net'))).toEqual([
      ...['net', 'net.inner', 'net.inner.a', 'net.inner.norm'],
    ]);
    expect([...net.children()]).toEqual([net.inner, net.tied]);
    expect([...net.modules()]).toHaveLength(4);
    expect(namesOf(net.namedParameters('net'))[0]).toBe('net.gain');
    expect(namesOf(net.namedParameters())).toEqual([
      ...['gain', 'list.0', 'inner.a.weight', 'inner.a.bias', 'inner.norm.weight'],
      'inner.norm.bias',
    ]);
    expect(namesOf(net.namedBuffers())[0]).toBe('table');
    expect([...net.buffers()]).toHaveLength(4);
  });

  test('lead to what they name', () => {
    expect(net.getSubmodule('inner.a')).toBe(net.tied);
    expect(net.getSubmodule('')).toBe(net);
    expect(net.getParameter('list.0')).toBe(net.list[0]);
    expect(net.getBuffer('inner.norm.running_mean').toArray()).toEqual([0, 0, 0]);
    expectError(() => net.getParameter('inner.b'), 'ERR_ARGUMENT', 'there are: gain, list.0');
  });

  test('count numbers, shared ones once', () => {
    expect(net.numParameters()).toBe(3 + 1 + 12 + 6);
    net.tied.requiresGrad_(false);
    expect(net.numParameters({ trainable: true })).toBe(10);
    expect(net.numParameters({ trainable: false })).toBe(12);
    net.requiresGrad_();
  });

  test('of a state leave out what is not persistent', () => {
    expect(Object.keys(net.stateDict())).toEqual([
      ...['gain', 'list.0', 'inner.a.weight', 'inner.a.bias', 'inner.norm.weight'],
      ...['inner.norm.bias', 'inner.norm.running_mean', 'inner.norm.running_var'],
      'inner.norm.num_batches_tracked',
    ]);
  });

  test('of a shared module may all stand in a state that is loaded', () => {
    const state = trained().stateDict();
    const { 'inner.a.weight': weight, 'inner.a.bias': bias, ...others } = state;
    const other = new Net();
    other.loadStateDict({ ...state, 'tied.weight': weight as Tensor, 'tied.bias': bias as Tensor });
    expect(other.tied.weight.toArray()).toEqual((weight as Tensor).toArray());
    const third = new Net();
    const keys = third.loadStateDict({
      ...others,
      'tied.weight': weight as Tensor,
      'tied.bias': bias as Tensor,
    });
    expect(keys).toEqual({ missingKeys: [], unexpectedKeys: [] });
    expect(third.tied.weight.toArray()).toEqual((weight as Tensor).toArray());
  });

  test('tell what was loaded', () => {
    const state = { gain: ones([3]), other: ones([1]) };
    const { missingKeys, unexpectedKeys } = new Net().loadStateDict(state, { strict: false });
    expect(missingKeys).toContain('inner.a.weight');
    expect([missingKeys.includes('gain'), unexpectedKeys]).toEqual([false, ['other']]);
  });

  test('may be computed', () => {
    class Computed extends nn.Module {
      constructor() {
        super();
        for (const i of [1, 2]) this.registerParameter(`weight${i}`, new nn.Parameter(ones([i])));
        this.registerBuffer('mean', tensor([1, 2]), { persistent: false });
        this.registerBuffer('scale', tensor([3]));
        this.registerModule('head', new nn.Linear(1, 1));
        this.addModule('none', null);
        this.registerParameter('bias', null);
      }
      forward(x: Tensor): Tensor {
        return x.add(this.getBuffer('mean'));
      }
    }
    const module = new Computed();
    expect(Object.keys(module.stateDict())).toEqual([
      ...['weight1', 'weight2', 'scale', 'head.weight', 'head.bias'],
    ]);
    module.registerModule('none', new nn.Linear(1, 1, { bias: false }));
    module.registerParameter('bias', new nn.Parameter(ones([1])));
    expect(namesOf(module.namedParameters())).toContain('none.weight');
    const buffer = new nn.Buffer(ones([1]));
    expect(module.registerBuffer('given', buffer)).toBe(buffer);
    expect(module.forward(ones([2])).toArray()).toEqual([2, 3]);
  });

  test('of a module that has itself inside come to an end', () => {
    class Loop extends nn.Module {
      self: Loop | null = null;
      readonly weight = new nn.Parameter(ones([1]));
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    const loop = new Loop();
    loop.self = loop;
    expect([...loop.modules()]).toEqual([loop]);
    expect(Object.keys(loop.stateDict())).toEqual(['weight']);
  });
});

test('apply reaches every module once, innermost first', () => {
  const net = new Net();
  const seen: string[] = [];
  const back = net.apply((module) => {
    seen.push(module.constructor.name);
    if (module instanceof nn.Linear) nn.init.constant(module.weight, 3);
  });
  expect(back).toBe(net);
  expect(seen).toEqual(['BatchNorm1d', 'Linear', 'ModuleDict', 'Net']);
  expect((net.tied.weight.toArray() as number[][])[0]).toEqual([3, 3, 3]);
});

describe('a frozen module', () => {
  test('does not move by a bit, and no gradient is computed for it', () => {
    const body = new nn.Sequential(new nn.Linear(4, 8), new nn.Tanh(), new nn.Linear(8, 8));
    const head = new nn.Linear(8, 3);
    const model = new nn.Sequential(body, head);
    const optimizer = new optim.AdamW(model.parameters(), { lr: 0.1, weightDecay: 0.1 });
    expect(body.requiresGrad_(false)).toBe(body);
    const bytes = () => [...body.parameters()].map((p) => p.contiguous().data.slice());
    const before = bytes();
    const headBefore = head.weight.toArray();
    const data = { x: randn([32, 4]), y: randn([32, 3]) };
    for (const { x, y } of batches(data.x, data.y, { batchSize: 8 })) {
      optimizer.zeroGrad();
      const features = body.forward(x);
      expect(features.requiresGrad).toBe(false);
      head.forward(features).sub(y).square().mean().backward();
      optimizer.step();
    }
    expect(bytes()).toEqual(before);
    expect([...body.parameters()].map((p) => p.grad)).toEqual([null, null, null, null]);
    expect(head.weight.toArray()).not.toEqual(headBefore);
    // And learns again.
    body.requiresGrad_(true);
    crossEntropy(model.forward(data.x), new Array(32).fill(1)).backward();
    optimizer.step();
    expect(bytes()).not.toEqual(before);
  });
});

describe('to', () => {
  test('converts floating parameters, buffers and gradients in place', () => {
    const net = trained();
    const want = net.eval().forward(ones([2, 3]));
    const parameters = [...net.parameters()];
    const { weight } = net.tied;
    expect(net.double()).toBe(net);
    expect([...net.parameters()].every((p, i) => p === parameters[i])).toBe(true);
    expect(net.tied.weight).toBe(weight);
    expect(parameters.map(({ dtype, grad }) => [dtype, grad?.dtype])).toEqual(
      parameters.map(() => ['float64', 'float64']),
    );
    expect([...net.buffers()].map(({ dtype }) => dtype)).toEqual([
      ...['float64', 'float64', 'float64', 'int32'],
    ]);
    // The layout that is fast stays.
    expect(weight.strides).toEqual([1, 3]);
    const y = net.forward(ones([2, 3], { dtype: 'float64' }));
    // Some twenty roundings of float32 on either way.
    const error = y.sub(want.to('float64')).abs().max().item();
    expect(error).toBeLessThan(40 * 2 ** -23 * Math.max(1, y.abs().max().item()));
    net.float();
    expect(net.forward(ones([2, 3])).toArray()).toEqual(want.toArray());
    const { storage } = weight;
    expect(net.to('float32').tied.weight.storage).toBe(storage);
    trained(net.train());
  });

  test('a module learns afterwards, with an optimizer made then', () => {
    const net = trained().double();
    const optimizer = new optim.SGD(net.parameters(), { lr: 0.1 });
    const before = net.gain.toArray();
    net.zeroGrad();
    net
      .forward(randn([4, 3], { dtype: 'float64' }))
      .sum()
      .backward();
    optimizer.step();
    expect(net.gain.toArray()).not.toEqual(before);
  });

  test('an optimizer made before converts its state', () => {
    const layer = new nn.Linear(2, 2);
    const optimizer = new optim.Adam(layer.parameters());
    layer.double();
    layer
      .forward(ones([1, 2], { dtype: 'float64' }))
      .sum()
      .backward();
    optimizer.step();
    expect(optimizer.stateDict()['state.0.exp_avg']?.dtype).toBe('float64');
  });

  test('a linear layer computes in bfloat16, and a quantised one stays', () => {
    const layer = new nn.Linear(4, 2);
    const want = layer.forward(ones([1, 4])).toArray() as number[][];
    const y = layer.to('bfloat16').forward(ones([1, 4], { dtype: 'bfloat16' }));
    expect([y.dtype, layer.weight.dtype, layer.weight.requiresGrad]).toEqual([
      ...['bfloat16', 'bfloat16', true],
    ]);
    // Eight bits of precision for weights and for the result.
    for (const [i, value] of (y.toArray() as number[][])[0]!.entries()) {
      expect(Math.abs(value - want[0]![i]!)).toBeLessThan(6 * 2 ** -8);
    }
    const model = nn.quantizeDynamic(new nn.Sequential(new nn.Linear(4, 2)));
    const quantised = model.forward(ones([1, 4])).toArray();
    expect(
      model
        .double()
        .forward(ones([1, 4]))
        .toArray(),
    ).toEqual(quantised);
  });
});

describe('clone', () => {
  test('shares nothing that changes', () => {
    const net = trained();
    const x = randn([4, 3]);
    net.eval();
    const want = net.forward(x).toArray();
    const copy = net.clone();
    expect(copy).toBeInstanceOf(Net);
    expect(copy.training).toBe(false);
    expect(copy.forward(x).toArray()).toEqual(want);
    expect(copy.tied === copy.inner.get('a')).toBe(true);
    expect(copy.tied === net.tied).toBe(false);
    expect(copy.tied.weight.strides).toEqual(net.tied.weight.strides);
    expect([copy.gain.grad, copy.gain.isLeaf, copy.gain.requiresGrad]).toEqual([null, true, true]);
    expect(copy.settings.sizes).toEqual([1, 2]);
    expect(copy.settings.sizes === net.settings.sizes).toBe(false);
    expect(copy.settings.base.storage === net.settings.base.storage).toBe(false);
    expect(copy.table.persistent).toBe(false);
    expect(copy.activate).toBe(net.activate);
    trained(copy.train());
    expect(net.forward(x).toArray()).toEqual(want);
    expect(copy.eval().forward(x).toArray()).not.toEqual(want);
  });

  test('keeps what is frozen, and what is shared inside', () => {
    const layer = new nn.Linear(2, 2).requiresGrad_(false);
    const copy = new nn.Sequential(layer, layer).clone();
    expect(copy.at(0)).toBe(copy.at(1));
    expect([...copy.parameters()].map((p) => p.requiresGrad)).toEqual([false, false]);
    const quantised = nn.quantizeDynamic(new nn.Sequential(new nn.Linear(2, 1)));
    const again = quantised.clone();
    expect(again.forward(ones([1, 2])).toArray()).toEqual(
      quantised.forward(ones([1, 2])).toArray(),
    );
  });
});

describe('as text', () => {
  test('shows what PyTorch shows', () => {
    const model = new nn.Sequential(
      new nn.Linear(4, 8),
      new nn.BatchNorm1d(8, { momentum: null }),
      new nn.Dropout(0.25),
      new nn.Sequential({ act: new nn.LeakyReLU({ negativeSlope: 0.1 }), soft: new nn.Softmax(1) }),
      (x: Tensor) => x.mul(2),
      new nn.Linear(8, 2, { bias: false }),
    );
    const text = `Sequential(
  (0): Linear(inFeatures=4, outFeatures=8, bias=true)
  (1): BatchNorm1d(numFeatures=8, eps=0.00001, momentum=null, affine=true, trackRunningStats=true)
  (2): Dropout(p=0.25)
  (3): Sequential(
    (act): LeakyReLU(negativeSlope=0.1)
    (soft): Softmax(dim=1)
  )
  (4): Lambda((x) => x.mul(2))
  (5): Linear(inFeatures=8, outFeatures=2, bias=false)
)`;
    expect(model.toString()).toBe(text);
    expect(`${model}`).toBe(text);
    expect(inspect(model)).toBe(text);
  });

  test('of every layer names its options', () => {
    const layers: [nn.AnyModule, string][] = [
      [new nn.ReLU(), 'ReLU()'],
      [new nn.Embedding(5, 2), 'Embedding(numEmbeddings=5, embeddingDim=2)'],
      [
        new nn.Embedding(5, 2, { paddingIdx: -1 }),
        'Embedding(numEmbeddings=5, embeddingDim=2, paddingIdx=4)',
      ],
      [
        new nn.LayerNorm([2, 3], { elementwiseAffine: false }),
        'LayerNorm(normalizedShape=[2, 3], eps=0.00001, elementwiseAffine=false)',
      ],
      [new nn.RMSNorm(3), 'RMSNorm(normalizedShape=[3], eps=null, elementwiseAffine=true)'],
      [new nn.GroupNorm(2, 4), 'GroupNorm(numGroups=2, numChannels=4, eps=0.00001, affine=true)'],
      [new nn.InstanceNorm2d(3), 'InstanceNorm2d(numFeatures=3, eps=0.00001, affine=false)'],
      [new nn.PReLU(3), 'PReLU(numParameters=3)'],
      [new nn.GELU(), "GELU(approximate='none')"],
      [new nn.Softplus({ beta: 2 }), 'Softplus(beta=2)'],
      [new nn.Threshold(1, 2), 'Threshold(threshold=1, value=2)'],
      [
        new nn.Bilinear(2, 3, 4),
        'Bilinear(in1Features=2, in2Features=3, outFeatures=4, bias=true)',
      ],
      [
        new nn.CrossEntropyLoss(),
        "CrossEntropyLoss(reduction='mean', ignoreIndex=-100, labelSmoothing=0)",
      ],
      [new nn.Lambda(Math.abs as never), 'Lambda(abs)'],
      [new nn.Sequential(), 'Sequential()'],
    ];
    for (const [layer, text] of layers) expect(layer.toString()).toBe(text);
  });

  test('puts alike neighbours on one line, and takes what a class says', () => {
    class Own extends nn.Module {
      readonly layers = new nn.ModuleList([1, 2, 3].map(() => new nn.Linear(2, 2)));
      readonly last = new nn.Linear(2, 1);
      readonly size = 2;
      forward(x: Tensor): Tensor {
        return x;
      }
      override extraRepr(): string {
        return `size=${this.size}`;
      }
    }
    expect(String(new Own())).toBe(`Own(
  size=2
  (layers): ModuleList(
    (0-2): 3 x Linear(inFeatures=2, outFeatures=2, bias=true)
  )
  (last): Linear(inFeatures=2, outFeatures=1, bias=true)
)`);
  });
});

describe('vectors of parameters', () => {
  test('go there and back, and let gradients through', () => {
    const layer = new nn.Linear(3, 2);
    const vector = nn.utils.parametersToVector(layer.parameters());
    expect(vector.toArray()).toEqual([
      ...(layer.weight.toArray() as number[][]).flat(),
      ...((layer.bias as Tensor).toArray() as number[]),
    ]);
    vector
      .mul(tensor([1, 2, 3, 4, 5, 6, 7, 8]))
      .sum()
      .backward();
    expect(layer.weight.grad?.toArray()).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const other = new nn.Linear(3, 2);
    const { storage } = other.weight;
    nn.utils.vectorToParameters(vector, other.parameters());
    expect(other.weight.toArray()).toEqual(layer.weight.toArray());
    expect([other.weight.storage === storage, other.weight.isLeaf]).toEqual([true, true]);
  });
});
