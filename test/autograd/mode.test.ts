import { runInNewContext } from 'node:vm';
import {
  enableGrad,
  inferenceMode,
  isGradEnabled,
  isInferenceModeEnabled,
  nn,
  noGrad,
  ones,
  scatterAdd,
  setGradEnabled,
  type Tensor,
  tensor,
} from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';

const leaf = (): Tensor => ones([2], { requiresGrad: true });

describe('noGrad', () => {
  test('records nothing and gives what the function gives', () => {
    const x = leaf();
    const y = noGrad(() => x.mul(2));
    expect([y.requiresGrad, y.isLeaf, y.node]).toEqual([false, true, null]);
    expect(noGrad(() => 5)).toBe(5);
    expect(isGradEnabled()).toBe(true);
  });

  test('nests with enableGrad', () => {
    const seen: boolean[] = [isGradEnabled()];
    noGrad(() => {
      seen.push(isGradEnabled());
      enableGrad(() => {
        seen.push(isGradEnabled());
        noGrad(() => seen.push(isGradEnabled()));
        seen.push(isGradEnabled());
      });
      noGrad(() => seen.push(isGradEnabled()));
      seen.push(isGradEnabled());
    });
    seen.push(isGradEnabled());
    expect(seen).toEqual([true, false, true, false, true, false, false, true]);
  });

  test('ends with an exception too', () => {
    const fail = () => {
      throw new Error('inside');
    };
    expect(() => noGrad(fail)).toThrow('inside');
    expect(isGradEnabled()).toBe(true);
    noGrad(() => {
      expect(() => enableGrad(fail)).toThrow('inside');
      expect(isGradEnabled()).toBe(false);
    });
  });

  test('rejects generators and promises of other realms', () => {
    const generator = function* () {
      yield 1;
    };
    expectError(() => noGrad(generator), 'ERR_ARGUMENT', '[noGrad] the function must not be a gen');
    const elsewhere = runInNewContext('(async () => 1)') as () => unknown;
    expectError(
      () => enableGrad(elsewhere),
      'ERR_ARGUMENT',
      '[enableGrad] the function must not be a',
    );
    expect(noGrad(() => null)).toBeNull();
  });

  test('rejects async functions, also ones that fail', async () => {
    expectError(() => noGrad(async () => 1), 'ERR_ARGUMENT', '[noGrad]');
    expectError(() => enableGrad(async () => 1), 'ERR_ARGUMENT', '[enableGrad]');
    expect(isGradEnabled()).toBe(true);
    // An unhandled rejection would end the process.
    const failing = async () => {
      throw new Error('later');
    };
    expectError(() => noGrad(failing), 'ERR_ARGUMENT', '[noGrad]');
    await new Promise((resolve) => setImmediate(resolve));
  });

  test('does not change what was recorded before', () => {
    const x = leaf();
    const y = x.mul(2);
    noGrad(() => y.sum());
    y.sum().backward();
    expect(x.grad?.toArray()).toEqual([2, 2]);
  });

  test('backward works inside, and parameters may be made there', () => {
    const x = leaf();
    const loss = x.sum();
    noGrad(() => loss.backward());
    expect(x.grad?.toArray()).toEqual([1, 1]);
    const layer = noGrad(() => new nn.Linear(2, 1));
    expect(layer.weight.requiresGrad).toBe(true);
  });
});

describe('requiresGrad', () => {
  test('is true for leaves that were told to and for what depends on them', () => {
    const x = tensor([1, 2]);
    expect(x.requiresGrad).toBe(false);
    expect(x.mul(2).requiresGrad).toBe(false);
    x.requiresGrad = true;
    expect([x.requiresGrad, x.isLeaf]).toEqual([true, true]);
    const y = x.mul(2);
    expect([y.requiresGrad, y.isLeaf]).toEqual([true, false]);
    expect(tensor([1, 2]).add(y).requiresGrad).toBe(true);
    expect(x.slice([0]).requiresGrad).toBe(true);
    expect(x.argmax().requiresGrad).toBe(false);
    expect(x.to('int32').requiresGrad).toBe(false);
  });

  test('can be taken back from a leaf but not from a result', () => {
    const x = leaf();
    x.requiresGrad = false;
    expect(x.mul(2).requiresGrad).toBe(false);
    x.requiresGrad = true;
    const y = x.mul(2);
    y.requiresGrad = true;
    expectError(
      () => {
        y.requiresGrad = false;
      },
      'ERR_STATE',
      '[requiresGrad]',
    );
    expect(y.requiresGrad).toBe(true);
  });

  test('is for floats only', () => {
    for (const dtype of ['int32', 'int8', 'uint8', 'bool'] as const) {
      const x = tensor([1], { dtype });
      x.requiresGrad = false;
      expectError(
        () => {
          x.requiresGrad = true;
        },
        'ERR_DTYPE',
        '[requiresGrad]',
      );
    }
  });
});

describe('detach', () => {
  test('cuts the history and shares the memory', () => {
    const x = leaf();
    const y = x.mul(2);
    const cut = y.detach();
    expect([cut.requiresGrad, cut.isLeaf, cut.storage === y.storage]).toEqual([false, true, true]);
    // d/dx of x * constant(2x) at 1
    x.mul(cut).sum().backward();
    expect(x.grad?.toArray()).toEqual([2, 2]);
    y.data[0] = 9;
    expect(cut.toArray()).toEqual([9, 2]);
  });

  test('of a strided view keeps its place', () => {
    const x = tensor(
      [
        [1, 2],
        [3, 4],
      ],
      { requiresGrad: true },
    );
    expect(x.transpose().slice([1]).detach().toArray()).toEqual([2, 4]);
  });
});

describe('inferenceMode', () => {
  const inferred = (): Tensor => inferenceMode(() => ones([2]).mul(3));

  test('runs without recording and marks what it makes, views included', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    expect(isInferenceModeEnabled()).toBe(false);
    const y = inferenceMode(() => {
      expect([isInferenceModeEnabled(), isGradEnabled()]).toEqual([true, false]);
      expect(enableGrad(() => [isGradEnabled(), x.mul(2).requiresGrad])).toEqual([false, false]);
      return x.mul(2);
    });
    expect(isInferenceModeEnabled()).toBe(false);
    expect([y.requiresGrad, y.isInference, x.isInference]).toEqual([false, true, false]);
    expect(y.reshape([2, 1]).isInference).toBe(true);
    // What is computed from it outside is an ordinary tensor.
    expect(y.mul(2).isInference).toBe(false);
  });

  test('its results are refused where a rule needs them', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const c = inferred();
    expectError(() => x.mul(c), 'ERR_STATE', '[mul] input 1 was made in inferenceMode');
    expectError(() => x.reshape([1, 2]).matmul(c), 'ERR_STATE', '[matmul]');
    expectError(() => c.requiresGrad_(), 'ERR_STATE', '[requiresGrad]');
    // Sums need neither operand.
    x.add(c)
      .sub(c.reshape([2]))
      .sum()
      .backward();
    expect(x.grad?.toArray()).toEqual([1, 1]);
    expect(scatterAdd(x, 0, [0, 0], c).toArray()).toEqual([7, 2]);
    expect(c.clone().mul(x).toArray()).toEqual([3, 6]);
    expect(noGrad(() => x.mul(c)).toArray()).toEqual([3, 6]);
    expect(c.clone().requiresGrad_().requiresGrad).toBe(true);
  });

  test('ends with an error too, and nests', () => {
    expect(() =>
      inferenceMode(() => {
        inferenceMode(() => 1);
        expect(isInferenceModeEnabled()).toBe(true);
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect([isInferenceModeEnabled(), isGradEnabled(), ones([1]).isInference]).toEqual([
      false,
      true,
      false,
    ]);
  });
});

describe('setGradEnabled', () => {
  test('is noGrad or enableGrad', () => {
    expect(setGradEnabled(false, isGradEnabled)).toBe(false);
    expect(noGrad(() => setGradEnabled(true, isGradEnabled))).toBe(true);
  });
});

describe('properties', () => {
  test('requiresGrad_ sets and returns the tensor', () => {
    const x = ones([2]);
    expect(x.requiresGrad_()).toBe(x);
    expect([x.requiresGrad, x.requiresGrad_(false).requiresGrad]).toEqual([true, false]);
    const y = x.requiresGrad_().mul(2);
    expect(y.requiresGrad_()).toBe(y);
    expectError(() => y.requiresGrad_(false), 'ERR_STATE', 'detach');
    expectError(() => x.requiresGrad_('yes' as never), 'ERR_ARGUMENT', '[requiresGrad_]');
    expectError(() => ones([1], { dtype: 'int32' }).requiresGrad_(), 'ERR_DTYPE', 'int32');
  });

  test('gradFn names the operation', () => {
    const x = ones([2]).requiresGrad_();
    expect([x.gradFn, x.mul(2).gradFn, x.reshape([1, 2]).gradFn]).toEqual([null, 'mul', 'reshape']);
    expect([x.mul(2).detach().gradFn, noGrad(() => x.mul(2)).gradFn]).toEqual([null, null]);
  });
});
