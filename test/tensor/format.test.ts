import { inspect } from 'node:util';
import {
  arange,
  type DType,
  full,
  ones,
  type PrintOptions,
  setPrintOptions,
  tensor,
  zeros,
} from 'tilegrad';
import { afterEach, describe, expect, test } from 'vitest';
import { Fixture } from '../golden.js';

afterEach(() => {
  setPrintOptions({ profile: 'default' });
});

/** What console.log shows. */
const shown = (value: unknown): string => inspect(value);

const lines = (...parts: string[]): string => parts.join('\n');

test('scalars', () => {
  expect(shown(tensor(1.5))).toBe('Tensor(1.5000, shape=[], float32)');
  expect(shown(tensor(3))).toBe('Tensor(3., shape=[], float32)');
  expect(shown(tensor(3, { dtype: 'int32' }))).toBe('Tensor(3, shape=[], int32)');
  expect(shown(tensor(true))).toBe('Tensor(true, shape=[], bool)');
});

test('columns line up in vectors and matrices', () => {
  expect(shown(tensor([1, 2.5, -3]))).toBe(
    'Tensor([ 1.0000,  2.5000, -3.0000], shape=[3], float32)',
  );
  expect(
    shown(
      tensor([
        [1, 20],
        [-300, 4],
      ]),
    ),
  ).toBe(lines('Tensor([[   1.,   20.],', '        [-300.,    4.]], shape=[2, 2], float32)'));
  expect(
    shown(
      tensor(
        [
          [1, 2],
          [30, -4],
        ],
        { dtype: 'int32' },
      ),
    ),
  ).toBe(lines('Tensor([[ 1,  2],', '        [30, -4]], shape=[2, 2], int32)'));
  expect(shown(tensor([[true], [false]]))).toBe(
    lines('Tensor([[ true],', '        [false]], shape=[2, 1], bool)'),
  );
  expect(shown(tensor(new Int8Array([-128, 7])))).toBe('Tensor([-128,    7], shape=[2], int8)');
  expect(shown(tensor(new Uint8Array([0, 255])))).toBe('Tensor([  0, 255], shape=[2], uint8)');
});

test('blocks of more dimensions stand apart', () => {
  expect(shown(arange(8).reshape([2, 2, 2]))).toBe(
    lines(
      'Tensor([[[0., 1.],',
      '         [2., 3.]],',
      '',
      '        [[4., 5.],',
      '         [6., 7.]]], shape=[2, 2, 2], float32)',
    ),
  );
});

test('views are shown as they look', () => {
  expect(shown(arange(4).reshape([2, 2]).transpose())).toBe(
    lines('Tensor([[0., 2.],', '        [1., 3.]], shape=[2, 2], float32)'),
  );
  expect(shown(tensor(1).expand([2]))).toBe('Tensor([1., 1.], shape=[2], float32)');
});

test('NaN, infinities and exponents', () => {
  expect(shown(tensor([Number.NaN, Infinity, -Infinity, 1]))).toBe(
    'Tensor([ nan,  inf, -inf,   1.], shape=[4], float32)',
  );
  expect(shown(tensor([Number.NaN]))).toBe('Tensor([nan], shape=[1], float32)');
  expect(shown(tensor([Infinity, 0.5]))).toBe('Tensor([   inf, 0.5000], shape=[2], float32)');
  expect(shown(tensor([1e-5, 1], { dtype: 'float64' }))).toBe(
    'Tensor([1.0000e-05, 1.0000e+00], shape=[2], float64)',
  );
  expect(shown(tensor([1.1e8, 0], { dtype: 'float64' }))).toBe(
    'Tensor([1.1000e+08, 0.0000e+00], shape=[2], float64)',
  );
  // Fixed up to just below.
  expect(shown(tensor([99999999], { dtype: 'float64' }))).toBe(
    'Tensor([99999999.], shape=[1], float64)',
  );
  expect(shown(tensor([1e-4], { dtype: 'float64' }))).toBe('Tensor([0.0001], shape=[1], float64)');
});

test('empty tensors', () => {
  expect(shown(zeros([0]))).toBe('Tensor([], shape=[0], float32)');
  expect(shown(zeros([0, 3], { dtype: 'bool' }))).toBe('Tensor([], shape=[0, 3], bool)');
  expect(shown(zeros([2, 0]))).toBe(lines('Tensor([[],', '        []], shape=[2, 0], float32)'));
});

describe('large tensors', () => {
  test('are shown whole up to 1000 elements', () => {
    expect(shown(zeros([1000]))).not.toContain('...');
    expect(shown(zeros([1001]))).toBe(
      'Tensor([0., 0., 0.,  ..., 0., 0., 0.], shape=[1001], float32)',
    );
  });

  test('show three at each end of a dimension', () => {
    const row = (i: number): string => {
      const text = [0, 1, 2, 97, 98, 99].map((j) => `${100 * i + j}`.padStart(4));
      return `[${text.slice(0, 3).join(', ')},  ..., ${text.slice(3).join(', ')}]`;
    };
    const indent = ' '.repeat(8);
    expect(shown(arange(10000, { dtype: 'int32' }).reshape([100, 100]))).toBe(
      `Tensor([${[row(0), row(1), row(2), '...', row(97), row(98), row(99)].join(`,\n${indent}`)}], ` +
        'shape=[100, 100], int32)',
    );
  });

  test('are formatted by what is shown', () => {
    const x = zeros([2000]);
    x.data[1000] = 0.123;
    expect(shown(x)).toBe('Tensor([0., 0., 0.,  ..., 0., 0., 0.], shape=[2000], float32)');
    expect(shown(full([1001, 2], 7)).split('\n')).toHaveLength(7);
  });
});

test('gradients and disposed tensors are noted', () => {
  const x = ones([2], { requiresGrad: true });
  expect(shown(x)).toBe('Tensor([1., 1.], shape=[2], float32, requiresGrad)');
  expect(shown(x.mul(2))).toBe('Tensor([2., 2.], shape=[2], float32, gradFn=mul)');
  expect(shown(x.detach())).toBe('Tensor([1., 1.], shape=[2], float32)');
  x.dispose();
  expect(shown(x)).toBe('Tensor(disposed, shape=[2], float32)');
});

test('text and objects around a tensor use the same form', () => {
  expect(`${tensor([1])}`).toBe('Tensor([1.], shape=[1], float32)');
  expect(shown({ x: tensor([1]) })).toBe('{ x: Tensor([1.], shape=[1], float32) }');
});

interface StoredText {
  input: number;
  dtype: DType;
  /** The values in brackets as PyTorch prints them. */
  text: string;
  options: PrintOptions;
}
const fixture = new Fixture<{ texts: StoredText[] }>('indexing');

test.each(
  fixture.content.texts.map((row) => [JSON.stringify(row.text).slice(0, 60), row] as const),
)('PyTorch: %s', (_, { input, dtype, text, options }) => {
  const { shape, data } = fixture.tensor(input);
  const x = tensor(new Float64Array(data)).to(dtype).reshape(shape);
  setPrintOptions(options);
  const all = shown(x);
  expect(all.slice('Tensor('.length, all.lastIndexOf('shape=')).replace(/,\s*$/, '')).toBe(text);
});

describe('print options', () => {
  test('hold until they are set again, and come back as a whole', () => {
    const before = setPrintOptions({ precision: 2, edgeItems: 1, threshold: 3 });
    expect(before).toEqual({
      precision: 4,
      threshold: 1000,
      edgeItems: 3,
      lineWidth: 80,
      sciMode: null,
    });
    expect(shown(tensor([0.125, 1, 2, 3]))).toBe('Tensor([0.13,  ..., 3.00], shape=[4], float32)');
    setPrintOptions({ precision: 1 });
    expect(shown(tensor([0.125, 1, 2, 3]))).toBe('Tensor([0.1,  ..., 3.0], shape=[4], float32)');
    expect(setPrintOptions(before).precision).toBe(1);
    expect(shown(tensor([0.125]))).toBe('Tensor([0.1250], shape=[1], float32)');
  });

  test('profiles', () => {
    setPrintOptions({ profile: 'short' });
    expect(shown(zeros([1001]).add(0.125))).toContain('[0.13, 0.13,  ..., 0.13, 0.13]');
    setPrintOptions({ profile: 'full', precision: 1 });
    expect(shown(zeros([1001]).add(0.25))).not.toContain('...');
  });

  test('no limit, no items', () => {
    setPrintOptions({ threshold: Infinity, lineWidth: Infinity });
    expect(shown(zeros([3000]))).not.toContain('...');
    expect(shown(zeros([3000])).split('\n')).toHaveLength(1);
    setPrintOptions({ threshold: 0, edgeItems: 0 });
    expect(shown(zeros([3]))).toBe('Tensor([ ...], shape=[3], float32)');
  });

  test('notes go to a new line when the last one is full', () => {
    setPrintOptions({ lineWidth: 30 });
    expect(shown(ones([2, 2], { requiresGrad: true }))).toBe(
      lines(
        'Tensor([[1., 1.],',
        '        [1., 1.]],',
        '       shape=[2, 2], float32,',
        '       requiresGrad)',
      ),
    );
  });
});

test('JSON has the values as nested arrays', () => {
  expect(JSON.stringify({ x: tensor([[1, 2.5]]), b: tensor(true) })).toBe(
    '{"x":[[1,2.5]],"b":true}',
  );
  expect(JSON.stringify(tensor([Number.NaN, Infinity]))).toBe('[null,null]');
  expect(JSON.stringify(arange(4).reshape([2, 2]).transpose())).toBe('[[0,2],[1,3]]');
});
