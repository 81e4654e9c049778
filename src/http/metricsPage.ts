import { type MetricDefinition, metrics } from '../core/metricNames.ts';

/** `docs/metrics.md`, made from the list of metrics. */
export function metricsPage(): string {
  const rows = Object.entries<MetricDefinition>(metrics).map(
    ([name, { kind, help, labels }]) => `| \`${name}\` | ${kind} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
  );
  return `# Metrics

Made from \`src/core/metricNames.ts\` by \`npm run docs\`; do not edit. A worker shows them at \`/metrics\` (\`http.host\`, \`http.port\`), with the usual \`process_*\` and \`nodejs_*\`
of its process. Counters begin at zero with the process.

| name | kind | labels | what it tells |
|---|---|---|---|
${rows.join('\n')}
`;
}
