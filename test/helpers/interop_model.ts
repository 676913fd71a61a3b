/** The network of test/fixtures/make_interop.py, with PyTorch's names. */
import { concat, nn, ones, type Tensor, tensor } from 'tilegrad';

export class InteropNet extends nn.Module<[words: Tensor], Tensor> {
  readonly embed = new nn.Embedding(7, 6, { paddingIdx: 0 });
  readonly norm = new nn.LayerNorm(6);
  readonly body = new nn.Sequential({
    first: new nn.Linear(30, 8),
    bn: new nn.BatchNorm1d(8),
    act: new nn.PReLU(8),
  });
  readonly blocks = new nn.ModuleList([new nn.Linear(8, 8), new nn.Linear(8, 8)]);
  readonly heads = new nn.ModuleDict<nn.Module>({
    a: new nn.Sequential(new nn.GroupNorm(2, 8), new nn.GELU(), new nn.Linear(8, 3)),
    b: new nn.RMSNorm(8, { eps: 1e-5 }),
  });
  readonly pair = new nn.Bilinear(8, 8, 2);
  readonly scale = new nn.ParameterList([ones([3])]);
  readonly shift = new nn.Buffer(tensor([0.5, -0.25]));
  readonly decoder = new nn.Linear(6, 7, { bias: false });

  constructor() {
    super();
    // Tied: one parameter for the table of words and for the way back.
    this.decoder = Object.assign(this.decoder, { weight: this.embed.weight });
  }

  forward(words: Tensor): Tensor {
    const embedded = this.norm.forward(this.embed.forward(words));
    let x = this.body.forward(embedded.reshape([-1, 30]));
    for (const block of this.blocks) x = block.forward(x).tanh().add(x);
    const a = this.heads.get('a').forward(x).mul(this.scale.at(0));
    const b = this.pair.forward(x, this.heads.get('b').forward(x)).add(this.shift);
    const back = this.decoder.forward(embedded.mean({ dim: 1 }));
    return concat([a, b, back], 1);
  }
}
