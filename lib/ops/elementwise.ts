/** Elementwise operations. Each function stands with its gradient rule. */
import { attach, recording } from '../autograd/tape.js';
import {
  type Operand,
  rows,
  runBinaryContiguous,
  runGeometry,
  runUnaryContiguous,
} from '../native/commands.js';
import type { BinaryRow, UnaryRow } from '../native/interface.js';
import { uninitialized, zerosLike } from '../tensor/creation.js';
import { broadcastShapes, broadcastStrides, type Shape, sameShape } from '../tensor/shape.js';
import { type GradRule, Tensor } from '../tensor/tensor.js';
import { checkFloating, promote, type TensorLike } from './operand.js';
import { sumTo } from './reduce.js';

/** y = f(x), without recording. */
function computeUnary(name: UnaryRow, x: Tensor): Tensor {
  const y = uninitialized(x.shape, x.dtype);
  if (x.isContiguous) runUnaryContiguous(rows[name], x, y, x.numel);
  else runGeometry(rows[name], x.shape, [x, y]);
  return y;
}

/** f(a, b) with broadcasting, without recording. Both have one floating dtype. */
export function computeBinary(name: BinaryRow, a: Tensor, b: Tensor): Tensor {
  const same = sameShape(a.shape, b.shape);
  const shape = same ? a.shape : broadcastShapes(name, a.shape, b.shape);
  const y = uninitialized(shape, a.dtype);
  if ((same || b.ndim === 0) && a.isContiguous && b.isContiguous) {
    runBinaryContiguous(rows[name], a, b, same ? 1 : 0, y, y.numel);
  } else {
    runGeometry(rows[name], shape, [stretched(a, shape), stretched(b, shape), y]);
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

/** A binary function with the gradients of both operands before broadcasting is undone. */
function binary(
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

/** a + b, with broadcasting. */
export function add(a: TensorLike, b: TensorLike): Tensor {
  return binary(
    'add',
    a,
    b,
    (g) => g,
    (g) => g,
  );
}

/** a - b, with broadcasting. */
export function sub(a: TensorLike, b: TensorLike): Tensor {
  return binary('sub', a, b, (g) => g, neg);
}

/** a * b, with broadcasting. */
export function mul(a: TensorLike, b: TensorLike): Tensor {
  return binary(
    'mul',
    a,
    b,
    (g, _, y) => mul(g, y),
    (g, x) => mul(g, x),
  );
}

/** a / b, with broadcasting. */
export function div(a: TensorLike, b: TensorLike): Tensor {
  return binary(
    'div',
    a,
    b,
    (g, _, y) => div(g, y),
    (g, x, y) => neg(div(mul(g, div(x, y)), y)),
  );
}

/** The larger of a and b; NaN if either is. At a tie each gets half of the gradient, as in PyTorch. */
export function maximum(a: TensorLike, b: TensorLike): Tensor {
  return binary(
    'maximum',
    a,
    b,
    (g, x, y) => mul(g, greaterShare(x, y)),
    (g, x, y) => mul(g, greaterShare(y, x)),
  );
}

/** The smaller of a and b; NaN if either is. At a tie each gets half of the gradient. */
export function minimum(a: TensorLike, b: TensorLike): Tensor {
  return binary(
    'minimum',
    a,
    b,
    (g, x, y) => mul(g, greaterShare(y, x)),
    (g, x, y) => mul(g, greaterShare(x, y)),
  );
}

/** 1 where a > b, 1/2 where they are equal, 0 elsewhere: who gets the gradient of a maximum. */
export function greaterShare(a: Tensor, b: Tensor): Tensor {
  return computeBinary('greaterShare', a, b);
}

/** -x */
export function neg(x: Tensor): Tensor {
  return unary('neg', x, neg);
}

/** |x|; the gradient at 0 is 0. */
export function abs(x: Tensor): Tensor {
  return unary('abs', x, (g, _, from) => mul(g, sign(from)));
}

/** -1, 0 or 1 by the sign of x, 0 for NaN; its gradient is 0. */
export function sign(x: Tensor): Tensor {
  return unary('sign', x, zerosLike);
}

/** x * x */
export function square(x: Tensor): Tensor {
  return unary('square', x, (g, _, from) => mul(g, mul(from, 2)));
}

/** The square root; NaN below 0. */
export function sqrt(x: Tensor): Tensor {
  return unary('sqrt', x, (g, y) => div(g, mul(y, 2)));
}

/** 1 / x */
export function reciprocal(x: Tensor): Tensor {
  return unary('reciprocal', x, (g, y) => neg(mul(g, square(y))));
}

/** e^x */
export function exp(x: Tensor): Tensor {
  return unary('exp', x, (g, y) => mul(g, y));
}

/** The natural logarithm; -inf at 0, NaN below. */
export function log(x: Tensor): Tensor {
  return unary('log', x, (g, _, from) => div(g, from));
}

/** log(1 + x), accurate for small x. */
export function log1p(x: Tensor): Tensor {
  return unary('log1p', x, (g, _, from) => div(g, add(from, 1)));
}

/** 2 / sqrt(pi), the derivative of erf at 0. */
const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

/** The error function. */
export function erf(x: Tensor): Tensor {
  return unary('erf', x, (g, _, from) => mul(g, mul(exp(neg(square(from))), TWO_OVER_SQRT_PI)));
}

const unaryMethods = {
  neg,
  abs,
  sign,
  square,
  sqrt,
  reciprocal,
  exp,
  log,
  log1p,
  erf,
};
const binaryMethods = { add, sub, mul, div, maximum, minimum };

type UnaryMethods = { [K in keyof typeof unaryMethods]: () => Tensor };
type BinaryMethods = { [K in keyof typeof binaryMethods]: (other: TensorLike) => Tensor };

declare module '../tensor/tensor.js' {
  interface Tensor extends UnaryMethods, BinaryMethods {}
}

for (const [name, fn] of Object.entries(unaryMethods)) {
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor) {
      return fn(this);
    },
    writable: true,
    configurable: true,
  });
}
for (const [name, fn] of Object.entries(binaryMethods)) {
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor, other: TensorLike) {
      return fn(this, other);
    },
    writable: true,
    configurable: true,
  });
}
