import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  throw new Error(
    `Tidemark needs Node 24 or later, this is ${process.version}: run "npm ci" once, then "npm test" or "npx vitest", which take the Node that comes with it`,
  );
}

// Ryuk only cleans up after killed runs, and its image cannot be had everywhere; every test stops what it started.
process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true';
// In a container testcontainers takes the address of the bridge for the engine's host; an engine beside us maps its ports to localhost.
if (existsSync('/.dockerenv')) process.env.TESTCONTAINERS_HOST_OVERRIDE ??= 'localhost';

// .ci/run counts from this file.
const results = process.env.VITEST_RESULTS;

const common = { testTimeout: 60_000, hookTimeout: 180_000 };

export default defineConfig({
  test: {
    reporters: results ? ['default', ['json', { outputFile: results }]] : ['default'],
    // Two groups, one after the other: what needs nothing, then what needs the shared Kafka, which is started only if such a file is in the run.
    projects: [
      {
        test: { ...common, name: 'core', include: ['test/unit/**/*.test.ts', 'test/simulation/**/*.test.ts'], sequence: { groupOrder: 0 } },
      },
      {
        test: {
          ...common,
          name: 'real',
          include: ['test/integration/**/*.test.ts', 'test/e2e/**/*.test.ts'],
          // One file after the other: each has the machine's cores, and the broker, for itself.
          fileParallelism: false,
          globalSetup: ['test/support/kafkaGlobalSetup.ts'],
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
