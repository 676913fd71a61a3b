/** Multilayer perceptrons as several topics build them. */
import { type Generator, nn } from 'tilegrad';

/**
 * Linear layers with ReLU between them, with He's starting weights and biases of 0.
 *
 * @param widths inputs, hidden layers, outputs
 */
export function mlp(widths: readonly number[], generator: Generator): nn.Sequential {
  const layers: nn.Module[] = [];
  for (let i = 1; i < widths.length; i++) {
    const layer = new nn.Linear(widths[i - 1]!, widths[i]!);
    nn.init.kaimingUniform(layer.weight, { nonlinearity: 'relu', generator });
    nn.init.zeros(layer.bias!);
    if (i > 1) layers.push(new nn.ReLU());
    layers.push(layer);
  }
  return new nn.Sequential(...layers);
}

/** How many numbers a model learns. */
export function parameterCount(model: nn.Module): number {
  return [...model.parameters()].reduce((sum, { numel }) => sum + numel, 0);
}
