/** Sizes and tables of native rows that have to agree for a call to get through the checks. */
import { type RowName, rowNames } from 'tilegrad/native/interface.js';
import { below, HOSTILE_NUMBERS, params, pick, type Random } from './hostile.js';

/** A packed int8 matrix's numbers of panels and quads, from its columns and its steps. */
const packedSizes = (panels: number, quads: number, n: number, k: number) => () => {
  params[panels] = Math.ceil((params[n] as number) / 32);
  params[quads] = Math.ceil((params[k] as number) / 4);
};

/** A recurrent row's cell with as many gates and states, and steps of two rows each. */
const recurrent =
  (numbers: number, sizes: number) => (random: Random, operands: readonly unknown[]) => {
    const cell = below(random, 4);
    const [steps, hidden] = [below(random, 4), below(random, 6)];
    const width = hidden * ([1, 1, 4, 3][cell] as number);
    const planes = cell > 1 ? 2 : 1;
    const counts = [2 * steps, width, hidden, 2, cell === 2 ? 2 : 1, planes, steps];
    const strides = pick(random, [
      [width, 1, hidden],
      [1, hidden, hidden + 1],
    ]);
    for (const [i, value] of [...counts, ...strides, cell, below(random, 2)].entries()) {
      params[numbers + i] = value;
    }
    for (let k = 0; k < numbers; k++) params[k] = below(random, 2);
    const counted = operands[sizes];
    if (counted instanceof Int32Array && random() < 0.8) counted.fill(2);
  };

/** A number at `k` that is the smaller of those at m and n. */
const smaller = (m: number, n: number, k: number) => () => {
  params[k] = Math.min(params[m] as number, params[n] as number);
};

/** The losses that there are of cross entropy, whose numbers begin at `outer`. */
const lossSizes = (outer: number) => () => {
  const [losses, logits, reduction] = [outer + 3, outer + 6, outer + 7];
  params[reduction] = Math.abs(params[reduction] as number) % 3;
  params[logits] = 1;
  const positions = (params[outer] as number) * (params[outer + 2] as number);
  params[losses] = params[reduction] === 0 ? positions : 1;
};

/** A temporal classification's states and room, and labels and lengths that are there. */
const sequences = (numbers: number) => (random: Random, operands: readonly unknown[]) => {
  const [time, classes, most] = [0, 2, 3].map((k) => {
    params[numbers + k] = Math.max(1, (params[numbers + k] as number) % 5);
    return params[numbers + k] as number;
  }) as [number, number, number];
  const states = 2 * most + 1;
  params[numbers + 4] = states;
  params[numbers + 5] = 5 * states + 2 + classes;
  params[numbers + 6] = below(random, classes);
  [classes, time + 1, most + 1].forEach((limit, k) => {
    const table = operands[1 + k];
    if (!(table instanceof Int32Array) || random() < 0.1) return;
    for (let i = 0; i < table.length; i++) table[i] = below(random, limit);
  });
};

/** An indexed row's last dimension is the table's: index and values don't move along it. */
const indexed = (numbers: number) => () => {
  const rankAt = 3 + numbers;
  const rank = params[rankAt] as number;
  if (!(rank >= 1 && rank <= 4)) return;
  params[rankAt + rank] = 9;
  for (const operand of [2, 3]) params[rankAt + (1 + operand) * rank] = 0;
};

/**
 * A convolution's image has the geometry of 5 dimensions: its strides, sizes near those that go with the
 * other numbers, and now and then a large step.
 * @param numbers where the row's numbers begin
 * @param channels the number of a group's channels of the image, from there
 */
const image = (numbers: number, channels: 2 | 3) => (random: Random) => {
  const at = (i: number) => params[numbers + i] as number;
  for (let i = 0; i < 4; i++) params[numbers + i] = pick(random, [0, 1, 1, 2, 3]);
  for (let i = 4; i < 10; i++) params[numbers + i] = pick(random, [0, 1, 1, 2, 3]);
  for (let i = 10; i < 19; i++) params[numbers + i] = pick(random, [0, 1, 1, 1, 2, 3, 9]);
  const rankAt = numbers + 19;
  const shape = [at(0), at(1) * at(channels), 0, 0, 0].map((n, d) =>
    d < 2 ? n : 1 + below(random, 4),
  );
  let stride = pick(random, [1, 1, 2]);
  params[rankAt] = 5;
  for (let d = 4; d >= 0; d--) {
    params[rankAt + 1 + d] = shape[d] as number;
    params[rankAt + 6 + d] = stride;
    stride *= Math.max(1, shape[d] as number);
  }
  for (let k = 0; k < numbers; k++) params[k] = 0;
};

/** Row-major strides for the second operand of a geometry, which begins at `rankAt`. */
const contiguousResult = (rankAt: number) => () => {
  const rank = params[rankAt] as number;
  if (!Number.isInteger(rank) || rank < 0 || rank > 4) return;
  let stride = 1;
  for (let d = rank - 1; d >= 0; d--) {
    params[rankAt + 1 + 2 * rank + d] = stride;
    stride *= Math.max(1, params[rankAt + 1 + d] as number);
  }
};

/**
 * Tables of segments: small entries, of which some may reach outside or be no numbers at all.
 * @param table the operand, and `count` and `kept` the places of these numbers in the parameter block
 * @param fields makes an entry
 */
const segments =
  (table: number, count: number, fields: (random: Random) => number[], kept = -1) =>
  (random: Random, operands: readonly unknown[]) => {
    const entries = operands[table];
    if (!(entries instanceof Float64Array)) return;
    const width = fields(random).length;
    const most = below(random, Math.min(6, Math.floor(entries.length / width)));
    const oddity = pick(random, [0, 0, 0.02]);
    for (let i = 0; i < most; i++) {
      for (const [k, value] of fields(random).entries()) {
        entries[i * width + k] = random() < oddity ? pick(random, HOSTILE_NUMBERS) : value;
      }
    }
    params[table] = 0;
    params[count] = most;
    for (let i = operands.length; i < count; i++) params[i] = 50;
    if (kept >= 0) params[kept] = pick(random, [0, 1, 3, 7]);
  };

/** The table of an optimizer's row: offsets of weight, gradient and state, stride, elements, slot. */
const steps = segments(
  5,
  10,
  (random) => [
    ...[below(random, 40), below(random, 40), below(random, 20)],
    ...[8 + below(random, 3), below(random, 9), below(random, 9)],
  ],
  11,
);

const stretches = (table: number, count: number) =>
  segments(table, count, (random) => [below(random, 40), below(random, 9), 0]);

/** Operands of attention that lie row-major without gaps; its numbers begin at `first`. */
const attentionSizes = (first: number) => (random: Random) => {
  const sizes = Array.from({ length: 6 }, () => 1 + below(random, 3));
  const [, heads, l, s, e, v] = sizes as [number, number, number, number, number, number];
  const steps = (length: number, size: number) => [heads * length * size, length * size, size];
  const strides = [steps(l, e), steps(s, e), steps(s, v), steps(l, v), steps(l, s)].flat();
  [...sizes, ...strides].forEach((value, i) => {
    params[first + i] = value;
  });
};

/** The rows of a table of taps, which a resampling's numbers begin at 5: one tap for each result. */
const taps = (random: Random, operands: readonly unknown[]) => {
  const [, starts, places] = operands;
  const out = below(random, 6);
  params[7] = out;
  params[9] = out + 1;
  params[10] = out + 1;
  for (const k of [1, 2, 3]) params[k] = 0;
  if (starts instanceof Int32Array) for (let o = 0; o <= out; o++) starts[o] = o;
  if (places instanceof Int32Array) for (let k = 0; k <= out; k++) places[k] = below(random, 6);
  params[6] = 5 + below(random, 2);
};

/** Windows that a plane may have: their numbers begin behind the sizes. */
const poolWindows = (planes: number) => (random: Random) => {
  const adaptive = random() < 0.2;
  // So many that they go side by side.
  if (adaptive && random() < 0.5) params[planes] = 8 + below(random, 12);
  for (const k of [0, 1]) {
    params[planes + 5 + k] = adaptive ? 0 : 1 + below(random, 4);
    params[planes + 7 + k] = 1 + below(random, 3);
    params[planes + 9 + k] = below(random, 3);
    params[planes + 11 + k] = 1 + below(random, planes === 2 ? 1 : 3);
  }
};

/**
 * Sizes and tables that have to agree, which random numbers rarely do: half of a row's calls get
 * them so.
 */
export const AGREE: Partial<
  Record<RowName, (random: Random, operands: readonly unknown[]) => void>
> = {
  attention: attentionSizes(7),
  attentionBackward: attentionSizes(9),
  packInt8: packedSizes(3, 4, 5, 6),
  linearInt8: packedSizes(10, 11, 8, 9),
  gradNorms: stretches(2, 5),
  scaleGrads: stretches(2, 4),
  clampGrads: stretches(1, 3),
  ...Object.fromEntries(rowNames.optimizer.map((name) => [name, steps])),
  errors: (random) => {
    params[4] = below(random, 3);
  },
  conv: image(4, 3),
  convInput: image(4, 2),
  convWeight: image(3, 3),
  bernoulli: contiguousResult(3),
  poisson: contiguousResult(3),
  dropout: contiguousResult(8),
  dropoutBackward: contiguousResult(5),
  gather: indexed(1),
  scatter: indexed(1),
  scatterReduce: indexed(3),
  maxPool: poolWindows(3),
  avgPool: poolWindows(2),
  avgPoolBackward: poolWindows(2),
  logical: (random) => {
    params[3] = below(random, 3);
  },
  resample: taps,
  nonzero: () => {
    params[3] = params[4] as number;
  },
  linalgLu: smaller(4, 5, 6),
  linalgQr: smaller(3, 4, 5),
  linalgHouseholder: smaller(4, 5, 7),
  linalgPermute: (_, operands) => {
    // As many pivots as rows at most, and rows all of them.
    params[5] = Math.min(params[3] as number, params[5] as number);
    const pivots = operands[1];
    if (pivots instanceof Int32Array) pivots.fill(1);
  },
  linalgSvd: () => {
    params[6] = Math.max(params[6] as number, params[7] as number);
    params[8] = params[7] as number;
  },
  recurrent: recurrent(7, 6),
  recurrentBackward: recurrent(8, 7),
  crossEntropy: lossSizes(7),
  crossEntropyBackward: lossSizes(8),
  ctcLoss: sequences(7),
  multilabelMargin: (random, operands) => {
    params[5] = Math.max(1, params[5] as number);
    if (operands[1] instanceof Int32Array) operands[1].fill(below(random, 2) - 1);
  },
  pad: (random) => {
    for (const d of [0, 1, 2]) {
      const [size, before] = [2 + below(random, 3), below(random, 2)];
      params[4 + d] = size;
      params[7 + d] = size + before + below(random, 2);
      params[10 + d] = before;
    }
    params[13] = below(random, 4);
  },
  ctcLossBackward: sequences(9),
};

/** Rows whose operands of any type have to have one type: most of their calls get it. */
export const ONE_TYPE = new Set<RowName>([
  ...(['gather', 'scatter', 'scatterReduce', 'sort', 'mode', 'kth', 'unique'] as const),
  ...([
    'maskedSelect',
    'maskedScatter',
    'maskedFill',
    'copyInTurns',
    'cutTriangle',
    'pad',
  ] as const),
]);

/** Rows that take nothing when an index is outside: most of their calls have none below 0. */
export const INDEXED = new Set<RowName>(['gather', 'scatter', 'scatterReduce']);
