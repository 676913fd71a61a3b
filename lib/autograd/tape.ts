/** Recording: operations attach a node to their result when a gradient may be asked for. */
import { TensorError } from '../errors.js';
import { dtypes } from '../tensor/dtype.js';
import { liveWith, recycle } from '../tensor/memory.js';
import { describe, formatShape, sameShape } from '../tensor/shape.js';
import { type ActivationDerivative, type GradRule, Tensor } from '../tensor/tensor.js';
import { isGradEnabled } from './mode.js';

let sequence = 0;

/** The number of the latest node. */
export function latestNode(): number {
  return sequence;
}

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
  for (const { node } of inputs) if (node !== null) node.uses++;
  result.node = {
    name,
    sequence: ++sequence,
    inputs,
    rules,
    pending: null,
    uses: 0,
    derivative,
    folded: false,
  };
  return result;
}

declare module '../tensor/tensor.js' {
  interface Tensor {
    /**
     * Whether gradients are collected: true for leaves that were told to and for all results that
     * depend on one. Can be set on leaves of dtype float32, float64 and bfloat16.
     * @throws TensorError ERR_STATE when set to false on a result, ERR_DTYPE for other dtypes
     */
    requiresGrad: boolean;
    /** Whether this tensor is not the result of a recorded operation. */
    readonly isLeaf: boolean;
    /**
     * The sum of the gradients of all backward passes since `zeroGrad()`, or null. Only leaves that
     * require gradients have one. Can be set to a tensor, which later passes then add to in place.
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
      `[grad] only leaves have a gradient; this tensor is a result of ${leaf.node.name}`,
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
      if (value && !dtypes[this.dtype].floating) {
        throw new TensorError(
          'ERR_DTYPE',
          `[requiresGrad] only float32, float64 and bfloat16 tensors can require gradients, not ${this.dtype}`,
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

Tensor.prototype.detach = function (this: Tensor) {
  return this.viewAs(this.shape, this.strides, this.offset);
};

Tensor.prototype.zeroGrad = function (this: Tensor) {
  const gradient = this.accumulatedGrad;
  if (gradient !== null && !this.gradEscaped) recycle(gradient.storage);
  this.accumulatedGrad = null;
  this.gradEscaped = false;
};
