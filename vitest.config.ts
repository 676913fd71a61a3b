import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    alias: { tilegrad: fileURLToPath(new URL('./lib/index.ts', import.meta.url)) },
  },
  test: {
    include: ['test/**/*.test.ts'],
    // A native crash must end one worker's file, not the whole run; and worker_threads inside
    // tests need a process of their own.
    pool: 'forks',
    testTimeout: 30_000,
  },
});
