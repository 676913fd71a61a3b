/**
 * What elementwise operations are made of: computing, broadcasting, recording. The operations stand in
 * arithmetic.ts, math.ts and activation.ts.
 */
import { attach, recording } from '../autograd/tape.js';
import {
  type Operand,
  rows,
  runBinaryContiguous,
  runGeometry,
  runUnaryContiguous,
} from '../native/commands.js';
import type { BinaryRow, DerivativeRow, UnaryRow } from '../native/interface.js';
import { uninitialized } from '../tensor/creation.js';
import { broadcastShapes, broadcastStrides, type Shape, sameShape } from '../tensor/shape.js';
import { type GradRule, Tensor } from '../tensor/tensor.js';
import { checkFloating, promote, type TensorLike } from './operand.js';
import { sumTo } from './reduce.js';

/** y = f(x) with the row's parameters, without recording. */
export function computeUnary(name: UnaryRow, x: Tensor, parameters?: readonly number[]): Tensor {
  const y = uninitialized(x.shape, x.dtype);
  if (x.isContiguous) runUnaryContiguous(rows[name], x, y, x.numel, parameters);
  else runGeometry(rows[name], x.shape, [x, y], parameters);
  return y;
}

/**
 * f(a, b) with broadcasting and the row's parameters, without recording. Both have one floating
 * dtype.
 */
export function computeBinary(
  name: BinaryRow,
  a: Tensor,
  b: Tensor,
  parameters?: readonly number[],
): Tensor {
  const same = sameShape(a.shape, b.shape);
  const shape = same ? a.shape : broadcastShapes(name, a.shape, b.shape);
  const y = uninitialized(shape, a.dtype);
  if ((same || b.ndim === 0) && a.isContiguous && b.isContiguous) {
    runBinaryContiguous(rows[name], a, b, same ? 1 : 0, y, y.numel, parameters);
  } else {
    runGeometry(rows[name], shape, [stretched(a, shape), stretched(b, shape), y], parameters);
  }
  return y;
}

/** A tensor as an operand that looks like `shape`, which it broadcasts to. */
function stretched(t: Tensor, shape: Shape): Operand {
  const strides = broadcastStrides(t.shape, t.strides, shape);
  return { array: t.array, offset: t.offset, strides };
}

/** An elementwise function with its gradient from (g, y, x); activations say what the derivative is a function of. */
export function unary(
  name: UnaryRow,
  x: Tensor,
  rule: (g: Tensor, y: Tensor, x: Tensor) => Tensor,
  derivativeFrom?: 'input' | 'output',
): Tensor {
  checkFloating(name, x);
  const y = computeUnary(name, x);
  if (recording(x)) {
    const derivative = derivativeFrom && {
      activation: name,
      from: derivativeFrom === 'input' ? x : y,
    };
    attach(y, name, [x], [(g) => rule(g, y, x)], derivative);
  }
  return y;
}

/**
 * An elementwise function, by one row, whose gradient is another row's, of the output's gradient and
 * of x or y. Both rows take the same parameters unless the second has its own.
 */
export function activation(
  operation: string,
  x: Tensor,
  [forward, parameters]: readonly [row: UnaryRow, parameters?: readonly number[]],
  [backward, own = parameters]: readonly [row: DerivativeRow, parameters?: readonly number[]],
): Tensor {
  checkFloating(operation, x);
  const y = computeUnary(forward, x, parameters);
  if (recording(x)) attach(y, operation, [x], [(g) => computeBinary(backward, g, x, own)]);
  return y;
}

/** A binary function with the gradients of both operands before broadcasting is undone. */
export function binary(
  name: BinaryRow,
  left: TensorLike,
  right: TensorLike,
  ruleA: (g: Tensor, a: Tensor, b: Tensor) => Tensor,
  ruleB: (g: Tensor, a: Tensor, b: Tensor) => Tensor,
): Tensor {
  const [a, b] = promote(name, left, right);
  const y = computeBinary(name, a, b);
  if (recording(a, b)) {
    const rules: GradRule[] = [
      (g) => sumTo(ruleA(g, a, b), a.shape),
      (g) => sumTo(ruleB(g, a, b), b.shape),
    ];
    attach(y, name, [a, b], rules);
  }
  return y;
}

/** Gives Tensor methods that call functions whose first argument is the tensor itself, with up to three more. */
export function defineMethods(functions: Readonly<Record<string, unknown>>): void {
  for (const [name, fn] of Object.entries(functions)) {
    const call = fn as (x: Tensor, a?: unknown, b?: unknown, c?: unknown) => unknown;
    Object.defineProperty(Tensor.prototype, name, {
      value(this: Tensor, a?: unknown, b?: unknown, c?: unknown) {
        return call(this, a, b, c);
      },
      writable: true,
      configurable: true,
    });
  }
}
