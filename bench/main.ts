/** The benchmark: `npm run bench -- --help`. */
import { shapes } from './gemm/sections.js';
import { run } from './lib/run.js';
import { mlp, networks, overhead } from './lib/sections.js';
import * as ops from './ops/sections.js';

await run({
  command: 'npm run bench',
  about: 'Measures tilegrad, and its peers beside it where they can be found.',
  sections: [shapes, mlp, networks, ops.memory, ops.rows, overhead],
});
