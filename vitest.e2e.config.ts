import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** End-to-end tests: one file at a time, since each owns test hosts and some measure time. */
export default defineConfig({
  test: {
    setupFiles: [fileURLToPath(new URL('tools/test/plain-output.ts', import.meta.url))],
    include: ['src/**/*.e2e.spec.ts'],
    testTimeout: 180_000,
    hookTimeout: 300_000,
    fileParallelism: false,
    pool: 'forks',
    bail: 0,
  },
});
