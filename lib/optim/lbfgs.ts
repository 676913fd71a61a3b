import { enableGrad } from '../autograd/mode.js';
import { TensorError } from '../errors.js';
import { copyInto } from '../ops/operand.js';
import type { DType } from '../tensor/dtype.js';
import { checkNumber, checkOptions, describe } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import {
  absoluteSumOf,
  addScaled,
  dotOf,
  flatVector,
  gather,
  gatherGradients,
  largestOf,
  scale,
  scatter,
} from './flat.js';
import { checkArithmetic, type ParameterGroup, type Parameters, type Rule } from './group.js';
import { type Curvature, loadCurvature, saveCurvature } from './lbfgs_state.js';
import { strongWolfe } from './line_search.js';
import { Optimizer } from './optimizer.js';
import { type CommonOptions, checkNotNegative } from './options.js';
import type { OptimizerState } from './state_dict.js';

/** Options of {@link LBFGS}. */
export interface LBFGSOptions extends CommonOptions {
  /** Learning rate; with a line search the step that it tries first. Default 1. */
  lr?: number;
  /** The most iterations of a step. Default 20. */
  maxIter?: number;
  /** The most calls of the closure in a step. Default maxIter * 5 / 4, rounded down. */
  maxEval?: number;
  /** A gradient whose elements are all this small ends the step. Default 1e-7. */
  toleranceGrad?: number;
  /** A change of the loss or of all parameters that is this small ends the step. Default 1e-9. */
  toleranceChange?: number;
  /** From how many changes of the gradient the curvature is estimated. Default 100. */
  historySize?: number;
  /** How far to go along a direction: all of lr, or by a search ('strong_wolfe'). Default null. */
  lineSearchFn?: 'strong_wolfe' | null;
}

interface Settings {
  readonly maxIter: number;
  readonly maxEval: number;
  readonly toleranceGrad: number;
  readonly toleranceChange: number;
  readonly historySize: number;
  readonly searches: boolean;
  readonly maximize: boolean;
}

interface LBFGSRule extends Rule {
  readonly settings: Settings;
}

const OPTIONS = [
  ...['lr', 'maxIter', 'maxEval', 'toleranceGrad', 'toleranceChange', 'historySize'],
  ...['lineSearchFn', 'maximize'],
];

/** The least curvature that a change of the gradient must show to be remembered: PyTorch's. */
const LEAST_CURVATURE = 1e-10;

function wholeNumber(option: string, value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 1) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[LBFGS] ${option} must be a whole number >= 1, not ${describe(value)}`,
    );
  }
  return value as number;
}

function ruleOf(options: LBFGSOptions): LBFGSRule {
  checkOptions('LBFGS', options, OPTIONS);
  const { lr = 1, toleranceGrad = 1e-7, toleranceChange = 1e-9, maximize = false } = options;
  const { lineSearchFn = null } = options;
  if (lineSearchFn !== null && lineSearchFn !== 'strong_wolfe') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[LBFGS] lineSearchFn is 'strong_wolfe' or null, not ${describe(lineSearchFn)}`,
    );
  }
  const { maxIter = 20, historySize = 100 } = options;
  wholeNumber('maxIter', maxIter);
  const { maxEval = Math.max(1, Math.floor((maxIter * 5) / 4)) } = options;
  return {
    hyper: checkNotNegative('LBFGS', { lr }),
    settings: {
      maxIter,
      maxEval: wholeNumber('maxEval', maxEval),
      toleranceGrad: checkNumber('LBFGS', 'toleranceGrad', toleranceGrad, 0),
      toleranceChange: checkNumber('LBFGS', 'toleranceChange', toleranceChange, 0),
      historySize: wholeNumber('historySize', historySize),
      searches: lineSearchFn !== null,
      maximize,
    },
  };
}

/**
 * The limited-memory BFGS method (Liu & Nocedal 1989; Nocedal & Wright 2006, algorithm 7.4), for losses
 * of all data with few enough parameters: directions -H g, where H approximates the inverse Hessian from
 * the last `historySize` changes of parameters and gradient. One `step` takes up to `maxIter` iterations
 * and calls its closure each time. Options and tests for the end are PyTorch's. All parameters are in
 * one group and of one dtype; memory is 2 historySize + 6 times theirs.
 * @example
 * ```ts
 * const w = tensor([3, -4], { requiresGrad: true });
 * const optimizer = new optim.LBFGS([w], { lineSearchFn: 'strong_wolfe' });
 * const loss = optimizer.step(() => {
 *   optimizer.zeroGrad();
 *   const value = w.square().mul(tensor([1, 10])).sum();
 *   value.backward();
 *   return value;
 * });
 * loss.item(); // => 169
 * w.square().sum().item() < 1e-10; // => true
 * ```
 */
export class LBFGS extends Optimizer<LBFGSOptions, LBFGSRule> {
  private readonly params: readonly Tensor[];
  private readonly numel: number;
  private curvature: Curvature | null = null;
  private evaluations = 0;

  /**
   * @param params leaf tensors, or a single group; those without a gradient stay as they are
   * @throws TensorError ERR_ARGUMENT for more than one group or options out of range, ERR_DTYPE for
   * parameters of several dtypes or of bfloat16
   */
  constructor(params: Parameters<LBFGSOptions>, options: LBFGSOptions = {}) {
    super(params, options, ruleOf);
    if (this.groups.length !== 1) throw tooManyGroups();
    this.params = [...this.parameters()];
    this.checkDType();
    this.numel = this.params.reduce((total, parameter) => total + parameter.numel, 0);
  }

  /** @throws TensorError ERR_DTYPE unless the parameters, frozen ones too, are of one dtype with arithmetic */
  private checkDType(): DType {
    const [first] = this.params as [Tensor];
    checkArithmetic(first);
    if (this.params.every(({ dtype }) => dtype === first.dtype)) return first.dtype;
    throw new TensorError('ERR_DTYPE', '[LBFGS] all parameters must have one dtype');
  }

  /** Follows the parameters to the dtype that `to` of their module gave them. */
  private followDType(): void {
    const dtype = this.checkDType();
    const state = this.curvature;
    if (state === null || state.direction.dtype === dtype) return;
    const convert = (vector: Tensor): Tensor => {
      const copy = this.newVector();
      copyInto(copy, vector);
      return copy;
    };
    state.direction = convert(state.direction);
    state.gradient = convert(state.gradient);
    for (const list of [state.changes, state.steps])
      list.splice(0, list.length, ...list.map(convert));
  }

  private get group(): ParameterGroup<LBFGSRule> {
    return this.groups[0] as ParameterGroup<LBFGSRule>;
  }

  /** @throws TensorError ERR_ARGUMENT: the method has one group */
  override addParamGroup(): never {
    throw tooManyGroups();
  }

  private newVector(): Tensor {
    return flatVector(this.numel, (this.params[0] as Tensor).dtype);
  }

  /** The negative of the gradient when ascending: all that follows descends. */
  private gradient(): Tensor {
    const flat = this.newVector();
    gatherGradients(flat, this.params);
    if (this.group.rule.settings.maximize) scale(flat, -1, flat);
    return flat;
  }

  private lossOf(value: unknown): number {
    const loss = value instanceof Tensor ? Number(value.item()) : value;
    if (typeof loss !== 'number') {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[LBFGS] the closure must return the loss, a number or a tensor of one, not ${describe(loss)}`,
      );
    }
    return this.group.rule.settings.maximize ? -loss : loss;
  }

  /** @throws TensorError ERR_ARGUMENT: a step needs a closure */
  override step(): void;
  /**
   * Takes up to `maxIter` iterations.
   * @param closure forgets the gradients, computes the loss, calls its `backward` and returns it; it is
   * called many times, with recording on
   * @returns the loss before the step
   * @throws TensorError ERR_ARGUMENT without a closure, or for one that returns no loss
   */
  override step<L>(closure: () => L): L;
  override step<L>(closure?: () => L): L {
    if (typeof closure !== 'function') {
      throw new TensorError(
        'ERR_ARGUMENT',
        '[LBFGS] step needs a closure that computes the loss and its gradients anew: ' +
          'step(() => { zeroGrad(); const loss = ...; loss.backward(); return loss; })',
      );
    }
    this.followDType();
    const first = enableGrad(closure);
    this.evaluations++;
    const loss = this.lossOf(first);
    const gradient = this.gradient();
    if (!(largestOf(gradient) <= this.group.rule.settings.toleranceGrad))
      this.iterate(() => this.lossOf(enableGrad(closure)), loss, gradient);
    return first;
  }

  private iterate(evaluate: () => number, firstLoss: number, firstGradient: Tensor): void {
    const { maxIter, maxEval, toleranceGrad, toleranceChange, searches } = this.group.rule.settings;
    const { params } = this;
    const { lr } = this.group;
    let loss = firstLoss;
    let gradient = firstGradient;
    let evaluations = 1;
    const x = this.newVector();
    const moved = this.newVector();
    gather(x, params);
    for (let n = 1; n <= maxIter; n++) {
      const isFirst = this.curvature === null;
      const state = this.direct(gradient);
      const { direction } = state;
      const lossBefore = loss;
      state.gradient = gradient;
      state.loss = loss;
      state.t = isFirst ? Math.min(1, 1 / absoluteSumOf(gradient)) * lr : lr;
      const slope = dotOf(gradient, direction);
      if (slope > -toleranceChange) return;
      let taken = 0;
      let isOptimal = false;
      const goTo = (t: number): void => {
        addScaled(moved, x, t, direction);
        scatter(params, moved);
      };
      if (searches) {
        const at = (t: number): { loss: number; gradient: Tensor } => {
          goTo(t);
          const value = evaluate();
          return { loss: value, gradient: this.gradient() };
        };
        const start = { t: 0, loss, gradient, slope };
        const most = maxEval - evaluations;
        const found = strongWolfe(at, direction, start, state.t, toleranceChange, most);
        ({ loss, gradient } = found.point);
        state.t = found.point.t;
        taken = found.evaluations;
        goTo(state.t);
        isOptimal = largestOf(gradient) <= toleranceGrad;
      } else {
        goTo(state.t);
        // What the last iteration ends at is for the next step's first call.
        if (n !== maxIter) {
          loss = evaluate();
          gradient = this.gradient();
          isOptimal = largestOf(gradient) <= toleranceGrad;
          taken = 1;
        }
      }
      gather(x, params);
      evaluations += taken;
      this.evaluations += taken;
      if (evaluations >= maxEval || isOptimal) return;
      if (largestOf(direction) * Math.abs(state.t) <= toleranceChange) return;
      if (Math.abs(loss - lossBefore) < toleranceChange) return;
    }
  }

  /** The direction from the next point, whose gradient is given, after the memory has taken it in. */
  private direct(gradient: Tensor): Curvature {
    const state = this.curvature;
    const direction = this.newVector();
    scale(direction, -1, gradient);
    if (state === null) {
      const none = { changes: [], steps: [], inverses: [], scale: 1, t: 0, loss: 0 };
      this.curvature = { ...none, iterations: 1, direction, gradient };
      return this.curvature;
    }
    state.iterations++;
    this.remember(state, gradient);
    const { changes, steps, inverses } = state;
    // The loop of two recursions: Nocedal & Wright, algorithm 7.4.
    const factors: number[] = [];
    for (let i = changes.length - 1; i >= 0; i--) {
      const factor = dotOf(steps[i] as Tensor, direction) * (inverses[i] as number);
      factors[i] = factor;
      addScaled(direction, direction, -factor, changes[i] as Tensor);
    }
    scale(direction, state.scale, direction);
    for (let i = 0; i < changes.length; i++) {
      const factor = dotOf(changes[i] as Tensor, direction) * (inverses[i] as number);
      addScaled(direction, direction, (factors[i] as number) - factor, steps[i] as Tensor);
    }
    state.direction = direction;
    return state;
  }

  /** Takes the last step and what it changed of the gradient into the memory, where they show a curvature. */
  private remember(state: Curvature, gradient: Tensor): void {
    const change = this.newVector();
    addScaled(change, gradient, -1, state.gradient);
    const step = this.newVector();
    scale(step, state.t, state.direction);
    const product = dotOf(change, step);
    if (!(product > LEAST_CURVATURE)) return;
    const { changes, steps, inverses } = state;
    if (changes.length >= this.group.rule.settings.historySize) {
      changes.shift();
      steps.shift();
      inverses.shift();
    }
    changes.push(change);
    steps.push(step);
    inverses.push(1 / product);
    state.scale = product / dotOf(change, change);
  }

  stateDict(): OptimizerState {
    return saveCurvature(this.group, this.curvature, this.evaluations);
  }

  loadStateDict(state: Readonly<OptimizerState>): void {
    const { dtype } = this.params[0] as Tensor;
    const loaded = loadCurvature(this.group, [this.numel, dtype], state);
    this.curvature = loaded.curvature;
    this.evaluations = loaded.evaluations;
  }
}

function tooManyGroups(): TensorError {
  return new TensorError('ERR_ARGUMENT', '[LBFGS] takes a single group of parameters');
}
