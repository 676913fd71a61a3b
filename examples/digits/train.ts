/** The network of the digits program, its training loop and its evaluation. */
import { setImmediate } from 'node:timers/promises';
import { batches, crossEntropy, nn, noGrad, optim, type Tensor } from 'tilegrad';
import type { RunSettings, Settings } from './cli.js';
import { CLASSES, type Split } from './data.js';

/** What a pass over the training pictures came to: means over its pictures, as they were met. */
export interface EpochResult {
  loss: number;
  accuracy: number;
  /** Pictures per second. */
  speed: number;
}

export interface Evaluation {
  accuracy: number;
  /** The digit that the model reads in each picture. */
  predictions: Int32Array;
  /** [digit][digit read instead]: how many pictures. */
  confusion: number[][];
}

export interface TrainHooks {
  /** After every batch: the epoch from 0, the pictures seen in it, its means so far. */
  onBatch(epoch: number, seen: number, soFar: EpochResult): void;
  /** After every complete epoch. */
  onEpoch(epoch: number, result: EpochResult): void;
}

/** Weight of the momentum buffer for `--optimizer momentum`: the usual value since Polyak's method. */
const MOMENTUM = 0.9;

/** The loop lets other events in, such as Ctrl-C, at least this often. */
const YIELD_MS = 20;

/** Pictures per forward pass in the evaluation: enough to keep all threads busy, little memory. */
const EVALUATION_BATCH = 1000;

/** A multilayer perceptron: linear layers with ReLU, and dropout if there is any, between them. */
export function buildModel(features: number, settings: Settings): nn.Sequential {
  const layers: nn.Module[] = [];
  let inputs = features;
  for (const width of settings.hidden) {
    layers.push(new nn.Linear(inputs, width), new nn.ReLU());
    if (settings.dropout > 0) layers.push(new nn.Dropout(settings.dropout));
    inputs = width;
  }
  return new nn.Sequential(...layers, new nn.Linear(inputs, CLASSES));
}

function buildOptimizer(model: nn.Module, { optimizer, lr }: RunSettings): optim.Optimizer<object> {
  const parameters = [...model.parameters()];
  switch (optimizer) {
    case 'sgd':
      return new optim.SGD(parameters, { lr });
    case 'momentum':
      return new optim.SGD(parameters, { lr, momentum: MOMENTUM });
    case 'adam':
      return new optim.Adam(parameters, { lr });
    case 'adamw':
      return new optim.AdamW(parameters, { lr });
  }
}

/**
 * Trains until all epochs are done or `signal` aborts, which ends it after the batch at hand.
 *
 * @returns the epochs that were begun; the last one may be incomplete after an abort
 */
export async function train(
  model: nn.Sequential,
  split: Split,
  settings: RunSettings,
  signal: AbortSignal,
  hooks: TrainHooks,
): Promise<EpochResult[]> {
  const optimizer = buildOptimizer(model, settings);
  const results: EpochResult[] = [];
  const { batchSize, seed } = settings;
  let lastYield = performance.now();
  model.train();
  for (let epoch = 0; epoch < settings.epochs && !signal.aborted; epoch++) {
    const start = performance.now();
    let seen = 0;
    let lossSum = 0;
    let correct = 0;
    for (const { x, y } of batches(split.x, split.y, { batchSize, shuffle: true, seed, epoch })) {
      const logits = model.forward(x);
      const loss = crossEntropy(logits, y);
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();

      const count = y.numel;
      seen += count;
      lossSum += loss.item() * count;
      correct += countEqual(argmaxRows(logits), y);
      const speed = seen / ((performance.now() - start) / 1000);
      results[epoch] = { loss: lossSum / seen, accuracy: correct / seen, speed };
      hooks.onBatch(epoch, seen, results[epoch]);
      if (performance.now() - lastYield >= YIELD_MS) {
        await setImmediate();
        lastYield = performance.now();
      }
      if (signal.aborted) break;
    }
    if (!signal.aborted) hooks.onEpoch(epoch, results[epoch]!);
  }
  return results;
}

/** The model's outputs `[count, CLASSES]` for all pictures, without dropout. */
export function computeLogits(model: nn.Sequential, x: Tensor): Float32Array {
  const count = x.shape[0]!;
  const logits = new Float32Array(count * CLASSES);
  const wasTraining = model.training;
  model.eval();
  noGrad(() => {
    for (let from = 0; from < count; from += EVALUATION_BATCH) {
      const to = Math.min(from + EVALUATION_BATCH, count);
      logits.set(model.forward(x.slice([[from, to]])).contiguous().data, from * CLASSES);
    }
  });
  model.train(wasTraining);
  return logits;
}

/** Compares what the outputs say with the labels. */
export function evaluate(logits: Float32Array, y: Tensor): Evaluation {
  const labels = y.contiguous().data;
  const predictions = Int32Array.from(labels, (_, i) => largest(logits, i * CLASSES));
  const confusion = Array.from({ length: CLASSES }, () => new Array<number>(CLASSES).fill(0));
  let correct = 0;
  for (let i = 0; i < labels.length; i++) {
    confusion[labels[i]!]![predictions[i]!]! += 1;
    if (labels[i] === predictions[i]) correct++;
  }
  return { accuracy: correct / labels.length, predictions, confusion };
}

/** The class with the largest of the outputs from `start` on; 0 if a diverged model gives NaN. */
function largest(logits: Float32Array, start: number): number {
  let best = 0;
  for (let k = 1; k < CLASSES; k++) if (logits[start + k]! > logits[start + best]!) best = k;
  return best;
}

function argmaxRows(logits: Tensor): Tensor {
  return noGrad(() => logits.argmax({ dim: 1 }));
}

function countEqual(a: Tensor, b: Tensor): number {
  const [left, right] = [a.data, b.data];
  let equal = 0;
  for (let i = 0; i < left.length; i++) if (left[i] === right[i]) equal++;
  return equal;
}
