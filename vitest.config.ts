import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { emulatedForks } from './test/helpers/emulated.js';

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** What each mode tells the tests: which addon they are about, and that an emulator takes its time. */
const environments: Record<string, Record<string, string>> = {
  cmake: { TILEGRAD_ADDON: pathOf('./build-cmake/Release/tilegrad.node') },
  arm64: {
    TILEGRAD_ADDON: pathOf('./build-arm64/tilegrad.node'),
    TILEGRAD_TEST_PATIENCE: '10',
  },
};

/**
 * Four runs: plain `vitest run` is the suite on build/Release; `--mode cmake` is the suite on the
 * addon of the CMake build; `--mode arm64` is the suite in an emulated arm64 Node, which
 * scripts/arm64.mjs prepares; `--mode package` packs the package, installs it elsewhere and uses it.
 */
export default defineConfig(({ mode }) => ({
  resolve: {
    alias: [
      { find: /^tilegrad$/, replacement: pathOf('./dist/index.js') },
      { find: /^tilegrad\/(.*)\.js$/, replacement: `${pathOf('./dist/')}$1.js` },
    ],
  },
  test: {
    include: mode === 'package' ? ['test/package/**/*.test.ts'] : ['test/**/*.test.ts'],
    exclude: mode === 'package' ? [] : ['test/package/**'],
    globalSetup: mode === 'package' ? [] : [pathOf('./test/helpers/build.ts')],
    // Loaded by Node as it is. Transformed anew for each of 200 test files, it would take half of the time.
    server: { deps: { external: [/\/dist\/.*\.js$/] } },
    env: environments[mode] ?? {},
    // All cores: Vitest would leave one to its main process, which has next to nothing to do.
    maxWorkers: '100%',
    // The times of earlier runs, in one file that suites which run side by side would write at once.
    ...(process.env.TILEGRAD_DIST_READY ? { cache: false as const } : {}),
    // A native crash must end one worker's file, not the whole run; and worker_threads inside
    // tests need a process of their own.
    pool: mode === 'arm64' ? emulatedForks : 'forks',
    testTimeout: mode === 'arm64' ? 300_000 : 30_000,
    hookTimeout: mode === 'arm64' ? 100_000 : 10_000,
  },
}));
