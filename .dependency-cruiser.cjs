/** Imports point one way (CONTRIBUTING.md). `test/unit/architecture.test.ts` proves that a planted violation is found. */
const only = (name, from, allowed) => ({
  name,
  severity: 'error',
  from: { path: from },
  to: { path: '^src/', pathNot: [from, ...allowed] },
});
const core = '^src/core/';
const config = '^src/config/';
const chart = '^src/chart/';
const formats = '^src/formats/';
const files = '^src/files/';
const middle = ['^src/log/', formats, files, '^src/baseline/', '^src/sentry/', '^src/sinks/', '^src/report/'];
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    only('core-imports-only-core', core, []),
    {
      name: 'core-is-pure',
      comment: 'No Kafka, clock, network, file or logger in the core. node:crypto is allowed for hashes: a pure function.',
      severity: 'error',
      from: { path: core },
      to: {
        dependencyTypes: ['core', 'npm', 'npm-dev'],
        pathNot: ['^crypto$', '^node:crypto$', 'node_modules/(@stdlib|tdigest|@types/tdigest)'],
      },
    },
    only('config-imports-core', config, [core]),
    only('chart-imports-core', chart, [core]),
    only('log-imports-core', '^src/log/', [core, config]),
    only('formats-import-core', formats, [core, config]),
    only('files-import-core-and-formats', files, [core, formats]),
    only('baseline-imports-core-and-files', '^src/baseline/', [core, files]),
    only('sentry-imports-core-and-chart', '^src/sentry/', [core, config, chart]),
    only('sinks-import-core-and-sentry', '^src/sinks/', [core, config, '^src/sentry/']),
    only('report-imports-core-and-chart', '^src/report/', [core, config, chart]),
    only('stages-import-the-layers-below', '^src/stages/', [core, config, chart, ...middle]),
    only('backtest-imports-the-layers-below', '^src/backtest/', [core, config, chart, ...middle, '^src/stages/']),
    only('http-imports-the-layers-below', '^src/http/', [core, config, chart, ...middle, '^src/stages/']),
    only('check-imports-the-layers-below', '^src/check/', [core, config, chart, ...middle, '^src/stages/']),
    only('inspect-imports-the-layers-below', '^src/inspect/', [core, config, chart, ...middle, '^src/stages/']),
    only('demo-imports-the-layers-below', '^src/demo/', [core, config, chart, ...middle, '^src/stages/', '^src/http/', '^src/backtest/']),
    { name: 'src-never-imports-tests', severity: 'error', from: { path: '^src/' }, to: { path: '^(test|bench)/' } },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
  },
};
