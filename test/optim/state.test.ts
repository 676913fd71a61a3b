/** What optimizers keep: saved and loaded, and shared out over few native calls. */
import {
  fromTypedArray,
  Generator,
  loadSafetensorsSync,
  ones,
  optim,
  randn,
  saveSafetensorsSync,
  type Tensor,
  tensor,
  zeros,
} from 'tilegrad';
import { record, replay } from 'tilegrad/native/commands.js';
import { withoutRecycling } from 'tilegrad/tensor/memory.js';
import { describe, expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';
import { temporaryFile } from '../helpers/files.js';

type Make = (params: Tensor[]) => optim.Optimizer<never>;
const optimizers: [string, Make][] = [
  ['SGD', (p) => new optim.SGD(p, { lr: 0.1 })],
  ['SGD with momentum', (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.9 })],
  ['Adam', (p) => new optim.Adam(p)],
  ['AdamW with amsgrad', (p) => new optim.AdamW(p, { amsgrad: true })],
  ['Adamax', (p) => new optim.Adamax(p)],
  ['NAdam', (p) => new optim.NAdam(p)],
  ['RAdam', (p) => new optim.RAdam(p)],
  ['RMSprop', (p) => new optim.RMSprop(p, { centered: true, momentum: 0.5 })],
  ['Adagrad', (p) => new optim.Adagrad(p, { initialAccumulatorValue: 0.5 })],
  ['Adadelta', (p) => new optim.Adadelta(p)],
  ['Lion', (p) => new optim.Lion(p)],
  ['Rprop', (p) => new optim.Rprop(p)],
  ['ASGD', (p) => new optim.ASGD(p, { t0: 3 })],
];

/** Parameters of many sizes and layouts: small ones, large ones, both dtypes, a transposed one, a part. */
function makeParameters(): Tensor[] {
  const generator = new Generator(3);
  const small = Array.from({ length: 40 }, (_, i) => randn([1 + ((7 * i) % 60)], { generator }));
  const others = [
    randn([3, 700], { generator }),
    randn([30, 50], { generator }).transpose(),
    randn([5, 6], { generator, dtype: 'float64' }),
    randn([6, 8], { generator }).slice([null, [1, null, 2]]),
  ];
  return [...small, ...others].map((t) => {
    t.requiresGrad = true;
    return t;
  });
}

/** Gives every parameter a gradient, all but a few that have one at every second step only. */
function setGradients(parameters: readonly Tensor[], step: number): void {
  const generator = new Generator(100 + step);
  for (const [i, parameter] of parameters.entries()) {
    const gradient = randn(parameter.shape, { generator, dtype: parameter.dtype });
    parameter.grad = i % 5 === 0 && step % 2 === 0 ? null : gradient;
  }
}

const values = (tensors: Iterable<Tensor>): unknown[] => [...tensors].map((t) => t.toArray());

describe.each(optimizers)('%s', (_, make) => {
  test('steps many parameters as it does each alone', () => {
    const together = makeParameters();
    const alone = makeParameters();
    const one = make(together);
    const many = alone.map((parameter) => make([parameter]));
    for (let step = 0; step < 4; step++) {
      setGradients(together, step);
      setGradients(alone, step);
      one.step();
      for (const optimizer of many) optimizer.step();
    }
    expect(values(together)).toEqual(values(alone));
  });

  test('goes on from a saved state as if it had not stopped', () => {
    const parameters = makeParameters();
    const optimizer = make(parameters);
    for (let step = 0; step < 3; step++) {
      setGradients(parameters, step);
      optimizer.step();
    }
    optimizer.lr *= 0.5;
    const copies = parameters.map((parameter) => {
      const copy = parameter.clone().detach();
      copy.requiresGrad = true;
      return copy;
    });
    const resumed = make(copies);
    // Something to be forgotten.
    setGradients(copies, 9);
    resumed.step();
    for (const [i, copy] of copies.entries()) copy.data.set(parameters[i]!.contiguous().data);
    temporaryFile('state.safetensors', (file) => {
      saveSafetensorsSync(file, optimizer.stateDict());
      resumed.loadStateDict(loadSafetensorsSync(file).tensors);
    });
    expect(resumed.lr).toBe(optimizer.lr);
    for (let step = 3; step < 6; step++) {
      setGradients(parameters, step);
      setGradients(copies, step);
      optimizer.step();
      resumed.step();
    }
    expect(values(copies)).toEqual(values(parameters));
    expect(values(Object.values(resumed.stateDict()))).toEqual(
      values(Object.values(optimizer.stateDict())),
    );
  });

  test('a recorded step goes on counting, whatever eager steps did between', () => {
    const [eager, recorded] = [makeParameters(), makeParameters()];
    const [a, b] = [make(eager), make(recorded)];
    setGradients(eager, 1);
    setGradients(recorded, 1);
    a.step();
    const program = withoutRecycling(() => record(() => b.step()));
    // The same gradients elsewhere: the recorded step has to go on with those it was recorded with.
    const before = recorded.map((parameter) => parameter.grad);
    setGradients(recorded, 1);
    a.step();
    b.step();
    for (const [i, parameter] of recorded.entries()) parameter.grad = before[i]!;
    a.step();
    replay(program);
    a.lr = b.lr = 0.25;
    a.step();
    replay(program);
    expect(values(recorded)).toEqual(values(eager));
  });
});

describe('memory that parameters share', () => {
  const step = (parameters: Tensor[]): void => new optim.SGD(parameters, { lr: 0.5 }).step();
  const leaf = (t: Tensor, grad: Tensor): Tensor => {
    t.requiresGrad = true;
    t.grad = grad;
    return t;
  };

  test('is stepped in the order of the parameters', () => {
    const shared = tensor([8, 8, 8]);
    step([leaf(shared.detach(), ones([3])), leaf(shared.detach(), ones([3]).mul(2))]);
    expect(shared.toArray()).toEqual([6.5, 6.5, 6.5]);
    const array = new Float32Array([8, 8, 8, 8]);
    step([
      leaf(fromTypedArray(array.subarray(0, 3)), ones([3])),
      leaf(fromTypedArray(array.subarray(1, 4)), ones([3])),
    ]);
    expect(Array.from(array)).toEqual([7.5, 7, 7, 7.5]);
  });

  test('may be a gradient of another parameter', () => {
    const a = tensor([8, 8]);
    const b = tensor([2, 4]);
    leaf(a, b.detach());
    leaf(b, ones([2]));
    step([a, b]);
    expect([a.toArray(), b.toArray()]).toEqual([
      [7, 6],
      [1.5, 3.5],
    ]);
    step([b, a]);
    expect([b.toArray(), a.toArray()]).toEqual([
      [1, 3],
      [6.5, 4.5],
    ]);
  });
});

test('an error leaves no step that waits', () => {
  const [first, second] = [ones([2], { requiresGrad: true }), ones([2], { requiresGrad: true })];
  const optimizer = new optim.SGD([first, second], { lr: 0.25 });
  first.grad = ones([2]);
  second.grad = ones([2]);
  second.dispose();
  expectError(() => optimizer.step(), 'ERR_DISPOSED', 'disposed');
  expect(first.toArray()).toEqual([0.75, 0.75]);
  second.grad = null;
  first.grad = null;
  optimizer.step();
  expect(first.toArray()).toEqual([0.75, 0.75]);
});

test('empty parameters take steps', () => {
  const parameter = zeros([0, 3], { requiresGrad: true });
  const optimizer = new optim.Adam([parameter]);
  parameter.grad = zeros([0, 3]);
  optimizer.step();
  expect(optimizer.stateDict()['state.0.step']?.item()).toBe(1);
});

describe('state', () => {
  const makeOptimizer = (): optim.Adam => {
    const weight = ones([2, 3], { requiresGrad: true });
    const bias = ones([3], { requiresGrad: true });
    const optimizer = new optim.Adam([{ params: [weight] }, { params: [bias], lr: 0.5 }]);
    weight.grad = ones([2, 3]);
    optimizer.step();
    return optimizer;
  };

  test("has PyTorch's names", () => {
    const state = makeOptimizer().stateDict();
    const group = [
      'beta1',
      'beta2',
      'decoupled_weight_decay',
      'eps',
      'lr',
      'maximize',
      'weight_decay',
    ];
    expect(Object.keys(state).sort()).toEqual([
      ...group.map((name) => `param_groups.0.${name}`),
      ...group.map((name) => `param_groups.1.${name}`),
      ...['state.0.exp_avg', 'state.0.exp_avg_sq', 'state.0.step'],
    ]);
    expect(state['state.0.exp_avg']?.shape).toEqual([2, 3]);
    expect(state['param_groups.1.lr']?.item()).toBe(0.5);
  });

  test('that does not fit is refused and changes nothing', () => {
    const optimizer = makeOptimizer();
    const good = optimizer.stateDict();
    const before = values(Object.values(good));
    const { 'state.0.step': _step, ...withoutStep } = good;
    const { 'param_groups.1.lr': _lr, ...withoutRate } = good;
    const disposed = ones([2, 3]);
    disposed.dispose();
    const load = (state: unknown) => () => optimizer.loadStateDict(state as optim.OptimizerState);
    for (const state of [undefined, null, 5, 'text', ones([2])]) {
      expectError(load(state), 'ERR_ARGUMENT', '[loadStateDict]');
    }
    expectError(load(withoutStep), 'ERR_ARGUMENT', 'state.0.step');
    expectError(load(withoutRate), 'ERR_ARGUMENT', 'param_groups.1.lr');
    expectError(load({ ...good, 'state.7.step': tensor(1) }), 'ERR_ARGUMENT', 'state.7.step');
    expectError(load({ ...good, 'state.0.exp_avg': 5 }), 'ERR_ARGUMENT', 'state.0.exp_avg');
    expectError(load({ ...good, 'state.0.exp_avg': disposed }), 'ERR_DISPOSED', 'state.0.exp_avg');
    expectError(load({ ...good, 'state.0.exp_avg': ones([3, 2]) }), 'ERR_SHAPE', 'state.0.exp_avg');
    expectError(load({ ...good, 'state.0.step': ones([1]) }), 'ERR_SHAPE', 'state.0.step');
    const narrow = tensor(1, { dtype: 'bfloat16' });
    expectError(load({ ...good, 'state.0.step': narrow }), 'ERR_DTYPE', 'state.0.step');
    expectError(load({ ...good, 'param_groups.0.rate': tensor(1) }), 'ERR_ARGUMENT', 'rate');
    expectError(
      load({ ...good, 'param_groups.0.lr': tensor(Number.NaN) }),
      'ERR_ARGUMENT',
      'finite',
    );
    expect(values(Object.values(optimizer.stateDict()))).toEqual(before);
  });
});
