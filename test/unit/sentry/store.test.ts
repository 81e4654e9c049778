import { describe, expect, it } from 'vitest';
import { InboxStore } from '../../../src/sentry/inbox/store.ts';
import { hex } from '../../support/events.ts';

const now = '2026-03-01T10:00:00.000Z';
const limits = { issues: 2, eventsPerIssue: 3, attachmentBytes: 10, rememberedIds: 1_000 };
const one = (issue: string, id: string) => ({ event_id: hex(id), fingerprint: [issue], message: id });

describe('the store of the inbox', () => {
  it('holds a bounded number of issues: the one without news for longest goes', () => {
    const store = new InboxStore(limits);
    for (const [issue, id] of [
      ['a', '1'],
      ['b', '2'],
      ['a', '3'],
      ['c', '4'],
    ] as const)
      store.add(one(issue, id), [], now);
    expect(store.issues().map(({ fingerprint, count }) => [fingerprint[0], count])).toEqual([
      ['c', 1],
      ['a', 2],
    ]);
  });

  it('holds a bounded number of events per issue, the first and the newest, and goes on counting', () => {
    const store = new InboxStore(limits);
    for (const id of ['1', '2', '3', '4', '5']) store.add(one('a', id), [], now);
    const [issue] = store.issues();
    expect(issue?.count).toBe(5);
    expect(issue?.events.map(({ title }) => title)).toEqual(['1', '4', '5']);
    expect(issue?.title).toBe('5');
  });

  it('knows an event again that it no longer shows', () => {
    const store = new InboxStore(limits);
    for (const id of ['1', '2', '3', '4', '5', '2', '3']) store.add(one('a', id), [], now);
    expect(store.issues()[0]?.count).toBe(5);
  });

  it('holds a bounded number of bytes of attachments', () => {
    const store = new InboxStore(limits);
    const bytes = (length: number) => [{ name: 'p.png', contentType: 'image/png', data: new Uint8Array(length) }];
    store.add(one('a', '1'), bytes(6), now);
    store.add(one('a', '2'), bytes(6), now);
    expect(store.attachment(hex('1'), 0)).toBeNull();
    expect(store.attachment(hex('2'), 0)?.data.byteLength).toBe(6);
  });

  it('takes a time that is none for the time of arrival', () => {
    const store = new InboxStore(limits);
    store.add({ ...one('a', '1'), timestamp: 1e300 }, [], now);
    expect(store.issues()[0]?.lastSeen).toBe(now);
  });
});
