/** Says of the layers and functions below that they are the library's own: see `callLayer`. */
import * as activationFunctions from '../ops/elementwise/activation.js';
import * as mathFunctions from '../ops/elementwise/math.js';
import * as piecewiseFunctions from '../ops/elementwise/piecewise.js';
import * as softmaxFunctions from '../ops/normalization/softmax.js';
import * as activation from './layer/activation.js';
import * as attention from './layer/attention.js';
import * as conv from './layer/conv.js';
import * as convTranspose from './layer/conv_transpose.js';
import * as dropout from './layer/dropout.js';
import * as embedding from './layer/embedding.js';
import * as flatten from './layer/flatten.js';
import * as linear from './layer/linear.js';
import * as norm from './layer/norm.js';
import * as padding from './layer/padding.js';
import * as piecewise from './layer/piecewise.js';
import * as pool from './layer/pool.js';
import * as positional from './layer/positional.js';
import * as recurrent from './layer/recurrent.js';
import * as transformer from './layer/transformer.js';
import * as layers from './layer/transformer_layers.js';
import * as upsample from './layer/upsample.js';
import * as container from './module/container.js';
import * as lambda from './module/lambda.js';
import { Module } from './module/module.js';
import { addOurs } from './module/ours.js';

/** Nothing in these files keeps what goes through `forward`; test/nn/given-back.test.ts runs them. */
const FILES: readonly Readonly<Record<string, unknown>>[] = [
  ...[activation, attention, container, conv, convTranspose, dropout, embedding, flatten, lambda],
  ...[linear, norm, padding, piecewise, pool, positional, recurrent, transformer, layers, upsample],
];
const FUNCTIONS = [activationFunctions, mathFunctions, piecewiseFunctions, softmaxFunctions];

for (const file of FILES) {
  for (const item of Object.values(file)) {
    if (typeof item === 'function' && item.prototype instanceof Module) addOurs([item.prototype]);
  }
}
for (const file of FUNCTIONS) {
  addOurs(Object.values(file).filter((item) => typeof item === 'function'));
}
