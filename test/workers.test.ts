/**
 * The library in worker_threads and twice in one environment. Each program runs in a process of its
 * own, so that a crash is a result.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { atMost } from './helpers/patience.js';
import { type Programs, programs } from './helpers/programs.js';

vi.setConfig({ testTimeout: atMost(120_000) });

let library: Programs;
beforeAll(() => {
  library = programs();
});
afterAll(() => library.remove());

/** Runs a program, which has to end by itself without complaints, and gives what it printed as JSON. */
async function resultOf(program: string): Promise<unknown> {
  const { code, signal, stdout, stderr } = await library.run(program);
  expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
  return JSON.parse(stdout);
}

test('workers compute on shared memory what one thread computes', async () => {
  const result = await resultOf(`
    import { Worker } from 'node:worker_threads';
    import { fromTypedArray, Generator, matmul, randn } from 'tilegrad';
    const N = 301, WORKERS = 4;
    const shared = () => new Float32Array(new SharedArrayBuffer(4 * N * N));
    const a = fromTypedArray(shared(), [N, N]);
    const b = fromTypedArray(shared(), [N, N]);
    const c = fromTypedArray(shared(), [N, N]);
    const generator = new Generator(1);
    a.data.set(randn([N, N], { generator }).data);
    b.data.set(randn([N, N], { generator }).data);
    const source = \`
      const { parentPort, workerData } = require('node:worker_threads');
      import('tilegrad').then(({ fromTypedArray, matmul }) => {
        const { a, b, c, N, from, to } = workerData;
        const rows = fromTypedArray(a, [N, N]).slice([[from, to]]);
        const product = matmul(rows, fromTypedArray(b, [N, N]));
        fromTypedArray(c, [N, N]).slice([[from, to]]).data.set(product.data);
      });
    \`;
    const part = Math.ceil(N / WORKERS);
    await Promise.all(Array.from({ length: WORKERS }, (_, i) => new Promise((resolve, reject) => {
      const workerData = {
        a: a.array, b: b.array, c: c.array, N, from: i * part, to: Math.min(N, (i + 1) * part),
      };
      const worker = new Worker(source, { eval: true, workerData });
      worker.on('error', reject);
      worker.on('exit', resolve);
    })));
    const whole = matmul(a, b).data;
    console.log(JSON.stringify({
      same: c.data.every((value, i) => Object.is(value, whole[i])),
      sum: whole.some((value) => value !== 0),
    }));
  `);
  expect(result).toEqual({ same: true, sum: true });
});

test('workers that use the threads at the same time as the main thread get the same bits', async () => {
  const result = await resultOf(`
    import { Worker } from 'node:worker_threads';
    import { crossEntropy, Generator, nn, optim, randn, setNumThreads } from 'tilegrad';
    setNumThreads(2);
    const work = (tilegrad) => {
      const { crossEntropy, Generator, nn, optim, randn } = tilegrad;
      const generator = new Generator(3);
      const model = new nn.Sequential(
        new nn.Linear(256, 256, { generator }), new nn.ReLU(), new nn.Linear(256, 10, { generator }));
      const optimizer = new optim.Adam(model.parameters());
      const x = randn([256, 256], { generator });
      const y = Array.from({ length: 256 }, (_, i) => i % 10);
      let loss;
      for (let i = 0; i < 30; i++) {
        optimizer.zeroGrad();
        loss = crossEntropy(model.forward(x), y);
        loss.backward();
        optimizer.step();
      }
      return loss.item();
    };
    const source = \`
      const { parentPort } = require('node:worker_threads');
      import('tilegrad').then((tilegrad) => parentPort.postMessage((\${work})(tilegrad)));
    \`;
    const workers = Array.from({ length: 3 }, () => new Promise((resolve, reject) => {
      const worker = new Worker(source, { eval: true });
      worker.on('error', reject);
      worker.on('message', resolve);
    }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const own = work({ crossEntropy, Generator, nn, optim, randn });
    const all = [own, ...(await Promise.all(workers))];
    console.log(JSON.stringify({ all, different: new Set(all).size }));
  `);
  expect(result).toMatchObject({ different: 1 });
});

test('200 workers start, compute with threads and are terminated in the middle, and leave nothing', async () => {
  // Workers that load 230 files each would spend the test's half minute on them.
  const url = await library.bundle();
  const result = await resultOf(`
    import { Worker } from 'node:worker_threads';
    import { ones, setNumThreads, shareMemory, sum, toMessage } from '${url}';
    setNumThreads(2);
    const source = \`
      const { parentPort, workerData } = require('node:worker_threads');
      import('${url}').then(({ fromMessage, matmul, ones, sum, tidy }) => {
        const { shared, own } = fromMessage(workerData);
        const big = ones([400_000], { requiresGrad: true });
        parentPort.postMessage(sum(own).item());
        for (;;) {
          tidy(() => matmul(own, shared));
          matmul(own, own);
          big.exp().sum().backward();
          big.zeroGrad();
        }
      });
    \`;
    const shared = shareMemory(ones([200, 200]));
    const COUNT = 200, BATCH = 5;
    let started = 0, terminated = 0, before;
    for (let i = 0; i < COUNT; i += BATCH) {
      // What the first workers need stays with the process: code, heaps, memory that malloc keeps.
      if (i === COUNT / 2) before = process.memoryUsage.rss();
      await Promise.all(Array.from({ length: BATCH }, async () => {
        const workerData = toMessage({ shared, own: ones([200, 200]) });
        const worker = new Worker(source, { eval: true, workerData });
        const value = await new Promise((resolve, reject) => {
          worker.on('message', resolve);
          worker.on('error', reject);
        });
        if (value === 40_000) started++;
        // 1 is the code of a terminated worker.
        if ((await worker.terminate()) === 1) terminated++;
      }));
    }
    // The pool has survived them, and the process ends although its threads are there.
    console.log(JSON.stringify({
      started,
      terminated,
      grown: (process.memoryUsage.rss() - before) / 2 ** 20,
      sum: sum(ones([400_000])).item(),
    }));
  `);
  expect(result).toMatchObject({ started: 200, terminated: 200, sum: 400_000 });
  // A worker's tensors alone are 6 MB and its heap more: 100 that stayed would be over 600 MB.
  expect((result as { grown: number }).grown).toBeLessThan(100);
});

test('workers train one model in shared memory without locks (Hogwild)', async () => {
  // Niu, Recht, Re & Wright 2011: steps of several threads on the same weights, none waits for another.
  const result = await resultOf(`
    import { Worker } from 'node:worker_threads';
    import { Generator, nn, randn, shareMemory, toMessage } from 'tilegrad';
    const generator = new Generator(1);
    const truth = randn([1, 20], { generator });
    const model = new nn.Linear(20, 1, { generator });
    model.loadStateDict(shareMemory(model.stateDict()), { assign: true });
    const source = \`
      const { workerData, parentPort } = require('node:worker_threads');
      import('tilegrad').then(({ fromMessage, Generator, linear, nn, optim, randn }) => {
        const { state, truth, seed } = fromMessage(workerData);
        const model = new nn.Linear(20, 1);
        model.loadStateDict(state, { assign: true });
        const optimizer = new optim.SGD(model.parameters(), { lr: 0.05 });
        const generator = new Generator(seed);
        for (let i = 0; i < 400; i++) {
          const x = randn([8, 20], { generator });
          optimizer.zeroGrad();
          model.forward(x).sub(linear(x, truth)).square().mean().backward();
          optimizer.step();
        }
        parentPort.postMessage('done');
      });
    \`;
    const distance = () => model.weight.sub(truth).abs().max().item();
    const before = distance();
    await Promise.all([10, 11, 12].map((seed) => new Promise((resolve, reject) => {
      const workerData = toMessage({ state: model.stateDict(), truth, seed });
      const worker = new Worker(source, { eval: true, workerData });
      worker.on('error', reject);
      worker.on('exit', resolve);
    })));
    console.log(JSON.stringify({ before, after: distance(), shared: model.weight.isShared }));
  `);
  const { before, after, shared } = result as { before: number; after: number; shared: boolean };
  expect(shared).toBe(true);
  expect(before).toBeGreaterThan(0.5);
  expect(after).toBeLessThan(0.01);
});

test('tensors come through postMessage, shared, copied and moved', async () => {
  const result = await resultOf(`
    import { MessageChannel, Worker, receiveMessageOnPort } from 'node:worker_threads';
    import { fromMessage, ones, toMessage } from 'tilegrad';
    const shared = ones([2, 3], { shared: true }).transpose();
    const ordinary = ones([3]);
    const source = \`
      const { parentPort } = require('node:worker_threads');
      const tilegrad = import('tilegrad');
      parentPort.once('message', async (message) => {
        const { fromMessage, toMessage } = await tilegrad;
        const { shared, ordinary } = fromMessage(message);
        shared.slice([[1, 2]]).array[shared.offset + 1] = 7;
        ordinary.data[0] = 9;
        const transfer = [];
        parentPort.postMessage(toMessage({ shared, ordinary }, { transfer }), transfer);
      });
    \`;
    const worker = new Worker(source, { eval: true });
    const answer = new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.on('error', reject);
    });
    const transfer = [];
    worker.postMessage(toMessage({ shared, ordinary }, { transfer }), transfer);
    const back = fromMessage(await answer);
    console.log(JSON.stringify({
      mine: shared.toArray(), back: back.shared.toArray(),
      copied: back.ordinary.toArray(), own: ordinary.toArray(), moved: transfer[0].byteLength,
    }));
  `);
  const values = [
    [1, 1],
    [7, 1],
    [1, 1],
  ];
  expect(result).toEqual({
    mine: values,
    back: values,
    copied: [9, 1, 1],
    own: [1, 1, 1],
    moved: 0,
  });
});

test('two copies of the library in one environment work side by side and know their own', async () => {
  const result = await resultOf(`
    import * as one from 'tilegrad';
    const two = await import('${library.copy()}');
    const train = ({ crossEntropy, Generator, nn, optim, randn }) => {
      const generator = new Generator(3);
      const model = new nn.Linear(5, 3, { generator });
      const optimizer = new optim.Adam(model.parameters());
      const x = randn([7, 5], { generator });
      return () => {
        optimizer.zeroGrad();
        const loss = crossEntropy(model.forward(x), [0, 1, 2, 0, 1, 2, 0]);
        loss.backward();
        optimizer.step();
        return loss.item();
      };
    };
    const steps = [train(one), train(two)];
    const losses = Array.from({ length: 20 }, () => steps.map((step) => step()));
    // Settings belong to the process, tensors to their copy.
    one.setNumThreads(3);
    const threads = two.getNumThreads();
    const foreign = two.ones([2]);
    let code = 'none';
    try {
      one.exp(foreign);
    } catch (error) {
      code = error.code;
    }
    // Memory may be shared.
    const shared = one.fromTypedArray(foreign.data);
    shared.data[0] = 5;
    console.log(JSON.stringify({
      copies: one.Tensor !== two.Tensor,
      same: losses.every(([a, b]) => a === b),
      falling: losses[19][0] < losses[0][0],
      threads,
      code,
      values: foreign.toArray(),
    }));
  `);
  expect(result).toEqual({
    copies: true,
    same: true,
    falling: true,
    threads: 3,
    code: 'ERR_ARGUMENT',
    values: [5, 1],
  });
});
