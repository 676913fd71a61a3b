import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { checkImports, checkIncludes, type SourceFile } from './helpers/architecture.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The files below a folder of the repository whose names end as `pattern` says. */
function sources(folder: string, pattern: RegExp): SourceFile[] {
  const base = join(root, folder);
  return readdirSync(base, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return {
        path: relative(base, path).split(sep).join('/'),
        text: readFileSync(path, 'utf8'),
      };
    });
}

describe('the sources keep the directions of the architecture', () => {
  test('imports in lib/ point down', () => {
    const files = sources('lib', /\.ts$/);
    expect(files.length).toBeGreaterThan(0);
    expect(checkImports(files)).toEqual([]);
  });

  test('#includes in native/ point down, and Node stays in addon/', () => {
    const files = sources('native', /\.(h|cpp|inc)$/);
    expect(files.length).toBeGreaterThan(0);
    expect(checkIncludes(files)).toEqual([]);
  });
});

test('the list of sources names every C++ file, once', () => {
  const { variables } = JSON.parse(readFileSync(join(root, 'native/sources.gypi'), 'utf8'));
  const listed = Object.entries(variables as Record<string, string[]>)
    .filter(([name]) => name.endsWith('_sources'))
    .flatMap(([, files]) => files);
  const present = sources('native', /\.cpp$/).map(({ path }) => `native/${path}`);
  expect(listed.sort()).toEqual(present.sort());
});

describe('the checker finds', () => {
  const imports = (path: string, text: string) => checkImports([{ path, text }]);
  const includes = (path: string, text: string) => checkIncludes([{ path, text }]);

  test.each([
    ['tensor/tensor.ts', "import { add } from '../ops/arithmetic.js';", '../ops'],
    ['native/binding.ts', "import type { Tensor } from '../tensor/tensor.js';", 'a type'],
    ['ops/shape.ts', "export * from '../nn/index.js';", 'a re-export'],
    ['autograd/tape.ts', "const ops = await import('../ops/reduce.js');", 'a dynamic import'],
    ['autograd/tape.ts', "import '../ops/reduce.js';", 'an import for its effect'],
    ['tensor/shape.ts', "import {\n  a,\n  b,\n} from '../ops/shape.js';", 'several lines'],
    ['nn/linear.ts', "import { Adam } from '../optim/adam.js';", 'a neighbour'],
    ['errors.ts', "import { Tensor } from './tensor/tensor.js';", 'upward from the bottom'],
    ['ops/shape.ts', "import { tensor } from '../index.js';", 'the public list'],
    ['data/mnist.ts', "import { x } from '../../test/helpers/x.js';", 'outside of the tree'],
    ['data/mnist.ts', "import lodash from 'lodash';", 'a package'],
    ['extra/file.ts', "import { Tensor } from '../tensor/tensor.js';", 'a folder without a place'],
  ])('in lib/%s: %s (%s)', (path, text) => {
    expect(imports(path, text)).toHaveLength(1);
  });

  test.each([
    ['base/cpu.cpp', '#include "../ops/dispatch.h"', 'upward'],
    ['simd/vec.h', '#include "../kernels/table.h"', 'upward'],
    ['kernels/gemm.h', '#  include "../ops/parallel.h"', 'upward, indented'],
    ['ops/gemm.cpp', '#include "../kernels/gemm.h"', 'a kernel past the table'],
    ['ops/gemm.cpp', '#include "../simd/vec.h"', 'registers past the table'],
    [
      'ops/product/gemm.cpp',
      '#include "../../kernels/gemm.h"',
      'a kernel past the table, in a family',
    ],
    ['ops/loops.h', '#include "product/gemm.h"', 'a family in what serves all of them'],
    ['ops/reduction/arg.cpp', '#include "../product/gemm.h"', 'a family that it is not made of'],
    ['ops/new_family/x.cpp', '#include "../product/gemm.h"', 'a family without a place'],
    ['addon/table.cpp', '#include "../kernels/table.h"', 'the table past ops'],
    ['ops/gemm.cpp', '#include <node_api.h>', 'Node'],
    ['base/cpu.cpp', '#include <napi.h>', 'Node'],
    ['kernels/gemm.h', '#include <vector>', 'an inline function of the standard library'],
    ['base/types.h', '#include <cmath>', 'the same in a header that kernels include'],
  ])('in native/%s: %s (%s)', (path, text) => {
    expect(includes(path, text)).toHaveLength(1);
  });

  test('nothing in what is allowed', () => {
    expect(
      imports(
        'ops/shape.ts',
        `// import { x } from '../nn/x.js';
         /* import { x } from '../nn/x.js'; */
         import { join } from 'node:path';
         import { TensorError } from '../errors.js';
         import { Tensor } from '../tensor/tensor.js';
         import { record } from '../autograd/tape.js';
         import { row } from '../native/commands.js';
         import { reduce } from './reduce.js';
         const text = 'taken from a book';`,
      ),
    ).toEqual([]);
    expect(imports('index.ts', "export * from './nn/index.js';")).toEqual([]);
    expect(
      includes(
        'ops/elementwise.cpp',
        `#include <vector>
         #include "dispatch.h"
         #include "../base/thread_pool.h"
         #include "../kernels/table.h"
         #include "../kernels/elementwise.inc"
         // #include "../kernels/gemm.h"`,
      ),
    ).toEqual([]);
    expect(
      includes(
        'ops/window/conv.cpp',
        '#include "../../kernels/table.h"\n#include "../product/gemm.h"\n#include "../rows.h"',
      ),
    ).toEqual([]);
    expect(
      includes(
        'addon/addon.cpp',
        '#include <napi.h>\n#include "../ops/dispatch.h"\n#include "../ops/product/gemm.h"',
      ),
    ).toEqual([]);
    expect(
      includes('targets/avx2.cpp', '#include <stdint.h>\n#include "../kernels/gemm.h"'),
    ).toEqual([]);
  });
});
