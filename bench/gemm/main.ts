/** The benchmark of the matrix product: `npm run bench:gemm -- --help`. */
import { run } from '../lib/run.js';
import { avx2, bfloat16, calls, float64, int8, layers, shapes, sweep } from './sections.js';

await run({
  command: 'npm run bench:gemm',
  about: 'Measures the matrix product, and that of peers beside it where they can be found.',
  sections: [shapes, layers, sweep, float64, bfloat16, int8, avx2, calls],
});
