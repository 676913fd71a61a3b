import { printAsText } from '../tensor/inspect.js';
import type { Tensor } from '../tensor/tensor.js';
import {
  makeGroup,
  makeGroups,
  type ParameterGroup,
  type ParameterGroupOptions,
  type Parameters,
  type Rule,
} from './group.js';
import type { OptimizerState } from './state_dict.js';

/**
 * Updates parameters from their gradients. `step` after `backward`, `zeroGrad` before the next one.
 * @example
 * ```ts
 * const model = new nn.Linear(2, 1);
 * const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
 * optimizer.zeroGrad();
 * model.forward(ones([4, 2])).square().mean().backward();
 * optimizer.step();
 * ```
 */
export abstract class Optimizer<Options extends object, R extends Rule = Rule> {
  private readonly list: ParameterGroup<R>[];
  private readonly groupOf: (group: unknown) => ParameterGroup<R>;

  /**
   * @param params leaf tensors, or groups of them with options of their own; steps leave those without a
   * gradient as they are, so frozen ones may be among them
   * @param ruleOf checks a group's options and gives its update rule
   * @throws TensorError ERR_ARGUMENT for no parameters, one named twice, results of recorded operations,
   * or options out of range, ERR_DTYPE for parameters of bfloat16 that require gradients
   */
  constructor(params: Parameters<Options>, options: Options, ruleOf: (options: Options) => R) {
    this.list = makeGroups(params, options, ruleOf);
    this.groupOf = (group) => makeGroup(group, options, ruleOf, new Set(this.parameters()));
  }

  /** The parameters with their hyperparameters, which can be set. */
  get groups(): readonly ParameterGroup<R>[] {
    return this.list;
  }

  /** `groups` under PyTorch's name. */
  get paramGroups(): readonly ParameterGroup<R>[] {
    return this.list;
  }

  /**
   * Adds parameters, such as those of a layer that is not frozen any more; what their options don't
   * set comes from the optimizer's. Schedules are made for the groups that there are: add groups first.
   * @throws TensorError ERR_ARGUMENT for parameters that the optimizer has already, or options out of
   * range, ERR_DTYPE for parameters of bfloat16
   */
  addParamGroup(group: ParameterGroupOptions<Options>): void {
    this.list.push(this.groupOf(group));
  }

  /** Learning rate of the first group; setting it sets that of all groups. */
  get lr(): number {
    return (this.list[0] as ParameterGroup<R>).lr;
  }

  set lr(value: number) {
    for (const group of this.list) group.lr = value;
  }

  /** Forgets all gradients. */
  zeroGrad(): void {
    for (const { params } of this.list) for (const parameter of params) parameter.zeroGrad();
  }

  /** The parameters of all groups. */
  protected *parameters(): Generator<Tensor> {
    for (const group of this.list) yield* group.params;
  }

  /** Takes a step. */
  abstract step(): void;
  /**
   * Takes a step with a loss that it asks for.
   * @param closure forgets the gradients, computes the loss, calls its `backward` and returns it
   * @returns the loss
   */
  abstract step<L>(closure: () => L): L;

  /**
   * The state by name, to be saved (`saveSafetensors` takes it) and loaded again. Parameters are
   * numbered through all groups. Names are PyTorch's, with dots: `state.0.step`, `state.0.exp_avg`
   * (of the parameter's shape) for each parameter that has taken a step, and `param_groups.0.lr`
   * for the options of each group, as float64 scalars (truth values 0 and 1, pairs one by one).
   * Every optimizer has a `step`, also SGD, which needs it to know its first one.
   * Tensors of the parameters' shapes share memory with the optimizer: clone to keep them.
   */
  abstract stateDict(): OptimizerState;

  /**
   * Takes over a state that `stateDict` of an optimizer of the same kind gave, or PyTorch's under the
   * same names, for parameters of the same shapes in the same groups: values are copied, and converted
   * to the parameters' dtypes. Parameters without a state start anew. Of a group's options only `lr` must be there, the others
   * stay as they are; those of PyTorch's that mean nothing here (`foreach`, `fused`...) are left out,
   * `betas` may be one tensor of two numbers, and a momentum buffer without a `step` has taken one.
   * All of it is checked first; when something doesn't fit, nothing is changed.
   * @throws TensorError ERR_ARGUMENT for missing or unknown names and for anything but tensors,
   * ERR_SHAPE for tensors that don't fit, ERR_DTYPE for numbers of bfloat16, ERR_DISPOSED
   */
  abstract loadStateDict(state: Readonly<OptimizerState>): void;

  /**
   * The groups with their options, one a line: what `console.log` prints.
   * @example
   * ```ts
   * const optimizer = new optim.Adagrad([ones([2, 3], { requiresGrad: true })], { lr: 0.1 });
   * optimizer.toString().split('\n')[0]; // => 'Adagrad('
   * ```
   */
  toString(): string {
    const groups = this.list.map((group, i) => `  (${i}): ${group}\n`);
    return `${this.constructor.name}(\n${groups.join('')})`;
  }
}

printAsText(Optimizer);
