/**
 * Every key of the configuration, once: meaning, kind of value, default. convict validates by it, `docs/configuration.md` is made from it, and
 * names of environment variables follow from it. Durations and sizes stay texts here (`5m`, `256MB`); `settings.ts` turns them into numbers.
 */
import { type ValueFormatName, valueFormats } from './valueFormats.ts';

/** One key, in the shape that convict wants. */
export interface Key<T> {
  readonly doc: string;
  readonly default: T;
  /** A format registered by `registerFormats`, or the list of the allowed texts. */
  readonly format: string | string[];
  /** End of the sentence "must be ...". */
  readonly allowed: string;
  /** Never shown: not in errors, not in `printableConfig`; may come from a file named by the variable with `_FILE`. */
  readonly sensitive: boolean;
  /** A value to show where the default is empty. */
  readonly example?: string;
}

/** A section: keys and sections by name. */
export type Section = { readonly [name: string]: Key<unknown> | Section };

/** The values of a section, as convict gives them. */
export type ValuesOf<S> = S extends Key<infer T> ? T : { readonly [Name in keyof S]: ValuesOf<S[Name]> };

export function isKey(node: Key<unknown> | Section): node is Key<unknown> {
  return typeof node.doc === 'string' && 'default' in node;
}

function key<T>(format: ValueFormatName, value: T, doc: string, more: { sensitive?: boolean; example?: string } = {}): Key<T> {
  return { doc, default: value, format: `tidemark-${format}`, allowed: valueFormats[format].allowed, sensitive: false, ...more };
}

function choice<const T extends string>(values: readonly T[], value: T, doc: string): Key<T> {
  const named = values.filter((one) => one !== '');
  return {
    doc,
    default: value,
    format: [...values],
    allowed: `${values.length > named.length ? 'empty or ' : ''}one of ${named.join(', ')}`,
    sensitive: false,
  };
}

const performance = {
  scales: key<readonly string[]>(
    'durations',
    ['1d', '4d'],
    'Lengths of the windows of prediction time over which accuracy or error is measured, ascending; a step is a twelfth, a multiple of the hop.',
  ),
  minLabels: key('count', 50, 'Fewest labels in a window for a measured figure; below it the answer is "insufficient".'),
  minDrop: key(
    'share',
    0.02,
    "Smallest drop of accuracy (absolute), or rise of the mean absolute error (as a share of the baseline's), that is worth a page.",
  ),
  horizon: key('duration', '14d', 'How long a label may take. Samples of predictions are kept that long; later labels are not joined.'),
  absent: choice(
    ['unknown', 'negative'],
    'unknown',
    'What silence after the horizon means: nothing (unknown), or the negative class, where only one class is ever reported (negative is refused until it is built).',
  ),
};

const baseline = {
  kind: choice(
    ['first', 'file'],
    'first',
    'What windows are compared with: the first days with data (first), or a file of records (file).',
  ),
  duration: key(
    'duration',
    '7d',
    'first: how long the baseline is; whole days. First answers come after one day. file: the same for what the file does not hold (a model, version or segment), and for performance.',
  ),
  path: key(
    'text',
    '',
    'file: NDJSON, CSV (each also .gz) or Parquet in the format of predictions; ids may be missing. It is read at each start, where detect runs. ' +
      'Rows with ts must be in its order and fill at least one whole day; windows that overlap their time say "learning". ' +
      'Rows without ts give the distributions, and the first 3 live days how much these vary; until then windows say "learning". ' +
      'Rows without a version serve every version; under models.NAME, rows without a model belong to it.',
    { example: 'baseline/fraud.parquet' },
  ),
};

const alerts = {
  budget: {
    incidents: key(
      'positive',
      1,
      'False incidents that a model may open by chance in one period. All thresholds of significance follow from it.',
    ),
    per: key('duration', '30d', 'The period of the budget.'),
  },
  minimumEffect: {
    location: key('amount', 0.05, 'Smallest shift of a numeric series worth a page, in standard deviations of the baseline.'),
    spread: key('amount', 0.05, 'Smallest change of the spread of a numeric series worth a page (effect of the spread score).'),
    share: key(
      'share',
      0.01,
      'Smallest change of a share (missing, below a quantile, one category) worth a page: 0.01 is one percentage point.',
    ),
    totalVariation: key('share', 0.01, 'Smallest total variation distance of a categorical series worth a page.'),
  },
  openAfter: key('count', 2, 'Evaluations of a scale in a row that must agree before an incident opens.'),
  recoverAfter: key('count', 2, 'Evaluations in a row without deviation before an incident recovers.'),
  remindEvery: key('duration', '24h', 'How often an open incident is reported again.'),
  cooldown: key('duration', '1h', 'Shortest time between two escalations of an incident.'),
  reopenWithin: key('duration', '24h', 'An incident that opens again within this time continues the same Sentry issue.'),
};

const segments = key<readonly string[]>(
  'list',
  [],
  'Names under "segments" of the records to watch: each value is summarized and tested on its own.',
  { example: '[country, plan]' },
);

/** Sections that an entry under `models` may override. */
export const perModel = { baseline, performance, alerts, segments };

export const modelKeys = {
  task: choice(['', 'binary', 'multiclass', 'regression'], '', 'Kind of prediction; found from the data where empty.'),
  owner: key('text', '', 'Team that gets the incidents: the tag "team" at Sentry.', { example: 'ml-risk' }),
  important: key<readonly string[]>('list', [], 'Features whose drift is a warning, not an info.', { example: '[amount]' }),
  sensitive: key<readonly string[]>(
    'list',
    [],
    'Features and segments whose categories, minima and maxima are never sent to Sentry or a webhook (the topics of Tidemark, the log and the report of a backtest hold them).',
    { example: '[email_domain]' },
  ),
  ignore: key<readonly string[]>('list', [], 'Features that are not summarized.', { example: '[trace_id]' }),
};

const sourceKeys = {
  topic: key('name', '', 'Name of the topic.', { example: 'predictions' }),
  format: choice(['json'], 'json', 'How messages are read: a preset.'),
  model: key('text', '', 'Model of all records of the topic; empty: each record names its own, or belongs to "topic:NAME".', {
    example: 'fraud',
  }),
};

/** One entry of `predictions` and of `feedback`: a single one or a list of them. */
export const entryKeys = {
  predictions: {
    ...sourceKeys,
    feedback: key<readonly string[]>('list', [], 'Feedback topics that label these predictions; empty: all of them.', {
      example: '[feedback]',
    }),
  },
  feedback: sourceKeys,
};

/** All keys with a fixed place. `predictions`, `feedback`, `models` and `links` stand beside it: their names or numbers are the user's. */
export const rootKeys = {
  kafka: {
    brokers: key<readonly string[]>('brokers', ['localhost:9092'], 'Brokers to begin with.'),
    group: key('name', 'tidemark', 'Consumer group; also the prefix of the internal topics and part of every incident id.'),
    clientId: key('name', 'tidemark', 'Client id shown in broker logs and quotas.'),
    instance: key(
      'text',
      '',
      'Name of this worker that no other running one of the group has, the same after a restart (a pod of a StatefulSet, a container whose host name stays). Started again after a kill, it takes ' +
        'its former place at once. Empty: the group waits until the session of the killed one has ended, 10 s.',
      { example: 'tidemark-0' },
    ),
    start: key(
      'start',
      'latest',
      'Where the first start begins: earliest, latest or an ISO time. Later starts go on from the committed position.',
    ),
    onGap: choice(
      ['continue', 'stop'],
      'continue',
      'When retention has deleted records before they were read: continue with the first one that is left and report an incident, or stop that partition (its worker is not ready) until it is restarted with continue.',
    ),
    ssl: {
      enabled: key('flag', false, 'Speak TLS to the brokers.'),
      caFile: key('text', '', "PEM file of the authority that signed the brokers' certificates; empty: those of the system.", {
        example: '/etc/kafka/ca.pem',
      }),
      certFile: key('text', '', 'PEM file of the client certificate, for mutual TLS.', { example: '/etc/kafka/client.pem' }),
      keyFile: key('text', '', 'PEM file of its key.', { example: '/etc/kafka/client.key' }),
    },
    sasl: {
      mechanism: choice(['', 'plain', 'scram-sha-256', 'scram-sha-512'], '', 'SASL mechanism; empty: none.'),
      username: key('text', '', 'SASL user.', { example: 'tidemark' }),
      password: key('text', '', 'SASL password.', { sensitive: true }),
    },
  },
  window: {
    hop: key(
      'duration',
      '5m',
      'Length of a pane, the smallest span that is summarized. Divides an hour, or is whole hours that divide a day.',
    ),
    scales: key<readonly string[]>(
      'durations',
      ['1h', '6h', '24h'],
      'Lengths of the windows tested for drift, ascending. A step is a twelfth of the scale and a multiple of the hop.',
    ),
    lateness: key('duration', '5m', 'How far records may be out of order. Later ones are counted, shown, not added.'),
    maxAhead: key(
      'duration',
      '1h',
      'Event times further ahead of the Kafka timestamp are invalid, so that one wrong clock does not close panes for all.',
    ),
    idleAfter: key('duration', '30s', 'A partition without news for twice this long is not waited for: it says so every so often.'),
    silenceAfter: key('duration', '15m', 'When all partitions are idle, event time stands still for this long before it goes on.'),
  },
  performance,
  baseline,
  alerts,
  segments,
  limits: {
    seriesPerModel: key('count', 1_000, 'Series (features, prediction, score, ...) of one model; more are counted as capped.'),
    valuesPerSegment: key('count', 50, 'Values of one watched segment that get cells of their own.'),
    versionsPerModel: key('count', 20, 'Versions of one model with data at the same time.'),
    categoriesPerSeries: key('count', 1_000, 'Categories of one series that are counted exactly; beyond, counts carry an error bound.'),
    bytesPerModel: key('bytes', '256MB', 'Memory for what is remembered of one model, samples for late labels included.'),
  },
  digest: {
    engine: choice(['merging', 'tdigest'], 'merging', 'Which t-digest: our own merging one, or the npm package tdigest (slower, larger).'),
    delta: key('count', 100, 'Compression: about so many centroids a digest at the most. More is finer and larger.'),
  },
  topics: {
    create: key('flag', true, 'Create internal topics that are missing. false: create them with the output of "tidemark topics --print".'),
    partitions: key('count', 12, 'Partitions of each internal topic: the upper limit of workers that detect. Fixed once the topics exist.'),
    replicationFactor: key('wholeOrZero', 0, 'Replicas of internal topics; 0: the default of the brokers.'),
    partialsRetention: key('duration', '7d', 'How long partials are kept: longer than the longest outage of the detect stage.'),
    eventsRetention: key('duration', '90d', 'How long events are kept.'),
    deadLettersRetention: key('duration', '7d', 'How long dead letters are kept.'),
  },
  deadLetters: {
    maxShare: key(
      'share',
      0.1,
      "Largest share of a topic's records that is written to the dead-letter topic; beyond, invalid records are only counted.",
    ),
  },
  sentry: {
    dsn: key('dsn', '', 'DSN of the Sentry project that gets the issues. Also from SENTRY_DSN or SENTRY_DSN_FILE.', {
      sensitive: true,
      example: 'https://PUBLIC_KEY@o0.ingest.sentry.io/1',
    }),
    environment: key('text', 'production', 'Environment of the issues.'),
    storm: {
      issues: key('count', 20, 'New issues in a period at most, over all workers; incidents beyond them share one summary issue.'),
      segments: key('count', 3, 'Of those, about segments of one model and kind at most.'),
      per: key('duration', '1h', 'The period, by the clock of delivery.'),
    },
    checkIns: {
      enabled: key(
        'flag',
        true,
        'A heartbeat of the group as a cron monitor at Sentry, which it makes by itself: missed where Tidemark is dead, failed where it is blind.',
      ),
      every: key('duration', '5m', 'Time between two check-ins: whole minutes.'),
      blindAfter: key(
        'duration',
        '15m',
        'How long the watermarks may stand still, or a partition of partials be undecided, before the check-in fails. Two hops and the waiting times of "window" are added.',
      ),
    },
    metrics: key('flag', false, 'Gauges to Sentry once a minute: drift scores, rows, lag, open incidents.'),
    self: {
      errors: key('flag', true, "Tidemark's own errors go to Sentry too, tagged tidemark.self, grouped by themselves, at most 20 an hour."),
      dsn: key('dsn', '', 'DSN of another project for them; empty: that of sentry.dsn. Also TIDEMARK_SENTRY_SELF_DSN_FILE.', {
        sensitive: true,
        example: 'https://PUBLIC_KEY@o0.ingest.sentry.io/2',
      }),
    },
    api: {
      token: key(
        'text',
        '',
        'Token with event:read and event:write: resolves an issue when its incident is over, and respects what people have closed. `tidemark sentry setup` says what it needs beside. Also from SENTRY_AUTH_TOKEN or SENTRY_AUTH_TOKEN_FILE.',
        { sensitive: true },
      ),
      organization: key('text', '', 'Slug of the organization; needed with a token.', { example: 'acme' }),
      project: key('text', '', 'Slug of the project.', { example: 'drift' }),
      url: key('url', '', "Sentry's address where it is not that of the DSN.", { example: 'https://sentry.example.com' }),
    },
    setup: {
      team: key('text', '', 'Slug of the team that has the project, and gets the issues of models without an owner.', { example: 'ml' }),
      projectName: key('text', '', 'Name of the project; empty: its slug.', { example: 'Model drift' }),
      platform: key('text', 'node', "Sentry's name of the platform of the project: Tidemark sends the events, with the SDK for Node."),
      email: key('flag', true, 'Alerts go by mail to the team that owns the model.'),
      slack: {
        integrationId: key('text', '', "Alerts also go to Slack: id of the integration, from its address in Sentry's settings.", {
          example: '293854',
        }),
        channel: key('text', '', 'Name of the channel.', { example: '#ml-alerts' }),
        channelId: key('text', '', 'Id of the channel, from its details in Slack; empty: found by the name.', { example: 'C024BE91L' }),
      },
      pagerduty: {
        integrationId: key('text', '', "Errors also go to PagerDuty: id of the integration, from its address in Sentry's settings.", {
          example: '92385',
        }),
        service: key('text', '', 'Name of the service as Sentry shows it.', { example: 'ML on call' }),
        serviceId: key('text', '', 'Id of the service in Sentry.', { example: '9823924' }),
      },
      errorEvery: key('duration', '1h', 'Least time between two notifications of the same issue of severity error.'),
      warningEvery: key('duration', '24h', 'The same for warnings.'),
      autoResolveHours: key(
        'wholeOrZero',
        72,
        'Hours without an event after which Sentry resolves an issue by itself, 0: never. More than twice alerts.remindEvery, or open incidents are resolved too.',
      ),
      alertApi: choice(
        ['workflows', 'rules'],
        'workflows',
        "Sentry's interface for alerts: today's (workflows), or that of old self-hosted versions (rules).",
      ),
    },
  },
  sinks: {
    log: key(
      'flag',
      false,
      'Every step of an incident also goes to the log, one line with the whole event, values of sensitive features included.',
    ),
    webhook: {
      url: key(
        'url',
        '',
        'Every step of an incident is also posted here. May be a secret, as that of Slack is: TIDEMARK_SINKS_WEBHOOK_URL_FILE.',
        {
          sensitive: true,
          example: 'https://hooks.example.com/tidemark',
        },
      ),
      format: choice(
        ['cloudevents', 'slack', 'pagerduty'],
        'cloudevents',
        'What is posted: a CloudEvent with the whole event; the text of a Slack incoming webhook; an event of PagerDuty (Events API, version 2).',
      ),
      secret: key('text', '', 'cloudevents: signs the request (Standard Webhooks), empty: unsigned. pagerduty: the routing key.', {
        sensitive: true,
      }),
      deadline: key('duration', '10s', 'How long an answer may take.'),
    },
  },
  privacy: {
    maxCategories: key(
      'wholeOrZero',
      100,
      'A feature with more categories than this is treated as sensitive, since they rather name people or places than kinds; 0: no category is ever sent.',
    ),
  },
  http: {
    host: key('text', '127.0.0.1', 'Address that /healthz, /readyz and /metrics listen on; 0.0.0.0 in a container.'),
    port: key('port', 9464, 'Port of the same; 0 takes any free one.'),
  },
  log: {
    level: choice(['error', 'warn', 'info', 'debug', 'silent'], 'info', 'Least severe lines that are logged.'),
  },
};

/** Leaves of a section in order, with their paths. */
export function leavesOf(section: Section, prefix: readonly string[] = []): (readonly [path: readonly string[], key: Key<unknown>])[] {
  return Object.entries(section).flatMap(([name, node]) =>
    isKey(node) ? [[[...prefix, name], node] as const] : leavesOf(node, [...prefix, name]),
  );
}

/** Environment variable of a key: `window.maxAhead` is `TIDEMARK_WINDOW_MAX_AHEAD`. */
export function variableOf(path: readonly string[]): string {
  return `TIDEMARK_${path.map((name) => name.replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase()).join('_')}`;
}
