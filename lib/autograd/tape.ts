/** Recording: operations attach a node to their result when a gradient may be asked for. */
import { TensorError } from '../errors.js';
import { uninitialized } from '../tensor/creation.js';
import { dtypes } from '../tensor/dtype.js';
import { joinGraph, leaveGraph, liveWith, recycle } from '../tensor/memory.js';
import { describe, formatShape, sameShape } from '../tensor/shape.js';
import { nextTime } from '../tensor/storage.js';
import {
  type ActivationDerivative,
  type GradNode,
  type GradRule,
  type JointRule,
  Tensor,
} from '../tensor/tensor.js';
import { isGradEnabled, isInferenceModeEnabled } from './mode.js';

/** Whether gradients are asked for through this tensor. */
export function needsGrad(t: Tensor): boolean {
  return t.leafRequiresGrad || t.node !== null;
}

/** Whether an operation on these inputs has to be recorded. */
export function recording(a: Tensor, b?: Tensor, c?: Tensor): boolean {
  return (
    isGradEnabled() &&
    (needsGrad(a) || (b !== undefined && needsGrad(b)) || (c !== undefined && needsGrad(c)))
  );
}

/** Gets every node that is recorded, with its result. */
export type Observer = (result: Tensor, node: GradNode) => void;

let inspector: Observer | null = null;
let tracer: Observer | null = null;
/** One test for both, in the path of every recorded operation. */
let observed = false;

/** Sets who looks at every recorded result (null for nobody); returns who did before. */
export function setInspector(next: Observer | null): Observer | null {
  const before = inspector;
  inspector = next;
  observed = inspector !== null || tracer !== null;
  return before;
}

/** Runs fn while `next`, instead of the tracer before it, gets what is recorded. */
export function tracing<R>(next: Observer | null, fn: () => R): R {
  const before = tracer;
  tracer = next;
  observed = inspector !== null || tracer !== null;
  try {
    return fn();
  } finally {
    tracer = before;
    observed = inspector !== null || tracer !== null;
  }
}

/**
 * Operations whose rules read no elements at all, so that no memory has to wait until their nodes are freed.
 * A result that nobody uses (the last state of a recurrent layer) would hold everything otherwise.
 */
export const READS_NOTHING: ReadonlySet<string> = new Set(
  (
    'add sub neg clone to reshape transpose permute expand squeeze unsqueeze slice sum mean ' +
    'concat stack'
  ).split(' '),
);

/**
 * Operations whose rules read none of their inputs' elements. test/autograd/inference.test.ts compares the
 * list with the rules: none that reads is here, and all that have several inputs and don't read are.
 */
export const LINEAR: ReadonlySet<string> = new Set([
  ...READS_NOTHING,
  ...'hstack vstack dstack blockDiag scatter scatterAdd indexAdd indexCopy indexFill indexPut'.split(
    ' ',
  ),
  ...'put maskedScatter selectScatter sliceScatter diagonalScatter floorDivide solve jacobian'.split(
    ' ',
  ),
]);

/** @throws TensorError ERR_STATE when a rule may need the elements of an inference tensor */
export function checkInputs(name: string, inputs: readonly Tensor[]): void {
  if (LINEAR.has(name)) return;
  const index = inputs.findIndex(({ storage }) => storage.inference);
  if (index < 0) return;
  throw new TensorError(
    'ERR_STATE',
    `[${name}] input ${index} was made in inferenceMode and can't be kept for the gradient; ` +
      'use a clone() of it, or make it under noGrad',
  );
}

function makeNode(
  result: Tensor,
  name: string,
  inputs: readonly Tensor[],
  rules: readonly GradRule[] | JointRule,
  derivative: ActivationDerivative | undefined,
  // A joint rule may be the user's, of any name.
  readsNothing = typeof rules !== 'function' && READS_NOTHING.has(name),
): GradNode {
  let inference = false;
  for (let i = 0; i < inputs.length; i++) {
    const { node, storage } = inputs[i] as Tensor;
    if (node !== null) node.uses++;
    if (storage.inference) inference = true;
  }
  // A joint rule says itself what it keeps.
  if (inference && typeof rules !== 'function') checkInputs(name, inputs);
  const node: GradNode = {
    name,
    sequence: nextTime(),
    inputs,
    rules,
    pending: null,
    slots: null,
    uses: 0,
    derivative,
    folded: false,
    watchers: null,
    search: 0,
    graph: readsNothing ? null : joinGraph(),
  };
  result.node = node;
  if (observed) {
    inspector?.(result, node);
    tracer?.(result, node);
  }
  return node;
}

/**
 * Notes that `result` came from `inputs`; rules[i] gives the gradient of input i from that of the
 * result. Only rules of inputs that need gradients are called. An activation says what its
 * derivative is a function of, so that a product can apply it. Call it when `recording(...)`.
 */
export function attach(
  result: Tensor,
  name: string,
  inputs: readonly Tensor[],
  rules: readonly GradRule[],
  derivative?: ActivationDerivative,
): Tensor {
  makeNode(result, name, inputs, rules, derivative);
  return result;
}

/** The gradient that stands for those in the slots of a common node. */
const TOKEN = uninitialized([0], 'float32');

/** Gradients of several results; null where none arrived. */
export type SeveralGradients = readonly (Tensor | null)[];

/**
 * The same for an operation whose gradients are computed together, with one or several results:
 * `rule` gets the gradients of all results and calls `deliver` with an input's index and its gradient.
 * It may run code of the user's, so it checks by itself whether what it keeps was written to since.
 */
export function attachJoint(
  results: readonly Tensor[],
  name: string,
  inputs: readonly Tensor[],
  rule: (gradients: SeveralGradients, deliver: (index: number, gradient: Tensor) => void) => void,
): void {
  if (results.length === 1) {
    const result = results[0] as Tensor;
    makeNode(result, name, inputs, (g, deliver) => rule([g], deliver), undefined);
    return;
  }
  // Each result has a node of its own, which puts its gradient into the common node's slot.
  const common = new Tensor(TOKEN.storage, TOKEN.shape);
  const node = makeNode(
    common,
    name,
    inputs,
    (_, deliver) => {
      const gradients = (node.slots as (Tensor | null)[]).slice();
      rule(gradients, deliver);
    },
    undefined,
  );
  node.slots = results.map(() => null);
  results.forEach((result, i) => {
    const toSlot: JointRule = (g, deliver) => {
      (node.slots as (Tensor | null)[])[i] = g;
      deliver(0, TOKEN);
    };
    makeNode(result, name, [common], toSlot, undefined, true);
  });
}

/** Lets go of everything that a node keeps for its rules. */
export function freeNode(node: GradNode): void {
  node.rules = null;
  node.inputs = NOTHING;
  node.derivative = undefined;
  if (node.slots !== null) node.slots = [];
  if (node.graph === null) return;
  leaveGraph(node.graph);
  node.graph = null;
}

const NOTHING: readonly Tensor[] = [];

declare module '../tensor/tensor.js' {
  interface Tensor {
    /**
     * Whether gradients are collected: true for leaves that were told to and for all results that
     * depend on one. Can be set on leaves of floating dtypes.
     * @throws TensorError ERR_STATE when set to false on a result, ERR_DTYPE for other dtypes
     */
    requiresGrad: boolean;
    /** Sets `requiresGrad`, by default to true, and returns this tensor. */
    requiresGrad_(value?: boolean): this;
    /** Whether this tensor is not the result of a recorded operation. */
    readonly isLeaf: boolean;
    /** The name of the recorded operation that made this tensor; null for leaves. */
    readonly gradFn: string | null;
    /** Whether this tensor was made in `inferenceMode`. */
    readonly isInference: boolean;
    /**
     * The sum of the gradients of all backward passes since `zeroGrad()`, or null. Leaves that require
     * gradients have one, and results after `retainGrad()`. A leaf's can be set to a tensor, which
     * later passes then add to in place.
     * @throws TensorError ERR_STATE when set on a result, ERR_ARGUMENT, ERR_SHAPE or ERR_DTYPE for
     * anything but a tensor of this shape and dtype
     */
    grad: Tensor | null;
    /** The same elements without the history: no gradient flows back through the result. */
    detach(): Tensor;
    /** Forgets the gradient; its memory is reused unless somebody has read `grad`. */
    zeroGrad(): void;
  }
}

function checkGrad(leaf: Tensor, value: unknown): void {
  if (leaf.node !== null) {
    throw new TensorError(
      'ERR_STATE',
      `[grad] only a leaf's gradient can be set; this tensor is a result of ${leaf.node.name}`,
    );
  }
  if (!(value instanceof Tensor)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[grad] expected a tensor or null, not ${describe(value)}`,
    );
  }
  if (!sameShape(value.shape, leaf.shape)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[grad] a gradient of shape ${formatShape(value.shape)} does not fit ${formatShape(leaf.shape)}`,
    );
  }
  if (value.dtype !== leaf.dtype) {
    throw new TensorError(
      'ERR_DTYPE',
      `[grad] the gradient is ${value.dtype}, the tensor ${leaf.dtype}`,
    );
  }
}

Object.defineProperties(Tensor.prototype, {
  requiresGrad: {
    get(this: Tensor) {
      return needsGrad(this);
    },
    set(this: Tensor, value: boolean) {
      if (this.node !== null) {
        if (value) return;
        throw new TensorError(
          'ERR_STATE',
          `[requiresGrad] this tensor is a result of ${this.node.name}; use detach() to cut it off`,
        );
      }
      if (value && this.storage.inference && !isInferenceModeEnabled()) {
        throw new TensorError(
          'ERR_STATE',
          '[requiresGrad] this tensor was made in inferenceMode; use a clone() of it',
        );
      }
      if (value && !dtypes[this.dtype].floating) {
        throw new TensorError(
          'ERR_DTYPE',
          `[requiresGrad] only float32, float64, bfloat16 and float16 tensors can require gradients, not ${this.dtype}`,
        );
      }
      this.leafRequiresGrad = Boolean(value);
    },
  },
  isLeaf: {
    get(this: Tensor) {
      return this.node === null;
    },
  },
  gradFn: {
    get(this: Tensor) {
      return this.node === null ? null : this.node.name;
    },
  },
  isInference: {
    get(this: Tensor) {
      return this.storage.inference;
    },
  },
  grad: {
    get(this: Tensor) {
      this.gradEscaped = true;
      return this.accumulatedGrad;
    },
    set(this: Tensor, value: Tensor | null) {
      if (value !== null) {
        checkGrad(this, value);
        liveWith(value.storage, this.storage);
      }
      this.accumulatedGrad = value;
      this.gradEscaped = value !== null;
    },
  },
});

Tensor.prototype.requiresGrad_ = function (this: Tensor, value = true) {
  if (typeof value !== 'boolean') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[requiresGrad_] expected true or false, not ${describe(value)}`,
    );
  }
  this.requiresGrad = value;
  return this;
};

Tensor.prototype.detach = function (this: Tensor) {
  return this.strided(this.shape, this.strides, this.offset);
};

Tensor.prototype.zeroGrad = function (this: Tensor) {
  const gradient = this.accumulatedGrad;
  if (gradient !== null && !this.gradEscaped) recycle(gradient.storage);
  this.accumulatedGrad = null;
  this.gradEscaped = false;
};
