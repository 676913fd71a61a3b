/**
 * ONNX Runtime as a peer: node onnxruntime.ts plain|packed THREADS. It speaks the protocol of
 * python_peer.py. `packed` makes the weights of a matrix product constants, which the runtime lays
 * out ahead; an MLP's always are.
 */
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import type { Case, GemmCase } from '../lib/cases.js';
import type { GemmDType } from '../lib/dtypes.js';
import { batchOf, type Matrix, operands, productCheck, samplePositions } from '../lib/inputs.js';
import { type Answer, type Budget, type Prepared, Stopwatch } from '../lib/measure.js';
import { gemmModel, hasElementType, mlpModel } from './onnx.js';

/** The part of onnxruntime-node that is used here; the package is not installed by default. */
type Elements = Float32Array | Float64Array;
interface OrtTensor {
  readonly data: Elements;
}
interface Session {
  run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>;
}
interface Ort {
  Tensor: new (type: GemmDType, data: Elements, dims: readonly number[]) => OrtTensor;
  InferenceSession: {
    create(
      model: Uint8Array,
      options: { intraOpNumThreads: number; interOpNumThreads: number },
    ): Promise<Session>;
  };
}

const [mode, threadCount] = process.argv.slice(2);
const threads = Number(threadCount);
const require = createRequire(process.env.TILEGRAD_BENCH_ONNXRUNTIME ?? import.meta.url);
const ort = require('onnxruntime-node') as Ort;
const { version } = require('onnxruntime-node/package.json') as { version: string };

function session(model: Buffer): Promise<Session> {
  return ort.InferenceSession.create(model, { intraOpNumThreads: threads, interOpNumThreads: 1 });
}

async function prepared(
  s: Session,
  feeds: Record<string, OrtTensor>,
  check: (result: Elements) => number[],
): Promise<Prepared> {
  const result = Object.values(await s.run(feeds))[0]!.data;
  return { run: () => s.run(feeds), check: check(result) };
}

async function prepareGemm(c: GemmCase): Promise<Prepared | null> {
  const { dtype } = c;
  if (!hasElementType(dtype)) return null;
  const [a, b] = operands(c);
  const tensor = ({ data, rows, cols, colStep }: Matrix): OrtTensor =>
    new ort.Tensor(dtype, data, colStep === 1 ? [rows, cols] : [cols, rows]);
  const check = (result: Elements): number[] => productCheck(result, c.m, c.n);
  if (mode === 'plain') {
    return prepared(await session(gemmModel(c, dtype)), { A: tensor(a), B: tensor(b) }, check);
  }
  // Of the products of a training step only the forward one could have constant weights.
  if (c.layout !== 'NN') return null;
  return prepared(await session(gemmModel(c, dtype, b.data)), { A: tensor(a) }, check);
}

async function prepare(c: Case): Promise<Prepared | null> {
  if (c.kind === 'gemm') return prepareGemm(c);
  if (c.kind === 'infer' && mode === 'packed') {
    const x = new ort.Tensor('float32', batchOf(c.batch, c.dims[0]!), [c.batch, c.dims[0]!]);
    return prepared(await session(mlpModel(c.dims)), { x }, (result) =>
      samplePositions(result.length).map((i) => result[i]!),
    );
  }
  return null;
}

const peer = `onnxruntime ${version} ${mode}`;
function say(answer: Partial<Answer> & { case?: string; ready?: true; skip?: string }): void {
  process.stdout.write(`${JSON.stringify({ peer, threads, ...answer })}\n`);
}

/** The latest case: only one case's data is kept. */
let latest: { name: string; stopwatch: Stopwatch; check: number[] } | null = null;

async function answer(request: Case & Budget, name: string): Promise<Answer | { skip: string }> {
  if (latest?.name !== name) {
    const ready = await prepare(request);
    latest = ready && { name, stopwatch: new Stopwatch(ready.run), check: ready.check };
  }
  if (latest === null) return { skip: `not a case for ${mode} ONNX Runtime` };
  return { seconds: await latest.stopwatch.measure(request), check: latest.check };
}

say({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Case & Budget & { case: string };
  say({ case: request.case, ...(await answer(request, request.case)) });
}
