import { defineConfig } from 'vitest/config';

const major = Number(process.versions.node.split('.')[0]);
if (major < 24) throw new Error(`Tidemark needs Node 24 or later, this is ${process.version}: run the tests with "npm test", which brings its own`);

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 180_000,
    env: { TESTCONTAINERS_RYUK_DISABLED: 'true' },
  },
});
