import { describe, expect, it } from 'vitest';
import { isEnd } from '../../../src/core/incident/event.ts';
import { closedByPerson, commentMark, endComment, isWorseThanArchived, mustAskFirst } from '../../../src/sentry/life.ts';
import { event, series } from '../../support/events.ts';

const none = new Set<string>();

describe('what a person has closed', () => {
  it.each([
    ['unresolved', false, null],
    ['resolved', false, 'resolved'],
    ['ignored', false, 'archived'],
    // The project's auto-resolve age knows nothing of the incident: the reminder reopens the issue.
    ['resolved', true, null],
    ['reprocessing', false, null],
  ] as const)('%s, by age %s: %s', (status, isClosedByAge, closed) => {
    expect(closedByPerson({ status, isClosedByAge })).toBe(closed);
  });

  it.each([
    ['ignored', 'warning', 'error', true],
    ['ignored', 'error', 'error', false],
    ['ignored', 'error', 'warning', false],
    ['ignored', 'fatal', 'error', false],
    ['resolved', 'info', 'error', false],
    ['unresolved', 'info', 'error', false],
  ] as const)('%s at %s, continued by an incident of severity %s: news %s', (status, level, severity, isNews) => {
    expect(isWorseThanArchived({ status, isClosedByAge: false, level }, { severity })).toBe(isNews);
  });

  it('is asked about before a reminder alone: every other step has news', () => {
    const steps = ['opened', 'escalated', 'reminded', 'recovered', 'ended'] as const;
    expect(steps.filter((step) => mustAskFirst({ step }))).toEqual(['reminded']);
    expect(steps.filter((step) => isEnd(step))).toEqual(['recovered', 'ended']);
  });
});

describe('the comment at the end', () => {
  const over = { start: '2026-03-01T09:40:00.000Z', windowEnd: '2026-03-01T13:00:00.000Z' };

  it('says how long, how bad, and carries the mark by which a repetition finds it', () => {
    const recovered = event('a', 3, 'recovered', over);
    const text = endComment(recovered, none);
    expect(text).toContain('Recovered after 3 h 20 min, at 2026-03-01 13:00Z');
    expect(text).toContain('- amount: median 44 -> 61 (+0.31 sigma), n = 48,210');
    expect(text).toContain('Highest severity: warning; 3 steps before this one.');
    expect(text).toContain(commentMark(recovered));
  });

  it('says so where an incident ends for want of data', () => {
    expect(endComment(event('a', 1, 'ended', { ...over, windowEnd: '2026-03-03T09:40:00.000Z' }), none)).toContain('Ended after 2 d, at');
  });

  it('says who accepted the change, and why', () => {
    const closing = { action: 'accepted', by: 'ada', reason: 'new pricing\nsince Monday.' } as const;
    const text = endComment(event('a', 1, 'ended', { ...over, closing }), none);
    expect(text).toContain(
      'Ended after 3 h 20 min, at 2026-03-01 13:00Z: ada accepted the change as the new normal: new pricing since Monday.\n',
    );
  });

  it('says when it was worst', () => {
    const worst = { at: '2026-03-01T11:10:00.000Z', statistic: 'loc', effect: 0.52, observed: 0.52, expected: 0 };
    const text = endComment(event('a', 1, 'recovered', { ...over, series: [series('amount', { worst })] }), none);
    expect(text).toContain('; at its worst location +0.52 sigma at 2026-03-01 11:10Z');
  });

  it('lists the worst three and counts the rest; what only moved too is not in it', () => {
    const many = [1, 2, 3, 4, 5].map((at) => series(`f${at}`, { p: 10 ** -at }));
    const text = endComment(event('a', 1, 'recovered', { ...over, series: [...many, series('bystander', { joined: false })] }), none);
    expect(text.split('\n').filter((line) => line.startsWith('- f'))).toHaveLength(3);
    expect(text).toContain('- and 2 more series');
    expect(text).not.toContain('bystander');
  });

  it('keeps the values of sensitive features back', () => {
    const secret = series('email_domain', {
      statistic: 'category:planted.example',
      current: { observed: 0.5 },
      baseline: { expected: 0.1 },
    });
    const text = endComment(event('a', 1, 'recovered', { ...over, series: [secret] }), new Set(['email_domain']));
    expect(text).toContain('email_domain');
    expect(text).toContain('values withheld');
    expect(text).not.toContain('planted.example');
  });
});
