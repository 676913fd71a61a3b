/** The activations that products are finished with, in float64 and by other formulas than the kernels. */
import type { EpilogueActivation } from 'tilegrad/ops/product/gemm.js';

const logistic = (x: number) => 1 / (1 + Math.exp(-x));

/** Abramowitz & Stegun 7.1.5: the series converges fast enough for the |x| <= 12 of these tests. */
function erf(x: number): number {
  if (Math.abs(x) > 4) return Math.sign(x); // 1 - erf(4) = 1.5e-8, below the tolerance of float32
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17; n++) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** Of leakyRelu below 0, in these tests. */
export const SLOPE = 0.125;
const TANH_U = (x: number) => Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3);
const PDF = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
const CDF = (x: number) => (1 + erf(x / Math.SQRT2)) / 2;

/** Each activation, and its derivative from its output or input as the row takes it. */
export const functions: Record<
  EpilogueActivation,
  { value: (x: number) => number; derivative: (from: number) => number; exactFor32: boolean }
> = {
  none: { value: (x) => x, derivative: () => 1, exactFor32: true },
  relu: { value: (x) => Math.max(0, x), derivative: (y) => (y > 0 ? 1 : 0), exactFor32: true },
  leakyRelu: {
    value: (x) => (x > 0 ? x : SLOPE * x),
    derivative: (y) => (y > 0 ? 1 : SLOPE),
    exactFor32: true,
  },
  sigmoid: { value: logistic, derivative: (y) => y * (1 - y), exactFor32: true },
  tanh: { value: Math.tanh, derivative: (y) => 1 - y * y, exactFor32: true },
  // erf above is good to 1e-8 only, so float64 can't be held against it.
  gelu: {
    value: (x) => x * CDF(x),
    derivative: (x) => CDF(x) + x * PDF(x),
    exactFor32: false,
  },
  geluTanh: {
    value: (x) => (x / 2) * (1 + Math.tanh(TANH_U(x))),
    derivative: (x) => {
      const t = Math.tanh(TANH_U(x));
      const slope = Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);
      return (1 + t) / 2 + (x / 2) * (1 - t * t) * slope;
    },
    exactFor32: true,
  },
  silu: {
    value: (x) => x * logistic(x),
    derivative: (x) => logistic(x) * (1 + x * (1 - logistic(x))),
    exactFor32: true,
  },
};
