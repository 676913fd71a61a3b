/** Pooling of volumes, and layers over three spatial dimensions. */
import * as tilegrad from 'tilegrad';
import { adaptiveMaxPool3d, maxPool3d, nn, noGrad, ones, type Tensor, tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { type Options, testGoldens } from '../../helpers/window_goldens.js';

/** A call as the fixture writes it: of a function, or of a layer with the arguments of its constructor. */
function run(op: string, x: Tensor, options: Options, indices?: Tensor): Tensor {
  const { arguments: list, kernelSize, outputSize, normType, groups, ...rest } = options;
  if (list !== undefined) {
    const Class = nn[op as 'ZeroPad3d'] as unknown as new (...values: unknown[]) => nn.Module;
    return new Class(...(list as unknown[])).forward(x);
  }
  const fn = (tilegrad as unknown as Record<string, (...args: unknown[]) => Tensor>)[op]!;
  if (op === 'channelShuffle') return fn(x, groups);
  if (op === 'col2im') return fn(x, outputSize, kernelSize, rest);
  if (op === 'lpPool3d') return fn(x, normType, kernelSize, rest);
  if (op.startsWith('adaptive')) return fn(x, outputSize, rest);
  if (op === 'maxUnpool3d') return fn(x, indices, kernelSize, outputSize ? { outputSize } : {});
  return fn(x, kernelSize, rest);
}

describe('goldens', () => {
  testGoldens({
    fixture: 'volumes',
    run,
    runWithIndices(op, x, { kernelSize, outputSize, ...rest }) {
      const options = { ...rest, returnIndices: true } as const;
      return op === 'maxPool3d'
        ? maxPool3d(x, kernelSize!, options)
        : adaptiveMaxPool3d(x, outputSize!, options);
    },
    moves: /max|Pad|Nearest|Shuffle/i,
    // Sums of up to 27 values, in another order than PyTorch's, and powers.
    steps: 64,
  });
});

test('takes views, and layers are the functions', () => {
  const x = tilegrad.randn([2, 4, 6, 4, 5]);
  const view = x.permute([0, 4, 2, 1, 3]).slice([null, null, [0, 6, 2]]);
  const copy = view.contiguous();
  for (const call of [
    (t: Tensor) => t.maxPool3d(2),
    (t: Tensor) => t.avgPool3d([1, 2, 2], { padding: [0, 1, 1] }),
    (t: Tensor) => t.adaptiveAvgPool3d(2),
    (t: Tensor) => t.adaptiveMaxPool3d([1, 2, 3]),
    (t: Tensor) => t.channelShuffle(5),
  ]) {
    expect(call(view).toArray()).toEqual(call(copy).toArray());
  }
  const pairs: [nn.Module, Tensor][] = [
    [new nn.MaxPool3d(2, { stride: 1 }), copy.maxPool3d(2, { stride: 1 })],
    [new nn.AvgPool3d(2, { ceilMode: true }), copy.avgPool3d(2, { ceilMode: true })],
    [new nn.AdaptiveAvgPool3d([2, null, 1]), copy.adaptiveAvgPool3d([2, null, 1])],
    [new nn.AdaptiveMaxPool3d(2), copy.adaptiveMaxPool3d(2)],
    [new nn.LPPool3d(2, 2), tilegrad.lpPool3d(copy, 2, 2)],
    [new nn.ChannelShuffle(5), copy.channelShuffle(5)],
  ];
  const image = copy.slice([null, null, 0]);
  const columns = tilegrad.im2col(image, 2, { padding: 1 });
  pairs.push([new nn.Unfold(2, { padding: 1 }), columns]);
  expect(new nn.Unfold(2, { padding: 1 }).forward(image).toArray()).toEqual(columns.toArray());
  const [height, width] = image.shape.slice(2) as [number, number];
  const folded = new nn.Fold([height, width], 2, { padding: 1 }).forward(columns);
  // Each place is in four patches.
  expect(folded.toArray()).toEqual(image.mul(4).toArray());
  pairs.pop();
  for (const [layer, want] of pairs) expect(layer.forward(copy).toArray()).toEqual(want.toArray());
  const { values, indices } = noGrad(() => maxPool3d(copy, 2, { returnIndices: true }));
  const back = new nn.MaxUnpool3d(2).forward(values, indices);
  expect(back.maxPool3d(2).sum().item()).toBeCloseTo(values.maximum(0).sum().item() as number, 4);
});

test('whole numbers and truth values are shuffled too', () => {
  const x = tensor([[1, 2, 3, 4, 5, 6]], { dtype: 'int64' });
  expect(x.channelShuffle(2).toArray()).toEqual([[1n, 4n, 2n, 5n, 3n, 6n].map(Number)]);
  expect(ones([1, 4], { dtype: 'bool' }).channelShuffle(2).dtype).toBe('bool');
});
