/** Groups that are added and changed, and closures. */
import { inspect } from 'node:util';
import { isGradEnabled, noGrad, ones, optim, type Tensor, tensor } from 'tilegrad';
import { record, replay } from 'tilegrad/native/commands.js';
import { withoutRecycling } from 'tilegrad/tensor/memory.js';
import { describe, expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';

const leaf = (values: number[]): Tensor => tensor(values, { requiresGrad: true });

function setGradients(parameters: readonly Tensor[], step: number): void {
  for (const [i, parameter] of parameters.entries())
    parameter.grad = ones(parameter.shape).mul(1 + i + step);
}

describe('a group that is added', () => {
  test('is stepped as one that was there from the beginning and got its gradients later', () => {
    const [whole, added] = [0, 1].map(() => [leaf([1, 2]), leaf([3]), leaf([4, 5, 6])]);
    const groups = (list: Tensor[]) => [
      { params: [list[0]!] },
      { params: [list[1]!, list[2]!], lr: 0.5 },
    ];
    const a = new optim.Adam(groups(whole!), { lr: 0.1, amsgrad: true });
    const b = new optim.Adam(groups(added!).slice(0, 1), { lr: 0.1, amsgrad: true });
    setGradients(whole!.slice(0, 1), 0);
    setGradients(added!.slice(0, 1), 0);
    a.step();
    b.step();
    const { array } = b.stateDict()['state.0.exp_avg']!;
    b.addParamGroup(groups(added!)[1]!);
    expect(b.paramGroups).toBe(b.groups);
    expect(b.groups.map(({ lr }) => lr)).toEqual([0.1, 0.5]);
    for (let step = 1; step < 4; step++) {
      setGradients(whole!, step);
      setGradients(added!, step);
      a.step();
      b.step();
    }
    const values = (list: Tensor[]) => list.map((t) => t.toArray());
    expect(values(added!)).toEqual(values(whole!));
    expect(values(Object.values(b.stateDict()))).toEqual(values(Object.values(a.stateDict())));
    expect(b.stateDict()['state.0.exp_avg']?.array).toBe(array);
    b.zeroGrad();
    expect(added!.map(({ grad }) => grad)).toEqual([null, null, null]);
  });

  test('leaves steps that were recorded before as they are', () => {
    const [first, second] = [leaf([1]), leaf([1])];
    const optimizer = new optim.SGD([first], { lr: 0.25, momentum: 0.5 });
    first.grad = ones([1]);
    const program = withoutRecycling(() => record(() => optimizer.step()));
    optimizer.addParamGroup({ params: [second] });
    replay(program);
    // 1 - 0.25 - 0.25 * 1.5
    expect(first.item()).toBe(0.375);
    second.grad = ones([1]);
    optimizer.step();
    expect([first.item(), second.item()]).toEqual([-0.0625, 0.75]);
  });

  test('that is refused is not there', () => {
    const w = leaf([1]);
    const optimizer = new optim.SGD([w]);
    expectError(
      () => optimizer.addParamGroup({ params: [leaf([1]), w] }),
      'ERR_ARGUMENT',
      'a parameter is given twice',
    );
    expect(optimizer.groups).toHaveLength(1);
  });
});

describe('hyperparameters', () => {
  test('are set in the memory that steps read', () => {
    const w = leaf([1]);
    const optimizer = new optim.SGD([w], { lr: 1, momentum: 0.5 });
    const [group] = optimizer.groups;
    const step = (): number => {
      w.grad = ones([1]);
      optimizer.step();
      return w.item() as number;
    };
    expect(step()).toBe(0);
    group!.momentum = 0.25;
    expect(group!.momentum).toBe(0.25);
    expect(step()).toBe(-1.25);
    group!.weightDecay = 2;
    // g = 1 - 2 * 1.25, m = 0.25 * 1.25 + g
    expect(step()).toBe(-1.25 + 1.5 - 0.3125);
    expect(group!.weightDecay).toBe(2);
  });

  test('of a running mean move its dampening too', () => {
    const w = leaf([1]);
    const optimizer = new optim.SGD([w], { lr: 1, momentum: 0.5, momentumForm: 'average' });
    w.grad = ones([1]);
    optimizer.step();
    expect(w.item()).toBe(0.5);
    optimizer.groups[0]!.momentum = 0.75;
    optimizer.step();
    // v = 0.75 * 0.5 + 0.25
    expect(w.item()).toBe(0.5 - 0.625);
  });

  test('are pairs of Adam, and none where an optimizer has none', () => {
    const [group] = new optim.Adam([leaf([1])]).groups;
    group!.betas = [0.5, 0.75];
    expect(group!.betas).toEqual([0.5, 0.75]);
    expect([group!.has('beta1'), group!.has('momentum')]).toEqual([true, false]);
    expectError(() => group!.momentum, 'ERR_ARGUMENT', 'has no momentum');
    expectError(() => Object.assign(group!, { betas: [0.5, 1] }), 'ERR_ARGUMENT', 'beta2');
    expect(group!.betas).toEqual([0.5, 0.75]);
    const [plain] = new optim.SGD([leaf([1])]).groups;
    expect(plain!.momentum).toBe(0);
    expectError(
      () => Object.assign(plain!, { momentum: 0.5 }),
      'ERR_STATE',
      'made with momentum 0',
    );
  });
});

describe('a closure', () => {
  test('is called once, with recording on, before the step; its result comes back', () => {
    const w = leaf([3]);
    const optimizer = new optim.SGD([w], { lr: 0.5 });
    let calls = 0;
    const loss = noGrad(() =>
      optimizer.step(() => {
        calls++;
        expect(isGradEnabled()).toBe(true);
        optimizer.zeroGrad();
        const value = w.square().sum();
        value.backward();
        return value;
      }),
    );
    expect([calls, loss.item(), w.item()]).toEqual([1, 9, 0]);
  });

  test('that fails leaves the weights', () => {
    const w = leaf([3]);
    const optimizer = new optim.SGD([w], { lr: 0.5 });
    w.grad = ones([1]);
    const fail = () => {
      throw new Error('no loss');
    };
    expect(() => optimizer.step(fail)).toThrow('no loss');
    expect(w.item()).toBe(3);
    expectError(() => optimizer.step(async () => 1), 'ERR_ARGUMENT', 'must not be async');
    expectError(() => optimizer.step(5 as never), 'ERR_ARGUMENT', 'expected a function');
    expect(w.item()).toBe(3);
  });
});

test('console.log prints groups and schedules with their numbers', () => {
  const [a, b] = [ones([2, 3], { requiresGrad: true }), ones([4], { requiresGrad: true })];
  const optimizer = new optim.SGD([{ params: [a] }, { params: [a.detach(), b], lr: 0.5 }], {
    lr: 0.25,
    momentum: 0.9,
  });
  const rest =
    'weightDecay=0, maximize=0, momentum=0.9, dampening=0, nesterov=0, averageMomentum=0';
  expect(inspect(optimizer)).toBe(
    `SGD(\n  (0): 1 tensor of 6 elements, lr=0.25, ${rest}\n` +
      `  (1): 2 tensors of 10 elements, lr=0.5, ${rest}\n)`,
  );
  expect(inspect(optimizer.groups[0])).toBe(`1 tensor of 6 elements, lr=0.25, ${rest}`);
  const schedule = new optim.lrScheduler.StepLR(optimizer, 1, { gamma: 0.5 });
  schedule.step();
  expect(inspect(schedule)).toBe('StepLR(lastEpoch=1, lr=[0.125, 0.25])');
});
