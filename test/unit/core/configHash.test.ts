import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { cellConfigHash } from '../../../src/core/configHash.ts';

function hashWith(...sets: string[]): string {
  return cellConfigHash(loadConfig({ files: ['config/tidemark.example.yaml'], env: {}, sets }).core);
}

describe('the hash of what a cell means', () => {
  it('is the same for the same settings', () => {
    expect(hashWith()).toMatch(/^300000-[0-9a-f]{64}$/);
    expect(hashWith()).toBe(hashWith());
  });

  it.each([
    'window.hop=1m',
    'window.lateness=10m',
    'window.maxAhead=2h',
    'segments=country',
    'models.fraud.segments=country',
    'models.fraud.ignore=trace_id',
    'models.fraud.important=age',
    'models.fraud.task=binary',
    'limits.seriesPerModel=10',
    'digest.delta=200',
    'digest.engine=tdigest',
    'predictions.model=fraud',
    'performance.horizon=7d',
  ])('changes with %s', (set) => {
    expect(hashWith(set)).not.toBe(hashWith());
  });

  it.each([
    'alerts.openAfter=5',
    'models.fraud.owner=somebody',
    'window.idleAfter=1m',
    'sentry.environment=test',
    'performance.minLabels=10',
    'kafka.group=other',
  ])('stays the same with %s', (set) => {
    expect(hashWith(set)).toBe(hashWith());
  });
});
