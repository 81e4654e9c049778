import { defineConfig } from 'vitest/config';

/** The project's `.ci/run` counts from this file too. */
const results = process.env.VITEST_INFRA_RESULTS;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    reporters: results ? ['default', ['json', { outputFile: results }]] : ['default'],
  },
});
