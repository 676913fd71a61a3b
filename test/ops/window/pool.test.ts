import type { Tensor } from 'tilegrad';
import * as tilegrad from 'tilegrad';
import {
  adaptiveMaxPool2d,
  avgPool2d,
  interpolate,
  maxPool2d,
  maxUnpool2d,
  nn,
  noGrad,
  tensor,
} from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { epsilon } from '../../golden.js';
import { type Options, testGoldens } from '../../helpers/window_goldens.js';
import { numbers } from '../../operations/bits.js';

/** Calls as the fixtures write them: what stands before the options is one of them. */
function run(op: string, x: Tensor, options: Options, indices?: Tensor): Tensor {
  const { kernelSize, outputSize, normType, factor, size, ...rest } = options;
  const fn = (tilegrad as unknown as Record<string, (...args: unknown[]) => Tensor>)[op]!;
  if (op === 'interpolate' || op === 'rrelu') return fn(x, options);
  if (op === 'localResponseNorm') return fn(x, size, rest);
  if (op.startsWith('pixel')) return fn(x, factor);
  if (op.startsWith('lpPool')) return fn(x, normType, kernelSize, rest);
  if (op.startsWith('adaptive')) return fn(x, outputSize, rest);
  if (op.startsWith('maxUnpool')) {
    return fn(x, indices, kernelSize, outputSize === undefined ? rest : { outputSize });
  }
  return fn(x, kernelSize, rest);
}

describe('goldens', () => {
  testGoldens({
    fixture: 'pool',
    run,
    runWithIndices(op, x, { kernelSize, outputSize, ...rest }) {
      const options = { ...rest, returnIndices: true } as const;
      return op === 'maxPool2d'
        ? maxPool2d(x, kernelSize!, options)
        : adaptiveMaxPool2d(x, outputSize!, options);
    },
    moves: /max|pixel/i,
    // PyTorch's weights, sums of up to 9 values, powers.
    steps: 32,
  });
});

interface Windows {
  kernel: [number, number];
  stride: [number, number];
  padding: [number, number];
  dilation: [number, number];
}

/** The largest value, its place and the mean of every window, one by one. */
function naive(planes: number, h: number, w: number, x: ArrayLike<number>, of: Windows) {
  const { kernel, stride, padding, dilation } = of;
  const count = (size: number, d: 0 | 1) =>
    Math.floor((size + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1) / stride[d]) + 1;
  const [oh, ow] = [count(h, 0), count(w, 1)];
  const result = { values: [] as number[], indices: [] as number[], means: [] as number[] };
  for (let p = 0; p < planes; p++) {
    for (let i = 0; i < oh; i++) {
      for (let j = 0; j < ow; j++) {
        let [best, at, sum] = [-Infinity, -1, 0];
        for (let a = 0; a < kernel[0]; a++) {
          for (let b = 0; b < kernel[1]; b++) {
            const r = i * stride[0] - padding[0] + a * dilation[0];
            const c = j * stride[1] - padding[1] + b * dilation[1];
            if (r < 0 || r >= h || c < 0 || c >= w) continue;
            const value = x[(p * h + r) * w + c] as number;
            if (at < 0 || value > best) [best, at] = [value, r * w + c];
            sum += value;
          }
        }
        result.values.push(best);
        result.indices.push(at);
        result.means.push(sum / (kernel[0] * kernel[1]));
      }
    }
  }
  return result;
}

describe('windows of all kinds', () => {
  const windows: Windows[] = [
    { kernel: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1] },
    { kernel: [3, 3], stride: [1, 1], padding: [1, 1], dilation: [1, 1] },
    { kernel: [3, 2], stride: [2, 1], padding: [1, 1], dilation: [1, 1] },
    { kernel: [2, 4], stride: [1, 3], padding: [0, 2], dilation: [1, 1] },
    { kernel: [2, 3], stride: [2, 2], padding: [1, 0], dilation: [2, 3] },
  ];
  // Around the lanes of every level for both types, and none of them.
  const widths = [7, 8, 9, 15, 16, 17, 18, 31, 32, 33, 34, 35, 63, 64, 65, 66, 100];

  test.each(windows.map((of) => [JSON.stringify(of), of] as const))('%s', (_, of) => {
    for (const dtype of ['float32', 'float64'] as const) {
      for (const w of widths) {
        const h = 5 + (w % 3);
        // An offset that isn't aligned, planes that are apart.
        const whole = numbers([3 * 2 * h * w + 1], dtype, w);
        const x = whole
          .slice([[1]])
          .reshape([3, 2, h, w])
          .slice([null, 0]);
        const expected = naive(3, h, w, x.contiguous().data as Float64Array, of);
        const { kernel, ...rest } = of;
        const { values, indices } = maxPool2d(x, kernel, { ...rest, returnIndices: true });
        expect([...values.data], `${dtype} ${w}`).toEqual(expected.values);
        expect([...indices.data], `${dtype} ${w}`).toEqual(expected.indices);
        expect(noGrad(() => maxPool2d(x, kernel, rest)).data).toEqual(values.data);
        if (of.dilation.some((d) => d > 1)) continue;
        const { stride, padding } = of;
        const means = avgPool2d(x, kernel, { stride, padding });
        const bound = 9 * epsilon[dtype] * 4;
        const far = [...means.data].filter(
          (value, i) => !(Math.abs(Number(value) - expected.means[i]!) <= bound),
        );
        expect(far, `${dtype} ${w}`).toEqual([]);
      }
    }
  });

  test('views are read as they lie, and copied where they have to be', () => {
    const x = numbers([2, 6, 8, 3], 'float32');
    const channelsLast = x.permute([0, 3, 1, 2]);
    const copy = channelsLast.contiguous();
    for (const fn of [
      (t: Tensor) => maxPool2d(t, 2),
      (t: Tensor) => avgPool2d(t, 3, { padding: 1 }),
      (t: Tensor) => interpolate(t, { size: [9, 5], mode: 'bilinear' }),
    ]) {
      expect(fn(channelsLast).data).toEqual(fn(copy).data);
      const every = copy.slice([
        [0, null, 1],
        [0, 2],
      ]);
      expect(fn(every).data).toEqual(fn(every.contiguous()).data);
      const stretched = copy.slice([[0, 1]]).expand([4, 3, 6, 8]);
      expect(fn(stretched).data).toEqual(fn(stretched.contiguous()).data);
    }
  });

  test('no samples give no results, and a gradient of their shape', () => {
    for (const fn of [
      (t: Tensor) => maxPool2d(t, 2),
      (t: Tensor) => avgPool2d(t, 2),
      (t: Tensor) => interpolate(t, { scaleFactor: 2 }),
    ]) {
      const x = tilegrad.zeros([0, 3, 4, 4], { requiresGrad: true });
      const y = fn(x);
      expect(y.shape.slice(0, 2)).toEqual([0, 3]);
      y.sum().backward();
      expect(x.grad?.shape).toEqual([0, 3, 4, 4]);
    }
  });

  test('a result of its own size is not the input', () => {
    const x = numbers([1, 1, 2, 2], 'float32');
    const y = interpolate(x, { size: 2 });
    y.data[0] = 9;
    expect(x.data[0]).not.toBe(9);
  });

  test('values go back to where they were', () => {
    const x = numbers([2, 3, 6, 8], 'float64').abs();
    const { values, indices } = maxPool2d(x, 2, { returnIndices: true });
    const back = maxUnpool2d(values, indices, 2);
    expect(back.shape).toEqual(x.shape);
    expect(maxPool2d(back, 2).data).toEqual(values.data);
    expect(back.sum().item()).toBeCloseTo(values.sum().item(), 10);
    expect(() => maxUnpool2d(values, indices.add(100), 2)).toThrow('[maxUnpool2d] index');
  });

  test('an interpolation is the product with its matrix, forward and backward', () => {
    const x = numbers([2, 1, 9, 11], 'float64').clone().requiresGrad_();
    for (const mode of ['nearest', 'bilinear', 'bicubic'] as const) {
      const along = (n: number, out: number) => {
        const one = mode === 'bilinear' ? 'linear' : mode === 'bicubic' ? mode : 'nearest';
        const eye = tilegrad.eye(n, { dtype: 'float64' });
        if (one !== 'bicubic')
          return interpolate(eye.unsqueeze(0), { size: out, mode: one }).squeeze();
        const rows = interpolate(eye.reshape([n, 1, 1, n]), { size: [1, out], mode: one });
        return rows.reshape([n, out]);
      };
      const y = interpolate(x, { size: [20, 5], mode });
      const [left, right] = [along(9, 20).transpose(), along(11, 5)];
      const expected = left.matmul(x.detach()).matmul(right);
      expect(y.sub(expected).abs().amax().item()).toBeLessThan(64 * epsilon.float64);
      const g = numbers([2, 1, 20, 5], 'float64', 3);
      x.zeroGrad();
      y.backward(g);
      const dx = left.transpose().matmul(g).matmul(right.transpose());
      expect(x.grad!.sub(dx).abs().amax().item()).toBeLessThan(256 * epsilon.float64);
    }
  });

  test('a gradient may be asked for again after a pass has given its memory back', () => {
    const x = numbers([1, 2, 5, 4], 'float32').clone().requiresGrad_();
    const y = interpolate(x, { size: [9, 7], mode: 'bilinear' });
    y.backward(tilegrad.onesLike(y), { retainGraph: true });
    const first = x.grad!.clone();
    tilegrad.tidy(() => {
      x.zeroGrad();
      y.backward(tilegrad.onesLike(y), { retainGraph: true });
    });
    expect(x.grad!.data).toEqual(first.data);
  });

  test('dropped channels are alpha dropout of one value for each', () => {
    const x = numbers([7, 9], 'float64');
    const generator = () => new tilegrad.Generator(3);
    const single = tilegrad.alphaDropout(x, 0.4, { generator: generator() });
    const whole = tilegrad.featureAlphaDropout(x.unsqueeze(2).expand([7, 9, 3]), 0.4, {
      generator: generator(),
    });
    expect(whole.sub(single.unsqueeze(2)).abs().amax().item()).toBeLessThan(8 * epsilon.float64);
    expect(new nn.FeatureAlphaDropout(1).forward(x).abs().amax().item()).toBe(0);
  });

  test('random slopes lie between their ends, and are their mean in evaluation', () => {
    const layer = new nn.RReLU({ lower: 0.2, upper: 0.3, generator: new tilegrad.Generator(1) });
    const slopes = layer.forward(tilegrad.full([1000], -1)).neg();
    expect([slopes.min().item() >= 0.2, slopes.max().item() <= 0.3]).toEqual([true, true]);
    expect(slopes.max().item() - slopes.min().item()).toBeGreaterThan(0.09);
    expect(layer.forward(tilegrad.ones([1])).item()).toBe(1);
    expect(
      layer
        .eval()
        .forward(tilegrad.full([1], -1))
        .item(),
    ).toBeCloseTo(-0.25, 6);
  });

  test('layers do what their functions do', () => {
    const x = numbers([2, 4, 6, 8], 'float32');
    const line = x.reshape([2, 4, 48]);
    const same = (layer: nn.Module, input: Tensor, expected: Tensor) => {
      const y = layer.forward(input);
      expect(y.shape).toEqual(expected.shape);
      expect(y.contiguous().data).toEqual(expected.contiguous().data);
    };
    const windows = { stride: 2, padding: 1 };
    same(new nn.MaxPool2d(3, windows), x, x.maxPool2d(3, windows));
    same(new nn.MaxPool1d(3, windows), line, line.maxPool1d(3, windows));
    same(new nn.AvgPool2d(3, windows), x, x.avgPool2d(3, windows));
    same(new nn.AvgPool1d(3, windows), line, line.avgPool1d(3, windows));
    same(new nn.AdaptiveMaxPool2d([2, 3]), x, x.adaptiveMaxPool2d([2, 3]));
    same(new nn.AdaptiveMaxPool1d(5), line, line.adaptiveMaxPool1d(5));
    same(new nn.AdaptiveAvgPool2d([null, 3]), x, x.adaptiveAvgPool2d([6, 3]));
    same(new nn.AdaptiveAvgPool1d(5), line, line.adaptiveAvgPool1d(5));
    same(new nn.LPPool2d(2, 2), x, tilegrad.lpPool2d(x, 2, 2));
    same(new nn.LPPool1d(2, 2), line, tilegrad.lpPool1d(line, 2, 2));
    same(
      new nn.Upsample({ size: 9, mode: 'bilinear' }),
      x,
      interpolate(x, { size: 9, mode: 'bilinear' }),
    );
    same(new nn.PixelShuffle(2), x, x.pixelShuffle(2));
    same(new nn.PixelUnshuffle(2), x, x.pixelUnshuffle(2));
    same(new nn.LocalResponseNorm(3), x, x.localResponseNorm(3));
    same(new nn.Flatten(), x, x.reshape([2, 192]));
    same(new nn.Unflatten(1, [2, -1]), x, x.reshape([2, 2, 2, 6, 8]));
    same(new nn.Identity(), x, x);
    same(new nn.Softmax2d(), x, x.softmax(1));
    same(new nn.Softmin(1), x, x.softmin(1));
    same(new nn.CircularPad1d([1, 2]), line, line.pad([1, 2], { mode: 'circular' }));
    same(new nn.CircularPad2d(1), x, x.pad([1, 1, 1, 1], { mode: 'circular' }));
    same(new nn.ReflectionPad1d(2), line, line.pad([2, 2], { mode: 'reflect' }));
    same(new nn.ReflectionPad2d([1, 2, 0, 3]), x, x.pad([1, 2, 0, 3], { mode: 'reflect' }));
    same(new nn.ReplicationPad1d(2), line, line.pad([2, 2], { mode: 'replicate' }));
    same(new nn.ReplicationPad2d(2), x, x.pad([2, 2, 2, 2], { mode: 'replicate' }));
    same(new nn.ZeroPad1d(2), line, line.pad([2, 2]));
    same(new nn.ZeroPad2d(-1), x, x.pad([-1, -1, -1, -1]));
    same(new nn.ConstantPad1d(2, 7), line, line.pad([2, 2], { value: 7 }));
    same(new nn.ConstantPad2d([1, 0, 0, 2], -1), x, x.pad([1, 0, 0, 2], { value: -1 }));
    const pair = [x, x.add(1)] as const;
    expect(new nn.CosineSimilarity({ dim: 2 }).forward(...pair).data).toEqual(
      tilegrad.cosineSimilarity(...pair, { dim: 2 }).data,
    );
    expect(new nn.PairwiseDistance({ p: 1, keepDim: true }).forward(...pair).data).toEqual(
      tilegrad.pairwiseDistance(...pair, { p: 1, keepDim: true }).data,
    );
    expect(new nn.BatchNorm3d(4).forward(x.unsqueeze(2)).shape).toEqual([2, 4, 1, 6, 8]);
    expect(new nn.InstanceNorm3d(4).forward(x.unsqueeze(2)).shape).toEqual([2, 4, 1, 6, 8]);
  });

  test('NaN and infinities', () => {
    const x = tensor([[[Number.NaN, 1, -Infinity, -Infinity]]]);
    expect([...maxPool2d(x, [1, 2]).data]).toEqual([Number.NaN, -Infinity]);
    expect([...avgPool2d(x, [1, 2]).data]).toEqual([Number.NaN, -Infinity]);
  });
});
