/** Numerical and automatic differentiation side by side, partial derivatives, and the chain rule. */
import { grad, gradcheck, type Tensor, tensor } from 'tilegrad';
import { fixed, printTable } from './lib/table.js';
import type { RunOptions, Topic } from './lib/topic.js';

const float64 = { dtype: 'float64' } as const;

interface Derivative {
  name: string;
  numerical: number;
  automatic: number;
  /** By the rules of calculus. */
  exact: number;
}

interface Result {
  derivatives: Derivative[];
  /** Errors of the difference quotient for steps of 10^-1 to 10^-12. */
  errors: { step: number; error: number }[];
  /** What gradcheck says of a function whose gradient is not the whole one. */
  wrong: string;
}

const number = (value: number): Tensor => tensor(value, { ...float64, requiresGrad: true });

/** (f(x + h) - f(x - h)) / 2h along one of the arguments. */
function quotient(
  f: (...x: Tensor[]) => Tensor,
  at: readonly number[],
  i: number,
  h: number,
): number {
  const moved = (by: number) =>
    f(...at.map((value, j) => tensor(j === i ? value + by : value, float64))).item();
  return (moved(h) - moved(-h)) / (2 * h);
}

function run({ print }: RunOptions): Result {
  const h = 1e-5;
  const compare = (
    name: string,
    f: (...x: Tensor[]) => Tensor,
    at: readonly number[],
    i: number,
    exact: number,
  ): Derivative => {
    const x = at.map(number);
    const automatic = grad(f(...x), [x[i]!])[0]!.item();
    return { name, numerical: quotient(f, at, i, h), automatic, exact };
  };
  const product = (x: Tensor, y: Tensor) => x.square().mul(y).add(y.sin());
  // Case 1 of the chain rule: z = h(g(x)), one after the other.
  const chain = (x: Tensor) => x.square().exp();
  // Case 2: z = k(x, y) with x = g(s) and y = h(s), two ways that add up.
  const paths = (s: Tensor) => s.square().mul(s.sin());
  const derivatives = [
    compare('d(x^2 y + sin y)/dx at (3, 2)', product, [3, 2], 0, 12),
    compare('d(x^2 y + sin y)/dy at (3, 2)', product, [3, 2], 1, 9 + Math.cos(2)),
    compare('d(e^(x^2))/dx at 1', chain, [1], 0, 2 * Math.E),
    compare(
      'd(x y)/ds, x = s^2, y = sin s, at 2',
      paths,
      [2],
      0,
      4 * Math.sin(2) + 4 * Math.cos(2),
    ),
  ];
  printTable(
    print,
    ['', 'numerical', 'automatic', 'exact'],
    derivatives.map(({ name, ...values }) => [
      name,
      ...[values.numerical, values.automatic, values.exact].map((v) => fixed(v, 9)),
    ]),
  );
  const errors = Array.from({ length: 12 }, (_, i) => {
    const step = Number(`1e-${i + 1}`);
    return { step, error: Math.abs(quotient(chain, [1], 0, step) - 2 * Math.E) };
  });
  print('the quotient is wrong by h^2 for large h, and by rounding for small ones:');
  print(
    `  ${errors.map(({ step, error }) => `h = ${step}: ${error.toExponential(0)}`).join(', ')}`,
  );
  // gradcheck compares both for all arguments, and throws where they differ.
  gradcheck((x, y) => product(x!, y!), [number(3), number(2)]);
  print('gradcheck of x^2 y + sin y: passes');
  let wrong = 'passes';
  try {
    gradcheck((x) => x!.detach().mul(x!), [number(3)]); // half of the gradient of x^2 is cut off
  } catch (error) {
    wrong = (error as Error).message;
  }
  print(`gradcheck of x^2 with a part cut off: ${wrong}`);
  return { derivatives, errors, wrong };
}

export const topic: Topic<Result> = {
  id: 'B4',
  title: 'Numerical and automatic differentiation; the chain rule',
  run,
};
