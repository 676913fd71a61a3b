/** What tests import as `tilegrad` is dist/, compiled from lib/ before anything runs: a second for all files. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export default function setup(): void {
  // Suites that run side by side share the dist that was compiled before them.
  if (process.env.TILEGRAD_DIST_READY) return;
  execFileSync(process.execPath, ['scripts/build.mjs', 'ts'], { cwd: root, stdio: 'inherit' });
}
