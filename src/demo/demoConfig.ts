/** The configuration under which a scenario was tried out, as the YAML file that a user would write. */
import { Document, visit } from 'yaml';
import { formatDuration } from '../core/duration.ts';
import { modelName } from './delayModel.ts';
import type { FlightsScenario } from './flightsScenario.ts';

/** Where a run takes place. */
export interface DemoPlace {
  readonly brokers: readonly string[];
  readonly group: string;
  readonly topics: { readonly predictions: string; readonly feedback: string };
  /** Of a running worker; left out for files, which need none of it. */
  readonly live?: {
    readonly dsn: string;
    /** Of the inbox, so that issues resolve when their incidents are over. */
    readonly api: { readonly token: string; readonly organization: string; readonly project: string };
    /** Partitions of each internal topic. */
    readonly partitions: number;
    /** Of wall clock: event time is sped up, so the defaults would be days of it. */
    readonly idleAfterMs: number;
    readonly silenceAfterMs: number;
  };
}

/** YAML for `--config`. It differs from the defaults only where the flights do from everyday traffic. */
export function demoConfig(scenario: FlightsScenario, { brokers, group, topics, live }: DemoPlace): string {
  const { hopMs, scalesMs, baselineMs, segments, ignore } = scenario;
  const config = {
    kafka: { brokers, group, start: 'earliest' },
    predictions: { topic: topics.predictions, format: 'json' },
    feedback: { topic: topics.feedback, format: 'json' },
    window: {
      hop: formatDuration(hopMs),
      scales: scalesMs.map(formatDuration),
      ...(live === undefined ? {} : { idleAfter: formatDuration(live.idleAfterMs), silenceAfter: formatDuration(live.silenceAfterMs) }),
    },
    baseline: { kind: 'first', duration: formatDuration(baselineMs) },
    ...(segments.length === 0 ? {} : { segments }),
    models: { [modelName]: { task: 'binary', owner: 'flight-ops', important: ['distance'], ignore } },
    ...(live === undefined
      ? {}
      : {
          topics: { partitions: live.partitions },
          sentry: { dsn: live.dsn, environment: 'demo', api: live.api },
          // Airports are no secret, and an issue that names the one that moved says more.
          privacy: { maxCategories: 300 },
        }),
  };
  const document = new Document(config);
  // Lists on one line, as people write them.
  visit(document, {
    Seq: (_key, list) => {
      list.flow = true;
    },
  });
  return `# Tidemark on the flights of the demo (docs/flights.md); every key: docs/configuration.md\n${document.toString({ flowCollectionPadding: false })}`;
}
