/** Goldens of functions of one picture or volume with windows: values, gradients, and where maxima were. */
import type { Tensor } from 'tilegrad';
import { expect, test } from 'vitest';
import {
  epsilon,
  exact,
  expectGolden,
  Fixture,
  type FloatType,
  gradients,
  largest,
  type StoredCase,
  toTensor,
} from '../golden.js';

/** Options as a fixture writes them; each operation knows its own. */
export type Options = Record<string, never>;

interface IndexCase {
  op: string;
  dtype: FloatType;
  options: Options;
  input: number;
  output: number;
  indices: number;
}

interface Goldens {
  /** The fixture's name. */
  fixture: string;
  /** A call as the fixture writes it. */
  run(op: string, x: Tensor, options: Options, indices?: Tensor): Tensor;
  /** The same of an operation that gives its maxima and their places. */
  runWithIndices(
    op: string,
    x: Tensor,
    options: Options,
  ): { readonly values: Tensor; readonly indices: Tensor };
  /** Names of operations that only move values, so that results are exact. */
  moves: RegExp;
  /** Roundings behind one another. */
  steps: number;
}

/** Declares a test for each case of the fixture. */
export function testGoldens({ fixture: file, run, runWithIndices, moves, steps }: Goldens): void {
  const fixture = new Fixture<{ cases: StoredCase<Options>[]; indices: IndexCase[] }>(file);
  const label = ({ op, dtype, options }: { op: string; dtype: string; options?: Options }) =>
    `${op} ${dtype} ${JSON.stringify(options)}`;

  test.each(fixture.content.cases.map((stored) => [label(stored), stored] as const))(
    '%s',
    (name, stored) => {
      const golden = fixture.case(stored);
      const { dtype } = golden;
      const x = toTensor(golden.inputs[0]!, dtype, true);
      const indices = golden.constants[0] && toTensor(golden.constants[0], dtype).to('int32');
      const y = run(golden.op, x, golden.options!, indices);
      const size = Math.max(1, largest(golden.inputs[0]!), largest(golden.output));
      const close = moves.test(golden.op) ? exact : () => steps * epsilon[dtype] * size;
      expectGolden(y, golden.output, close, name);
      const [dx] = gradients(y, golden.gradOutput, dtype, [x]);
      // Several windows may have one largest value, whose gradients add up.
      const slope = Math.max(1, largest(golden.gradInputs[0]!));
      const near = () => steps * epsilon[dtype] * slope;
      expectGolden(dx!, golden.gradInputs[0]!, near, `${name}: gradient`);
    },
  );

  test.each(fixture.content.indices.map((stored) => [label(stored), stored] as const))(
    'where: %s',
    (name, { op, dtype, options, ...at }) => {
      const x = toTensor(fixture.tensor(at.input), dtype);
      const { values, indices } = runWithIndices(op, x, options);
      expectGolden(values, fixture.tensor(at.output), exact, name);
      expectGolden(indices, fixture.tensor(at.indices), exact, `${name}: indices`);
      expect(indices.dtype).toBe('int32');
    },
  );
}
