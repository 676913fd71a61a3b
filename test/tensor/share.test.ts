import {
  arange,
  bernoulli,
  clone,
  empty,
  emptyCache,
  emptyLike,
  exponential,
  eye,
  fromBuffer,
  fromMessage,
  fromTypedArray,
  full,
  fullLike,
  linspace,
  logspace,
  memory,
  nn,
  normal,
  ones,
  onesLike,
  rand,
  randint,
  randintLike,
  randLike,
  randn,
  randnLike,
  randperm,
  shareMemory,
  type Tensor,
  type TensorMessage,
  tensor,
  toMessage,
  truncatedNormal,
  uniform,
  zeros,
  zerosLike,
} from 'tilegrad';
import { misalignment } from 'tilegrad/native/commands.js';
import { type DType, dtypes } from 'tilegrad/tensor/dtype.js';
import { describe, expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';

/** What a worker would get. */
const sent = (message: unknown, transfer?: ArrayBuffer[]) =>
  structuredClone(message, transfer && { transfer });

describe('shared memory', () => {
  const shared = { shared: true };
  const makers: Record<string, (options?: { shared: boolean }) => Tensor> = {
    zeros: (options) => zeros([3, 5], options),
    ones: (options) => ones([3, 5], options),
    full: (options) => full([3, 5], 7, options),
    tensor: (options) => tensor([[1, 2]], options),
    arange: (options) => arange(0, 5, 1, options),
    eye: (options) => eye(3, options),
    clone: (options) => clone(tensor([[1, 2]]).transpose(), options),
    rand: (options) => rand([0], options),
    uniform: (options) => uniform(3, 3, [4], options),
    linspace: (options) => linspace(0, 1, 5, { ...options, dtype: 'float64' }),
    logspace: (options) => logspace(0, 3, 4, options),
    randint: (options) => randint(5, 6, [3], options),
    randintLike: (options) => randintLike(zeros([2]), 5, 6, options),
    randperm: (options) => randperm(1, options),
    zerosLike: (options) => zerosLike(tensor([1, 2]), options),
    onesLike: (options) => onesLike(tensor([1, 2]), options),
    fullLike: (options) => fullLike(tensor([1, 2]), 7, options),
    randLike: (options) => randLike(zeros([0]), options),
    randnLike: (options) => randnLike(zeros([0]), options),
    exponential: (options) => exponential(1, [0], options),
    normal: (options) => normal(10, 0, [2], options),
    fromBuffer: (options) =>
      fromBuffer(new Int32Array([1, 2]), { ...options, dtype: 'int32', copy: true }),
  };
  test.each(Object.entries(makers))('%s makes it, with the same values', (_, make) => {
    const t = make(shared);
    expect(t.isShared).toBe(true);
    expect(make().isShared).toBe(false);
    expect(t.toArray()).toEqual(make().toArray());
    expect(misalignment(t.array.subarray(t.offset))).toBe(0);
  });

  test('random functions fill it', () => {
    for (const t of [
      randn([10], shared),
      bernoulli(0.5, [10], shared),
      truncatedNormal([10], shared),
      randn([10], { ...shared, dtype: 'float64' }),
    ]) {
      expect(t.isShared).toBe(true);
      expect(t.data.some((value) => value !== 0)).toBe(true);
    }
    expect(empty([2], shared).array.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(emptyLike(ones([2]), shared).array.buffer).toBeInstanceOf(SharedArrayBuffer);
    const bytes = new Uint8Array(8);
    const overBytes = () => fromBuffer(bytes, { dtype: 'float32', shared: true });
    expectError(overBytes, 'ERR_ARGUMENT', 'SharedArrayBuffer');
  });

  test('results of operations are ordinary; gradients and in-place steps work', () => {
    const x = ones([4], { shared: true, requiresGrad: true });
    expect(x.requiresGrad).toBe(true);
    expect(x.mul(2).isShared).toBe(false);
    expect(x.reshape([2, 2]).isShared).toBe(true);
    x.square().sum().backward();
    expect(x.grad?.toArray()).toEqual([2, 2, 2, 2]);
    expect(x.grad?.isShared).toBe(false);
  });

  test('is never handed out again', () => {
    emptyCache();
    ones([100], shared).dispose();
    expect(memory().pooledBytes).toBe(0);
  });

  test('fromTypedArray takes shared arrays and says that it cannot share others', () => {
    const array = new Float32Array(new SharedArrayBuffer(8));
    expect(fromTypedArray(array).isShared).toBe(true);
    expect(fromTypedArray(array, [2], shared).isShared).toBe(true);
    expectError(
      () => fromTypedArray(new Float32Array(2), [2], shared),
      'ERR_ARGUMENT',
      '[fromTypedArray] the array is not over a SharedArrayBuffer',
    );
  });

  test.each(Object.keys(dtypes) as DType[])('shareMemory copies %s once, with strides', (dtype) => {
    const x = tensor(
      [
        [1, 0, 3],
        [4, 5, 0],
      ],
      { dtype },
    );
    const y = shareMemory(x.transpose());
    expect(y.isShared).toBe(true);
    expect(y.strides).toEqual([1, 3]);
    expect(y.dtype).toBe(dtype);
    expect(y.toArray()).toEqual(x.transpose().toArray());
    expect(y.shareMemory()).toBe(y);
    const part = shareMemory(x.slice([null, [0, 2]]));
    expect(part.isContiguous).toBe(true);
    expect(part.toArray()).toEqual(x.slice([null, [0, 2]]).toArray());
  });

  test('shareMemory of a state keeps names, and one tensor one', () => {
    const x = ones([2], { requiresGrad: true });
    const state = shareMemory({ x, again: [x], y: zeros([0]), n: 5 });
    expect(state.x).toBe(state.again[0]);
    expect(state.x.requiresGrad).toBe(true);
    expect(state.y.isShared).toBe(true);
    expect(state.n).toBe(5);
    expect(x.isShared).toBe(false);
  });
});

describe('messages', () => {
  test('carry shared tensors without copying: shape, strides, offset, dtype, requiresGrad', () => {
    const x = shareMemory(tensor([1, 2, 3, 4, 5, 6]));
    const view = x
      .reshape([2, 3])
      .transpose()
      .slice([[1, 3]]);
    const leaf = ones([2], { shared: true, requiresGrad: true });
    const received = fromMessage(
      sent(
        toMessage({
          view,
          x,
          leaf,
          list: [view, new Map([['k', x]])],
          text: 'a',
          set: new Set([leaf]),
        }),
      ),
    );
    expect(received.view.toArray()).toEqual(view.toArray());
    expect(received.view.strides).toEqual([1, 3]);
    expect(received.view.storage).toBe(received.x.storage);
    expect(received.list[0]).toBe(received.view);
    expect(received.list[1].get('k')).toBe(received.x);
    expect(received.leaf.requiresGrad).toBe(true);
    expect([...received.set][0]).toBe(received.leaf);
    expect(received.text).toBe('a');
    received.x.data[5] = 60;
    expect(x.toArray()).toEqual([1, 2, 3, 4, 5, 60]);
    expect(view.toArray()).toEqual([
      [2, 5],
      [3, 60],
    ]);
  });

  test.each(Object.keys(dtypes) as DType[])('carry copies of ordinary %s tensors', (dtype) => {
    const x = tensor(
      [
        [1, 0],
        [1, 1],
        [0, 1],
      ],
      { dtype },
    );
    const message = toMessage(x.transpose()) as TensorMessage;
    // Nothing of the slab comes along.
    expect(message.elements.buffer.byteLength).toBe(6 * dtypes[dtype].bytes);
    const y = fromMessage<Tensor>(sent(message));
    expect(y.dtype).toBe(dtype);
    expect(y.toArray()).toEqual(x.transpose().toArray());
    expect(fromMessage<Tensor>(sent(toMessage(zeros([0, 3], { dtype })))).shape).toEqual([0, 3]);
    expect(fromMessage<Tensor>(sent(toMessage(ones([], { dtype })))).shape).toEqual([]);
  });

  test('move the copies when they are transferred', () => {
    const transfer: ArrayBuffer[] = [];
    const x = ones([3]);
    const message = toMessage({ x, y: ones([2], { shared: true }) }, { transfer }) as {
      x: TensorMessage;
    };
    expect(transfer).toHaveLength(1);
    expect(fromMessage(sent(message, transfer)).x.toArray()).toEqual([1, 1, 1]);
    expect(message.x.elements.length).toBe(0);
    expect(x.toArray()).toEqual([1, 1, 1]);
  });

  test('of results carry values without history', () => {
    const x = ones([2], { requiresGrad: true });
    const y = fromMessage<Tensor>(sent(toMessage(x.mul(2))));
    expect(y.toArray()).toEqual([2, 2]);
    expect(y.requiresGrad).toBe(false);
  });

  test('of a state, assigned in the other thread, are one memory with the model', () => {
    const make = () => new nn.Sequential(new nn.Linear(3, 2), new nn.BatchNorm1d(2));
    const model = make();
    const state = shareMemory(model.stateDict());
    model.loadStateDict(state, { assign: true });
    const other = make();
    other.loadStateDict(fromMessage(sent(toMessage(state))), { assign: true });
    const x = randn([4, 3]);
    expect(other.eval().forward(x).toArray()).toEqual(model.eval().forward(x).toArray());
    for (const [name, t] of Object.entries(other.stateDict())) {
      expect([name, t.isShared]).toEqual([name, true]);
    }
    expect([...other.parameters()].every((p) => p instanceof nn.Parameter && p.requiresGrad)).toBe(
      true,
    );
    nn.init.constant([...other.parameters()][0] as nn.Parameter, 9);
    expect((model.stateDict()['0.weight'] as Tensor).toArray()).toEqual([
      [9, 9, 9],
      [9, 9, 9],
    ]);
  });

  test('refuse what cannot be sent, and say what to do', () => {
    const lost = structuredClone({ ...ones([2]), node: null, storage: {} });
    expectError(() => fromMessage([lost]), 'ERR_ARGUMENT', 'toMessage(tensor)');
    expectError(() => ones([2]).add(lost as never), 'ERR_ARGUMENT', 'fromMessage');
    expectError(() => toMessage(new nn.Linear(1, 1)), 'ERR_ARGUMENT', 'stateDict()');
    expectError(
      () => toMessage(1, { transfer: 5 as never }),
      'ERR_ARGUMENT',
      '[toMessage] transfer',
    );
    const gone = ones([2]);
    gone.dispose();
    expectError(() => toMessage({ gone }), 'ERR_DISPOSED', 'disposed');
    expectError(() => shareMemory(gone), 'ERR_DISPOSED', 'disposed');
    expectError(() => shareMemory({}), 'ERR_ARGUMENT', '[shareMemory] expected tensors');
  });

  test('that were tampered with give no access to other memory', () => {
    const good = toMessage(ones([2, 3])) as TensorMessage;
    for (const change of [
      { shape: [2, 4] },
      { shape: [-1] },
      { strides: [3] },
      { strides: [4, 1] },
      { strides: [-3, 1] },
      { strides: [0.5, 1] },
      { offset: 1 },
      { offset: -1 },
      { offset: Number.NaN },
      { dtype: 'float64' },
      { dtype: 'constructor' },
      { elements: null },
      { elements: new Float64Array(6) },
      { elements: new Float32Array(5) },
    ]) {
      expect(() => fromMessage({ ...good, ...change })).toThrow('[fromMessage]');
    }
    const hidden = fromMessage(JSON.parse('{"__proto__": {"polluted": true}}'));
    expect(Object.hasOwn(hidden, '__proto__')).toBe(true);
    expect((hidden as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe("memory of the user's that goes away", () => {
  const MESSAGE = 'transferred or made smaller';
  const use: Record<string, (t: Tensor) => unknown> = {
    add: (t) => t.add(1),
    sum: (t) => t.sum(),
    matmul: (t) => t.matmul(t.transpose()),
    softmax: (t) => t.softmax(),
    transposed: (t) => t.transpose().contiguous(),
    clone: (t) => t.clone(),
    to: (t) => t.to('int32'),
    item: (t) => t.slice([0, 0]).item(),
    toArray: (t) => t.toArray(),
    data: (t) => t.data,
    message: (t) => toMessage(t),
    share: (t) => shareMemory(t),
  };
  const losses: Record<string, () => Tensor> = {
    'transferred by structuredClone': () => {
      const array = new Float32Array(64);
      const t = fromTypedArray(array, [8, 8]);
      structuredClone(array.buffer, { transfer: [array.buffer] });
      return t;
    },
    'transferred by ArrayBuffer.transfer': () => {
      const array = new Float32Array(64);
      const t = fromTypedArray(array, [8, 8]);
      const buffer = array.buffer as ArrayBuffer & { transfer?: () => unknown };
      if (buffer.transfer) buffer.transfer();
      else structuredClone(buffer, { transfer: [buffer] }); // before Node 22
      return t;
    },
    'made smaller under an array of fixed length': () => {
      const buffer = resizable(256);
      const t = fromTypedArray(new Float32Array(buffer, 0, 64), [8, 8]);
      buffer.resize(128);
      return t;
    },
    'made smaller under an array that follows it': () => {
      const buffer = resizable(256);
      const t = fromTypedArray(new Float32Array(buffer), [8, 8]);
      buffer.resize(128);
      return t;
    },
    'made empty': () => {
      const buffer = resizable(256);
      const t = fromTypedArray(new Float32Array(buffer), [8, 8]);
      buffer.resize(0);
      return t;
    },
  };

  function resizable(bytes: number): ArrayBuffer & { resize(bytes: number): void } {
    const Resizable = ArrayBuffer as unknown as new (
      bytes: number,
      options: { maxByteLength: number },
    ) => ArrayBuffer & { resize(bytes: number): void };
    return new Resizable(bytes, { maxByteLength: 2 * bytes });
  }

  test.each(Object.entries(losses))('%s: an error each time', (_, lose) => {
    for (const [name, fn] of Object.entries(use)) {
      const t = lose();
      // Its first element may still be there.
      if (name === 'item' && t.array.length > 0) continue;
      expectError(() => fn(t), 'ERR_ARGUMENT', MESSAGE);
      expect(String(t)).toContain('memory gone');
    }
  });

  test('as a parameter of an optimizer or a result that is written to', () => {
    for (const lose of Object.values(losses)) {
      const x = ones([8, 8], { requiresGrad: true });
      const y = x.mul(2).sum();
      y.backward();
      const t = lose();
      t.leafRequiresGrad = true;
      expectError(() => nn.init.constant(t, 1), 'ERR_ARGUMENT', MESSAGE);
      expectError(() => t.mul(x).sum().backward(), 'ERR_ARGUMENT', MESSAGE);
    }
  });

  test('a buffer that grows takes its tensors along', () => {
    const buffer = resizable(256);
    const t = fromTypedArray(new Float32Array(buffer), [8, 8]);
    buffer.resize(512);
    expect(t.add(1).sum().item()).toBe(64);
  });
});
