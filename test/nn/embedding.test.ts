import { Generator, nn, optim, randn, tensor } from 'tilegrad';
import { expect, test } from 'vitest';

test('starts as normal numbers, with zeros at paddingIdx', () => {
  const layer = new nn.Embedding(5, 3, { generator: new Generator(1), paddingIdx: -2 });
  const expected = randn([5, 3], { generator: new Generator(1) }).toArray() as number[][];
  expected[3] = [0, 0, 0];
  expect(layer.weight.toArray()).toEqual(expected);
  expect(layer.paddingIdx).toBe(3);
  expect(new nn.Embedding(2, 2).paddingIdx).toBeNull();
  expect(new nn.Embedding(2, 2, { dtype: 'float64' }).weight.dtype).toBe('float64');
});

test('gives rows, learns them, and leaves the padding alone', () => {
  const layer = new nn.Embedding(4, 2, { generator: new Generator(2), paddingIdx: 0 });
  const before = layer.weight.toArray() as number[][];
  const y = layer.forward(tensor([[1, 0, 1]], { dtype: 'int32' }));
  expect(y.shape).toEqual([1, 3, 2]);
  expect(y.toArray()).toEqual([[before[1], [0, 0], before[1]]]);
  const optimizer = new optim.SGD(layer.parameters(), { lr: 1 });
  y.sum().backward();
  optimizer.step();
  const after = before.map((row, i) => (i === 1 ? row.map((v) => Math.fround(v - 2)) : row));
  expect(layer.weight.toArray()).toEqual(after);
});

test('is saved and loaded by the name of its weight', () => {
  const [a, b] = [new nn.Embedding(3, 2), new nn.Embedding(3, 2)];
  expect(Object.keys(a.stateDict())).toEqual(['weight']);
  b.loadStateDict(a.stateDict());
  expect(b.forward([2, 0]).toArray()).toEqual(a.forward([2, 0]).toArray());
});
