/** This library as a contender. */
import {
  crossEntropy,
  type DType,
  fromTypedArray,
  int8Matmul,
  linear,
  matmulPlan,
  nn,
  noGrad,
  onesLike,
  optim,
  setNumThreads,
  setSimdLevel,
  Tensor,
  tensor,
  tidy,
} from 'tilegrad';
import { type NetworkCase, networkTrainer } from '../nn/networks.js';
import { type Operation, operations } from '../ops/operations.js';
import {
  type Case,
  kLearningRate,
  kWarmUpSteps,
  type OpsCase,
  type OpsInput,
  type StepsCase,
  type TrainCase,
} from './cases.js';
import {
  batchOf,
  hasGradient,
  layers,
  type Matrix,
  numbersOf,
  operands,
  productCheck,
  samplePositions,
  uniform,
} from './inputs.js';
import {
  type Answer,
  type Budget,
  type Contender,
  kLongWarmUpSeconds,
  type Prepared,
  Stopwatch,
} from './measure.js';

function samples(y: Tensor): number[] {
  const data = numbers(y.contiguous());
  return samplePositions(data.length).map((i) => Number(data[i]));
}

function matrix(seed: number, rows: number, cols: number): Tensor {
  return tensor(uniform(rows * cols, seed)).reshape([rows, cols]);
}

/**
 * A matrix of a product, transposed ones as views of what is stored: in the library's memory, where
 * weights and results are. It begins at lines of the cache, and a typed array of the user's between them.
 */
function view({ data, rows, cols, colStep }: Matrix, dtype: DType): Tensor {
  const given = fromTypedArray(data, colStep === 1 ? [rows, cols] : [cols, rows]).to(dtype);
  const stored = given.clone();
  return colStep === 1 ? stored : stored.transpose();
}

/** Which way the product of two matrices goes, with how many threads. */
function planOf(a: Tensor, b: Tensor): string {
  if (a.dtype !== 'float32' && a.dtype !== 'float64') return '';
  const { path, threads, split } = matmulPlan(a, b);
  return threads === 1 ? path : `${path}, ${split}`;
}

/** The elements of a contiguous tensor. */
function numbers(x: Tensor): ArrayLike<number> {
  return (x.dtype === 'bfloat16' || x.dtype === 'float16' ? x.to('float32') : x).data;
}

/** The network of `layers(dims)`. */
function network(dims: readonly number[], dtype: DType): nn.Sequential {
  const modules = layers(dims).flatMap(({ weight, bias }, i) => {
    const inputs = dims[i]!;
    const outputs = dims[i + 1]!;
    const linear = new nn.Linear(inputs, outputs, { dtype });
    linear.loadStateDict({
      weight: tensor(weight, { dtype }).reshape([outputs, inputs]),
      bias: tensor(bias, { dtype }),
    });
    return i === 0 ? [linear] : [new nn.ReLU(), linear];
  });
  return new nn.Sequential(...modules);
}

/** A training step that returns its loss. */
function trainer({ dims, batch, optimizer }: TrainCase, dtype: DType): () => Tensor {
  const model = network(dims, dtype);
  const x = tensor(batchOf(batch, dims[0]!), { dtype }).reshape([batch, dims[0]!]);
  const y = fromTypedArray(Int32Array.from({ length: batch }, (_, i) => i % dims.at(-1)!));
  const parameters = model.parameters();
  const lr = kLearningRate[optimizer];
  const o =
    optimizer === 'adam' ? new optim.Adam(parameters, { lr }) : new optim.SGD(parameters, { lr });
  return () => {
    o.zeroGrad();
    const loss = crossEntropy(model.forward(x), y);
    loss.backward();
    o.step();
    return loss;
  };
}

function lossAfterWarmUp(step: () => Tensor): number {
  for (let i = 1; i < kWarmUpSteps; i++) step();
  return step().item();
}

/** An input of an operation; `i` is its place. */
function inputOf(input: OpsInput, i: number, dtype: DType): Tensor {
  const { shape, transposed = false, as = 'int32' } = input;
  const memory = transposed ? [...shape].reverse() : shape;
  const wanted = input.below === undefined || as === 'float32' ? dtype : as;
  const given = fromTypedArray(numbersOf(input, i), memory).to(wanted);
  const stored = input.users ? given : given.clone();
  return transposed ? stored.transpose() : stored;
}

/** Up to so many elements the kernel of an operation takes less time than the call. */
const kFewElements = 1280;

type Results = Tensor | readonly Tensor[];

const first = (results: Results): Tensor => (results instanceof Tensor ? results : results[0]!);

function dispose(results: Results): void {
  if (results instanceof Tensor) results.dispose();
  else for (const x of results) x.dispose();
}

function prepareOperation(c: OpsCase, dtype: DType): Prepared {
  const inputs = c.inputs.map((input, i) => inputOf(input, i, dtype));
  const { ours: f, shares = false }: Operation = operations[c.op];
  const warmUp = inputs.every((x) => x.numel <= kFewElements) ? kLongWarmUpSeconds : undefined;
  const floating = inputs.filter((_, i) => hasGradient(c.inputs[i]!));
  for (const x of floating) x.requiresGrad = c.recorded || c.backward;
  if (!c.backward) {
    const run =
      c.disposed && !shares ? (): void => dispose(f(...inputs)) : (): unknown => f(...inputs);
    return { run, check: samples(first(f(...inputs))), warmUp };
  }
  const g = onesLike(noGrad(() => first(f(...inputs))));
  const both = (): void => first(f(...inputs)).backward(g);
  const run = (): void => {
    for (const x of floating) x.zeroGrad();
    if (c.disposed) tidy(both);
    else both();
  };
  run();
  return { run, check: samples(floating[0]!.grad!), warmUp };
}

/**
 * A product whose B is a layer's constant weight, as a user computes it: `linear` outside of recording packs a
 * weight that it sees unchanged for the second time, where that is of use. The first two calls are before the
 * timed part.
 */
function preparePacked(c: Case): Prepared | null {
  // Of the products of a training step only the forward one could have a constant weight.
  if (c.kind !== 'gemm' || c.layout !== 'NN' || !c.dtype.startsWith('float')) return null;
  const [x, b] = operands(c).map((matrix) => view(matrix, c.dtype)) as [Tensor, Tensor];
  const weight = b.transpose(); // [outputs, inputs], in memory as a layer's lies
  const product = (): Tensor => noGrad(() => linear(x, weight));
  const run = (): void => product().dispose();
  run();
  return { run, check: productCheck(numbers(product()), c.m, c.n) };
}

/** A case made ready: its operands, layers or parameters, and what to repeat. */
export function prepare(c: Case): Prepared {
  switch (c.kind) {
    case 'gemm': {
      const [a, b] = operands(c).map((matrix) => view(matrix, c.dtype)) as [Tensor, Tensor];
      // The result's memory is given back, as Python does by counting references; left to the garbage
      // collector, every product would also pay for fresh pages.
      const product = (): Tensor => (c.dtype === 'int8' ? int8Matmul(a, b) : a.matmul(b));
      const run = (): void => product().dispose();
      return { run, check: productCheck(numbers(product()), c.m, c.n), plan: planOf(a, b) };
    }
    case 'train': {
      const step = trainer(c, 'float32');
      return { run: step, check: [lossAfterWarmUp(step)], warmUp: kLongWarmUpSeconds };
    }
    case 'network': {
      const step = networkTrainer(c, 'float32');
      return { run: step, check: [lossAfterWarmUp(step)], warmUp: kLongWarmUpSeconds };
    }
    case 'infer': {
      const model = network(c.dims, 'float32');
      const x = fromTypedArray(batchOf(c.batch, c.dims[0]!), [c.batch, c.dims[0]!]);
      const run = (): Tensor => noGrad(() => model.forward(x));
      return { run, check: samples(run()), warmUp: kLongWarmUpSeconds };
    }
    case 'ops':
      return prepareOperation(c, c.dtype);
    case 'steps':
      return prepareSteps(c, 'float32');
    case 'overhead': {
      const a = matrix(1, c.size, c.size);
      a.requiresGrad = c.recorded;
      const b = matrix(2, c.size, c.size);
      const compute = c.op === 'add' ? (): Tensor => a.add(b) : (): Tensor => a.matmul(b);
      const run = c.disposed ? (): void => compute().dispose() : compute;
      return { run, check: samples(compute()), warmUp: kLongWarmUpSeconds };
    }
  }
}

/** Each value of what an optimizer has made of its parameters is checked after so many steps. */
const kCheckedSteps = 5;

function prepareSteps({ optimizer, momentum, sizes }: StepsCase, dtype: DType): Prepared {
  const parameters = sizes.map((n, i) => {
    // Copies, so that they lie where a model's own parameters and gradients do.
    const made = (seed: number): Tensor => fromTypedArray(uniform(n, seed)).to(dtype).clone();
    const parameter = new nn.Parameter(made(2 * i + 1));
    parameter.grad = made(2 * i + 2);
    return parameter;
  });
  const lr = 1e-3;
  const o =
    optimizer === 'SGD'
      ? new optim.SGD(parameters, { lr, momentum })
      : new optim[optimizer](parameters, { lr });
  for (let i = 0; i < kCheckedSteps; i++) o.step();
  return { run: () => o.step(), check: samples(parameters[0]!) };
}

/** The checked values of a case when everything is computed in float64. */
export function inFloat64(c: TrainCase | NetworkCase | OpsCase | StepsCase): readonly number[] {
  switch (c.kind) {
    case 'train':
      return [lossAfterWarmUp(trainer(c, 'float64'))];
    case 'network':
      return [lossAfterWarmUp(networkTrainer(c, 'float64'))];
    case 'ops':
      return prepareOperation(c, 'float64').check;
    case 'steps':
      return prepareSteps(c, 'float64').check;
  }
}

/** Measures cases in this process. */
export class Ours implements Contender {
  private latest: ({ name: string; stopwatch: Stopwatch } & Omit<Prepared, 'run'>) | null = null;

  /**
   * @param level the SIMD level that it runs at
   * @param packsAhead whether it measures products of row-major floats, with B packed before the timed part,
   * and nothing else
   */
  constructor(
    readonly name: string,
    readonly threads: number,
    readonly level: string,
    readonly packsAhead = false,
  ) {}

  async measure(c: Case, budget: Budget): Promise<Answer | { skip: string }> {
    setNumThreads(this.threads);
    setSimdLevel(this.level);
    if (this.latest?.name !== c.name) {
      const ready = this.packsAhead ? preparePacked(c) : prepare(c);
      if (ready === null) return { skip: 'no product with a constant weight' };
      const { run, warmUp, ...about } = ready;
      this.latest = { name: c.name, stopwatch: new Stopwatch(run, warmUp), ...about };
    }
    const { stopwatch, name: _, ...about } = this.latest;
    return { seconds: await stopwatch.measure(budget), ...about };
  }

  close(): void {
    this.latest = null;
  }
}
