/** Commands recorded from eager code and run again: the same bits as running the code again. */

import {
  crossEntropy,
  Generator,
  getNumThreads,
  nn,
  optim,
  randn,
  setNumThreads,
  type Tensor,
  tensor,
} from 'tilegrad';
import { record, replay } from 'tilegrad/native/commands.js';
import { withoutRecycling } from 'tilegrad/tensor/memory.js';
import { expect, test } from 'vitest';

const BATCH = 24;
const INPUTS = 13;
const CLASSES = 5;

/** A small network with everything that a step has: dropout, Adam, both directions. */
function makeTraining() {
  const generator = new Generator(7);
  const model = new nn.Sequential(
    new nn.Linear(INPUTS, 37, { generator }),
    new nn.ReLU(),
    new nn.Dropout(0.3, { generator }),
    new nn.Linear(37, 19, { generator }),
    new nn.Tanh(),
    new nn.Linear(19, CLASSES, { generator }),
  );
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
  const x = randn([BATCH, INPUTS], { generator: new Generator(1) });
  const y = tensor(new Int32Array(BATCH));
  const load = (step: number) => {
    x.data.set(randn([BATCH, INPUTS], { generator: new Generator(1000 + step) }).data);
    y.data.set(Int32Array.from({ length: BATCH }, (_, i) => (i * 7 + step) % CLASSES));
  };
  let loss: Tensor | null = null;
  const step = () => {
    optimizer.zeroGrad();
    loss = crossEntropy(model.forward(x), y);
    loss.backward();
    optimizer.step();
  };
  return { model, optimizer, load, step, loss: () => (loss as unknown as Tensor).item() };
}

const bits = (model: nn.Module) =>
  Object.entries(model.stateDict()).map(([name, t]) => [
    name,
    new Uint32Array(t.contiguous().data.slice().buffer),
  ]);

test.each([1, 2])(
  '100 replays of a training step equal 100 eager steps bit for bit (%i threads)',
  (threads) => {
    const before = getNumThreads();
    setNumThreads(threads);
    const eager = makeTraining();
    const recorded = makeTraining();
    expect(bits(recorded.model)).toEqual(bits(eager.model));

    eager.load(0);
    eager.step();
    recorded.load(0);
    const program = withoutRecycling(() => record(recorded.step));
    expect(bits(recorded.model)).toEqual(bits(eager.model));
    const first = bits(eager.model);

    for (let i = 1; i <= 100; i++) {
      eager.load(i);
      eager.step();
      recorded.load(i);
      replay(program);
      expect(recorded.loss()).toBe(eager.loss());
      if (i === 50) {
        // A schedule's change is seen too: the learning rate is read from memory.
        eager.optimizer.lr = 0.003;
        recorded.optimizer.lr = 0.003;
      }
    }
    expect(bits(recorded.model)).toEqual(bits(eager.model));
    expect(bits(eager.model)).not.toEqual(first);
    setNumThreads(before);
  },
);

test('a program survives the collection of everything but itself', () => {
  const x = tensor([1, 2, 3]);
  let y: Tensor | null = null;
  const program = withoutRecycling(() =>
    record(() => {
      y = x.mul(2).add(1).exp();
    }),
  );
  // Garbage of the sizes that the program uses, to be given its memory if it could be.
  for (let i = 0; i < 20_000; i++) tensor([9, 9, 9]).mul(3);
  x.data.set([0, -1, 1]);
  replay(program);
  expect((y as unknown as Tensor).toArray()).toEqual(x.mul(2).add(1).exp().toArray());
});

test('what throws while recording leaves no recording behind', () => {
  expect(() => record(() => tensor([1, 2]).add(tensor([1, 2, 3])))).toThrow(/do not fit/);
  const program = record(() => tensor([1]).neg());
  expect(() => replay(program)).not.toThrow();
});
