import { gradcheck, nn, ones, randn, type Tensor, tensor } from 'tilegrad';
import { describe, expect, it, test } from 'vitest';
import { exact, expectGolden, Fixture, toTensor } from '../golden.js';

const { rnn } = nn.utils;

interface Pack {
  lengths: number[];
  batchFirst: boolean;
  enforceSorted: boolean;
  input: number;
  data: number;
  batchSizes: number[];
  sortedIndices: number[] | null;
  unsortedIndices: number[] | null;
  padded: number;
  lengthsAfter: number[];
  packSequence: number;
  padSequence: number;
  padLeft: number;
}

const fixture = new Fixture<{ packs: Pack[] }>('recurrent');

describe('golden packed sequences', () => {
  for (const [index, c] of fixture.content.packs.entries()) {
    it(`${index}: lengths ${c.lengths}`, () => {
      const { lengths, batchFirst, enforceSorted } = c;
      const input = toTensor(fixture.tensor(c.input), 'float32');
      const packed = rnn.packPaddedSequence(input, lengths, { batchFirst, enforceSorted });
      expectGolden(packed.data, fixture.tensor(c.data), exact, 'data');
      expect(packed.batchSizes).toEqual(c.batchSizes);
      // Of equal lengths PyTorch's order is its own, but here the same.
      expect(packed.sortedIndices).toEqual(c.sortedIndices);
      expect(packed.unsortedIndices).toEqual(c.unsortedIndices);
      const totalLength = c.batchSizes.length + 1;
      const [padded, after] = rnn.padPackedSequence(packed, {
        ...{ batchFirst, paddingValue: -1, totalLength },
      });
      expectGolden(padded, fixture.tensor(c.padded), exact, 'padded');
      expect(after).toEqual(c.lengthsAfter);
      const parts = lengths.map((n, i) => input.select(batchFirst ? 0 : 1, i).narrow(0, 0, n));
      const sequence = rnn.packSequence(parts, { enforceSorted });
      expectGolden(sequence.data, fixture.tensor(c.packSequence), exact, 'packSequence');
      const values = (list: readonly Tensor[]) => list.map((t) => t.toArray());
      expect(values(rnn.unpackSequence(packed))).toEqual(values(parts));
      expect(values(rnn.unpackSequence(sequence))).toEqual(values(parts));
      expect(values(rnn.unpadSequence(padded, after, { batchFirst }))).toEqual(values(parts));
      const padding = { batchFirst, paddingValue: -2 };
      expectGolden(rnn.padSequence(parts, padding), fixture.tensor(c.padSequence), exact, 'right');
      const left = rnn.padSequence(parts, { ...padding, paddingSide: 'left' });
      expectGolden(left, fixture.tensor(c.padLeft), exact, 'left');
    });
  }
});

test('lengths come as tensors and typed arrays as well', () => {
  const x = randn([3, 2]);
  const wanted = rnn.packPaddedSequence(x, [3, 1]).data.toArray();
  const lengths = [tensor([3, 1]), tensor([3, 1], { dtype: 'int64' }), new Int32Array([3, 1])];
  for (const each of lengths) {
    expect(rnn.packPaddedSequence(x, each).data.toArray()).toEqual(wanted);
  }
});

test('gradients go there and back, none to the padding', () => {
  const leaf = (...shape: number[]) => randn(shape, { dtype: 'float64', requiresGrad: true });
  gradcheck(
    (x) => {
      const packed = rnn.packPaddedSequence(x, [1, 3], { enforceSorted: false });
      const [padded] = rnn.padPackedSequence(packed, { batchFirst: true });
      return padded.square();
    },
    [leaf(3, 2, 2)],
  );
  gradcheck(
    (...parts: Tensor[]) => rnn.padSequence(parts, { paddingSide: 'left' }).square(),
    [leaf(2, 2), leaf(3, 2)],
  );
  const x = ones([3, 2], { requiresGrad: true });
  rnn.packPaddedSequence(x, [3, 1]).data.sum().backward();
  expect(x.grad?.toArray()).toEqual([
    [1, 1],
    [1, 0],
    [1, 0],
  ]);
});

test('sequences come out of padded ones as views through which gradients flow, empty ones too', () => {
  const padded = tensor(
    [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
    { dtype: 'float64', requiresGrad: true },
  );
  const [empty, whole] = rnn.unpadSequence(padded, [0, 3]) as [Tensor, Tensor];
  expect([empty.shape, whole.toArray()]).toEqual([[0], [2, 4, 6]]);
  whole.square().sum().backward();
  expect(padded.grad?.toArray()).toEqual([
    [0, 4],
    [0, 8],
    [0, 12],
  ]);
  const packed = (x: Tensor) => rnn.packPaddedSequence(x, [3, 1]);
  gradcheck((x) => rnn.unpackSequence(packed(x as Tensor))[1] as Tensor, [padded]);
});
