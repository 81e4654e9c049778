import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { isPrivate, sensitiveOf } from '../../../src/sentry/privacy.ts';
import { event, series } from '../../support/events.ts';

function config(maxCategories: number) {
  return loadConfig({
    files: [],
    env: { TIDEMARK_MODELS: '{"fraud":{"sensitive":["email"]}}' },
    sets: ['predictions.topic=p', `privacy.maxCategories=${maxCategories}`],
  });
}
const opened = event('a', 0, 'opened', {
  series: [series('amount'), series('country', { categories: 12 }), series('merchant', { categories: 101 })],
});

describe('what must not leave', () => {
  it('is what the configuration marks, and every series with more categories than it allows', () => {
    expect(sensitiveOf(opened, config(100))).toEqual(new Set(['email', 'merchant']));
    expect(sensitiveOf(opened, config(101))).toEqual(new Set(['email']));
  });

  it('is every category where none is allowed; numbers stay', () => {
    expect(sensitiveOf(opened, config(0))).toEqual(new Set(['email', 'country', 'merchant']));
  });

  it('knows a feature with the name of a reserved series', () => {
    expect(isPrivate('feature.score', new Set(['score']))).toBe(true);
    expect(isPrivate('score', new Set(['amount']))).toBe(false);
  });
});
