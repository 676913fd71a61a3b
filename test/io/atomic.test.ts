import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeFileAtomic, writeFileAtomicSync } from 'tilegrad/io/atomic.js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

let dir: string;
let file: string;
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tilegrad-atomic-'));
  file = path.join(dir, 'file');
});
afterEach(() => {
  vi.restoreAllMocks();
  fs.rmSync(dir, { recursive: true });
});

const chunks = [Buffer.from('new '), Buffer.alloc(0), Buffer.from('content')];
const text = (name: string) => fs.readFileSync(name, 'utf8');

/** Both forms under one signature. */
const forms: [string, (file: string, chunks: Buffer[]) => Promise<void>][] = [
  ['async', (file, chunks) => writeFileAtomic(file, chunks)],
  ['sync', async (file, chunks) => writeFileAtomicSync(file, chunks)],
];

describe.each(forms)('%s', (form, write) => {
  test('creates a file with the permissions of the umask', async () => {
    const umask = process.umask(0o027);
    try {
      await write(file, chunks);
    } finally {
      process.umask(umask);
    }
    expect(text(file)).toBe('new content');
    expect(fs.statSync(file).mode & 0o777).toBe(0o640);
    expect(fs.readdirSync(dir)).toEqual(['file']);
  });

  test('replaces a file and keeps its permissions', async () => {
    fs.writeFileSync(file, 'old content, which is longer');
    fs.chmodSync(file, 0o604);
    await write(file, chunks);
    expect(text(file)).toBe('new content');
    expect(fs.statSync(file).mode & 0o777).toBe(0o604);
    expect(fs.readdirSync(dir)).toEqual(['file']);
  });

  test('a relative path and a name as long as the file system allows', async () => {
    const name = 'x'.repeat(255);
    await write(path.relative(process.cwd(), path.join(dir, name)), chunks);
    expect(text(path.join(dir, name))).toBe('new content');
  });

  test('follows symbolic links, to a file and to none yet', async () => {
    const folder = path.join(dir, 'folder');
    fs.mkdirSync(folder);
    fs.writeFileSync(path.join(folder, 'target'), 'old');
    fs.symlinkSync('target', path.join(folder, 'inner'));
    fs.symlinkSync('folder', path.join(dir, 'shortcut'));
    fs.symlinkSync('shortcut/inner', file);
    await write(file, chunks);
    expect(fs.readlinkSync(file)).toBe('shortcut/inner');
    expect(fs.readlinkSync(path.join(folder, 'inner'))).toBe('target');
    expect(text(path.join(folder, 'target'))).toBe('new content');

    const dangling = path.join(dir, 'dangling');
    fs.symlinkSync('folder/new', dangling);
    await write(dangling, chunks);
    expect(fs.readlinkSync(dangling)).toBe('folder/new');
    expect(text(path.join(folder, 'new'))).toBe('new content');
  });

  test('links in a circle are an error', async () => {
    fs.symlinkSync('b', path.join(dir, 'a'));
    fs.symlinkSync('a', path.join(dir, 'b'));
    await expect(write(path.join(dir, 'a'), chunks)).rejects.toThrow('too many symbolic links');
  });

  test.each([
    ['a folder', () => dir],
    ['a device', () => os.devNull],
  ])('refuses %s', async (_, name) => {
    await expect(write(name(), chunks)).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  });

  test('a missing folder is the file system error', async () => {
    await expect(write(path.join(dir, 'no', 'file'), chunks)).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });

  test.each(['write', 'rename'])('a failing %s leaves the old file and no other', async (step) => {
    fs.writeFileSync(file, 'old');
    const fail = () => {
      throw Object.assign(new Error('the disk is full'), { code: 'ENOSPC' });
    };
    if (step === 'rename') {
      vi.spyOn(fs, 'renameSync').mockImplementation(fail);
      vi.spyOn(fs.promises, 'rename').mockImplementation(fail);
    } else {
      vi.spyOn(fs, 'writeSync').mockImplementation(fail);
      const { open } = fs.promises;
      vi.spyOn(fs.promises, 'open').mockImplementation(async (...args) => {
        const handle = await open(...args);
        vi.spyOn(handle, 'write').mockImplementation(fail);
        return handle;
      });
    }
    await expect(write(file, chunks)).rejects.toThrow('the disk is full');
    expect(text(file)).toBe('old');
    expect(fs.readdirSync(dir)).toEqual(['file']);
  });

  test.each(['write', 'sync', 'rename'])(
    'a process killed during %s leaves the old file',
    async (stage) => {
      fs.writeFileSync(file, 'old content');
      const script = fileURLToPath(new URL('./crash.ts', import.meta.url));
      const signal = await new Promise((resolve) => {
        execFile(process.execPath, ['--import', 'tsx', script, file, form, stage], (error) =>
          resolve(error?.signal),
        );
      });
      expect(signal).toBe('SIGKILL');
      expect(text(file)).toBe('old content');
      const left = fs.readdirSync(dir).filter((name) => name !== 'file');
      expect(left).toEqual([expect.stringMatching(/^\.tilegrad-\d+-[0-9a-f]{12}\.tmp$/)]);
      await write(file, chunks);
      expect(text(file)).toBe('new content');
    },
  );
});

describe('abort', () => {
  test('before the start', async () => {
    const reason = new Error('not now');
    await expect(writeFileAtomic(file, chunks, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  test('while writing leaves the old file and no other', async () => {
    fs.writeFileSync(file, 'old');
    const controller = new AbortController();
    const saving = writeFileAtomic(file, [Buffer.alloc(1 << 26)], controller.signal);
    setImmediate(() => controller.abort());
    await expect(saving).rejects.toMatchObject({ name: 'AbortError' });
    expect(text(file)).toBe('old');
    expect(fs.readdirSync(dir)).toEqual(['file']);
  });
});
