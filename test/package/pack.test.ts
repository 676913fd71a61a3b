/**
 * The package as users get it: packed, installed into an empty project without running scripts, and
 * used from there. Needs dist/ and prebuilds/ (npm run build:ts, npm run prebuild).
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The design's budget for an installation. */
const maxBinaryBytes = 3_000_000;

let project: string;
let packedFiles: string[];

/** Runs npm in a directory and returns what it prints; never shows its own notices. */
function npm(directory: string, ...args: string[]): string {
  return execFileSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel', 'error'], {
    cwd: directory,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
}

/** Runs a program in the project and returns what it prints. Only the installed files may be used. */
function runInProject(file: string, source: string): string {
  writeFileSync(join(project, file), source);
  const { TILEGRAD_ADDON: _, ...env } = process.env;
  return execFileSync(process.execPath, [file], { cwd: project, encoding: 'utf8', env }).trim();
}

const installed = (path = '') => join(project, 'node_modules/tilegrad', path);

beforeAll(() => {
  for (const folder of ['dist', 'prebuilds']) {
    if (!existsSync(join(root, folder))) {
      throw new Error(`${folder}/ is missing: run npm run build:ts and npm run prebuild first`);
    }
  }
  project = mkdtempSync(join(tmpdir(), 'tilegrad-package-'));
  const packed = npm(root, 'pack', '--json', '--ignore-scripts', '--pack-destination', project);
  const [description] = JSON.parse(packed) as { filename: string; files: { path: string }[] }[];
  packedFiles = (description?.files ?? []).map(({ path }) => path);
  writeFileSync(join(project, 'package.json'), '{ "name": "user", "private": true }');
  npm(project, 'install', '--ignore-scripts', `./${description?.filename}`);
}, 120_000);

afterAll(() => {
  rmSync(project, { recursive: true, force: true });
});

describe('the tarball', () => {
  test('holds what a user needs and nothing else', () => {
    const expected =
      /^(dist\/.+\.(js|d\.ts)|prebuilds\/[^/]+\/[^/]+\.node|package\.json|README\.md|LICENSE)$/;
    expect(packedFiles.filter((path) => !expected.test(path))).toEqual([]);
    expect(packedFiles).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'README.md',
        'package.json',
        'dist/index.js',
        'dist/index.d.ts',
      ]),
    );
    expect(packedFiles.some((path) => path.endsWith('.node'))).toBe(true);
  });

  test('has a module for each file of lib/', () => {
    const modules = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => `dist/${path.replace(/\.ts$/, '.js').replaceAll('\\', '/')}`);
    expect(packedFiles).toEqual(expect.arrayContaining(modules));
  });

  test('installs without native dependencies or install scripts', () => {
    expect(
      readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.')),
    ).toEqual(['node-gyp-build', 'tilegrad']);
    const { scripts } = JSON.parse(readFileSync(installed('package.json'), 'utf8'));
    for (const name of ['preinstall', 'install', 'postinstall']) {
      expect(scripts).not.toHaveProperty(name);
    }
  });
});

describe('the binary', () => {
  const binaries = () =>
    packedFiles.filter((path) => path.endsWith('.node')).map((path) => installed(path));

  test('is small', () => {
    for (const file of binaries()) expect(statSync(file).size).toBeLessThan(maxBinaryBytes);
  });

  test.runIf(process.platform === 'linux')(
    'is stripped, shows only its entry points and brings its C++ library along',
    () => {
      for (const file of binaries()) {
        const readelf = (...args: string[]) =>
          execFileSync('readelf', ['--wide', ...args, file], { encoding: 'utf8' });
        const needed = [...readelf('--dynamic').matchAll(/\(NEEDED\).*\[(.+)\]/g)].map((m) => m[1]);
        // The C library and nothing else: no libstdc++, no libgcc, no OpenMP runtime.
        for (const library of needed) {
          expect(library).toMatch(/^(libc|libm|libdl|libpthread|ld-linux|ld-musl|libc\.musl)\b/);
        }
        expect(readelf('--sections')).not.toMatch(/\.symtab|\.debug_/);
        const shown = readelf('--dyn-syms')
          .split('\n')
          .map((line) => line.trim().split(/\s+/))
          .filter((columns) => /^\d+:$/.test(columns[0] ?? '') && columns[6] !== 'UND')
          .map((columns) => columns[7]);
        expect(shown.sort()).toEqual([
          'napi_register_module_v1',
          'node_api_module_get_api_version_v1',
        ]);
      }
    },
  );
});

describe('the installed package', () => {
  const program =
    'console.log(JSON.stringify(tensor([[1, 2], [3, 4]]).matmul(tensor([[1], [1]])).toArray()));';

  test('works by import', () => {
    expect(runInProject('user.mjs', `import { tensor } from 'tilegrad';\n${program}`)).toBe(
      '[[3],[7]]',
    );
  });

  test('works by require', () => {
    expect(runInProject('user.cjs', `const { tensor } = require('tilegrad');\n${program}`)).toBe(
      '[[3],[7]]',
    );
  });

  test('has types', () => {
    writeFileSync(
      join(project, 'user.mts'),
      `import { tensor } from 'tilegrad';
       const product = tensor([[1, 2], [3, 4]]).matmul(tensor([[1], [1]]));
       export const shape: readonly number[] = product.shape;
       // @ts-expect-error: a shape is no string
       export const wrong: string = product.shape;`,
    );
    // With Node's types, which TypeScript programs for Node have, and no newer library than Node 20's.
    const { stdout } = spawnSync(
      process.execPath,
      [
        join(root, 'node_modules/typescript/bin/tsc'),
        ...['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022'],
        ...['--types', 'node', '--typeRoots', join(root, 'node_modules/@types'), 'user.mts'],
      ],
      { cwd: project, encoding: 'utf8' },
    );
    expect(stdout).toBe('');
  });
});
