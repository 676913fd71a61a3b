/** A GPT: predicts the next character of each place from the characters up to there. */
import {
  type Generator,
  linear,
  multinomial,
  nn,
  noGrad,
  type Tensor,
  tensor,
  tidy,
  topk,
} from 'tilegrad';
import type { Architecture, Writing } from './cli.js';
import type { Vocabulary } from './data.js';

/** The standard deviation of first weights in GPT-2 (Radford et al. 2019). */
const WEIGHT_STD = 0.02;

/** The two linear layers in a transformer layer make it four times as wide in between. */
const WIDENING = 4;

/**
 * The decoder of Radford et al. (2019), GPT-2: transformer layers with normalisation first and causal
 * attention. The table of characters is also the output layer. Nothing has a bias.
 */
export class GPT extends nn.Module<[tokens: Tensor]> {
  readonly tokens: nn.Embedding;
  readonly positions: nn.LearnedPositionalEmbedding;
  readonly decoder: nn.TransformerEncoder;

  constructor(
    vocabularySize: number,
    readonly architecture: Architecture,
    generator: Generator,
  ) {
    super();
    const { context, dropout, heads, layers, width } = architecture;
    const common = { dropout, batchFirst: true, generator };
    this.tokens = new nn.Embedding(vocabularySize, width, { generator });
    this.positions = new nn.LearnedPositionalEmbedding(width, { ...common, maxLen: context });
    const layer = new nn.TransformerEncoderLayer(width, heads, {
      ...common,
      dimFeedforward: WIDENING * width,
      activation: 'gelu',
      normFirst: true,
      bias: false,
    });
    this.decoder = new nn.TransformerEncoder(
      layer,
      layers,
      new nn.LayerNorm(width, { bias: false }),
    );
    for (const [name, parameter] of this.namedParameters()) {
      if (parameter.ndim < 2) continue;
      // What is added to the residual twice in each layer, so that its variance doesn't grow with them.
      const isResidual = /out_proj|linear2/.test(name);
      const std = isResidual ? WEIGHT_STD / Math.sqrt(2 * layers) : WEIGHT_STD;
      nn.init.normal(parameter, 0, std, generator);
    }
  }

  /** @param tokens int32 [N, L]; returns logits [N, L, characters] */
  forward(tokens: Tensor): Tensor {
    const x = this.positions.forward(this.tokens.forward(tokens));
    return linear(this.decoder.forward(x, { isCausal: true }), this.tokens.weight);
  }

  parameterCount(): number {
    return [...this.parameters()].reduce((sum, parameter) => sum + parameter.numel, 0);
  }
}

/** A character to go on with, drawn from what the model expects after those seen. */
function next(
  model: GPT,
  seen: readonly number[],
  characters: number,
  { temperature, topK }: Writing,
  generator: Generator,
): number {
  const logits = model.forward(tensor([seen], { dtype: 'int32' })).slice([0, -1]);
  const best = topk(logits.div(temperature), topK === 0 ? characters : Math.min(topK, characters));
  const chosen = multinomial(best.values.softmax(), 1, { generator }).item();
  return best.indices.slice([chosen]).item();
}

/** Text that goes on from the prompt, character by character. */
export function write(
  model: GPT,
  vocabulary: Vocabulary,
  writing: Writing,
  generator: Generator,
): string {
  const { prompt, length } = writing;
  const numbers = [...vocabulary.encode(prompt)];
  const wasTraining = model.training;
  model.eval();
  noGrad(() => {
    for (let i = 0; i < length; i++) {
      const seen = numbers.slice(-model.architecture.context);
      numbers.push(tidy(() => next(model, seen, vocabulary.size, writing, generator)));
    }
  });
  model.train(wasTraining);
  return vocabulary.decode(numbers);
}
