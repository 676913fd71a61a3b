/** Files that tests write. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Calls fn with the path of a file in a new directory, which goes with it. */
export function temporaryFile(name: string, fn: (path: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'tilegrad-test-'));
  try {
    fn(join(directory, name));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
