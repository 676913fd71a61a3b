import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/**
 * Three runs: plain `vitest run` is the suite on build/Release; `--mode cmake` is the suite on the
 * addon of the CMake build; `--mode package` packs the package, installs it elsewhere and uses it.
 */
export default defineConfig(({ mode }) => ({
  resolve: {
    alias: { tilegrad: pathOf('./lib/index.ts') },
  },
  test: {
    include: mode === 'package' ? ['test/package/**/*.test.ts'] : ['test/**/*.test.ts'],
    exclude: mode === 'package' ? [] : ['test/package/**'],
    env: mode === 'cmake' ? { TILEGRAD_ADDON: pathOf('./build-cmake/Release/tilegrad.node') } : {},
    // A native crash must end one worker's file, not the whole run; and worker_threads inside
    // tests need a process of their own.
    pool: 'forks',
    testTimeout: 30_000,
  },
}));
