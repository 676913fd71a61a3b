/** Functions whose first argument is a tensor are methods too. */
import { readdirSync, readFileSync } from 'node:fs';
import * as tilegrad from 'tilegrad';
import { Tensor } from 'tilegrad';
import { expect, test } from 'vitest';

/** Functions that are called with a tensor first and are no methods, with the reason. */
const notMethods: Readonly<Record<string, string>> = {
  ...reason('creates a tensor that is only shaped like it', [
    ...['emptyLike', 'fullLike', 'onesLike', 'randLike', 'randintLike', 'randnLike', 'zerosLike'],
  ]),
  ...reason('draws from a distribution with these parameters', ['normal', 'poisson']),
  ...reason('a loss, which a model has: torch.nn.functional', [
    ...['binaryCrossEntropy', 'binaryCrossEntropyWithLogits', 'cosineEmbeddingLoss'],
    ...['crossEntropy', 'ctcLoss', 'gaussianNllLoss', 'hingeEmbeddingLoss', 'hingeLoss'],
    ...['huberLoss', 'klDivLoss', 'l1Loss', 'marginRankingLoss', 'mseLoss'],
    ...['multilabelMarginLoss', 'multilabelSoftMarginLoss', 'multiMarginLoss', 'nllLoss'],
    ...['poissonNllLoss', 'sigmoidFocalLoss', 'smoothL1Loss', 'softMarginLoss'],
    ...['tripletMarginLoss', 'tripletMarginWithDistanceLoss'],
  ]),
  ...reason('a layer, which a model has: torch.nn.functional', [
    ...['alphaDropout', 'bilinear', 'conv1d', 'conv2d', 'conv3d', 'convTranspose1d'],
    ...['convTranspose2d', 'convTranspose3d', 'dropout', 'embedding', 'featureAlphaDropout'],
    ...['featureDropout', 'linear', 'lpPool1d', 'lpPool2d', 'lpPool3d', 'rrelu'],
    ...['scaledDotProductAttention', 'im2col', 'col2im'],
  ]),
  ...reason('of quantised tensors: values and their scales', [
    ...['dequantize', 'int8Matmul', 'quantizePerChannel'],
  ]),
  ...reason('for tests: compares two tensors and reports', ['assertClose', 'closeness']),
  ...reason('a function in PyTorch too', [
    ...['atleast1d', 'atleast2d', 'atleast3d', 'combinations', 'vander'],
  ]),
  batches: 'about data sets',
  resultType: 'tells about its arguments',
  searchsorted: 'looks for its second argument; bucketize is the method',
  matmulPlan: 'tells about two tensors',
};

function reason(why: string, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, why]));
}

/** Methods of another name. */
const otherNames: Readonly<Record<string, string>> = { variance: 'var' };

/** The functions of lib/ whose first parameter is declared as a tensor, or a tensor or number. */
function takingTensors(): string[] {
  const folder = new URL('../../lib/', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.startsWith('nn/'),
  );
  const declaration = /^export function (\w+)(?:<.*>)?\(\s*\w+: (?:Tensor|TensorLike)\b(?!\[)/gm;
  const names = files.flatMap((file) => {
    const text = readFileSync(new URL(file, folder), 'utf8');
    return [...text.matchAll(declaration)].map(([, name]) => name as string);
  });
  return [...new Set(names)].filter((name) => name in tilegrad).sort();
}

test('every function of a tensor is a method, or says why not', () => {
  const functions = takingTensors();
  // The search finds functions on one line and on several, generic ones and overloads.
  expect(functions).toEqual(expect.arrayContaining(['abs', 'histogram', 'unique', 'median']));
  expect(functions.length).toBeGreaterThan(200);
  const missing = functions.filter(
    (name) => !(name in notMethods) && !((otherNames[name] ?? name) in Tensor.prototype),
  );
  expect(missing).toEqual([]);
  for (const name of Object.keys(notMethods)) {
    expect(functions, name).toContain(name);
    expect(name in Tensor.prototype, `${name} is a method and needs no reason`).toBe(false);
  }
});
