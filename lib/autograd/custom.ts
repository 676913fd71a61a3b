/** Operations of the user's, with a gradient of the user's. */
import { TensorError } from '../errors.js';
import { zeros } from '../tensor/creation.js';
import { dtypes } from '../tensor/dtype.js';
import { keepStorage, outsideScope } from '../tensor/memory.js';
import { checkOptions, describe } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { checkFunction, checkSynchronous, isGradEnabled, noGrad } from './mode.js';
import { attachJoint, needsGrad, type SeveralGradients } from './tape.js';

/** What `forward` leaves for `backward`: one for each call. */
export interface FunctionContext<State = undefined> {
  /**
   * Keeps tensors for `backward`: inputs, results, or others made in `forward`. Reading them after they
   * were changed in place is an error. May be called once; tensors kept elsewhere aren't checked.
   */
  saveForBackward(...tensors: readonly Tensor[]): void;
  /**
   * What `saveForBackward` kept, in its order.
   * @throws TensorError ERR_STATE when one was changed in place since
   */
  readonly savedTensors: readonly Tensor[];
  /** For each argument of the call whether it is a tensor whose gradient is asked for. */
  readonly needsInputGrad: readonly boolean[];
  /** Results that no gradient flows through, for example indices. Integers and bools never have one. */
  markNonDifferentiable(...results: readonly Tensor[]): void;
  /** Whether `backward` gets zeros (the default) or null for results that no gradient arrived at. */
  setMaterializeGrads(value: boolean): void;
  /** What the definition's `state` made for this call, for values that are no tensors. */
  readonly state: State;
}

/** A gradient for each argument, or null; a single one will do for a single argument. */
export type InputGradients = Tensor | null | readonly (Tensor | null | undefined)[];

/** What {@link customFunction} makes an operation from. */
export interface CustomFunction<
  Inputs extends readonly unknown[],
  Outputs extends Tensor | readonly Tensor[],
  State,
> {
  /** For messages and `gradFn`. */
  name: string;
  /** Makes the context's `state` for a call. */
  state?: () => State;
  /** Computes the result or results, without recording. */
  forward(ctx: FunctionContext<State>, ...inputs: Inputs): Outputs;
  /**
   * From the gradients of the results those of the arguments: null for one that has none. Made of
   * differentiable operations on saved tensors and arguments it can be differentiated again.
   */
  backward(
    ctx: FunctionContext<State>,
    ...gradOutputs: Outputs extends readonly Tensor[]
      ? { [K in keyof Outputs]: Tensor }
      : [gradOutput: Tensor]
  ): InputGradients;
}

class Context<State> implements FunctionContext<State> {
  private kept: { readonly tensor: Tensor; readonly version: number }[] = [];
  readonly nonDifferentiable = new Set<Tensor>();
  materialize = true;

  constructor(
    private readonly name: string,
    readonly needsInputGrad: readonly boolean[],
    readonly state: State,
  ) {}

  saveForBackward(...tensors: readonly Tensor[]): void {
    this.kept = tensors.map((tensor) => {
      this.checkTensor('saveForBackward', tensor);
      if (tensor.storage.inference && this.needsInputGrad.includes(true)) {
        throw new TensorError(
          'ERR_STATE',
          `[${this.name}] a tensor that was made in inferenceMode can't be saved for backward; ` +
            'use a clone() of it',
        );
      }
      return { tensor, version: tensor.storage.version };
    });
  }

  get savedTensors(): readonly Tensor[] {
    return this.kept.map(({ tensor, version }, i) => {
      if (tensor.storage.version !== version) {
        throw new TensorError(
          'ERR_STATE',
          `[backward] one of the tensors that ${this.name} needs was changed in place after ` +
            `${this.name} used it: its saved tensor ${i} (version ${tensor.storage.version}, ` +
            `expected ${version}); change a clone() instead, or change it after backward`,
        );
      }
      return tensor;
    });
  }

  markNonDifferentiable(...results: readonly Tensor[]): void {
    for (const result of results) {
      this.checkTensor('markNonDifferentiable', result);
      this.nonDifferentiable.add(result);
    }
  }

  setMaterializeGrads(value: boolean): void {
    this.materialize = value;
  }

  private checkTensor(method: string, value: unknown): void {
    if (value instanceof Tensor) return;
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${this.name}] ${method} takes tensors, not ${describe(value)}`,
    );
  }
}

/**
 * Makes an operation with a gradient of its own, in the spirit of PyTorch's `autograd.Function`:
 * `forward` computes without recording and says what to keep; `backward` gets the gradients of the
 * results and returns one for each argument, null where there is none (for arguments that are no
 * tensors, say). When `backward` is made of differentiable operations on saved tensors, gradients of
 * gradients work. A result that is an argument itself, or was returned already, becomes a new view.
 * @throws TensorError ERR_ARGUMENT for a definition without its parts, and in a call or a backward pass
 * for results and gradients that are no tensors or too many; ERR_STATE for a gradient of another shape
 * or dtype than its argument
 *
 * @example
 * ```ts
 * const cube = customFunction({
 *   name: 'cube',
 *   forward(ctx, x) {
 *     ctx.saveForBackward(x);
 *     return x.mul(x).mul(x);
 *   },
 *   backward(ctx, g) {
 *     const [x] = ctx.savedTensors;
 *     return g.mul(x.square()).mul(3);
 *   },
 * });
 * const x = tensor([1, 2], { requiresGrad: true });
 * cube(x).sum().backward();
 * x.grad; // => [3, 12]
 * ```
 */
export function customFunction<
  Inputs extends readonly unknown[],
  Outputs extends Tensor | readonly [Tensor, ...Tensor[]] | readonly Tensor[],
  State = undefined,
>(definition: CustomFunction<Inputs, Outputs, State>): (...inputs: Inputs) => Outputs {
  checkOptions('customFunction', definition, ['name', 'state', 'forward', 'backward']);
  const { name, state } = definition;
  if (typeof name !== 'string' || name === '') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[customFunction] name must be a text that isn't empty, not ${describe(name)}`,
    );
  }
  checkFunction('customFunction', definition.forward);
  checkFunction('customFunction', definition.backward);
  if (state !== undefined) checkFunction('customFunction', state);

  return (...inputs: Inputs): Outputs => {
    const needs = inputs.map((x) => isGradEnabled() && x instanceof Tensor && needsGrad(x));
    const ctx = new Context<State>(name, needs, state?.() as State);
    const returned = noGrad(() => checkSynchronous(name, definition.forward(ctx, ...inputs)));
    const several = Array.isArray(returned);
    const results = checkResults(name, several ? returned : [returned]);
    if (!needs.includes(true)) return returned;
    const own = ownTensors(results, inputs);
    const places = own.flatMap((result, i) => {
      const differentiable =
        dtypes[result.dtype].floating && !ctx.nonDifferentiable.has(results[i] as Tensor);
      return differentiable ? [i] : [];
    });
    if (places.length > 0) {
      const differentiable = places.map((i) => own[i] as Tensor);
      const tensors = inputs.filter((x) => x instanceof Tensor);
      const likes = own.map(({ shape, dtype }) => ({ shape, dtype }));
      const rule = ruleOf(definition as never, ctx, inputs, likes, places);
      attachJoint(differentiable, name, tensors, rule);
    }
    return (several ? own : own[0]) as Outputs;
  };
}

/** The rule that calls `backward`. A function of its own, so that it keeps nothing but its arguments. */
function ruleOf<Inputs extends readonly unknown[], State>(
  definition: CustomFunction<Inputs, never, State>,
  ctx: Context<State>,
  inputs: Inputs,
  likes: readonly Like[],
  places: readonly number[],
): (gradients: SeveralGradients, deliver: (index: number, g: Tensor) => void) => void {
  return (gradients, deliver) => {
    const given = outsideScope(() => {
      const all = allGradients(likes, places, gradients, ctx.materialize);
      const call = definition.backward as (
        ctx: FunctionContext<State>,
        ...gradients: readonly (Tensor | null)[]
      ) => InputGradients;
      return checkGradients(definition.name, call.call(definition, ctx, ...all), inputs);
    });
    let index = 0;
    inputs.forEach((x, i) => {
      if (!(x instanceof Tensor)) return;
      const g = given[i];
      if (g instanceof Tensor) deliver(index, g);
      index++;
    });
  };
}

type Like = Pick<Tensor, 'shape' | 'dtype'>;

function checkResults(name: string, results: readonly unknown[]): readonly Tensor[] {
  for (const result of results) {
    if (result instanceof Tensor) continue;
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${name}] forward must return a tensor or a list of tensors, not ${describe(result)}`,
    );
  }
  return results as readonly Tensor[];
}

/** The results as tensors that nobody else has a history of. */
function ownTensors(results: readonly Tensor[], inputs: readonly unknown[]): Tensor[] {
  const seen = new Set<unknown>(inputs);
  return results.map((result) => {
    const own = seen.has(result) || needsGrad(result) ? result.detach() : result;
    seen.add(result);
    return own;
  });
}

/** What backward gets: a gradient for every result, also for those that none arrived at. */
function allGradients(
  likes: readonly Like[],
  places: readonly number[],
  arrived: SeveralGradients,
  materialize: boolean,
): (Tensor | null)[] {
  return likes.map(({ shape, dtype }, i) => {
    const at = places.indexOf(i);
    const g = at < 0 ? null : (arrived[at] ?? null);
    if (g !== null) {
      keepStorage(g.storage); // backward may keep it
      return g;
    }
    return materialize ? zeros(shape, { dtype }) : null;
  });
}

function checkGradients(
  name: string,
  given: unknown,
  inputs: readonly unknown[],
): readonly (Tensor | null | undefined)[] {
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (list.length > inputs.length && list.slice(inputs.length).some((g) => g != null)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${name}] backward returned ${list.length} gradients for ${inputs.length} arguments`,
    );
  }
  if (list.length < inputs.length) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${name}] backward returned ${list.length} gradients for ${inputs.length} arguments; ` +
        'null stands for none',
    );
  }
  list.forEach((g, i) => {
    if (g === null || g === undefined) return;
    if (!(g instanceof Tensor)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${name}] backward returned ${describe(g)} as the gradient of argument ${i}`,
      );
    }
    if (i < inputs.length && !(inputs[i] instanceof Tensor)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${name}] backward returned a gradient for argument ${i}, which is no tensor; return null`,
      );
    }
  });
  return list as readonly (Tensor | null | undefined)[];
}
