import { execFileSync, spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

const library = new URL('../../dist/index.js', import.meta.url).href;

/** The flags of V8 that a process sets when it loads the library. */
function flagsSet(environment: Record<string, string>, options: readonly string[] = []): string[] {
  const program = `
    import v8 from 'node:v8';
    import { syncBuiltinESMExports } from 'node:module';
    const flags = [];
    v8.setFlagsFromString = (flag) => flags.push(flag);
    syncBuiltinESMExports();
    await import(${JSON.stringify(library)});
    console.log(JSON.stringify(flags));`;
  const { TILEGRAD_KEEP_MEMORY: _, ...rest } = process.env;
  const answer = execFileSync(
    process.execPath,
    [...options, '--input-type=module', '--eval', program],
    { env: { ...rest, ...environment }, encoding: 'utf8' },
  );
  return JSON.parse(answer) as string[];
}

test('array buffers are freed within collections', () => {
  expect(flagsSet({})).toEqual(['--no-concurrent-array-buffer-sweeping']);
});

test('unless the program or the user looks after memory', () => {
  expect(flagsSet({ TILEGRAD_KEEP_MEMORY: '0' })).toEqual([]);
  expect(flagsSet({}, ['--concurrent-array-buffer-sweeping'])).toEqual([]);
  expect(flagsSet({}, ['--no_concurrent_array_buffer_sweeping'])).toEqual([]);
  expect(flagsSet({}, ['--freeze-flags-after-init'])).toEqual([]);
});

test('V8 knows the flag', () => {
  const { stderr, status } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', `await import(${JSON.stringify(library)});`],
    { encoding: 'utf8' },
  );
  // An unknown flag would be named there.
  expect(stderr).toBe('');
  expect(status).toBe(0);
});
