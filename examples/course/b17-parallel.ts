/** Matrices make it parallel: the same training steps on one and on all cores. */
import {
  crossEntropy,
  Generator,
  getNumThreads,
  nn,
  optim,
  randint,
  randn,
  setNumThreads,
  type Tensor,
} from 'tilegrad';
import { bytesOfArray, fixed } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

const BATCH = 256;
const WIDTHS = [256, 512, 512, 10];
const STEPS = 4;

interface Result {
  /** Threads that the second run had. */
  threads: number;
  /** Whether all parameters have the same bits after the steps. */
  sameBits: boolean;
  /** Milliseconds for a step, the fastest of them. */
  one: number;
  all: number;
}

function train(x: Tensor, y: Tensor): { bytes: string; ms: number } {
  const generator = new Generator(1);
  const layers: nn.Module[] = [];
  for (let i = 1; i < WIDTHS.length; i++) {
    if (i > 1) layers.push(new nn.ReLU());
    layers.push(new nn.Linear(WIDTHS[i - 1]!, WIDTHS[i]!, { generator }));
  }
  const model = new nn.Sequential(...layers);
  const optimizer = new optim.Adam([...model.parameters()]);
  let ms = Number.POSITIVE_INFINITY;
  for (let step = 0; step < STEPS; step++) {
    const start = performance.now();
    optimizer.zeroGrad();
    crossEntropy(model.forward(x), y).backward();
    optimizer.step();
    ms = Math.min(ms, performance.now() - start);
  }
  const bytes = [...model.parameters()]
    .map((p) => bytesOfArray(p.detach().contiguous().data))
    .join();
  return { bytes, ms };
}

function run({ print }: RunOptions): Result {
  const generator = new Generator(17);
  const x = randn([BATCH, WIDTHS[0]!], { generator });
  const y = randint(0, WIDTHS.at(-1)!, [BATCH], { generator, dtype: 'int32' });
  const threads = getNumThreads();
  const all = train(x, y);
  setNumThreads(1);
  try {
    const one = train(x, y);
    const sameBits = one.bytes === all.bytes;
    print(`training steps of a ${WIDTHS.join('-')} network on ${BATCH} examples:`);
    print(
      `  1 thread ${fixed(one.ms)} ms a step, ${threads} threads ${fixed(all.ms)} ms: ${fixed(one.ms / all.ms)} times as fast`,
    );
    print(`  the weights afterwards have ${sameBits ? 'the same' : 'other'} bits`);
    return { threads, sameBits, one: one.ms, all: all.ms };
  } finally {
    setNumThreads(threads);
  }
}

export const topic: Topic<Result> = {
  id: 'B17',
  title: 'The same training step on one and on all cores',
  run,
};
