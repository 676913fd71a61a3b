/**
 * Run by atomic.test.ts in a process of its own, which it kills in the middle of replacing a file:
 *   crash.ts FILE sync|async write|sync|rename
 * "write" kills after the first piece, "sync" instead of flushing, "rename" instead of renaming.
 */
import fs from 'node:fs';
import { writeFileAtomic, writeFileAtomicSync } from 'tilegrad/io/atomic.js';

const [file, form, stage] = process.argv.slice(2) as [string, string, string];

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('still alive');
}

let pieces = 0;
const { writeSync } = fs;
fs.writeSync = ((...args: Parameters<typeof writeSync>) => {
  if (stage === 'write' && pieces++ > 0) die();
  return writeSync(...args);
}) as typeof writeSync;
if (stage === 'sync') fs.fsyncSync = die;
if (stage === 'rename') {
  fs.renameSync = die;
  fs.promises.rename = die;
}
const { open } = fs.promises;
fs.promises.open = async (...args) => {
  const handle = await open(...args);
  const write = handle.write.bind(handle) as (...args: unknown[]) => Promise<never>;
  handle.write = (...args: unknown[]) => {
    if (stage === 'write' && pieces++ > 0) die();
    return write(...args);
  };
  if (stage === 'sync') handle.sync = die;
  return handle;
};

const chunks = [Buffer.from('new content, '), Buffer.from('which nobody may see half of')];
if (form === 'sync') writeFileAtomicSync(file, chunks);
else await writeFileAtomic(file, chunks);
