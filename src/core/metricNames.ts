/** All metrics in one list: what exists at `/metrics`, what each tells, and by which labels. `docs/metrics.md` is made from it. */

export interface MetricDefinition {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  /** What it tells, and what to think when it moves. */
  readonly help: string;
  readonly labels: readonly string[];
  /** Histograms only: upper bounds, in the unit of the name. */
  readonly buckets?: readonly number[];
}

const latencySeconds = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900];

export const metrics = {
  // Summarize
  tidemark_records_read_total: {
    kind: 'counter',
    help: 'Records read from source topics, whatever became of them. Flat while producers write: the worker is stuck or has no partitions.',
    labels: ['topic', 'role'],
  },
  tidemark_records_late_total: {
    kind: 'counter',
    help: 'Prediction records whose pane had been passed by the watermark: counted, not added. If this grows, a clock runs ahead, or window.lateness is short.',
    labels: ['topic', 'partition'],
  },
  tidemark_records_invalid_total: {
    kind: 'counter',
    help: 'Records that could not be used, by reason. The dead-letter topic holds samples with a sentence each.',
    labels: ['topic', 'reason'],
  },
  tidemark_records_skipped_total: {
    kind: 'counter',
    help: 'Tombstones (null values) of source topics.',
    labels: ['topic'],
  },
  tidemark_records_capped_total: {
    kind: 'counter',
    help: 'Values that found no place because of a limit (series, segment values, versions). Raise the limit or ignore features.',
    labels: ['topic'],
  },
  tidemark_records_lost_total: {
    kind: 'counter',
    help: 'Offsets of a source partition that retention deleted before they were read. Any value is an alarm: raise the retention of the topic, or add workers.',
    labels: ['topic', 'partition'],
  },
  tidemark_source_partitions_stopped: {
    kind: 'gauge',
    help: 'Source partitions that are not read on, because records before the next one were lost and kafka.onGap is stop. Any value is an alarm.',
    labels: [],
  },
  tidemark_dead_letters_total: {
    kind: 'counter',
    help: 'Invalid records written to the dead-letter topic.',
    labels: ['topic', 'reason'],
  },
  tidemark_dead_letters_dropped_total: {
    kind: 'counter',
    help: 'Invalid records beyond deadLetters.maxShare, counted but not kept. Any value is an alarm: most of a topic cannot be read.',
    labels: ['topic'],
  },
  tidemark_partials_written_total: {
    kind: 'counter',
    help: 'Partials acknowledged by the partials topic.',
    labels: ['topic'],
  },
  tidemark_watermark_lag_seconds: {
    kind: 'gauge',
    help: 'Wall clock less watermark of a source partition. Steadily growing: the worker does not keep up, or the producer is silent.',
    labels: ['topic', 'partition'],
  },
  tidemark_partition_idle: {
    kind: 'gauge',
    help: '1 while a source partition has had nothing new for window.idleAfter, else 0.',
    labels: ['topic', 'partition'],
  },
  tidemark_summarize_waiting: {
    kind: 'gauge',
    help: '1 while this worker reads no further because partitions of others are hours behind in event time. Normal while a backlog is worked off.',
    labels: [],
  },
  tidemark_open_cells: {
    kind: 'gauge',
    help: 'Cells held in memory by the summarize stage.',
    labels: [],
  },
  // Kafka
  tidemark_writes_waiting_bytes: {
    kind: 'gauge',
    help: 'Bytes handed over for a topic and not acknowledged yet. Bounded, for whoever writes waits; standing above 0: Kafka is slow, throttles or refuses.',
    labels: ['topic'],
  },
  tidemark_write_failures_total: {
    kind: 'counter',
    help: "Attempts to write to a topic that failed and are repeated, by Kafka's name of the reason (NO_ANSWER where none came). Growing: look at the brokers.",
    labels: ['topic', 'reason'],
  },
  tidemark_fetch_throttled_seconds_total: {
    kind: 'counter',
    help: 'Time that brokers kept fetches waiting for a quota of this client. Growing while watermark lag grows: raise consumer_byte_rate.',
    labels: [],
  },
  tidemark_fetched_waiting_bytes: {
    kind: 'gauge',
    help: 'Bytes fetched and not read yet, by group. At most twice 8 MB, and one fetch of each partition: fetching pauses where reading does.',
    labels: ['group'],
  },
  // Group membership
  tidemark_group_epoch: {
    kind: 'gauge',
    help: 'Number of assignments this process has seen in a consumer group. Rising often: members come and go.',
    labels: ['group'],
  },
  tidemark_partitions_assigned: {
    kind: 'gauge',
    help: 'Partitions this process owns in a consumer group.',
    labels: ['group'],
  },
  tidemark_commit_failures_total: {
    kind: 'counter',
    help: 'Commits that the broker refused. A few around a rebalance are normal.',
    labels: ['group'],
  },
  // Restart
  tidemark_restored_records_total: {
    kind: 'counter',
    help: 'Records read from history and deliveries to get the state of newly assigned partitions back: what a restart or a rebalance costs.',
    labels: ['topic'],
  },
  tidemark_restored_bytes_total: {
    kind: 'counter',
    help: 'Bytes of keys and values of them. If this grows from restart to restart, compaction of the topic does not keep up.',
    labels: ['topic'],
  },
  tidemark_restore_seconds: {
    kind: 'histogram',
    help: 'Time to get the state of one partition of partials back: reading history, and building from it what detect holds.',
    labels: [],
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  },
  // Detect
  tidemark_panes_decided_total: {
    kind: 'counter',
    help: 'Panes decided, by clock (data or label).',
    labels: ['clock'],
  },
  tidemark_undecided_panes: {
    kind: 'gauge',
    help: 'Panes of one partition of partials that are held in memory until they can be decided. Tens while a backlog is worked off, a few else.',
    labels: ['partition'],
  },
  tidemark_partitions_stopped: {
    kind: 'gauge',
    help: 'Partitions of partials that cannot be read or decided: their models are not watched. Any value is an alarm; the log says which and why.',
    labels: [],
  },
  tidemark_blind: {
    kind: 'gauge',
    help: 'Whether the group is blind, as far as this worker can say: watermarks stand still, or a partition of partials is not decided. 1 is an alarm.',
    labels: [],
  },
  tidemark_decision_lag_seconds: {
    kind: 'histogram',
    help: 'Time between the end of a pane (event time) and its decision (wall clock).',
    labels: ['clock'],
    buckets: latencySeconds,
  },
  tidemark_partials_after_decision_total: {
    kind: 'counter',
    help: 'Partials that came for a pane already decided: counted, they change nothing. Any value: a partition was taken for idle too early.',
    labels: [],
  },
  tidemark_panes_config_changed_total: {
    kind: 'counter',
    help: 'Panes with cells of two configurations, or of another one than the pane before. Growing for longer than a deploy: two configurations share the group.',
    labels: [],
  },
  tidemark_model_rows_refused_total: {
    kind: 'counter',
    help: 'Rows of models that found no place: a partition of partials watches at most 1,000 that the configuration does not name. Growing: ids stand in the place of model names.',
    labels: ['partition'],
  },
  tidemark_partials_lost_total: {
    kind: 'counter',
    help: 'Offsets of partials that retention took before they were decided. Any value is an alarm: detect was away for longer than topics.partialsRetention.',
    labels: ['partition'],
  },
  tidemark_evaluations_total: {
    kind: 'counter',
    help: 'Comparisons of a window with a baseline, by verdict (ok, drift, insufficient, learning).',
    labels: ['kind', 'verdict'],
  },
  tidemark_incidents_open: {
    kind: 'gauge',
    help: 'Incidents open now, by model and kind.',
    labels: ['model', 'kind'],
  },
  tidemark_events_written_total: {
    kind: 'counter',
    help: 'Events written to the events topic, by step.',
    labels: ['kind', 'step'],
  },
  tidemark_self_reports_failed_total: {
    kind: 'counter',
    help: 'Check-ins, gauges and errors of its own that Sentry did not take. Incidents are delivered by other means.',
    labels: ['kind'],
  },
  // Notify
  tidemark_events_delivered_total: {
    kind: 'counter',
    help: 'Events that a sink (sentry, webhook, log) accepted, by step.',
    labels: ['sink', 'step'],
  },
  tidemark_delivery_failures_total: {
    kind: 'counter',
    help: 'Attempts to deliver that failed, by reason. Nothing is lost while these grow: delivery is retried.',
    labels: ['sink', 'reason'],
  },
  tidemark_pictures_dropped_total: {
    kind: 'counter',
    help: 'Pictures that never came to Sentry although their event did: too large, or attachments were limited for long.',
    labels: [],
  },
  tidemark_incidents_suppressed_total: {
    kind: 'counter',
    help: 'Incidents beyond sentry.storm: told of in a summary issue, not in one of their own. Any value: look for a broken feed.',
    labels: ['kind'],
  },
  tidemark_pictures_failed_total: {
    kind: 'counter',
    help: 'Pictures that could not be drawn: their events were sent without. The log says why.',
    labels: [],
  },
  tidemark_deliveries_waiting: {
    kind: 'gauge',
    help: 'Events read but not yet accepted by a sink.',
    labels: ['sink'],
  },
  tidemark_sentry_issues_resolved_total: {
    kind: 'counter',
    help: 'Issues at Sentry that were resolved because their incident is over, by its last step (recovered or ended).',
    labels: ['step'],
  },
  tidemark_sentry_reminders_withheld_total: {
    kind: 'counter',
    help: 'Reminders not sent, because a person has resolved or archived the issue.',
    labels: [],
  },
  tidemark_sentry_api_refusals_total: {
    kind: 'counter',
    help: 'Questions to the web API of Sentry that it refused for good, by HTTP status: the token lacks a permission, or a slug is wrong. Issues then stay open.',
    labels: ['status'],
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

type MetricName = keyof typeof metrics;
export type MetricLabels<Name extends MetricName> = Readonly<Record<(typeof metrics)[Name]['labels'][number], string | number>>;
type NameOf<Kind extends MetricDefinition['kind']> = {
  [Name in MetricName]: (typeof metrics)[Name]['kind'] extends Kind ? Name : never;
}[MetricName];
export type CounterName = NameOf<'counter'>;
export type GaugeName = NameOf<'gauge'>;
export type HistogramName = NameOf<'histogram'>;
