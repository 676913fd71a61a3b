import { inspect } from 'node:util';
import { matmul, nn, ones, rand, relu, type Tensor, tensor, zeros } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';

/** What conv modules have, without computing: a weight, and the shape that comes out. */
class Shaped extends nn.Module {
  readonly weight: nn.Parameter;
  constructor(
    weight: number[],
    private readonly result: number[],
  ) {
    super();
    this.weight = new nn.Parameter(zeros(weight));
  }
  forward(_: Tensor): Tensor {
    return zeros(this.result);
  }
}

describe('summary', () => {
  test('counts the parameters of a 3-2-1 network on a picture of 64x64x3', () => {
    const flatten = (x: Tensor): Tensor => x.reshape([-1, 64 * 64 * 3]);
    const model = new nn.Sequential({
      flatten,
      first: new nn.Linear(12288, 3),
      second: new nn.Linear(3, 2),
      third: new nn.Linear(2, 1),
    });
    const table = nn.summary(model, [1, 64, 64, 3]);
    expect(table.totalParameters).toBe(36878);
    expect(table.trainableParameters).toBe(36878);
    expect(table.multiplyAdds).toBe(3 * 12288 + 2 * 3 + 2);
    expect(table.toString()).toBe(
      `Layer                Output shape  Parameters  Multiply-adds  Trainable
-----------------------------------------------------------------------
Sequential           [1, 1]                 -              -
  (flatten): Lambda  [1, 12288]             -              -
  (first): Linear    [1, 3]            36,867         36,864  yes
  (second): Linear   [1, 2]                 8              6  yes
  (third): Linear    [1, 1]                 3              2  yes
-----------------------------------------------------------------------
Parameters: 36,878, trainable 36,878
Multiply-adds: 36,872`,
    );
    expect(inspect(table)).toBe(String(table));
    expect(table.rows.map(({ name, depth }) => [name, depth])).toEqual([
      ['', 0],
      ['flatten', 1],
      ['first', 1],
      ['second', 1],
      ['third', 1],
    ]);
  });

  test('leaves the model as it was', () => {
    const model = new nn.Sequential(new nn.Linear(3, 3), new nn.BatchNorm1d(3), new nn.Dropout());
    model.at(0).eval();
    let calls = 0;
    model.at(2).registerForwardHook((layer) => {
      calls++;
      expect(layer.training).toBe(false);
    });
    const before = model.at(1).stateDict();
    const copies = Object.values(before).map((t) => t.toArray());
    nn.summary(model, [4, 3]);
    expectError(() => nn.summary(model, [4, 2]), 'ERR_SHAPE', '[linear]');
    expect(calls).toBe(1);
    expect([...model.modules()].map(({ training }) => training)).toEqual([true, false, true, true]);
    expect(Object.values(before).map((t) => t.toArray())).toEqual(copies);
    expect(Object.hasOwn(model.at(0), 'forward')).toBe(false);
    expect(Object.hasOwn(model.at(2), 'forward')).toBe(true);
  });

  test('tells shared, frozen and unused modules apart', () => {
    class Net extends nn.Module {
      readonly shared = new nn.Linear(4, 4);
      readonly frozen = new nn.Linear(4, 2).requiresGrad_(false);
      readonly unused = new nn.Linear(9, 9);
      readonly again = this.shared;
      readonly partly = new nn.Sequential(new nn.LayerNorm(2));
      forward(x: Tensor): Tensor {
        const y = this.frozen.forward(this.again.forward(this.shared.forward(x)));
        return this.partly.forward(y);
      }
    }
    const net = new Net();
    net.getParameter('partly.0.bias').requiresGrad_(false);
    const table = nn.summary(net, [3, 4]);
    const row = (name: string) => table.rows.find((found) => found.name === name);
    expect(row('shared')).toMatchObject({ parameters: 20, multiplyAdds: 2 * 3 * 16 });
    expect(row('frozen')).toMatchObject({ parameters: 10, trainableParameters: 0 });
    expect(row('unused')).toMatchObject({ outputShape: null, parameters: 90, multiplyAdds: 0 });
    expect(row('again')).toBeUndefined();
    expect(table.totalParameters).toBe(net.numParameters());
    expect(table.trainableParameters).toBe(net.numParameters({ trainable: true }));
    expect(table.rows.reduce((sum, { parameters }) => sum + parameters, 0)).toBe(124);
    const lines = table.toString().split('\n');
    expect(lines.find((line) => line.includes('frozen'))).toMatch(/no$/);
    expect(lines.find((line) => line.includes('unused'))).toContain('not called');
    expect(lines.find((line) => line.includes('LayerNorm'))).toMatch(/partly$/);
    const short = nn.summary(net, [3, 4], { depth: 1 });
    expect(short.rows.some(({ depth }) => depth > 1)).toBe(false);
    expect(short.multiplyAdds).toBe(table.multiplyAdds);
  });

  test('counts what weights multiply', () => {
    const count = (module: nn.AnyModule, input: nn.SummaryInput) =>
      nn.summary(module, input).multiplyAdds;
    expect(count(new nn.Linear(3, 5), [2, 7, 3])).toBe(2 * 7 * 3 * 5);
    expect(
      count(new nn.Bilinear(3, 4, 5), [
        [2, 3],
        [2, 4],
      ]),
    ).toBe(2 * 3 * 4 * 5);
    expect(count(new nn.LayerNorm(3), [2, 3])).toBe(0);
    const words = new nn.Embedding(9, 3);
    expect(nn.summary(words, [2, 4], { dtype: 'int64' })).toMatchObject({
      totalParameters: 27,
      multiplyAdds: 0,
    });
    // A convolution 3 -> 8 with a kernel of 3 x 5, one of 2 groups, and one without a batch.
    expect(count(new Shaped([8, 3, 3, 5], [2, 8, 6, 7]), [2, 3, 8, 11])).toBe(2 * 8 * 42 * 45);
    expect(count(new Shaped([8, 2, 3, 3], [2, 8, 6, 6]), [2, 4, 8, 8])).toBe(2 * 8 * 36 * 18);
    expect(count(new Shaped([8, 3, 3], [8, 6]), [3, 8])).toBe(8 * 6 * 9);
    // As many channels in as out, and smaller.
    expect(count(new Shaped([4, 4, 3, 3], [1, 4, 3, 3]), [1, 4, 6, 6])).toBe(4 * 9 * 36);
    // Transposed: 6 -> 2 channels, and as many as there were.
    expect(count(new Shaped([6, 2, 2, 2], [1, 2, 10, 10]), [1, 6, 5, 5])).toBe(6 * 25 * 8);
    expect(count(new Shaped([4, 4, 2, 2], [1, 4, 10, 10]), [1, 4, 5, 5])).toBe(4 * 25 * 16);
    // Three projections of 5 places, the scores of 25 pairs, their sums of values, and the result's.
    for (const [shape, batch] of [
      [[5, 6], 1],
      [[5, 2, 6], 2],
    ] as const) {
      const { rows, multiplyAdds } = nn.summary(
        new (class extends nn.Module {
          attention = new nn.MultiheadAttention(6, 3, { addZeroAttn: batch === 2 });
          forward(x: Tensor): Tensor {
            return this.attention.forward(x, x, x, { needWeights: false })[0];
          }
        })(),
        shape,
      );
      const pairs = 5 * (5 + Number(batch === 2));
      const own = batch * (3 * 5 * 36 + 2 * pairs * 6);
      expect(rows.map((row) => row.multiplyAdds)).toEqual([0, own, batch * 5 * 36]);
      expect(multiplyAdds).toBe(own + batch * 5 * 36);
    }
    // 4 queries, 7 keys of 5 elements and values of 2.
    const cross = new nn.MultiheadAttention(6, 2, { kdim: 5, vdim: 2, batchFirst: true });
    const inputs = [
      [3, 4, 6],
      [3, 7, 5],
      [3, 7, 2],
    ];
    const projections = 4 * 36 + 7 * 6 * (5 + 2);
    expect(count(cross, inputs)).toBe(3 * (projections + 2 * 4 * 7 * 6 + 4 * 36));
    // What a recurrent layer does in each step.
    class Recurrent extends nn.Module<[Tensor], [Tensor, Tensor]> {
      readonly weightIh = new nn.Parameter(zeros([12, 5]));
      readonly weightHh = new nn.Parameter(zeros([12, 3]));
      readonly biasIh = new nn.Parameter(zeros([12]));
      forward(x: Tensor): [Tensor, Tensor] {
        return [zeros([x.shape[0] as number, x.shape[1] as number, 3]), zeros([1, 3])];
      }
    }
    expect(count(new Recurrent(), [2, 6, 5])).toBe(2 * 6 * 12 * (5 + 3));
    class Own extends nn.Module {
      forward(x: Tensor): Tensor {
        return matmul(x, x.transpose());
      }
      override multiplyAdds([x]: Tensor[], y: Tensor): number {
        return y.numel * ((x as Tensor).shape[1] as number);
      }
    }
    expect(count(new nn.Sequential(new Own(), relu), [3, 7])).toBe(3 * 3 * 7);
  });

  test('takes shapes, tensors and lists of inputs', () => {
    class Sum extends nn.Module<[Tensor, number, Tensor]> {
      readonly layer = new nn.Linear(2, 2, { dtype: 'float64' });
      forward(x: Tensor, factor: number, y: Tensor): Tensor {
        return this.layer.forward(x).mul(factor).add(y);
      }
    }
    const x = ones([3, 2], { dtype: 'float64' });
    expect(nn.summary(new Sum(), [x, 5, x]).rows[0]?.outputShape).toEqual([3, 2]);
    const layer = new nn.Linear(2, 2, { dtype: 'float64' });
    for (const input of [x, [x], [3, 2], [[3, 2]]]) {
      expect(nn.summary(layer, input).rows[0]?.outputShape).toEqual([3, 2]);
    }
    const scalar = new nn.Lambda((t: Tensor) => t.mul(2));
    expect(nn.summary(scalar, []).rows[0]?.outputShape).toEqual([]);
    expect(nn.summary(scalar, tensor(1)).rows[0]?.outputShape).toEqual([]);
    expect(nn.summary(new nn.Lambda(() => rand([2])) as nn.AnyModule, [1]).totalParameters).toBe(0);
  });
});
