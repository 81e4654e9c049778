import { expect, it } from 'vitest';
import type { SentryApi } from '../../../src/sentry/api/client.ts';
import { readIssue } from '../../../src/sentry/api/issues.ts';

/** An API that gives this issue. */
function giving(issue: unknown): SentryApi {
  return { call: async () => issue, list: async () => [] };
}

it.each([
  [['set_resolved_by_age', 'set_unresolved'], true],
  [['note', 'set_resolved_by_age'], true],
  // Changes of priority and visibility are named alike, and say nothing of the status.
  [['set_priority', 'set_public', 'set_resolved_by_age'], true],
  [['set_resolved', 'set_resolved_by_age'], false],
  [['set_regression', 'set_resolved_by_age'], false],
  [[], false],
])('of an issue with the activity %j, newest first, it is told whether its age closed it: %s', async (types, isClosedByAge) => {
  const api = giving({ status: 'resolved', activity: types.map((type) => ({ type })) });
  expect(await readIssue({ api, organization: 'acme' }, '1')).toMatchObject({ status: 'resolved', isClosedByAge });
});

it('an issue without a status is no issue', async () => {
  await expect(readIssue({ api: giving({ detail: 'moved' }), organization: 'acme' }, '1')).rejects.toThrow(/without a status/);
});
