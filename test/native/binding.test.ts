import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TensorError } from 'tilegrad/errors.js';
import { loadBinding } from 'tilegrad/native/binding.js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tilegrad-binding-'));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

/** The message of the error that loading throws, its code checked. */
function failure(root?: string): string {
  try {
    loadBinding(root);
  } catch (error) {
    expect(error).toBeInstanceOf(TensorError);
    expect((error as TensorError).code).toBe('ERR_NATIVE_LOAD');
    expect((error as TensorError).cause).toBeInstanceOf(Error);
    return (error as TensorError).message;
  }
  throw new Error('loading did not fail');
}

function expectSystem(message: string): void {
  expect(message).toContain(`${process.platform}-${process.arch}`);
  expect(message).toContain(`Node ${process.version} (ABI ${process.versions.modules})`);
  if (process.platform === 'linux') expect(message).toMatch(/, (glibc|musl) \d+\.\d+/);
}

test('loads, and loads the same thing twice', () => {
  expect(Object.keys(loadBinding().rows).length).toBeGreaterThan(0);
  expect(loadBinding()).toBe(loadBinding());
});

describe('TILEGRAD_ADDON', () => {
  test('names a file that is not there', () => {
    const file = join(directory, 'absent.node');
    vi.stubEnv('TILEGRAD_ADDON', file);
    const message = failure();
    expect(message).toContain(`${file} (TILEGRAD_ADDON): no such file`);
    expectSystem(message);
  });

  test('names a directory', () => {
    const folder = join(directory, 'folder.node');
    mkdirSync(folder);
    vi.stubEnv('TILEGRAD_ADDON', folder);
    expect(failure()).toContain(`${folder} (TILEGRAD_ADDON): not a file`);
  });

  test('names a file that is no library', () => {
    const file = join(directory, 'garbage.node');
    writeFileSync(file, 'not an ELF file');
    vi.stubEnv('TILEGRAD_ADDON', file);
    const message = failure();
    expect(message).toContain(`${file} (TILEGRAD_ADDON): a file of 15 bytes`);
    expect(message).toMatch(/reason: .+/);
    expect(message).toContain('TILEGRAD_ADDON has to name a tilegrad.node');
  });

  test('never runs JavaScript', () => {
    const file = join(directory, 'script.cjs');
    writeFileSync(file, 'globalThis.tilegradScriptRan = true; module.exports = {};');
    vi.stubEnv('TILEGRAD_ADDON', file);
    expect(failure()).toContain('is not a .node file');
    expect(globalThis).not.toHaveProperty('tilegradScriptRan');
  });
});

describe('the package directory', () => {
  beforeEach(() => {
    vi.stubEnv('TILEGRAD_ADDON', undefined);
  });

  test('has nothing in it', () => {
    const message = failure(directory);
    const platform = `prebuilds/${process.platform}-${process.arch}`;
    for (const place of ['build/Release', 'build/Debug', platform]) {
      expect(message).toContain(`${join(directory, place)}: no such directory`);
    }
    expect(message).toContain('binaries for no platform');
    expect(message).toContain('set TILEGRAD_ADDON');
    expectSystem(message);
  });

  test('has binaries for another platform only', () => {
    mkdirSync(join(directory, 'prebuilds/plan9-mips'), { recursive: true });
    expect(failure(directory)).toContain('binaries for plan9-mips.');
  });

  test('has a binary of this platform that does not load', () => {
    const folder = join(directory, `prebuilds/${process.platform}-${process.arch}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'tilegrad.node'), 'cut off');
    expect(failure(directory)).toContain(`${folder}: tilegrad.node`);
  });

  test('is a checkout that was not built', () => {
    writeFileSync(join(directory, 'binding.gyp'), '{}');
    expect(failure(directory)).toContain('npm run prepare');
  });
});
