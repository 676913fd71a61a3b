/** Says of the layers and functions below that they are the library's own: see `callLayer`. */
import * as activationFunctions from '../ops/activation.js';
import * as mathFunctions from '../ops/math.js';
import * as piecewiseFunctions from '../ops/piecewise.js';
import * as softmaxFunctions from '../ops/softmax.js';
import * as activation from './activation.js';
import * as attention from './attention.js';
import * as container from './container.js';
import * as conv from './conv.js';
import * as convTranspose from './conv_transpose.js';
import * as dropout from './dropout.js';
import * as embedding from './embedding.js';
import * as flatten from './flatten.js';
import * as lambda from './lambda.js';
import * as linear from './linear.js';
import { Module } from './module.js';
import * as norm from './norm.js';
import { addOurs } from './ours.js';
import * as padding from './padding.js';
import * as piecewise from './piecewise.js';
import * as pool from './pool.js';
import * as positional from './positional.js';
import * as recurrent from './recurrent.js';
import * as transformer from './transformer.js';
import * as layers from './transformer_layers.js';
import * as upsample from './upsample.js';

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
