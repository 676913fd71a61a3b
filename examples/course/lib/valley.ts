/** A long valley: half the sum of curvature times w^2 along two parameters, on which optimizers are watched. */
import { type Tensor, tensor } from 'tilegrad';

export type Point = [number, number];

export interface Valley {
  readonly curvatures: Readonly<Point>;
  readonly start: Readonly<Point>;
  readonly steps: number;
}

/** What an optimizer's class gives. */
interface Stepper {
  step(): unknown;
  zeroGrad(): void;
}

export function lossAt({ curvatures }: Valley, w: Point): number {
  return w.reduce((sum, value, i) => sum + 0.5 * curvatures[i]! * value ** 2, 0);
}

/** The weights before each step of an optimizer and after the last. */
export function descend(valley: Valley, make: (params: Tensor[]) => Stepper): Point[] {
  const w = tensor([...valley.start], { dtype: 'float64', requiresGrad: true });
  const curvatures = tensor([...valley.curvatures], { dtype: 'float64' });
  const optimizer = make([w]);
  const path: Point[] = [[...valley.start]];
  for (let step = 0; step < valley.steps; step++) {
    optimizer.zeroGrad();
    w.square().mul(curvatures).mul(0.5).sum().backward();
    optimizer.step();
    path.push(w.toArray() as Point);
  }
  return path;
}
