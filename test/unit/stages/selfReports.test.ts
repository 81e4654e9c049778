import { describe, expect, it } from 'vitest';
import { createLogger } from '../../../src/config/logger.ts';
import type { EvaluationRecord } from '../../../src/core/incident/event.ts';
import { noMetrics } from '../../../src/core/metrics.ts';
import { kindOfSelfError, type SelfError, selfIssueOf } from '../../../src/sentry/selfIssue.ts';
import { monitorOf } from '../../../src/stages/heartbeat.ts';
import { SelfErrors } from '../../../src/stages/selfErrors.ts';
import { SentryGauges } from '../../../src/stages/sentryGauges.ts';

describe('an error of Tidemark itself', () => {
  const told = (): { errors: SelfErrors; texts: string[]; clock: { nowMs: number } } => {
    const texts: string[] = [];
    const clock = { nowMs: 0 };
    return {
      errors: new SelfErrors(
        () => clock.nowMs,
        ({ text }) => texts.push(text),
      ),
      texts,
      clock,
    };
  };
  const error = (text: string): SelfError => ({ text, facts: {}, error: null });

  it('is told once in ten minutes, whatever its numbers and names', () => {
    const { errors, texts, clock } = told();
    errors.take(error('topic "a", partition 3 is stopped'));
    errors.take(error('topic "b", partition 4 is stopped'));
    clock.nowMs = 600_000;
    errors.take(error('topic "c", partition 5 is stopped'));
    expect(texts).toEqual(['topic "a", partition 3 is stopped', 'topic "c", partition 5 is stopped']);
  });

  it('is one of at most twenty kinds an hour', () => {
    const { errors, texts, clock } = told();
    const letters = [...'abcdefghijklmnopqrstuvwxyz'];
    for (const letter of letters) errors.take(error(letter));
    expect(texts).toHaveLength(20);
    clock.nowMs = 3_600_000;
    errors.take(error('z'));
    expect(texts).toHaveLength(21);
  });

  it('reads the log along and changes nothing of it', () => {
    const { errors, texts } = told();
    const lines: string[] = [];
    const write = (_facts: object, text: string) => void lines.push(text);
    const logger = errors.logger({ error: write, warn: write, info: write, debug: write });
    logger.warn({}, 'a warning');
    logger.error({ error: new Error('x') }, 'an error');
    expect(lines).toEqual(['a warning', 'an error']);
    expect(texts).toEqual(['an error']);
    // The program's own logger, whose methods want their object.
    expect(() => errors.logger(createLogger('silent')).warn({}, 'a warning')).not.toThrow();
  });

  it('never mixes with incidents, and carries places, not what was read', () => {
    const cause = new TypeError('cannot read "planted-secret"');
    const event = selfIssueOf({ text: 'A partition is stopped', facts: { partition: 3, value: 'planted-secret' }, error: cause }, 'g');
    expect(event.fingerprint).toEqual(['tidemark', 'g', 'self', 'A partition is stopped']);
    expect(event.tags).toEqual({ 'tidemark.self': 'true', group: 'g' });
    expect(event.contexts).toMatchObject({ Where: { partition: 3 }, Cause: { error: 'TypeError' } });
    expect(event.exception?.values?.[0]?.stacktrace?.frames?.at(-1)?.filename).toMatch(/^(src|test|node_modules)\//);
    expect(JSON.stringify(event)).not.toContain('planted-secret');
  });

  it('is grouped by its sentence', () => {
    expect(kindOfSelfError('topic "x", partition 12 lost 7 records')).toBe('topic "...", partition # lost # records');
  });
});

describe('the name of a monitor', () => {
  it.each([
    ['tidemark', 'tidemark-tidemark'],
    ['eu-west', 'tidemark-eu-west'],
  ])('is what Sentry takes for one: %s', (group, slug) => expect(monitorOf(group)).toBe(slug));

  it('keeps unlike groups apart', () => {
    const slugs = ['a.b', 'a-b', 'A-b', `${'x'.repeat(60)}1`, `${'x'.repeat(60)}2`].map(monitorOf);
    expect(new Set(slugs).size).toBe(slugs.length);
    for (const slug of slugs) expect(slug).toMatch(/^[a-z0-9_-]{1,50}$/);
  });
});

describe('gauges for Sentry', () => {
  const evaluation: EvaluationRecord = {
    model: 'fraud',
    version: null,
    segment: null,
    series: 'amount',
    kind: 'drift',
    scale: '1h',
    windowStart: '',
    windowEnd: '',
    n: 600,
    baselineN: 9_000,
    effects: { effect: 0.31 },
    p: 0.2,
    detectable: null,
    verdict: 'ok',
    statistic: 'category:secret',
  };

  it('are the newest values since the last time', () => {
    const gauges = new SentryGauges();
    const seen: number[] = [];
    const metrics = gauges.metrics({ ...noMetrics, set: (_name, _labels, value) => void seen.push(value) });
    metrics.set('tidemark_incidents_open', { model: 'fraud', kind: 'drift' }, 1);
    metrics.set('tidemark_incidents_open', { model: 'fraud', kind: 'drift' }, 0);
    metrics.set('tidemark_watermark_lag_seconds', { topic: 'p', partition: 3 }, 12);
    metrics.set('tidemark_partitions_stopped', {}, 0);
    expect(seen).toEqual([1, 0, 12, 0]);
    expect(gauges.take()).toEqual([
      { name: 'tidemark.incidents_open', value: 0, attributes: { model: 'fraud', kind: 'drift' } },
      { name: 'tidemark.watermark_lag', unit: 'second', value: 12, attributes: { topic: 'p', partition: '3' } },
    ]);
    expect(gauges.take()).toEqual([]);
  });

  it('hold drift scores and rows of whole models, and no category', () => {
    const gauges = new SentryGauges();
    gauges.evaluations([
      evaluation,
      { ...evaluation, segment: { plan: 'free' } },
      { ...evaluation, series: 'age', effects: {}, verdict: 'learning' },
    ]);
    const attributes = { model: 'fraud', series: 'amount', kind: 'drift', scale: '1h' };
    expect(gauges.take()).toEqual([
      { name: 'tidemark.rows', value: 600, attributes },
      { name: 'tidemark.drift_score', value: 0.31, attributes },
      { name: 'tidemark.rows', value: 600, attributes: { ...attributes, series: 'age' } },
    ]);
  });
});
