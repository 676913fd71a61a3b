/** What a parameter is computed from, and by which modules. */
import { noGrad } from '../../autograd/mode.js';
import { copyInto } from '../../ops/operand.js';
import { Tensor } from '../../tensor/tensor.js';
import { ModuleList } from './container.js';
import type { Module } from './module.js';

/** What computes a parameter: its `forward` takes the originals, in their order. */
export interface Parametrization extends Module {
  /** The originals from which `forward` computes a value; without it the value is the original. */
  rightInverse?(value: Tensor): Tensor | readonly Tensor[];
}

/**
 * The originals of a parameter and the modules that compute it, one after the other. It stands in
 * `module.parametrizations` under the parameter's name, and so do the names of its parameters:
 * `parametrizations.weight.original`, or `original0`, `original1`... where there are several.
 */
export class ParametrizationList extends ModuleList<Parametrization> {
  /** How many originals there are; null for a single one that is just `original`. */
  private readonly count: number | null;

  constructor(parametrization: Parametrization, originals: Tensor | readonly Tensor[]) {
    super([parametrization]);
    this.count = originals instanceof Tensor ? null : originals.length;
    const list = originals instanceof Tensor ? [originals] : originals;
    for (const [i, name] of this.names.entries()) {
      (this as unknown as Record<string, unknown>)[name] = list[i];
    }
  }

  private get names(): string[] {
    const { count } = this;
    return count === null ? ['original'] : Array.from({ length: count }, (_, i) => `original${i}`);
  }

  /** What the parameter is computed from. */
  get originals(): Tensor[] {
    return this.names.map((name) => (this as unknown as Record<string, Tensor>)[name] as Tensor);
  }

  /** Whether there is one original of the parameter's shape. */
  get isSingle(): boolean {
    return this.count === null;
  }

  /** The parameter's value. */
  compute(): Tensor {
    const [first, ...rest] = this.items as [Parametrization, ...Parametrization[]];
    return rest.reduce((value, next) => next.forward(value), first.forward(...this.originals));
  }

  /** Makes the originals those of a value, as an assignment to the parameter does. */
  setValue(value: Tensor): void {
    let values: Tensor | readonly Tensor[] = value;
    for (const item of this.items.toReversed()) values = inverse(item, values as Tensor);
    const list = values instanceof Tensor ? [values] : values;
    noGrad(() => {
      for (const [i, original] of this.originals.entries()) copyInto(original, list[i] as Tensor);
    });
  }

  override extraRepr(): string {
    return '';
  }
}

/** The originals of a value: itself where the module doesn't say. */
export function inverse(item: Parametrization, value: Tensor): Tensor | readonly Tensor[] {
  return noGrad(() => item.rightInverse?.(value.detach()) ?? value);
}
