/**
 * The API reference: TypeDoc has to build it without a complaint, and it complains about every public
 * function, class, type, member and option without a docstring (docs/reference/typedoc.json). Its first page
 * is made of the tests' tables.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { atMost } from '../helpers/patience.js';

const folder = fileURLToPath(new URL('../../docs/reference', import.meta.url));

// It says nothing about the machine, and takes long on an emulated one, whose patience is 10.
test.skipIf(atMost(1) >= 10)(
  'everything public has a docstring, and links in it lead somewhere',
  async () => {
    await import('../../docs/reference/operations.js');
    const main = createRequire(join(folder, 'package.json')).resolve('typedoc');
    const typedoc = join(dirname(main), '../bin/typedoc');
    const { status, stdout, stderr } = spawnSync(process.execPath, [typedoc, '--emit', 'none'], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
    });
    const complaints = `${stdout}${stderr}`
      .split('\n')
      .filter((line) => /^\[(warning|error)\]/.test(line));
    expect(complaints).toEqual([]);
    expect(status).toBe(0);
  },
  180_000,
);
