/** The types refuse what they can: test/types is compiled against the built package's declarations. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

test('misuse that types can catch does not compile', () => {
  const compiler = path('../node_modules/typescript/bin/tsc');
  const { stdout, stderr } = spawnSync(process.execPath, [compiler, '-p', path('types')], {
    encoding: 'utf8',
  });
  expect(stdout + stderr).toBe('');
});
