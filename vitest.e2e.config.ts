import { defineConfig } from 'vitest/config';

/** End-to-end tests: one file at a time, since each owns test hosts and some measure time. */
export default defineConfig({
  test: {
    include: ['src/**/*.e2e.spec.ts'],
    testTimeout: 180_000,
    hookTimeout: 300_000,
    fileParallelism: false,
    pool: 'forks',
    bail: 0,
  },
});
