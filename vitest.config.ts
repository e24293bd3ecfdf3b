import { defineConfig } from 'vitest/config';

/** One configuration for every package; a package's target runs it with its own folder as root. */
export default defineConfig({
  test: {
    include: ['src/**/*.spec.ts', '*/src/**/*.spec.ts'],
    testTimeout: 20_000,
    passWithNoTests: true,
    pool: 'threads',
    // whoever runs the tests may want colours of their own reporter: what the tested code prints depends on its stream alone
    env: { FORCE_COLOR: '' },
  },
});
