/** The benchmark: `npm run bench -- --help`. */
import { shapes } from './gemm/sections.js';
import { run } from './lib/run.js';
import { mlp, ops, overhead } from './lib/sections.js';

await run({
  command: 'npm run bench',
  about: 'Measures tilegrad, and its peers beside it where they can be found.',
  sections: [shapes, mlp, ops, overhead],
});
