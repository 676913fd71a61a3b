/** Modules that hold others, with PyTorch's names in the state. */
import { insideLayer } from '../../autograd/tidy.js';
import { TensorError } from '../../errors.js';
import { describe, formatShape } from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';
import { checkIndex, Dictionary, List, type Named, namedEntries } from './collection.js';
import { Lambda } from './lambda.js';
import { checkModule } from './members.js';
import { type AnyModule, Module } from './module.js';
import { callLayer } from './ours.js';
import { Parameter } from './parameter.js';

/** What {@link Sequential} takes: a module, or a function of a tensor. */
export type Layer = Module | Module<[x: Tensor]> | ((x: Tensor) => Tensor);

function layerOf(layer: unknown): Module {
  if (layer instanceof Module) return layer as Module;
  if (typeof layer === 'function') return new Lambda(layer as (x: Tensor) => Tensor) as Module;
  throw new TensorError(
    'ERR_ARGUMENT',
    `[Sequential] ${describe(layer)} is neither a module nor a function`,
  );
}

/**
 * Layers one after the other: modules, and functions of a tensor. Parameters are named by the layer's
 * number (`0.weight`, `2.bias`...), or by the names of an object or a map of layers.
 * @example
 * ```ts
 * const model = new nn.Sequential(new nn.Linear(4, 8), relu, new nn.Linear(8, 3));
 * model.forward(ones([2, 4])).shape; // => [2, 3]
 * Object.keys(model.stateDict()); // => ['0.weight', '0.bias', '2.weight', '2.bias']
 * const named = new nn.Sequential({ first: new nn.Linear(4, 8), act: relu });
 * Object.keys(named.stateDict()); // => ['first.weight', 'first.bias']
 * ```
 */
export class Sequential extends Module {
  /** In the order in which they run. */
  readonly layers: readonly Module[];
  private readonly names: string[];

  /** @throws TensorError ERR_ARGUMENT for anything but modules and functions, and for wrong names */
  constructor(layers: Named<Layer>);
  constructor(...layers: Layer[]);
  constructor(...args: (Layer | Named<Layer>)[]) {
    super();
    const [first] = args;
    const isOne = args.length === 1 && typeof first === 'object' && first !== null;
    const entries =
      isOne && !(first instanceof Module)
        ? namedEntries('Sequential', first)
        : args.map((layer, i): [string, unknown] => [String(i), layer]);
    this.layers = entries.map(([, layer]) => layerOf(layer));
    this.names = entries.map(([name]) => name);
    if (new Set(this.names).size !== this.names.length) {
      throw new TensorError('ERR_ARGUMENT', '[Sequential] two layers have the same name');
    }
  }

  protected override memberName(property: string): string {
    const place = /^layers\.(\d+)$/.exec(property)?.[1];
    return place === undefined ? property : (this.names[Number(place)] as string);
  }

  /** How many layers there are. */
  get length(): number {
    return this.layers.length;
  }

  /**
   * A layer by its place; negative ones count from the end.
   * @throws TensorError ERR_INDEX when there is none
   */
  at(index: number): Module {
    return this.layers[checkIndex('Sequential', index, this.length)] as Module;
  }

  /**
   * Adds a layer at the end, named by its number. Returns itself.
   * @throws TensorError ERR_ARGUMENT for anything but a module or function, and when that name is taken
   */
  append(layer: Layer): this {
    const name = String(this.length);
    if (this.names.includes(name)) {
      throw new TensorError('ERR_ARGUMENT', `[Sequential] a layer is named "${name}" already`);
    }
    (this.layers as Module[]).push(layerOf(layer));
    this.names.push(name);
    return this;
  }

  /** The layers in the order in which they run. */
  [Symbol.iterator](): Iterator<Module> {
    return this.layers[Symbol.iterator]();
  }

  forward(x: Tensor): Tensor {
    return insideLayer(() => {
      let value = x;
      for (let i = 0; i < this.layers.length; i++)
        value = callLayer(this.layers[i] as Module, value);
      return value;
    });
  }
}

/**
 * A list of modules, which the module around it calls as it likes.
 * @example
 * ```ts
 * class Stack extends nn.Module {
 *   layers = new nn.ModuleList([1, 2].map(() => new nn.Linear(3, 3)));
 *   forward(x) {
 *     for (const layer of this.layers) x = layer.forward(x).relu();
 *     return x;
 *   }
 * }
 * Object.keys(new Stack().stateDict()).slice(0, 2); // => ['layers.0.weight', 'layers.0.bias']
 * ```
 */
export class ModuleList<M extends AnyModule = Module> extends List<M> {
  protected override itemOf(given: unknown): M {
    checkModule('ModuleList', given);
    return given as M;
  }
}

/**
 * Modules by name, in the order in which they were added.
 * @example
 * ```ts
 * const heads = new nn.ModuleDict({ digit: new nn.Linear(4, 10), sign: new nn.Linear(4, 1) });
 * heads.get('sign').forward(ones([2, 4])).shape; // => [2, 1]
 * [...heads.keys()]; // => ['digit', 'sign']
 * ```
 */
export class ModuleDict<M extends AnyModule = Module> extends Dictionary<M> {
  protected override itemOf(given: unknown): M {
    checkModule('ModuleDict', given);
    return given as M;
  }
}

/** @throws TensorError ERR_ARGUMENT unless it is a tensor, ERR_DTYPE for a tensor of integers */
function parameterOf(operation: string, value: unknown): Parameter {
  if (value instanceof Parameter) return value;
  if (value instanceof Tensor) return new Parameter(value);
  throw new TensorError(
    'ERR_ARGUMENT',
    `[${operation}] expected a parameter or a tensor, not ${describe(value)}`,
  );
}

/** One line for each parameter. */
function parameterLines(parameters: Iterable<[string | number, Parameter]>): string {
  return [...parameters]
    .map(([name, { dtype, shape }]) => `(${name}): Parameter of ${dtype} ${formatShape(shape)}`)
    .join('\n');
}

/**
 * A list of parameters. Tensors become parameters over their memory.
 * @example
 * ```ts
 * const list = new nn.ParameterList([zeros([2]), ones([3])]);
 * list.at(-1).shape; // => [3]
 * Object.keys(list.stateDict()); // => ['0', '1']
 * ```
 */
export class ParameterList extends List<Parameter, Tensor> {
  protected override itemOf(given: unknown): Parameter {
    return parameterOf('ParameterList', given);
  }

  override extraRepr(): string {
    return parameterLines(this.items.entries());
  }
}

/**
 * Parameters by name, in the order in which they were added. Tensors become parameters over their memory.
 * @example
 * ```ts
 * const gains = new nn.ParameterDict({ left: ones([2]), right: zeros([2]) });
 * gains.get('right'); // => [0, 0]
 * Object.keys(gains.stateDict()); // => ['left', 'right']
 * ```
 */
export class ParameterDict extends Dictionary<Parameter, Tensor> {
  protected override itemOf(given: unknown): Parameter {
    return parameterOf('ParameterDict', given);
  }

  override extraRepr(): string {
    return parameterLines(this.items);
  }
}
