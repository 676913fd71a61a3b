/** The benchmark of single operations: `npm run bench:ops -- --help`. */
import { run } from '../lib/run.js';
import { all } from './sections.js';

await run({
  command: 'npm run bench:ops',
  about: 'Measures operations one by one, and PyTorch beside them where it can be found.',
  sections: all,
});
