/** Whose memory gradients lie in: leaves', the pass's, and the user's. */
import { arange, backward, grad, layerNorm, noGrad, type Tensor, tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';

const leaf = (data: Parameters<typeof tensor>[0]): Tensor => tensor(data, { requiresGrad: true });
const gradOf = (t: Tensor) => t.grad?.toArray() ?? null;

describe('memory of gradients', () => {
  test('of two leaves with the same gradient is not the same memory', () => {
    const a = leaf([1, 2]);
    const b = leaf([3, 4]);
    a.add(b).sum().backward();
    expect(a.grad?.storage).not.toBe(b.grad?.storage);
    // What is added to one may not show in the other.
    a.sum().backward();
    expect([gradOf(a), gradOf(b)]).toEqual([
      [2, 2],
      [1, 1],
    ]);
    b.mul(10).sum().backward();
    expect([gradOf(a), gradOf(b)]).toEqual([
      [2, 2],
      [11, 11],
    ]);
  });

  test('of a leaf and of a view of the same gradient is not the same memory', () => {
    const a = leaf([
      [1, 2],
      [3, 4],
    ]);
    const b = leaf([1, 2, 3, 4]);
    const weights = tensor([
      [1, 2],
      [3, 4],
    ]);
    a.add(b.reshape([2, 2]))
      .mul(weights)
      .sum()
      .backward();
    a.sum().backward();
    expect(gradOf(a)).toEqual([
      [2, 3],
      [4, 5],
    ]);
    expect(gradOf(b)).toEqual([1, 2, 3, 4]);
  });

  test("is not the user's gradient, nor that of a constant", () => {
    const x = leaf([1, 2]);
    const g = tensor([3, 4]);
    x.backward(g);
    x.backward(g);
    expect([gradOf(x), g.toArray()]).toEqual([
      [6, 8],
      [3, 4],
    ]);
    const y = leaf([1, 2]);
    y.reshape([2]).backward(g);
    y.sum().backward();
    expect([gradOf(y), g.toArray()]).toEqual([
      [4, 5],
      [3, 4],
    ]);
  });

  test("may be passed in again: a leaf's own grad as the gradient of a result", () => {
    const a = leaf([1, 1]);
    const b = leaf([1, 1]);
    a.sum().backward();
    a.add(b).backward(a.grad as Tensor);
    expect([gradOf(a), gradOf(b)]).toEqual([
      [2, 2],
      [1, 1],
    ]);
  });

  test("is added up from a leaf's own grad as the gradient, whatever its layout", () => {
    const a = leaf([
      [1, 2],
      [3, 4],
    ]);
    const b = leaf([
      [0, 0],
      [0, 0],
    ]);
    a.mul(a.detach()).sum().backward();
    // The gradient of a is its own grad transposed: adding in place would read what was written.
    a.transpose()
      .add(b)
      .backward(a.grad as Tensor);
    expect([gradOf(a), gradOf(b)]).toEqual([
      [
        [2, 5],
        [5, 8],
      ],
      [
        [1, 2],
        [3, 4],
      ],
    ]);
  });

  test('is not changed by a hook that writes to the gradient that the user gave', () => {
    const g = tensor([3, 4]);
    const x = leaf([1, 2]);
    const y = x.mul(2);
    y.registerHook(() => {
      noGrad(() => g.fill_(0));
    });
    y.backward(g);
    expect([gradOf(x), g.toArray()]).toEqual([
      [6, 8],
      [0, 0],
    ]);
  });

  test('takes the elements that a gradient has when it is passed again', () => {
    const x = leaf([[1, 3]]);
    const weight = leaf([1, 1]);
    const y = layerNorm(x, 2, { weight, eps: 0 });
    const g = tensor([[1, 2]]);
    y.backward(g, { retainGraph: true, inputs: x });
    noGrad(() => g.copy_(tensor([[2, 4]])));
    y.backward(g, { retainGraph: true, inputs: weight });
    expect(gradOf(weight)).toEqual([-2, 4]);
  });

  test('keeps the values that somebody has read', () => {
    const x = leaf([1, 2]);
    x.sum().backward();
    const first = x.grad as Tensor;
    x.zeroGrad();
    for (let i = 0; i < 10; i++) {
      x.mul(i + 7)
        .sum()
        .backward();
      x.zeroGrad();
    }
    expect(first.toArray()).toEqual([1, 1]);
  });

  test('is reused when nobody has read them', () => {
    const x = leaf([1, 2]);
    x.mul(2).sum().backward();
    const unread = x.accumulatedGrad as Tensor;
    x.zeroGrad();
    expect(unread.storage.disposed).toBe(true);
  });

  test('results and constants keep their values through a pass', () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    const z = y.exp();
    const before = [y.toArray(), z.toArray()];
    z.mul(y).sum().backward();
    expect([y.toArray(), z.toArray()]).toEqual(before);
  });

  test('follows the layout of a dense leaf, and is row-major for other views', () => {
    const dense = arange(6).reshape([2, 3]).transpose();
    dense.requiresGrad = true;
    dense
      .mul(
        tensor([
          [1, 2],
          [3, 4],
          [5, 6],
        ]),
      )
      .sum()
      .backward();
    expect([...(dense.grad as Tensor).strides]).toEqual([...dense.strides]);
    expect(gradOf(dense)).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);

    const part = arange(12)
      .reshape([3, 4])
      .slice([null, [0, 2]]);
    part.requiresGrad = true;
    part
      .mul(
        tensor([
          [1, 2],
          [3, 4],
          [5, 6],
        ]),
      )
      .sum()
      .backward();
    expect([...(part.grad as Tensor).strides]).toEqual([2, 1]);
    expect(gradOf(part)).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
  });

  test('of a leaf that repeats its elements has room for each', () => {
    // As many elements as its storage has, but not the same ones.
    const x = arange(6)
      .slice([[0, 2]])
      .expand([3, 2]);
    x.requiresGrad = true;
    x.mul(
      tensor([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
    )
      .sum()
      .backward();
    expect(gradOf(x)).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    x.sum().backward();
    expect(gradOf(x)).toEqual([
      [2, 3],
      [4, 5],
      [6, 7],
    ]);
  });

  test('of a leaf that is read piece by piece grows in one place', () => {
    const x = leaf([1, 2, 3, 4]);
    const seen: unknown[] = [];
    x.registerHook((g) => void seen.push(g.toArray()));
    const y = x
      .at(0)
      .mul(10)
      .add(x.at(2).mul(x.at(0)))
      .add(x.slice([[1, 3]]).sum())
      .add(x.square().sum());
    y.backward(undefined, { retainGraph: true });
    expect(gradOf(x)).toEqual([15, 5, 8, 8]);
    expect(seen).toEqual([[15, 5, 8, 8]]);
    y.backward();
    expect(gradOf(x)).toEqual([30, 10, 16, 16]);
  });

  test('is not added to in place once the user has it', () => {
    const x = leaf([1, 2, 3]);
    const first = grad(x.at(0).mul(5), x);
    const second = grad([x, x.at(1)], x, { gradOutputs: [first, tensor(1)] });
    expect([first.toArray(), second.toArray()]).toEqual([
      [5, 0, 0],
      [5, 1, 0],
    ]);
    x.at(2).backward();
    backward([x, x.at(0)], [x.grad, tensor(1)]);
    expect(gradOf(x)).toEqual([1, 0, 2]);
  });
});
