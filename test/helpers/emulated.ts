/** Vitest's processes in an emulated Node, for `vitest run --mode arm64`. */
import { fileURLToPath } from 'node:url';
import { ForksPoolWorker, type PoolOptions } from 'vitest/node';

/** Starts an arm64 Node; scripts/arm64.mjs writes it. */
const launcher = fileURLToPath(new URL('../../build-arm64/node', import.meta.url));

class EmulatedWorker extends ForksPoolWorker {
  override start(): Promise<void> {
    // fork() takes the program from here and has no other way in: Vitest passes its own options.
    // It is called before start() first waits, so that nobody else sees the change.
    const { execPath } = process;
    process.execPath = launcher;
    try {
      return super.start();
    } finally {
      process.execPath = execPath;
    }
  }
}

/** A pool for Vitest's option of that name: like 'forks', in the emulated Node. */
export const emulatedForks = {
  name: 'emulated',
  createPoolWorker: (options: PoolOptions) => new EmulatedWorker(options),
};
