/** Parametrizations of weights, as in torch.nn.utils.parametrizations. */
import { noGrad } from '../autograd/mode.js';
import { TensorError } from '../errors.js';
import { abs, div, mul } from '../ops/elementwise/arithmetic.js';
import { copyInto } from '../ops/operand.js';
import { normalize } from '../ops/product/distance.js';
import { dot, mv } from '../ops/product/products.js';
import { checkGenerator, type Generator, randn } from '../ops/random/random.js';
import { norm } from '../ops/reduction/statistics.js';
import { reshape, transpose } from '../ops/shape/shape.js';
import { checkCount, checkNumber, checkOptions, describe } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d } from './layer/conv_transpose.js';
import { Buffer } from './module/buffer.js';
import { checkModule } from './module/members.js';
import { type AnyModule, Module } from './module/module.js';
import type { Parametrization } from './module/parametrization_list.js';
import { registerParametrization } from './module/parametrize.js';

/** Options of {@link weightNorm}. */
export interface WeightNormOptions {
  /** Which parameter. Default 'weight'. */
  name?: string;
  /** The dimension whose places have a length of their own; null for one length of all. Default 0. */
  dim?: number | null;
}

/** Options of {@link spectralNorm}. */
export interface SpectralNormOptions {
  /** Which parameter. Default 'weight'. */
  name?: string;
  /** Steps of the power method for each use in training. Default 1. */
  nPowerIterations?: number;
  /** Vectors shorter than this are divided by this. Default 1e-12. */
  eps?: number;
  /** The dimension of the outputs. Default 0, of transposed convolutions 1. */
  dim?: number | null;
  /** Where the first vectors come from; default the generator that `manualSeed` seeds. */
  generator?: Generator;
}

/** The tensor of a name, whose dimensions are asked for. */
function targetOf(operation: string, module: AnyModule, name: unknown): Tensor {
  checkModule(operation, module);
  const members = module as unknown as Record<string, unknown>;
  const target = typeof name === 'string' ? members[name] : null;
  if (target instanceof Tensor) return target;
  throw new TensorError(
    'ERR_ARGUMENT',
    `[${operation}] ${module.constructor.name} has no parameter ${describe(name)}`,
  );
}

/** @throws TensorError ERR_ARGUMENT unless it is a dimension of the tensor */
function checkDim(operation: string, dim: unknown, { ndim }: Tensor): number {
  if (Number.isInteger(dim) && (dim as number) >= 0 && (dim as number) < ndim) return dim as number;
  throw new TensorError(
    'ERR_ARGUMENT',
    `[${operation}] dim is a dimension from 0 to ${ndim - 1}, not ${describe(dim)}`,
  );
}

/** g v / |v|, of two originals. */
class WeightNorm extends Module implements Parametrization {
  constructor(readonly dim: number | null) {
    super();
  }

  /** The norm over all other dimensions, which stay with size 1. */
  private lengths(v: Tensor): Tensor {
    if (this.dim === null) return norm(v);
    const others = v.shape.map((_, d) => d).filter((d) => d !== this.dim);
    return others.length === 0 ? abs(v) : norm(v, { dim: others, keepDim: true });
  }

  forward(g: Tensor, v: Tensor): Tensor {
    return mul(v, div(g, this.lengths(v)));
  }

  rightInverse(weight: Tensor): Tensor[] {
    return [this.lengths(weight), weight];
  }
}

/**
 * Learns the length and the direction of a weight apart: weight = g v / |v| (Salimans & Kingma 2016),
 * where g has an element for each place of `dim`. The parameters are `parametrizations.weight.original0`
 * (g) and `original1` (v), as in PyTorch; `parametrize.removeParametrizations` makes one weight of them
 * again. Make the optimizer afterwards. Returns the module.
 * @throws TensorError ERR_ARGUMENT for anything but a module with such a parameter, a wrong dimension and
 * unknown options
 * @example
 * ```ts
 * const layer = nn.utils.parametrizations.weightNorm(new nn.Linear(2, 3));
 * layer.parametrizations.get('weight').original0.shape; // => [3, 1]
 * layer.forward(ones([4, 2])).shape; // => [4, 3]
 * ```
 */
export function weightNorm<M extends AnyModule>(module: M, options: WeightNormOptions = {}): M {
  const operation = 'weightNorm';
  checkOptions(operation, options, ['name', 'dim']);
  const { name = 'weight', dim = 0 } = options;
  const target = targetOf(operation, module, name);
  if (dim !== null) checkDim(operation, dim, target);
  return registerParametrization(module, name, new WeightNorm(dim));
}

/** Divides a weight by its largest singular value, which the power method follows. */
class SpectralNorm extends Module implements Parametrization {
  private u: Buffer | null = null;
  private v: Buffer | null = null;

  constructor(
    weight: Tensor,
    readonly nPowerIterations: number,
    readonly dim: number,
    readonly eps: number,
    generator: Generator | undefined,
  ) {
    super();
    if (weight.ndim < 2) return;
    noGrad(() => {
      const matrix = this.matrixOf(weight.detach());
      const [rows, columns] = matrix.shape as readonly [number, number];
      const random = (size: number): Buffer => {
        const drawn = randn([size], { dtype: weight.dtype, ...(generator && { generator }) });
        return new Buffer(this.unit(drawn));
      };
      this.u = random(rows);
      this.v = random(columns);
      // PyTorch's number of first steps.
      this.iterate(matrix, 15);
    });
  }

  protected override memberName(property: string): string {
    return property === 'u' || property === 'v' ? `_${property}` : property;
  }

  private unit(vector: Tensor): Tensor {
    return normalize(vector, { dim: 0, eps: this.eps });
  }

  /** [places of dim, all others]. */
  private matrixOf(weight: Tensor): Tensor {
    const first = this.dim === 0 ? weight : weight.movedim(this.dim, 0);
    return reshape(first, [first.shape[0] as number, -1]);
  }

  private iterate(matrix: Tensor, steps: number): void {
    const [u, v] = [this.u as Buffer, this.v as Buffer];
    for (let i = 0; i < steps; i++) {
      copyInto(u, this.unit(mv(matrix, v)));
      copyInto(v, this.unit(mv(transpose(matrix), u)));
    }
  }

  forward(weight: Tensor): Tensor {
    if (this.u === null || this.v === null) return this.unit(weight);
    const matrix = this.matrixOf(weight);
    if (this.training) noGrad(() => this.iterate(matrix.detach(), this.nPowerIterations));
    // The next use changes the vectors, and the backward pass needs these.
    const [u, v] = [this.u.detach().clone(), this.v.detach().clone()];
    return div(weight, dot(u, mv(matrix, v)));
  }
}

/**
 * Divides a weight by its spectral norm: weight = W / sigma(W) with the largest singular value of W as a
 * matrix of `dim` and the other dimensions (Miyato et al. 2018). Each use in training takes
 * `nPowerIterations` steps of the power method, whose vectors are buffers; evaluation takes none. The
 * state's names are PyTorch's: `parametrizations.weight.original`, `parametrizations.weight.0._u`
 * and `._v`. A vector is divided by its length. Returns the module.
 * @throws TensorError ERR_ARGUMENT for anything but a module with such a parameter, wrong numbers and
 * unknown options
 * @example
 * ```ts
 * const layer = nn.utils.parametrizations.spectralNorm(new nn.Linear(2, 2, { bias: false }));
 * layer.weight = tensor([[3, 0], [0, 1]]);
 * for (let i = 0; i < 20; i++) layer.weight;
 * layer.weight.at(0, 0).item(); // => 1
 * ```
 */
export function spectralNorm<M extends AnyModule>(module: M, options: SpectralNormOptions = {}): M {
  const operation = 'spectralNorm';
  checkOptions(operation, options, ['name', 'nPowerIterations', 'eps', 'dim', 'generator']);
  const { name = 'weight', nPowerIterations = 1, eps = 1e-12, generator } = options;
  const target = targetOf(operation, module, name);
  const transposed = [ConvTranspose1d, ConvTranspose2d, ConvTranspose3d];
  const isTransposed = transposed.some((Class) => (module as unknown) instanceof Class);
  const dim = checkDim(operation, options.dim ?? Number(isTransposed), target);
  checkCount(operation, 'nPowerIterations', nPowerIterations);
  checkNumber(operation, 'eps', eps, 0);
  checkGenerator(operation, generator);
  const parametrization = new SpectralNorm(target, nPowerIterations, dim, eps, generator);
  return registerParametrization(module, name, parametrization);
}
