import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** One configuration for every package; a package's target runs it with its own folder as root. */
export default defineConfig({
  test: {
    include: ['src/**/*.spec.ts', '*/src/**/*.spec.ts'],
    testTimeout: 20_000,
    passWithNoTests: true,
    pool: 'threads',
    setupFiles: [fileURLToPath(new URL('tools/test/plain-output.ts', import.meta.url))],
  },
});
