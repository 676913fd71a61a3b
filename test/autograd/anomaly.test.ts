import {
  customFunction,
  detectAnomaly,
  type FunctionContext,
  grad,
  isAnomalyEnabled,
  linear,
  noGrad,
  setDetectAnomaly,
  type Tensor,
  TensorError,
  tensor,
} from 'tilegrad';
import { expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';

const leaf = (data: Parameters<typeof tensor>[0]): Tensor => tensor(data, { requiresGrad: true });

function thrownBy(fn: () => unknown): TensorError {
  try {
    fn();
  } catch (error) {
    expect(error).toBeInstanceOf(TensorError);
    return error as TensorError;
  }
  throw new Error('nothing was thrown');
}

function userCode(x: Tensor): Tensor {
  return x.log();
}

test('forward: the operation that made the first NaN, with the stack of its call', () => {
  const x = leaf([1, -1]);
  const error = thrownBy(() => detectAnomaly(() => userCode(x.mul(2)).add(1).sum()));
  expect([error.code, error.message]).toEqual([
    'ERR_STATE',
    '[detectAnomaly] log made the first NaN: its inputs have none, its result has',
  ]);
  expect((error.cause as Error).stack).toContain('userCode');
});

test('forward: NaN in the data and operations that are not recorded are left alone', () => {
  detectAnomaly(() => {
    leaf([1, Number.NaN]).mul(2).sum();
    tensor([-1]).log();
    noGrad(() => leaf([-1]).log());
    leaf([Infinity]).mul(2);
  });
});

test('backward: the rule that made the first NaN, with the stack of the forward call', () => {
  const x = leaf([0, 4]);
  // 0 * infinity: the gradient of sqrt at 0 meets a gradient of 0.
  const loss = (t: Tensor): Tensor =>
    t
      .sqrt()
      .mul(tensor([0, 1]))
      .sum();
  loss(x).backward();
  expect(x.grad?.toArray()).toEqual([Number.NaN, 0.25]);
  const error = thrownBy(() => detectAnomaly(() => loss(leaf([0, 4])).backward()));
  expect(error.message).toBe(
    '[detectAnomaly] the gradient rule of sqrt made the first NaN, for input 0',
  );
  expect((error.cause as Error).stack).toContain('loss');
  // A graph that was recorded before is checked too, without a stack.
  const before = loss(x);
  const late = thrownBy(() => detectAnomaly(() => grad(before, x)));
  expect([late.message.includes('sqrt'), late.cause]).toEqual([true, undefined]);
});

test('backward: gradients that no rule made', () => {
  const x = leaf([1, 2]);
  const start = tensor([1, Number.NaN]);
  const made = 'has a NaN that no rule made';
  expectError(() => detectAnomaly(() => x.mul(2).backward(start)), 'ERR_STATE', made);
  const y = x.mul(2);
  y.registerHook((g) => g.mul(Number.NaN));
  detectAnomaly(() => y.detach());
  expectError(() => detectAnomaly(() => y.sum().backward()), 'ERR_STATE', 'mul');
});

test('custom functions are checked', () => {
  const fn = customFunction({
    name: 'breaks',
    forward: (_: FunctionContext, x: Tensor) => x.mul(1),
    backward: (_, g) => g.mul(Number.NaN),
  });
  expectError(() => detectAnomaly(() => fn(leaf([1])).backward()), 'ERR_STATE', 'breaks');
});

test('a product does not take the blame for the derivative that it folds', () => {
  const h = (x: Tensor): Tensor => linear(x, leaf([[1]]), null, { activation: 'tanh' });
  const v = leaf([[Infinity]]);
  // tanh' is 0 at 100, and 0 * infinity is made by tanh's rule.
  const error = thrownBy(() =>
    detectAnomaly(() =>
      linear(h(leaf([[100]])), v)
        .sum()
        .backward(),
    ),
  );
  expect(error.message).toContain('the gradient rule of tanh');
});

test('is on inside only, and can be switched', () => {
  expect(isAnomalyEnabled()).toBe(false);
  expect(detectAnomaly(() => isAnomalyEnabled())).toBe(true);
  expect(() => detectAnomaly(() => leaf([-1]).log())).toThrow();
  expect(isAnomalyEnabled()).toBe(false);
  setDetectAnomaly(true);
  try {
    detectAnomaly(() => 1);
    expectError(() => leaf([-1]).log(), 'ERR_STATE', 'log');
  } finally {
    setDetectAnomaly(false);
  }
  leaf([-1]).log();
  expectError(() => detectAnomaly(async () => 1), 'ERR_ARGUMENT', '[detectAnomaly]');
});
