/** Autograd: passes, modes, hooks, custom functions, checkpoints and functional derivatives. */
import * as tilegrad from 'tilegrad';
import { ones, type Tensor } from 'tilegrad';
import { one } from './gradients.js';
import { kinds, leaf, type Misuse, optionsOf, wrong, x } from './misuse.js';
import type { Family } from './operation.js';

/** Everything but a synchronous function. */
const notFunctions = (call: (fn: never) => unknown): Misuse[] => [
  ...kinds
    .filter((value) => typeof value !== 'function')
    .map((fn): Misuse => [() => call(wrong(fn)), 'ERR_ARGUMENT']),
  [() => call(wrong(async () => x)), 'ERR_ARGUMENT'],
];

const square = (t: Tensor): Tensor => t.mul(t);

/** What all functional derivatives refuse. */
const functional = (
  name: string,
  call: (fn: never, inputs: never, options: never) => unknown,
): Misuse[] => [
  ...notFunctions((fn) => call(fn, wrong(x), wrong({}))),
  ...kinds.map(
    (inputs): Misuse => [() => call(wrong(square), wrong(inputs), wrong({})), 'ERR_ARGUMENT'],
  ),
  ...kinds.map(
    (value): Misuse => [
      () =>
        call(
          wrong(() => value),
          wrong(x),
          wrong({}),
        ),
      'ERR_ARGUMENT',
    ],
  ),
  ...optionsOf(name, (options) => call(wrong(square), wrong(x), options)),
  [() => call(wrong(square), wrong(ones([2], { dtype: 'int32' })), wrong({})), 'ERR_DTYPE', ''],
];

const notScalar = (call: (fn: never) => unknown): Misuse[] => [
  [() => call(wrong(square)), 'ERR_SHAPE'],
  [() => call(wrong((t: Tensor) => [t.sum(), t.sum()])), 'ERR_ARGUMENT'],
];

const definition = {
  name: 'identity',
  forward: (_: tilegrad.FunctionContext, t: Tensor): Tensor => t.mul(1),
  backward: (_: tilegrad.FunctionContext, g: Tensor): Tensor => g,
};

/** Calls a function whose forward does something with its context. */
function saving(use: (ctx: tilegrad.FunctionContext) => void): Tensor {
  return tilegrad.customFunction({
    ...definition,
    name: 'saving',
    forward(ctx: tilegrad.FunctionContext, t: Tensor) {
      use(ctx);
      return t.mul(1);
    },
  })(leaf);
}

const cube = tilegrad.customFunction({
  name: 'cube',
  forward(ctx, t: Tensor) {
    ctx.saveForBackward(t);
    return t.mul(t).mul(t);
  },
  backward: (ctx, g) => g.mul((ctx.savedTensors[0] as Tensor).square()).mul(3),
});

/** Their sum and twice the first. */
const pair = tilegrad.customFunction({
  name: 'pair',
  forward: (_: tilegrad.FunctionContext, a: Tensor, b: Tensor): [Tensor, Tensor] => [
    a.add(b),
    a.mul(2),
  ],
  backward: (_, sum, double) => [sum.add(double.mul(2)), sum],
});

/** Wrong calls of a function that checks gradients. */
const checks = (name: string, check: typeof tilegrad.gradcheck): Misuse[] => [
  ...kinds
    .filter((value) => typeof value !== 'function')
    .map((fn): Misuse => [() => check(wrong(fn), []), 'ERR_ARGUMENT']),
  ...kinds.map((inputs): Misuse => [() => check(tilegrad.exp, wrong(inputs)), 'ERR_ARGUMENT']),
  ...optionsOf(name, (options) => check(tilegrad.exp, [], options)),
  [() => check(tilegrad.exp, [], { step: wrong('1') }), 'ERR_ARGUMENT'],
  [() => check(tilegrad.exp, [], { tolerance: -1 }), 'ERR_ARGUMENT'],
  [() => check(tilegrad.exp, [leaf]), 'ERR_DTYPE'],
];

export const autograd: Family = {
  title: 'Differentiation',
  operations: {
    gradgradcheck: { misuse: checks('gradgradcheck', tilegrad.gradgradcheck), gradients: 'none' },
    isGradEnabled: { misuse: [], gradients: 'none' },
    isAnomalyEnabled: { misuse: [], gradients: 'none' },
    isInferenceModeEnabled: { misuse: [], gradients: 'none' },
    grad: {
      gradients: 'none',
      misuse: [
        ...kinds.map((value): Misuse => [() => tilegrad.grad(wrong(value), leaf), 'ERR_ARGUMENT']),
        ...kinds.map(
          (value): Misuse => [() => tilegrad.grad(leaf.sum(), wrong(value)), 'ERR_ARGUMENT'],
        ),
        ...optionsOf('grad', (options) => tilegrad.grad(leaf.sum(), leaf, options)),
        [() => tilegrad.grad(x.sum(), leaf), 'ERR_STATE'],
        [() => tilegrad.grad(leaf.sum(), x), 'ERR_STATE'],
        [() => tilegrad.grad(leaf.mul(2), leaf), 'ERR_SHAPE'],
        [() => tilegrad.grad(leaf.mul(2), leaf, { gradOutputs: ones([3]) }), 'ERR_SHAPE'],
        [() => tilegrad.grad([leaf.sum()], leaf, { gradOutputs: [] }), 'ERR_ARGUMENT'],
        [
          () => tilegrad.grad(leaf.sum(), leaf.mul(2)),
          'ERR_STATE',
          'the outputs do not depend on input 0',
        ],
      ],
    },
    backward: {
      gradients: 'none',
      misuse: [
        ...kinds.map((value): Misuse => [() => tilegrad.backward(wrong(value)), 'ERR_ARGUMENT']),
        ...kinds
          .slice(2)
          .map((value): Misuse => [() => tilegrad.backward(leaf, wrong(value)), 'ERR_ARGUMENT']),
        ...optionsOf('backward', (options) => tilegrad.backward(leaf, ones([2]), options)),
        ...kinds
          .slice(1)
          .map(
            (inputs): Misuse => [
              () => tilegrad.backward(leaf.sum(), null, { inputs: wrong(inputs) }),
              'ERR_ARGUMENT',
            ],
          ),
        [() => tilegrad.backward(leaf.sum(), null, { inputs: [] }), 'ERR_ARGUMENT', 'empty list'],
        [() => tilegrad.backward(leaf.sum(), null, { inputs: x }), 'ERR_STATE'],
        [() => tilegrad.backward([leaf, leaf], ones([2])), 'ERR_ARGUMENT', '1 gradients for 2'],
        [() => tilegrad.backward([leaf], [ones([2]), null]), 'ERR_ARGUMENT', '2 gradients for 1'],
        [() => tilegrad.backward([leaf, wrong(5)], [ones([2]), null]), 'ERR_ARGUMENT'],
        [() => tilegrad.backward([leaf.sum(), leaf]), 'ERR_SHAPE'],
        [() => tilegrad.backward([leaf.sum(), x.sum()]), 'ERR_STATE'],
        [() => tilegrad.backward(x), 'ERR_STATE'],
        [() => tilegrad.backward(leaf), 'ERR_SHAPE'],
      ],
    },
    gradcheck: { misuse: checks('gradcheck', tilegrad.gradcheck), gradients: 'none' },
    noGrad: {
      gradients: 'none',
      misuse: [
        ...kinds
          .filter((value) => typeof value !== 'function')
          .map((fn): Misuse => [() => tilegrad.noGrad(wrong(fn)), 'ERR_ARGUMENT']),
        [() => tilegrad.noGrad(async () => 1), 'ERR_ARGUMENT'],
      ],
    },
    enableGrad: {
      gradients: 'none',
      misuse: [
        ...kinds
          .filter((value) => typeof value !== 'function')
          .map((fn): Misuse => [() => tilegrad.enableGrad(wrong(fn)), 'ERR_ARGUMENT']),
        [() => tilegrad.enableGrad(async () => 1), 'ERR_ARGUMENT'],
      ],
    },
    inferenceMode: { gradients: 'none', misuse: notFunctions(tilegrad.inferenceMode) },
    setGradEnabled: {
      gradients: 'none',
      misuse: [
        ...notFunctions((fn) => tilegrad.setGradEnabled(true, fn)),
        ...[undefined, null, 0, 'true'].map(
          (value): Misuse => [() => tilegrad.setGradEnabled(wrong(value), () => 1), 'ERR_ARGUMENT'],
        ),
      ],
    },
    detectAnomaly: { gradients: 'none', misuse: notFunctions(tilegrad.detectAnomaly) },
    setDetectAnomaly: {
      gradients: 'none',
      misuse: [undefined, null, 0, 'true'].map(
        (value): Misuse => [() => tilegrad.setDetectAnomaly(wrong(value)), 'ERR_ARGUMENT'],
      ),
    },
    customFunction: {
      gradients: [
        one((a) => cube(a!), [2, 3]),
        one((a) => cube(a!), []),
        one((a, b) => pair(a!, b!)[0].mul(pair(a!, b!)[1]), [3], [3]),
      ],
      misuse: [
        ...optionsOf('customFunction', (definition) => tilegrad.customFunction(definition)),
        [() => tilegrad.customFunction(wrong({})), 'ERR_ARGUMENT', 'name'],
        [() => tilegrad.customFunction({ ...definition, name: '' }), 'ERR_ARGUMENT', 'name'],
        [() => tilegrad.customFunction({ ...definition, name: wrong(5) }), 'ERR_ARGUMENT', 'name'],
        ...(['forward', 'backward', 'state'] as const).map(
          (part): Misuse => [
            () => tilegrad.customFunction(wrong({ ...definition, [part]: 5 })),
            'ERR_ARGUMENT',
          ],
        ),
        [
          () => tilegrad.customFunction({ ...definition, forward: wrong(() => 5) })(leaf),
          'ERR_ARGUMENT',
          '[identity]',
        ],
        [
          () => tilegrad.customFunction({ ...definition, forward: wrong(() => [x, null]) })(leaf),
          'ERR_ARGUMENT',
          '[identity]',
        ],
        [
          () => tilegrad.customFunction({ ...definition, forward: wrong(async () => x) })(leaf),
          'ERR_ARGUMENT',
          '[identity] the function must not be async',
        ],
        [
          () => saving((ctx) => ctx.saveForBackward(wrong(5))),
          'ERR_ARGUMENT',
          '[saving] saveForBackward',
        ],
        [
          () => saving((ctx) => ctx.markNonDifferentiable(wrong('y'))),
          'ERR_ARGUMENT',
          '[saving] mark',
        ],
      ],
    },
    checkpoint: {
      gradients: [
        one((a) => tilegrad.checkpoint((t) => t.exp().mul(t), a!), [2, 3]),
        one((a, b) => tilegrad.checkpoint((t, u) => t.mul(u).sin(), [a!, b!]), [2, 3], [3]),
        one((a, b) => tilegrad.checkpoint((t) => t.mul(b!).sin(), a!), [3], [3]),
      ],
      misuse: [
        ...notFunctions((fn) => tilegrad.checkpoint(fn, x)),
        [
          () =>
            tilegrad.checkpoint(
              wrong(async () => leaf.mul(2)),
              x,
            ),
          'ERR_ARGUMENT',
        ],
        ...kinds
          .filter((value) => !Array.isArray(value))
          .map(
            (inputs): Misuse => [
              () => tilegrad.checkpoint((t: Tensor) => t, wrong(inputs)),
              'ERR_ARGUMENT',
            ],
          ),
        ...kinds.map(
          (value): Misuse => [() => tilegrad.checkpoint(() => wrong(value), x), 'ERR_ARGUMENT'],
        ),
        ...optionsOf('checkpoint', (options) => tilegrad.checkpoint((t) => t, x, options)),
      ],
    },
    checkpointSequential: {
      gradients: [
        one(
          (a) =>
            tilegrad.checkpointSequential(
              [(t) => t.exp(), (t) => t.sin(), (t) => t.square()],
              2,
              a!,
            ),
          [2, 3],
        ),
      ],
      misuse: [
        ...[undefined, null, 5, {}, () => x].map(
          (steps): Misuse => [
            () => tilegrad.checkpointSequential(wrong(steps), 1, x),
            'ERR_ARGUMENT',
          ],
        ),
        ...[undefined, null, 5, {}].map(
          (step): Misuse => [
            () => tilegrad.checkpointSequential([wrong(step)], 1, x),
            'ERR_ARGUMENT',
          ],
        ),
        ...[undefined, 0, 2, 0.5, '1', Number.NaN].map(
          (segments): Misuse => [
            () => tilegrad.checkpointSequential([(t) => t], wrong(segments), x),
            'ERR_ARGUMENT',
          ],
        ),
        ...kinds.map(
          (value): Misuse => [
            () => tilegrad.checkpointSequential([(t) => t], 1, wrong(value)),
            'ERR_ARGUMENT',
          ],
        ),
        ...optionsOf('checkpointSequential', (options) =>
          tilegrad.checkpointSequential([(t) => t], 1, x, options),
        ),
      ],
    },
    vjp: {
      gradients: [
        one(
          (a, b) => tilegrad.vjp((t) => t.mul(t).mul(t), a!, b!, { createGraph: true })[1],
          [3],
          [3],
        ),
      ],
      misuse: functional('vjp', (fn, inputs, options) => tilegrad.vjp(fn, inputs, x, options)),
    },
    jvp: {
      gradients: [
        one(
          (a, b) => tilegrad.jvp((t) => t.mul(t).mul(t), a!, b!, { createGraph: true })[1],
          [3],
          [3],
        ),
      ],
      misuse: functional('jvp', (fn, inputs, options) => tilegrad.jvp(fn, inputs, x, options)),
    },
    jacobian: {
      gradients: [
        one((a) => tilegrad.jacobian((t) => t.mul(t).mul(t), a!, { createGraph: true }), [3]),
      ],
      misuse: functional('jacobian', (fn, inputs, options) =>
        tilegrad.jacobian(fn, inputs, options),
      ),
    },
    hessian: {
      gradients: [
        one((a) => tilegrad.hessian((t) => t.mul(t).mul(t).sum(), a!, { createGraph: true }), [3]),
      ],
      misuse: [
        ...functional('hessian', (fn, inputs, options) => tilegrad.hessian(fn, inputs, options)),
        ...notScalar((fn) => tilegrad.hessian(fn, x)),
      ],
    },
    hvp: {
      gradients: [
        one(
          (a, b) => tilegrad.hvp((t) => t.mul(t).mul(t).sum(), a!, b!, { createGraph: true })[1],
          [3],
          [3],
        ),
      ],
      misuse: [
        ...functional('hvp', (fn, inputs, options) => tilegrad.hvp(fn, inputs, x, options)),
        ...notScalar((fn) => tilegrad.hvp(fn, x, x)),
      ],
    },
    vhp: {
      gradients: [
        one(
          (a, b) => tilegrad.vhp((t) => t.mul(t).mul(t).sum(), a!, b!, { createGraph: true })[1],
          [3],
          [3],
        ),
      ],
      misuse: [
        ...functional('vhp', (fn, inputs, options) => tilegrad.vhp(fn, inputs, x, options)),
        ...notScalar((fn) => tilegrad.vhp(fn, x, x)),
      ],
    },
  },
};
