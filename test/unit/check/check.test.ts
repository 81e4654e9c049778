import { describe, expect, it } from 'vitest';
import { check } from '../../../src/check/check.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { ensureInternalTopics } from '../../../src/log/internalTopics.ts';
import { MemoryLog } from '../../../src/log/memory/memoryLog.ts';

const nowMs = Date.UTC(2026, 0, 1, 12);

interface Message {
  readonly value: object | string | null;
  readonly timestampMs?: number;
}

interface Given {
  readonly predictions?: readonly Message[];
  readonly feedback?: readonly Message[];
  readonly sets?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Why the brokers would not create topics; null: they would. */
  readonly refusal?: string | null;
  readonly sampleSize?: number;
  /** Topics that do not exist. */
  readonly without?: readonly string[];
}

/** The example configuration checked against an in-memory log that holds these messages. */
async function checked(given: Given): Promise<{ text: string; problems: number; log: MemoryLog }> {
  const { predictions = [], feedback = [], sets = [], env = {}, refusal = null, sampleSize = 1_000, without = [] } = given;
  const config = loadConfig({ files: ['config/tidemark.example.yaml'], env, sets });
  const log = new MemoryLog();
  for (const [topic, messages] of Object.entries({ predictions, feedback })) {
    if (without.includes(topic)) continue;
    await log.createTopics([{ topic, partitions: 2, configs: {} }]);
    await log.produce(
      messages.map(({ value, timestampMs = nowMs }, index) => ({
        topic,
        partition: index % 2,
        key: null,
        value: value === null || typeof value === 'string' ? value : JSON.stringify(value),
        timestampMs,
      })),
    );
  }
  const lines: string[] = [];
  const result = await check({
    config,
    log,
    clock: { nowMs: () => nowMs + 5_000 },
    sampleSize,
    mayCreate: async () => refusal,
    isSentryTried: false,
    write: (line) => lines.push(line),
  });
  return { text: lines.join('\n'), problems: result.problems, log };
}

function prediction(index: number, change: object = {}): Message {
  return {
    value: {
      id: `p-${index}`,
      ts: new Date(nowMs - 2_000).toISOString(),
      model: 'fraud',
      version: '3',
      features: { amount: index, email_domain: index % 2 === 0 ? 'a.example' : 'b.example', country: 'DE' },
      prediction: index % 2,
      score: 0.25,
      segments: { plan: 'free' },
      ...change,
    },
  };
}

const healthy = Array.from({ length: 20 }, (_, index) => prediction(index));

describe('check', () => {
  it('shows models, versions, fields, types and delays of what it read', async () => {
    const { text, problems } = await checked({ predictions: healthy, feedback: [{ value: { id: 'p-1', ts: nowMs, label: 1 } }] });
    expect(problems).toBe(0);
    expect(text).toContain('2 partitions, 20 offsets held; 20 records read, the newest 5s old: 20 good');
    expect(text).toContain('model fraud, version 3: 20 records, 5 series');
    expect(text).toMatch(/amount +number 0 \.\. [\d.]+ \.\. 19/);
    expect(text).toMatch(/country +category 1 different: DE/);
    expect(text).toContain('arrive after their event time by 2s (median)');
    expect(text).toContain('segments: plan');
    expect(text).toContain('model of any name: 1 records');
  });

  it('shows no value of a sensitive feature', async () => {
    const { text } = await checked({ predictions: healthy });
    expect(text).toMatch(/email_domain +category 2 different: values hidden/);
    expect(text).not.toContain('a.example');
  });

  it('says what cannot be used, where the first one is and what to do', async () => {
    const { text, problems } = await checked({
      predictions: [...healthy, { value: 'hello' }, prediction(1, { ts: 'soon' }), { value: null }],
    });
    expect(problems).toBe(0);
    expect(text).toContain('20 good, 2 invalid, 1 tombstones');
    expect(text).toMatch(/1 of 22 records cannot be used \(not-json\), for example partition 0 offset 10/);
    expect(text).toMatch(/\(bad-time\), .*ts is "soon"/);
  });

  it('calls it a problem where no record can be used', async () => {
    const { text, problems } = await checked({ predictions: [{ value: '<xml/>' }] });
    expect(problems).toBe(1);
    expect(text).toContain('PROBLEM: 1 of 1 records cannot be used (not-json)');
  });

  it('finds clocks that run ahead and records that come too late', async () => {
    const ahead = await checked({ predictions: [...healthy, prediction(0, { ts: nowMs + 7_200_000 })] });
    expect(ahead.text).toMatch(/PROBLEM: event times are up to 2h ahead .* window\.maxAhead \(1h\)/);
    const late = await checked({ predictions: [...healthy, prediction(0, { ts: nowMs - 3_600_000 })] });
    expect(late.text).toMatch(/1 of 21 records came later than window\.lateness \(5m\)/);
  });

  it('compares the names of the configuration with those of the records', async () => {
    const sets = ['models.fraud.important=amuont', 'segments=country', 'models.churn.owner=crm'];
    const { text } = await checked({ predictions: healthy, sets });
    expect(text).toContain('model fraud: important names amuont, which no record of the sample has');
    expect(text).toContain('model fraud: segments names country');
    expect(text).toContain('models names churn, which no record of the sample names; seen: fraud');
  });

  it('notes scores that are no probabilities, nested features and records without a model', async () => {
    const odd = healthy.map((_, index) => prediction(index, { model: undefined, score: 7, features: { basket: [1, 2] } }));
    const { text } = await checked({ predictions: odd });
    expect(text).toContain('20 records name no model and are filed under topic:predictions');
    expect(text).toContain('100% of the scores lie outside 0 to 1');
    expect(text).toContain('basket is a list or an object in 100% of the records');
  });

  it('asks whether ids stand in the place of model names, and says nothing else of these models', async () => {
    const { text } = await checked({
      predictions: Array.from({ length: 300 }, (_, index) => prediction(index, { model: `session-${index}` })),
    });
    expect(text).toContain('and 280 more models');
    expect(text).toContain('300 different model names in 300 records, for example session-');
    expect(text).not.toContain('model session-0: segments names');
  });

  it('does not take many models for ids', async () => {
    const { text } = await checked({
      predictions: Array.from({ length: 300 }, (_, index) => prediction(index, { model: `model-${index % 30}` })),
    });
    expect(text).toContain('and 10 more models');
    expect(text).not.toContain('are ids in the place');
  });

  it('reads the newest records only, as many as it was told', async () => {
    const many = Array.from({ length: 200 }, (_, index) => prediction(index));
    const { text } = await checked({ predictions: many, sampleSize: 10 });
    expect(text).toContain('200 offsets held; 10 records read');
    expect(text).toMatch(/amount +number 190 /);
  });

  it('names a topic that does not exist', async () => {
    const { text, problems } = await checked({ without: ['predictions'] });
    expect(problems).toBe(1);
    expect(text).toMatch(/PROBLEM: .*predictions/);
  });

  it('says whether the internal topics are there or may be created', async () => {
    expect((await checked({})).text).toContain('missing, and may be created at the start: tidemark.partials');
    const refused = await checked({ refusal: 'Topic authorization failed' });
    expect(refused.problems).toBe(1);
    expect(refused.text).toMatch(/refuse to create them \(Topic authorization failed\): let an administrator/);
    expect((await checked({ sets: ['topics.create=false'] })).text).toContain('topics.create is false');
  });

  it('creates nothing', async () => {
    const { log } = await checked({ predictions: healthy });
    await expect(log.partitionCount('tidemark.partials')).rejects.toThrow();
  });

  it('compares partition counts of internal topics that exist', async () => {
    const config = loadConfig({ files: ['config/tidemark.example.yaml'], env: {}, sets: ['topics.partitions=3'] });
    const log = new MemoryLog();
    await ensureInternalTopics(log, 'tidemark', config.topics);
    const lines: string[] = [];
    const options = {
      log,
      clock: { nowMs: () => nowMs },
      sampleSize: 1,
      mayCreate: async () => null,
      isSentryTried: false,
      write: (line: string) => lines.push(line),
    };
    await check({ ...options, config });
    expect(lines).toContain('  tidemark.history: ready, 3 partitions');
    lines.length = 0;
    await check({ ...options, config: loadConfig({ files: ['config/tidemark.example.yaml'], env: {}, sets: [] }) });
    expect(lines.join('\n')).toContain('tidemark.history has 3 partitions, topics.partitions is 12');
  });

  it('shows where issues would go, and never the key', async () => {
    const { text } = await checked({ env: { SENTRY_DSN: 'https://0123456789abcdef@o1.ingest.sentry.io/42' } });
    expect(text).toContain('sentry: project 42 at o1.ingest.sentry.io, environment production');
    expect(text).not.toContain('0123456789abcdef');
    expect((await checked({})).text).toContain('needs SENTRY_DSN');
  });
});
