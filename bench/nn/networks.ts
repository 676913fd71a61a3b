/**
 * Training steps of whole networks. Layers have PyTorch's names and order, so that the weights, which are
 * numbered by it, are the same for every program (`network` in bench/peers/python_peer.py builds them too).
 */
import { crossEntropy, type DType, fromTypedArray, nn, noGrad, optim, type Tensor } from 'tilegrad';
import { uniform } from '../lib/inputs.js';

export interface NetworkCase {
  kind: 'network';
  name: string;
  network: 'cnn' | 'lstm' | 'gru' | 'transformer';
  batch: number;
  /** Elements of the sequences; of the CNN nothing. */
  steps: number;
  /** Features of an element. */
  width: number;
}

const kClasses = 10;
const kCharacters = 65;
const kHeads = 4;
const kLayers = 4;

/** As in Keras's example for MNIST, without dropout, whose random numbers every library draws its own way. */
function cnn(dtype: DType): nn.Sequential {
  return new nn.Sequential(
    new nn.Conv2d(1, 32, 3, { dtype }),
    new nn.ReLU(),
    new nn.Conv2d(32, 64, 3, { dtype }),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
    new nn.Linear(9216, 128, { dtype }),
    new nn.ReLU(),
    new nn.Linear(128, kClasses, { dtype }),
  );
}

/** A recurrent layer, and a linear one on what it gives last. */
class Recurrent extends nn.Module {
  readonly recurrent: nn.LSTM | nn.GRU;
  readonly head: nn.Linear;

  constructor(kind: 'lstm' | 'gru', width: number, dtype: DType) {
    super();
    const Layer = kind === 'lstm' ? nn.LSTM : nn.GRU;
    this.recurrent = new Layer(width, width, { batchFirst: true, dtype });
    this.head = new nn.Linear(width, kClasses, { dtype });
  }

  forward(x: Tensor): Tensor {
    const { recurrent } = this;
    const [output] = recurrent instanceof nn.LSTM ? recurrent.forward(x) : recurrent.forward(x);
    return this.head.forward(output.select(1, -1));
  }
}

/** A GPT's layers: normalisation first, causal attention. */
class Transformer extends nn.Module {
  readonly tokens: nn.Embedding;
  readonly positions: nn.Embedding;
  readonly encoder: nn.TransformerEncoder;
  readonly head: nn.Linear;
  private readonly places: Tensor;

  constructor(steps: number, width: number, dtype: DType) {
    super();
    this.tokens = new nn.Embedding(kCharacters, width, { dtype });
    this.positions = new nn.Embedding(steps, width, { dtype });
    const layer = new nn.TransformerEncoderLayer(width, kHeads, {
      dimFeedforward: 4 * width,
      dropout: 0,
      activation: 'gelu',
      batchFirst: true,
      normFirst: true,
      dtype,
    });
    this.encoder = new nn.TransformerEncoder(layer, kLayers, new nn.LayerNorm(width, { dtype }));
    this.head = new nn.Linear(width, kCharacters, { dtype });
    this.places = fromTypedArray(Int32Array.from({ length: steps }, (_, i) => i));
  }

  forward(tokens: Tensor): Tensor {
    const x = this.tokens.forward(tokens).add(this.positions.forward(this.places));
    const y = this.head.forward(this.encoder.forward(x, { isCausal: true }));
    return y.reshape([-1, kCharacters]);
  }
}

/** Weights uniform within 1 / sqrt(inputs), of normalisations 1, biases 0. */
function fill(model: nn.Module): void {
  noGrad(() => {
    for (const [i, [name, p]] of [...model.namedParameters()].entries()) {
      if (p.ndim > 1) {
        const bound = 1 / Math.sqrt(p.numel / p.shape[0]!);
        const values = uniform(p.numel, 1000 + i).map((x) => x * bound);
        p.copy_(fromTypedArray(values, p.shape));
      } else {
        nn.init.constant(p, name.endsWith('weight') ? 1 : 0);
      }
    }
  });
}

/** Input and classes of a case. */
function dataOf({ network, batch, steps, width }: NetworkCase, dtype: DType): [Tensor, Tensor] {
  if (network === 'transformer') {
    // Each sequence with the character that comes after it.
    const all = Int32Array.from(
      { length: batch * (steps + 1) },
      (_, i) => (i * 7919) % kCharacters,
    );
    const tokens = fromTypedArray(all, [batch, steps + 1]);
    return [
      tokens.slice([null, [0, -1]]).contiguous(),
      tokens.slice([null, [1, null]]).reshape([-1]),
    ];
  }
  const shape = network === 'cnn' ? [batch, 1, 28, 28] : [batch, steps, width];
  const n = shape.reduce((a, b) => a * b, 1);
  const classes = Int32Array.from({ length: batch }, (_, i) => i % kClasses);
  return [fromTypedArray(uniform(n, 100), shape).to(dtype), fromTypedArray(classes)];
}

function modelOf({ network, steps, width }: NetworkCase, dtype: DType): nn.Module {
  switch (network) {
    case 'cnn':
      return cnn(dtype);
    case 'transformer':
      return new Transformer(steps, width, dtype);
    default:
      return new Recurrent(network, width, dtype);
  }
}

/** A training step that returns its loss. */
export function networkTrainer(c: NetworkCase, dtype: DType): () => Tensor {
  const model = modelOf(c, dtype);
  fill(model);
  const [x, y] = dataOf(c, dtype);
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 });
  return () => {
    optimizer.zeroGrad();
    const loss = crossEntropy(model.forward(x), y);
    loss.backward();
    optimizer.step();
    return loss;
  };
}

export function networkCases(): NetworkCase[] {
  const kind = 'network';
  return [
    { kind, name: 'train CNN b64', network: 'cnn', batch: 64, steps: 0, width: 0 },
    { kind, name: 'train LSTM 64 x 32 x 128', network: 'lstm', batch: 64, steps: 32, width: 128 },
    { kind, name: 'train GRU 64 x 32 x 128', network: 'gru', batch: 64, steps: 32, width: 128 },
    {
      ...{ kind, name: 'train transformer 4 x 128, 12 x 64', network: 'transformer' },
      ...{ batch: 12, steps: 64, width: 128 },
    },
  ];
}

/** Multiplications and additions of a training step: 6 for each weight that an example or element meets. */
export function networkFlops({ network, batch, steps, width }: NetworkCase): number {
  switch (network) {
    case 'cnn':
      return 6 * batch * (26 * 26 * 32 * 9 + 24 * 24 * 64 * 32 * 9 + 9216 * 128 + 128 * kClasses);
    case 'transformer':
      // Four projections and two layers four times as wide; attention's products count twice their steps.
      return (
        6 * batch * steps * (kLayers * (12 * width ** 2 + 2 * steps * width) + kCharacters * width)
      );
    default:
      return 6 * batch * steps * (network === 'lstm' ? 8 : 6) * width ** 2;
  }
}
