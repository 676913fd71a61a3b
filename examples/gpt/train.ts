/** The training loop of the GPT program and its evaluation. */
import { setImmediate } from 'node:timers/promises';
import { crossEntropy, type Generator, nn, noGrad, optim, type Tensor, tidy } from 'tilegrad';
import type { Settings, Training } from './cli.js';
import { everyPiece, randomBatch, type TextData } from './data.js';
import type { GPT } from './model.js';

/** Steps in which the learning rate grows from 0. */
const WARM_UP = 100;
/** What is left of the learning rate at the end. */
const LAST_SHARE = 0.1;
/** The longest gradient. */
const CLIP = 1;
/** Decay of weights; of vectors, which are factors of normalisations, none. */
const WEIGHT_DECAY = 0.1;
/** The second one is shorter than usual: a small batch's gradients change fast. */
const BETAS = [0.9, 0.99] as const;
/** Pieces of text per forward pass in the evaluation. */
const EVALUATION_BATCH = 64;
/** The loop lets other events in, such as Ctrl-C, at least this often. */
const YIELD_MS = 20;

/** All that a training goes on with. */
export interface TrainState {
  readonly model: GPT;
  readonly optimizer: optim.AdamW;
  /** What batches and dropout are drawn from. */
  readonly generator: Generator;
  /** Steps that are done. */
  step: number;
}

export interface TrainHooks {
  /** After every step: how many are done, and its loss. */
  onStep(step: number, loss: number): void;
  /** After every `evalEvery` steps and the last one: the loss of the text that isn't learned. */
  onEvaluation(step: number, validationLoss: number): Promise<void>;
}

export function buildOptimizer(model: nn.AnyModule, { lr }: Training): optim.AdamW {
  const parameters = [...model.parameters()];
  return new optim.AdamW(
    [
      { params: parameters.filter(({ ndim }) => ndim >= 2), weightDecay: WEIGHT_DECAY },
      { params: parameters.filter(({ ndim }) => ndim < 2), weightDecay: 0 },
    ],
    { lr, betas: BETAS },
  );
}

/** The learning rate of a step (counted from 0): it warms up, then falls along half a cosine. */
export function learningRate(step: number, { steps, lr }: Training): number {
  const warmUp = Math.min(WARM_UP, steps);
  if (step < warmUp) return (lr * (step + 1)) / (warmUp + 1);
  const done = (step - warmUp) / Math.max(1, steps - warmUp);
  return lr * (LAST_SHARE + ((1 - LAST_SHARE) * (1 + Math.cos(Math.PI * done))) / 2);
}

function lossOf(model: GPT, x: Tensor, y: Tensor): Tensor {
  const logits = model.forward(x);
  return crossEntropy(logits.reshape([y.numel, logits.shape[2] as number]), y.reshape([y.numel]));
}

/** The mean loss of a character of a text, in nats. */
export function evaluate(model: GPT, text: Int32Array): number {
  const wasTraining = model.training;
  let [sum, count] = [0, 0];
  model.eval();
  noGrad(() => {
    for (const { x, y } of everyPiece(text, EVALUATION_BATCH, model.architecture.context)) {
      sum += tidy(() => lossOf(model, x, y).item()) * y.numel;
      count += y.numel;
    }
  });
  model.train(wasTraining);
  return sum / count;
}

/** Trains until all steps are done or `signal` aborts, which ends it after the step at hand. */
export async function train(
  state: TrainState,
  data: TextData,
  settings: Settings,
  signal: AbortSignal,
  hooks: TrainHooks,
): Promise<void> {
  const { model, optimizer, generator } = state;
  const { batchSize, context, steps } = settings;
  const parameters = [...model.parameters()];
  let lastYield = performance.now();
  model.train();
  while (state.step < steps && !signal.aborted) {
    for (const group of optimizer.groups) group.lr = learningRate(state.step, settings);
    // tidy: the next step gets this one's memory, which the garbage collector would find much later.
    const loss = tidy(() => {
      const { x, y } = randomBatch(data.train, batchSize, context, generator);
      const mean = lossOf(model, x, y);
      optimizer.zeroGrad();
      mean.backward();
      nn.utils.clipGradNorm(parameters, CLIP);
      optimizer.step();
      return mean.item();
    });
    state.step++;
    hooks.onStep(state.step, loss);
    if (state.step % settings.evalEvery === 0 || state.step === steps) {
      await hooks.onEvaluation(state.step, evaluate(model, data.validation));
    }
    if (performance.now() - lastYield >= YIELD_MS) {
      await setImmediate();
      lastYield = performance.now();
    }
  }
}
