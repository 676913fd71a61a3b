/** A model as a table of its layers, what comes out of them and what they cost, as torchinfo prints it. */
import { noGrad } from '../../autograd/mode.js';
import { TensorError } from '../../errors.js';
import { zeros } from '../../tensor/creation.js';
import { checkDType, type DType, dtypes } from '../../tensor/dtype.js';
import { printAsText } from '../../tensor/inspect.js';
import { checkOptions, checkShape, describe, formatShape, type Shape } from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';
import { checkModule, joinNames } from './members.js';
import type { AnyModule } from './module.js';
import { firstTensor } from './multiply_adds.js';
import type { Parameter } from './parameter.js';

/**
 * What a model is run on: the shape of its input with the batch, the shapes of several inputs, or the
 * inputs themselves (a tensor, or a list of all arguments with a tensor in it).
 */
export type SummaryInput = Tensor | Shape | readonly unknown[];

/** Options of {@link summary}. */
export interface SummaryOptions {
  /** Of the zeros that stand for inputs, one for all or one for each. Default that of the parameters. */
  dtype?: DType | readonly DType[];
  /** How many levels of modules the table shows; totals count all. Default all. */
  depth?: number;
}

/** One module of a {@link Summary}. */
export interface SummaryRow {
  /** As `getSubmodule` takes it; `''` for the model itself. */
  readonly name: string;
  /** The part of the name that the module inside of which it is gives it. */
  readonly label: string;
  /** The class. */
  readonly type: string;
  /** 0 for the model, 1 for the modules directly inside... */
  readonly depth: number;
  /** Of the first tensor that came out of the first call; null when it wasn't called. */
  readonly outputShape: Shape | null;
  /** Numbers in the module's own parameters, without those of the modules inside; shared ones stand once. */
  readonly parameters: number;
  /** How many of these are learned. */
  readonly trainableParameters: number;
  /** Multiplications, each with an addition, of all calls, without those of the modules inside. */
  readonly multiplyAdds: number;
}

/**
 * What {@link summary} tells. `String(summary)` and `console.log` show it as a table.
 * @example
 * ```ts
 * const table = nn.summary(new nn.Linear(3, 2), [1, 3]);
 * table.toString().split('\n').at(-1); // => 'Multiply-adds: 6'
 * ```
 */
export class Summary {
  constructor(
    /** Modules as they stand inside each other, the model first. */
    readonly rows: readonly SummaryRow[],
    /** Numbers in all parameters; shared ones count once. */
    readonly totalParameters: number,
    /** How many of these are learned. */
    readonly trainableParameters: number,
    /** Multiplications, each with an addition, of one run. */
    readonly multiplyAdds: number,
  ) {}

  /** The table. */
  toString(): string {
    const head = ['Layer', 'Output shape', 'Parameters', 'Multiply-adds', 'Trainable'];
    const lines = [head, ...this.rows.map(cellsOf)];
    const widths = head.map((_, c) => Math.max(...lines.map((line) => (line[c] as string).length)));
    const text = lines.map((cells) =>
      cells
        .map((cell, c) => {
          const width = widths[c] as number;
          return c === 2 || c === 3 ? cell.padStart(width) : cell.padEnd(width);
        })
        .join('  ')
        .trimEnd(),
    );
    const rule = '-'.repeat(widths.reduce((sum, width) => sum + width + 2, -2));
    const { totalParameters, trainableParameters } = this;
    const total = `Parameters: ${grouped(totalParameters)}, trainable ${grouped(trainableParameters)}`;
    const [first, ...others] = text;
    const sums = [total, `Multiply-adds: ${grouped(this.multiplyAdds)}`];
    return [first, rule, ...others, rule, ...sums].join('\n');
  }
}

printAsText(Summary);

/** 36878 as 36,878, whatever the locale. */
function grouped(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

function cellsOf(row: SummaryRow): string[] {
  const { label, type, depth, outputShape, parameters, trainableParameters, multiplyAdds } = row;
  let learned = '';
  if (parameters > 0) learned = trainableParameters === parameters ? 'yes' : 'no';
  if (trainableParameters > 0 && trainableParameters < parameters) learned = 'partly';
  return [
    '  '.repeat(depth) + (label === '' ? type : `(${label}): ${type}`),
    outputShape === null ? 'not called' : formatShape(outputShape),
    parameters === 0 ? '-' : grouped(parameters),
    multiplyAdds === 0 ? '-' : grouped(multiplyAdds),
    learned,
  ];
}

/** What stands for the inputs of a forward call. */
function inputsOf(model: AnyModule, input: unknown, dtype: SummaryOptions['dtype']): unknown[] {
  if (input instanceof Tensor) return [input];
  if (!Array.isArray(input)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[summary] expected a shape, shapes, a tensor or a list of inputs, not ${describe(input)}`,
    );
  }
  if (firstTensor(input) !== null) return [...input];
  const shapes: unknown[] = input.length > 0 && input.every(Array.isArray) ? input : [input];
  const list = Array.isArray(dtype)
    ? dtype
    : shapes.map(() => (dtype === undefined ? floatingType(model) : dtype));
  if (list.length !== shapes.length) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[summary] there are ${shapes.length} inputs and ${list.length} dtypes`,
    );
  }
  return shapes.map((shape, i) => {
    checkDType('summary', list[i]);
    return zeros(checkShape('summary', shape), { dtype: list[i] as DType });
  });
}

/** Of the first floating parameter or buffer. */
function floatingType(model: AnyModule): DType {
  for (const members of [model.parameters(), model.buffers()]) {
    for (const { dtype } of members) if (dtypes[dtype].floating) return dtype;
  }
  return 'float32';
}

/** What was seen of a module while the model ran. */
interface Calls {
  outputShape: Shape | null;
  multiplyAdds: number;
}

/** Runs the model in evaluation and without recording, and leaves it as it was. */
function watch(model: AnyModule, modules: readonly AnyModule[], inputs: unknown[]) {
  const seen = new Map<AnyModule, Calls>();
  const modes = modules.map((module) => module.training);
  const handles = modules.map((module) =>
    module.registerForwardHook((_, given, output) => {
      const calls = seen.get(module) ?? {
        outputShape: firstTensor(output)?.shape ?? null,
        multiplyAdds: 0,
      };
      calls.multiplyAdds += module.multiplyAdds(given, output as never);
      seen.set(module, calls);
    }),
  );
  try {
    model.eval();
    noGrad(() => void model.forward(...(inputs as never)));
  } finally {
    for (const handle of handles) handle.remove();
    modules.forEach((module, i) => {
      module.training = modes[i] as boolean;
    });
  }
  return seen;
}

/**
 * Runs a model once, in evaluation mode and without recording, and tells of each module inside what comes
 * out, how many parameters it has and how much it multiplies. Counted are the products of matrices and
 * convolutions (the method `multiplyAdds` of a module says its own), not what is added or applied element by
 * element. The model is left as it was.
 * @param input the shape of the input with its batch; a list of shapes; a tensor; or a list of inputs
 * @throws TensorError ERR_ARGUMENT for anything but a module and inputs, and for unknown options, ERR_SHAPE,
 * ERR_DTYPE, and what `forward` throws
 * @example
 * ```ts
 * const model = new nn.Sequential(new nn.Linear(12288, 3), new nn.Linear(3, 2), new nn.Linear(2, 1));
 * const table = nn.summary(model, [1, 12288]);
 * table.totalParameters; // => 36878
 * table.rows.map((row) => row.outputShape); // => [[1, 1], [1, 3], [1, 2], [1, 1]]
 * ```
 */
export function summary(
  model: AnyModule,
  input: SummaryInput,
  options: SummaryOptions = {},
): Summary {
  checkModule('summary', model);
  checkOptions('summary', options, ['dtype', 'depth']);
  const { depth: limit = Infinity } = options;
  if (typeof limit !== 'number' || !(limit >= 0)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[summary] depth must be a number >= 0, not ${describe(limit)}`,
    );
  }
  const inputs = inputsOf(model, input, options.dtype);
  const modules = [...model.modules()];
  const calls = watch(model, modules, inputs);
  const counted = new Set<Parameter>();
  const rows: SummaryRow[] = [];
  const visited = new Set<AnyModule>();
  const visit = (module: AnyModule, label: string, path: string, depth: number): void => {
    if (visited.has(module)) return;
    visited.add(module);
    let parameters = 0;
    let trainableParameters = 0;
    for (const parameter of module.ownParameters()) {
      if (counted.has(parameter)) continue;
      counted.add(parameter);
      parameters += parameter.numel;
      if (parameter.requiresGrad) trainableParameters += parameter.numel;
    }
    const { outputShape = null, multiplyAdds = 0 } = calls.get(module) ?? {};
    const type = module.constructor.name;
    const name = joinNames(path, label);
    const counts = { parameters, trainableParameters, multiplyAdds };
    rows.push({ name, label, type, depth, outputShape, ...counts });
    for (const [child, inner] of module.namedChildren()) visit(inner, child, name, depth + 1);
  };
  visit(model, '', '', 0);
  return new Summary(
    rows.filter((row) => row.depth <= limit),
    model.numParameters(),
    model.numParameters({ trainable: true }),
    rows.reduce((sum, row) => sum + row.multiplyAdds, 0),
  );
}
