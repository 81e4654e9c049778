/** Summarize and detect in this process on a real Kafka: one source topic of one partition, panes of five minutes, no lateness. */
import { hourMs, minuteMs } from '../../src/core/duration.ts';
import type { EventRecord } from '../../src/core/incident/event.ts';
import { internalTopics } from '../../src/core/incident/topics.ts';
import { noMetrics } from '../../src/core/metrics.ts';
import { ensureInternalTopics } from '../../src/log/internalTopics.ts';
import { KafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import { systemClock } from '../../src/log/systemClock.ts';
import { DetectStage } from '../../src/stages/detect.ts';
import { SummarizeStage } from '../../src/stages/summarize.ts';
import { collectingLogger } from './collectingLogger.ts';
import { coreSettings, topicSource } from './settings.ts';
import { wholePanes } from './wholePanes.ts';
import { createSourceTopic, readTopic, textOf, until } from './workerTraffic.ts';

export const startMs = Date.UTC(2026, 2, 1);
export const hopMs = 5 * minuteMs;

export class KafkaStages {
  readonly log: KafkaLog;
  readonly topic: string;
  readonly logger = collectingLogger();
  readonly #settings;
  #rows = 0;

  private constructor(log: KafkaLog, name: string) {
    this.log = log;
    this.topic = `${name}-source`;
    this.#settings = coreSettings({
      group: name,
      predictions: [topicSource(this.topic)],
      feedback: [],
      window: { hopMs, scalesMs: [hourMs], latenessMs: 0, idleAfterMs: 1_000, silenceAfterMs: 240 * hourMs },
    });
  }

  /** Connects, and creates the internal topics. `name`: of the group, and the beginning of the source topic's name. `replicationFactor`: of the internal topics. */
  static async open(brokers: readonly string[], name: string, replicationFactor: number | null = null): Promise<KafkaStages> {
    const logger = collectingLogger();
    const stages = new KafkaStages(await KafkaLog.open({ brokers, metadataMaxAgeMs: 500 }, logger), name);
    const retention = { partialsRetentionMs: 240 * hourMs, eventsRetentionMs: 240 * hourMs, deadLettersRetentionMs: 240 * hourMs };
    await ensureInternalTopics(stages.log, name, { create: true, partitions: 1, replicationFactor, ...retention });
    return stages;
  }

  async createSource(): Promise<void> {
    await createSourceTopic(this.log, this.topic, 1);
  }

  /** The value of the next row. */
  row(timeMs: number): string {
    this.#rows += 1;
    return JSON.stringify({ id: `r${this.#rows}`, ts: timeMs, model: 'fraud', version: '1', features: { amount: 1 }, prediction: 'ok' });
  }

  /** So many rows in each of the panes from one number to before another. */
  async produce(fromPane: number, toPane: number, rowsPerPane = 4): Promise<void> {
    const times = Array.from({ length: toPane - fromPane }, (_, pane) =>
      Array.from({ length: rowsPerPane }, (__, row) => startMs + (fromPane + pane) * hopMs + row),
    ).flat();
    await this.log.produce(times.map((ms) => ({ topic: this.topic, partition: 0, key: null, value: this.row(ms), timestampMs: ms })));
  }

  /** Runs both stages; gives what stops them, orderly. */
  start(): () => Promise<void> {
    const controller = new AbortController();
    const common = { log: this.log, settings: this.#settings, clock: systemClock, logger: this.logger, metrics: noMetrics };
    const summarize = new SummarizeStage({ ...common, start: 'earliest', deadLetterShare: 0.1 }).run(controller.signal);
    const detect = new DetectStage(common).run(controller.signal);
    const ended = Promise.all([summarize, detect]);
    // Looked at by whoever stops them.
    ended.catch(() => {});
    return async () => {
      controller.abort();
      await ended;
    };
  }

  /** Rows and marks of the decided panes, by number. */
  async panes(): Promise<Map<number, { readonly rows: number; readonly inexact: readonly string[] }>> {
    const records = (await readTopic(this.log, internalTopics(this.#settings.group).history)).flat();
    const panes = [...wholePanes(records, hopMs, 'fraud')].map(
      ([endMs, { rows, inexact }]) => [(endMs - startMs) / hopMs - 1, { rows, inexact }] as const,
    );
    return new Map(panes);
  }

  async untilDecided(pane: number): Promise<void> {
    await until(async () => (await this.panes()).has(pane), 300);
  }

  /** Lines of the incidents about lost records that have opened. */
  async losses(): Promise<string[]> {
    const events = (await readTopic(this.log, internalTopics(this.#settings.group).events)).flat();
    return events
      .map(({ value }): EventRecord => JSON.parse(textOf(value)))
      .filter(({ step, kind, model }) => step === 'opened' && kind === 'quality' && model === `topic:${this.topic}`)
      .map(({ summary }) => summary);
  }
}
