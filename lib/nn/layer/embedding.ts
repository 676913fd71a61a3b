import { checkPadding, embedding } from '../../ops/indexing/embedding.js';
import type { IndexLike } from '../../ops/indexing/indices.js';
import { checkGenerator, type Generator } from '../../ops/random/random.js';
import { empty } from '../../tensor/creation.js';
import type { DType } from '../../tensor/dtype.js';
import { checkOptions } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { normal, zeros } from '../init.js';
import { Module } from '../module/module.js';
import { Parameter } from '../module/parameter.js';
import { checkDType, checkSize } from './checks.js';

/** Options of {@link Embedding}. */
export interface EmbeddingLayerOptions {
  /**
   * A row that starts as 0 and is not learned, for what fills up short sequences; negative ones count
   * from the end. Default none.
   */
  paddingIdx?: number;
  /** float32 (default) or float64. */
  dtype?: DType;
  /** Where the initial values come from; default the generator that `manualSeed` seeds. */
  generator?: Generator;
}

/**
 * A table of rows by their numbers, from N(0, 1) at first, as in PyTorch.
 * @example
 * ```ts
 * const layer = new nn.Embedding(10, 3);
 * layer.forward([[1, 2], [0, 9]]).shape; // => [2, 2, 3]
 * layer.forward([10]); // throws ERR_INDEX
 * ```
 */
export class Embedding extends Module {
  /** Shape [numEmbeddings, embeddingDim]. */
  readonly weight: Parameter;
  /** The row that is not learned, counted from the start, or null. */
  readonly paddingIdx: number | null;

  /**
   * @throws TensorError ERR_ARGUMENT for sizes that aren't whole numbers >= 1 or unknown options,
   * ERR_INDEX for a paddingIdx that isn't a row, ERR_DTYPE for another dtype
   */
  constructor(
    /** How many rows the table has. */
    readonly numEmbeddings: number,
    /** Elements of a row. */
    readonly embeddingDim: number,
    options: EmbeddingLayerOptions = {},
  ) {
    super();
    checkOptions('Embedding', options, ['paddingIdx', 'dtype', 'generator']);
    for (const size of [numEmbeddings, embeddingDim]) checkSize('Embedding', size);
    const { paddingIdx, dtype = 'float32', generator } = options;
    checkDType('Embedding', dtype);
    checkGenerator('Embedding', generator);
    this.paddingIdx =
      paddingIdx === undefined ? null : checkPadding('Embedding', paddingIdx, numEmbeddings);
    this.weight = new Parameter(empty([numEmbeddings, embeddingDim], { dtype }));
    normal(this.weight, 0, 1, generator);
    if (this.paddingIdx !== null) zeros(this.weight.detach().slice([this.paddingIdx]));
  }

  /** The rows of the given numbers: shape [...indices.shape, embeddingDim]. */
  forward(indices: IndexLike): Tensor {
    const { weight, paddingIdx } = this;
    return embedding(weight, indices, paddingIdx === null ? {} : { paddingIdx });
  }

  /** Rows are looked up, not multiplied. */
  override multiplyAdds(): number {
    return 0;
  }
}
