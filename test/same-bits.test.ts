/**
 * The promise: the same program gives the same bits at every SIMD level and with any number of
 * threads. Every computation below runs at each level of this machine with 1, 2 and 3 threads (3
 * cuts work unevenly, and is more than there are results in some) and is compared with one run.
 */
import { createHash } from 'node:crypto';
import * as tilegrad from 'tilegrad';
import { Generator, linear, matmul, nn, type Tensor } from 'tilegrad';
import { loadBinding } from 'tilegrad/native/binding.js';
import { activations } from 'tilegrad/ops/product/gemm.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { atMost } from './helpers/patience.js';
import {
  type Computation,
  dtypes,
  hostile,
  lengths,
  numbers,
  withGradients,
} from './operations/bits.js';
import { families } from './operations/index.js';

const initialLevel = tilegrad.simdLevel();
const initialThreads = tilegrad.getNumThreads();

const computations: Computation[] = [];
const add = (name: string, run: () => Tensor[]): void => {
  computations.push({ name, run });
};

const product = (a?: Tensor, b?: Tensor) => matmul(a!, b!);

const unary = ['sqrt', 'reciprocal'] as const;

for (const dtype of dtypes) {
  for (const op of unary) {
    add(`${op} ${dtype}`, () => [
      ...lengths.flatMap((n) => withGradients((x) => x[op](), hostile(n, dtype))),
      ...withGradients((x) => x.transpose()[op](), numbers([31, 67], dtype)),
    ]);
  }

  for (const [m, k, n] of [
    [1, 1, 1],
    [3, 5, 7],
    [17, 65, 33],
    [65, 300, 131],
    [1, 1001, 515],
    [515, 1001, 1],
    [131, 5, 259],
  ] as const) {
    add(`matmul ${m}x${k}x${n} ${dtype}`, () => [
      ...withGradients(product, numbers([m, k], dtype), numbers([k, n], dtype, 3)),
      matmul(numbers([k, m], dtype).transpose(), numbers([k, n], dtype, 3)),
      matmul(numbers([m, k], dtype), numbers([n, k], dtype, 3).transpose()),
      matmul(numbers([k, m], dtype).transpose(), numbers([n, k], dtype, 3).transpose()),
    ]);
  }
  add(`matmul in batches ${dtype}`, () => [
    ...withGradients(product, numbers([5, 1, 9, 17], dtype), numbers([3, 17, 19], dtype, 3)),
    ...withGradients(product, numbers([17], dtype), numbers([4, 17, 9], dtype, 3)),
  ]);
  for (const activation of ['none', 'relu', 'sigmoid', 'tanh'] as const) {
    add(`linear ${activation} ${dtype}`, () =>
      withGradients(
        (x, w, b) => linear(x, w, b, { activation }),
        numbers([67, 129], dtype),
        numbers([33, 129], dtype, 3).mul(0.1),
        numbers([33], dtype, 4),
      ),
    );
  }

  add(`conversions ${dtype}`, () =>
    lengths.flatMap((n) => {
      const x = hostile(n, dtype);
      const others = ['float32', 'float64', 'int32', 'uint8', 'bool'] as const;
      return others.flatMap((other) => [x.to(other), x.to(other).to(dtype)]);
    }),
  );
}

// With the CPU's instruction for bfloat16 and without it.
const narrow = (x?: Tensor) => x!.to('bfloat16');
for (const [m, k, n] of [
  [1, 1, 1],
  [3, 5, 7],
  [17, 65, 33],
  [65, 300, 131],
  [1, 1001, 515],
  [515, 1001, 1],
  [131, 5, 259],
  [29, 1029, 70],
] as const) {
  const inputs = (): [Tensor, Tensor] => [
    numbers([m, k], 'float32'),
    numbers([k, n], 'float32', 3),
  ];
  add(`matmul ${m}x${k}x${n} bfloat16`, () => [
    ...withGradients((a, b) => matmul(narrow(a), narrow(b)).to('float32'), ...inputs()),
    ...withGradients((a, b) => matmul(narrow(a), narrow(b), { outDtype: 'float32' }), ...inputs()),
    matmul(
      narrow(numbers([k, m], 'float32').transpose()),
      narrow(numbers([n, k], 'float32', 3)).transpose(),
    ),
  ]);
  add(`matmul ${m}x${k}x${n} of medium precision`, () => {
    tilegrad.setFloat32MatmulPrecision('medium');
    try {
      return withGradients(product, ...inputs());
    } finally {
      tilegrad.setFloat32MatmulPrecision('highest');
    }
  });
}
add('linear bfloat16', () =>
  (['none', 'relu', 'sigmoid', 'tanh'] as const).flatMap((activation) =>
    withGradients(
      (x, w, b) => linear(narrow(x), narrow(w), narrow(b), { activation }).to('float32'),
      numbers([67, 129], 'float32'),
      numbers([33, 129], 'float32', 3),
      numbers([33], 'float32', 4),
    ),
  ),
);
add('linear bfloat16 with a residual and activations that run on their own in training', () =>
  (['leakyRelu', 'gelu', 'geluTanh', 'silu', 'relu'] as const).flatMap((activation) => {
    const [x, w, bias, residual] = [
      numbers([67, 129], 'float32'),
      numbers([33, 129], 'float32', 3),
      numbers([33], 'float32', 4),
      numbers([67, 33], 'float32', 5),
    ] as const;
    const layer = (a?: Tensor, b?: Tensor, c?: Tensor, d?: Tensor) =>
      linear(narrow(a), narrow(b), narrow(c), { activation, residual: narrow(d) }).to('float32');
    return [layer(x, w, bias, residual), ...withGradients(layer, x, w, bias, residual)];
  }),
);
add('linear of medium precision', () => {
  tilegrad.setFloat32MatmulPrecision('medium');
  try {
    return activations.flatMap((activation) =>
      withGradients(
        // The second product takes the activation's derivative into its own.
        (x, w, b, v) => linear(linear(x!, w!, b!, { activation }), v!),
        numbers([67, 129], 'float32'),
        numbers([33, 129], 'float32', 3),
        numbers([33], 'float32', 4),
        numbers([20, 33], 'float32', 5),
      ),
    );
  } finally {
    tilegrad.setFloat32MatmulPrecision('highest');
  }
});

add('conversions to int8 and back', () =>
  lengths.flatMap((n) =>
    dtypes.flatMap((dtype) => {
      const bytes = hostile(n, dtype).to('int8');
      return [bytes, bytes.to(dtype), bytes.to('int32'), bytes.to('uint8')];
    }),
  ),
);

add('int8 products and quantised layers', () => {
  const generator = new Generator(6);
  const results = [
    [1, 1, 1],
    [3, 5, 7],
    [65, 300, 131],
    [131, 1001, 67],
  ].flatMap(([m, k, n]) => {
    const x = numbers([m!, k!], 'float32');
    const weight = numbers([n!, k!], 'float32', 3);
    const a = tilegrad.quantizePerChannel(x);
    const b = tilegrad.quantizePerChannel(weight);
    const layer = new nn.Linear(k!, n!, { generator });
    return [
      ...[a.values, a.scales, tilegrad.dequantize(a.values, a.scales)],
      tilegrad.int8Matmul(a.values, b.values.transpose()),
      ...(['none', 'relu', 'sigmoid', 'tanh'] as const).map((activation) =>
        nn.QuantizedLinear.from(layer, { activation }).forward(x),
      ),
    ];
  });
  const { values, scales } = tilegrad.quantizePerChannel(
    hostile(1003, 'float32').reshape([17, 59]),
  );
  return [...results, values, scales];
});

add('quantised layers with every activation', () => {
  const layer = new nn.Linear(131, 67, { generator: new Generator(8) });
  const x = numbers([33, 131], 'float32');
  return activations.map((activation) =>
    nn.QuantizedLinear.from(layer, { activation, negativeSlope: 0.3 }).forward(x),
  );
});
add('conversions between int8 and bfloat16', () => {
  const bytes = hostile(1003, 'float32').to('bfloat16').to('int8');
  return [bytes, narrow(bytes).to('float32')];
});

for (const family of families) family.bits?.(add);

type Values = ReturnType<typeof runAll>[number];

function runAll() {
  return computations.map(({ name, run }) => ({
    name,
    results: run().map((t) => t.contiguous().data.slice()),
  }));
}

type Elements = Values['results'][number];

const bytesOf = ({ buffer, byteOffset, byteLength }: Elements) =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Where two results differ first: Object.is tells 0 from -0, and a NaN is a NaN. */
function difference(name: string, actual: Values, expected: Values): string | null {
  for (const [k, want] of expected.results.entries()) {
    const got = actual.results[k]!;
    if (Buffer.compare(bytesOf(got), bytesOf(want)) === 0) continue;
    for (let i = 0; i < want.length; i++) {
      if (!Object.is(got[i], want[i])) {
        return `${name}: result ${k} of ${want.length} elements, at ${i}: ${got[i]} and not ${want[i]}`;
      }
    }
  }
  return null;
}

let reference: Values[];
beforeAll(() => {
  tilegrad.setNumThreads(1);
  reference = runAll();
}, atMost(120_000));

afterAll(() => {
  tilegrad.setSimdLevel(initialLevel);
  tilegrad.setNumThreads(initialThreads);
});

test('the computations have results, of all kinds', () => {
  const values = reference.flatMap(({ results }) => results);
  expect(values.every((result) => result.length > 0)).toBe(true);
  const training = reference.find(({ name }) => name === '20 training steps with Adam float32');
  const losses = (training as Values).results.slice(0, 20).map((loss) => loss[0] as number);
  expect(losses[19]).toBeLessThan(losses[0] as number);
});

/** SHA-256 of the results, every NaN in one form. */
function fingerprint({ results }: Values): string {
  const hash = createHash('sha256');
  for (const result of results) {
    // Only floats have NaN, and most results have none: the search for the first is the engine's own.
    if (result instanceof Float32Array || result instanceof Float64Array) {
      if (result.includes(Number.NaN)) {
        for (let i = 0; i < result.length; i++) if (Number.isNaN(result[i])) result[i] = Number.NaN;
      }
    }
    hash.update(bytesOf(result));
  }
  return hash.digest('hex').slice(0, 16);
}

// Recorded on an x86-64 CPU with AVX-512. A kernel that computes something else on purpose changes
// these: then `vitest run test/same-bits.test.ts -u` records them again.
test('the same bits as on every other CPU', () => {
  const fingerprints = reference.map((values) => `${values.name}: ${fingerprint(values)}`).sort();
  expect(fingerprints.join('\n')).toMatchSnapshot();
});

describe.each(tilegrad.simdLevels())('the same bits at level %s', (level) => {
  test.each([1, 2, 3])(
    'with %i threads',
    (threads) => {
      tilegrad.setSimdLevel(level);
      tilegrad.setNumThreads(threads);
      expect([tilegrad.simdLevel(), tilegrad.getNumThreads()]).toEqual([level, threads]);
      const actual = runAll();
      const differences = actual.map((values, i) => difference(values.name, values, reference[i]!));
      expect(differences.filter((text) => text !== null)).toEqual([]);
    },
    atMost(120_000),
  );
});

test(
  'the same bits without the instruction for bfloat16',
  () => {
    const native = loadBinding();
    tilegrad.setSimdLevel(initialLevel);
    native.allowBf16Instruction(false);
    try {
      expect(native.bf16Instruction()).toBe(false);
      const actual = runAll();
      const differences = actual.map((values, i) => difference(values.name, values, reference[i]!));
      expect(differences.filter((text) => text !== null)).toEqual([]);
    } finally {
      native.allowBf16Instruction(true);
    }
  },
  atMost(120_000),
);
