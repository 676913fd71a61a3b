/**
 * Files that are replaced whole or not at all: the bytes go to a temporary file in the same folder,
 * to the disk (fsync), and only then under the real name (rename, which the file system does in one
 * step). Whoever reads meanwhile, and whoever looks after a crash, finds the old file or the new
 * one. After a kill the temporary file may be left behind; after an error it is removed.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { TensorError } from '../errors.js';

/** As many as Linux follows before it gives up (path_resolution(7)). */
const MAX_SYMLINKS = 40;

/** The permission bits of a mode, without the file's type. */
const MODE_BITS = 0o7777;

/** The answers of file systems that can't sync a folder, where rename is all there is. */
const NO_FOLDER_SYNC: ReadonlySet<string> = new Set(['EINVAL', 'EPERM', 'EISDIR', 'ENOTSUP']);

interface Plan {
  target: string;
  folder: string;
  temporary: string;
  /** The mode of the file to be replaced; none if there is none, then the umask decides. */
  mode: number | undefined;
}

/**
 * Writes `chunks` one after the other as the new content of `file`. A symbolic link stays and the
 * file it points to is replaced; an existing file's permissions are kept.
 *
 * @param signal aborts up to the rename, leaving the old file; the promise rejects with its reason
 * @throws the file system's error (ENOENT, EACCES, ENOSPC...), TensorError ERR_ARGUMENT if `file`
 *   is something other than a regular file
 */
export async function writeFileAtomic(
  file: string,
  chunks: readonly Uint8Array[],
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted();
  const plan = planWrite(file);
  const handle = await fs.promises.open(plan.temporary, 'wx');
  try {
    try {
      if (plan.mode !== undefined) await handle.chmod(plan.mode);
      for (const chunk of chunks) {
        for (let done = 0; done < chunk.length; ) {
          signal?.throwIfAborted();
          done += (await handle.write(chunk, done, pieceLength(chunk, done))).bytesWritten;
        }
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    signal?.throwIfAborted();
    await fs.promises.rename(plan.temporary, plan.target);
  } catch (error) {
    await fs.promises.rm(plan.temporary, { force: true });
    throw error;
  }
  const folder = await fs.promises.open(plan.folder, 'r').catch(ignoreNoFolderSync);
  try {
    await folder?.sync().catch(ignoreNoFolderSync);
  } finally {
    await folder?.close();
  }
}

/** {@link writeFileAtomic}, synchronously. */
export function writeFileAtomicSync(file: string, chunks: readonly Uint8Array[]): void {
  const plan = planWrite(file);
  const descriptor = fs.openSync(plan.temporary, 'wx');
  try {
    try {
      if (plan.mode !== undefined) fs.fchmodSync(descriptor, plan.mode);
      for (const chunk of chunks) {
        for (let done = 0; done < chunk.length; ) {
          done += fs.writeSync(descriptor, chunk, done, pieceLength(chunk, done));
        }
      }
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
    fs.renameSync(plan.temporary, plan.target);
  } catch (error) {
    fs.rmSync(plan.temporary, { force: true });
    throw error;
  }
  syncFolder(plan.folder);
}

function syncFolder(folder: string): void {
  let descriptor: number | undefined;
  try {
    descriptor = fs.openSync(folder, 'r');
    fs.fsyncSync(descriptor);
  } catch (error) {
    ignoreNoFolderSync(error);
  } finally {
    if (descriptor !== undefined) fs.closeSync(descriptor);
  }
}

function planWrite(file: string): Plan {
  const { target, stats } = resolveTarget(path.resolve(file));
  if (stats !== undefined && !stats.isFile()) {
    throw new TensorError('ERR_ARGUMENT', `[save] ${file} is not a regular file`);
  }
  const folder = path.dirname(target);
  // Without the target's name in it, which may already be as long as the file system allows.
  const name = `.tilegrad-${process.pid}-${randomBytes(6).toString('hex')}.tmp`;
  const mode = stats === undefined ? undefined : stats.mode & MODE_BITS;
  return { target, folder, temporary: path.join(folder, name), mode };
}

/** Where symbolic links lead, also to a file that doesn't exist yet, which realpath can't say. */
function resolveTarget(file: string): { target: string; stats: fs.Stats | undefined } {
  let target = file;
  for (let links = 0; links <= MAX_SYMLINKS; links++) {
    const stats = fs.lstatSync(target, { throwIfNoEntry: false });
    if (!stats?.isSymbolicLink()) return { target, stats };
    // Relative to the link's real folder: the path to it may run through other links.
    const folder = fs.realpathSync(path.dirname(target));
    target = path.resolve(folder, fs.readlinkSync(target));
  }
  throw new TensorError('ERR_ARGUMENT', `[save] ${file}: too many symbolic links`);
}

/** One call writes at most this much, so that an abort is seen soon and no system limit is met. */
const PIECE_BYTES = 1 << 24;

function pieceLength(chunk: Uint8Array, done: number): number {
  return Math.min(chunk.length - done, PIECE_BYTES);
}

function ignoreNoFolderSync(error: unknown): undefined {
  if (!NO_FOLDER_SYNC.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  return undefined;
}
