/** Training against inference: frozen parameters, no recording, evaluation mode. */
import { crossEntropy, Generator, nn, noGrad, optim, randn, type Tensor } from 'tilegrad';
import { bytesOfArray } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

interface Result {
  /** Whether the frozen layer's parameters have the same bits after training. */
  frozenUnchanged: boolean;
  /** Whether those of the layer behind it have. */
  othersUnchanged: boolean;
  /** Whether the frozen parameters got a gradient. */
  frozenGradient: boolean;
  /** Whether results remember how they were made: in training, and within noGrad. */
  recordsInTraining: boolean;
  recordsInInference: boolean;
  /** Whether two runs on the same inputs give the same: in training mode, and in evaluation mode. */
  sameInTraining: boolean;
  sameInEvaluation: boolean;
  /** Whether evaluation leaves batch normalisation's running statistics as they are. */
  statisticsUnchanged: boolean;
}

const bytes = (x: Tensor): string => bytesOfArray(x.detach().contiguous().data);
const bytesOf = (parameters: Iterable<Tensor>): string => [...parameters].map(bytes).join();

function run({ print }: RunOptions): Result {
  const generator = new Generator(16);
  const features = new nn.Sequential(
    new nn.Linear(8, 16, { generator }),
    new nn.BatchNorm1d(16),
    new nn.ReLU(),
    new nn.Dropout(0.5, { generator }),
  );
  const head = new nn.Linear(16, 3, { generator });
  const model = new nn.Sequential(features, head);
  const x = randn([32, 8], { generator });
  const labels = Array.from({ length: 32 }, (_, i) => i % 3);

  // Frozen: learned elsewhere, only the head goes on learning.
  for (const parameter of features.parameters()) parameter.requiresGrad = false;
  const before = { features: bytesOf(features.parameters()), head: bytesOf(head.parameters()) };
  // A penalty would move them too: the optimizer doesn't even get them.
  const learned = [...model.parameters()].filter(({ requiresGrad }) => requiresGrad);
  const optimizer = new optim.AdamW(learned, { lr: 0.01, weightDecay: 0.1 });
  model.train();
  for (let step = 0; step < 20; step++) {
    optimizer.zeroGrad();
    crossEntropy(model.forward(x), labels).backward();
    optimizer.step();
  }
  const frozenUnchanged = bytesOf(features.parameters()) === before.features;
  const othersUnchanged = bytesOf(head.parameters()) === before.head;
  const frozenGradient = [...features.parameters()].some(({ grad }) => grad !== null);

  const recordsInTraining = model.forward(x).requiresGrad;
  const recordsInInference = noGrad(() => model.forward(x).requiresGrad);
  const twice = () =>
    noGrad(() => {
      const first = bytes(model.forward(x));
      return bytes(model.forward(x)) === first;
    });
  const sameInTraining = twice(); // dropout leaves out other values each time
  model.eval();
  const statistics = () =>
    bytesOf([...model.namedBuffers()].map(([, b]) => b).filter(({ dtype }) => dtype === 'float32'));
  const statisticsBefore = statistics();
  const sameInEvaluation = twice();
  const statisticsUnchanged = statistics() === statisticsBefore;

  const yes = (value: boolean) => (value ? 'yes' : 'no');
  print(`frozen parameters have the same bits after 20 steps: ${yes(frozenUnchanged)}`);
  print(`  those of the last layer:                           ${yes(othersUnchanged)}`);
  print(`  a gradient was computed for frozen ones:           ${yes(frozenGradient)}`);
  print(`results remember how they were made, in training:    ${yes(recordsInTraining)}`);
  print(`  within noGrad:                                     ${yes(recordsInInference)}`);
  print(`the same inputs give the same outputs, in training:  ${yes(sameInTraining)}`);
  print(`  after eval():                                      ${yes(sameInEvaluation)}`);
  print(`eval() leaves the running statistics as they are:    ${yes(statisticsUnchanged)}`);
  return {
    frozenUnchanged,
    othersUnchanged,
    frozenGradient,
    recordsInTraining,
    recordsInInference,
    sameInTraining,
    sameInEvaluation,
    statisticsUnchanged,
  };
}

export const topic: Topic<Result> = {
  id: 'B16',
  title: 'Training against inference: frozen, unrecorded, evaluated',
  run,
};
