/** Issues as Sentry's web API tells of them and changes them. Shapes are parsed as far as they are used; the rest of an answer is ignored. */
import type { SentrySettings } from '../../config/config.ts';
import { apiAddress } from './address.ts';
import { apiPath, type SentryApi, SentryApiError, sentryApi } from './client.ts';

/** Scopes of a token that lives with issues: reading them, and resolving or commenting. */
const issueScopes = { read: 'event:read', write: 'event:write' } as const;

export interface ApiIssue {
  readonly id: string;
  /** `unresolved`, `resolved` or `ignored` (archived); others may come. */
  readonly status: string;
  /**
   * Whether what closed it was a person, or an integration that a person set up, and not the project's auto-resolve age: by the newest change of status that the
   * issue tells of.
   */
  readonly isClosedByAge: boolean;
  readonly url: string | null;
  /** Level of its newest event, as `warning`; empty where Sentry does not say. */
  readonly level: string;
}

/** Where the issues of one organization are asked for. */
export interface IssuePlace {
  readonly api: SentryApi;
  /** Slug. */
  readonly organization: string;
}

/** As the configuration has it; null where no token is set. `attempts`: of each call, at most. */
export function issuePlace(sentry: Pick<SentrySettings, 'dsn' | 'api'>, attempts: number): IssuePlace | null {
  const { token, organization } = sentry.api;
  return token === '' ? null : { api: sentryApi({ url: apiAddress(sentry), token, attempts }), organization };
}

/**
 * Id of the newest issue with an event of this tag, whatever its status; null where Sentry knows none, or none yet: an event takes seconds to
 * appear. Looks back as far as Sentry keeps events. Throws `SentryApiError`.
 */
export async function issueWithTag({ api, organization }: IssuePlace, tag: string, value: string): Promise<string | null> {
  const issues = await api.call('GET', apiPath`organizations/${organization}/issues/`, {
    query: { query: `${tag}:${value}`, limit: '1', project: '-1', statsPeriod: '90d' },
    scope: issueScopes.read,
  });
  return textAt(Array.isArray(issues) ? issues[0] : null, 'id');
}

export async function readIssue({ api, organization }: IssuePlace, id: string): Promise<ApiIssue> {
  const found = await api.call('GET', apiPath`organizations/${organization}/issues/${id}/`, { scope: issueScopes.read });
  const status = textAt(found, 'status');
  if (status === null) throw new SentryApiError(`Sentry gave an issue ${id} without a status`, null);
  return {
    id,
    status,
    isClosedByAge: newestStatusChange(found) === 'set_resolved_by_age',
    url: textAt(found, 'permalink'),
    level: textAt(found, 'level') ?? '',
  };
}

export async function setIssueStatus({ api, organization }: IssuePlace, id: string, status: 'resolved' | 'unresolved'): Promise<void> {
  await api.call('PUT', apiPath`organizations/${organization}/issues/${id}/`, { body: { status }, scope: issueScopes.write });
}

/** Texts of the comments on an issue, all of them. */
export async function commentsOf({ api, organization }: IssuePlace, id: string): Promise<readonly string[]> {
  const notes = await api.list(apiPath`organizations/${organization}/issues/${id}/comments/`, { scope: issueScopes.read });
  return notes.map((note) => textAt(fieldOf(note, 'data'), 'text') ?? '');
}

export async function addComment({ api, organization }: IssuePlace, id: string, text: string): Promise<void> {
  await api.call('POST', apiPath`organizations/${organization}/issues/${id}/comments/`, { body: { text }, scope: issueScopes.write });
}

/** Ids of the newest hundred events of an issue. */
export async function eventIdsOf({ api, organization }: IssuePlace, id: string): Promise<readonly string[]> {
  const events = await api.call('GET', apiPath`organizations/${organization}/issues/${id}/events/`, { scope: issueScopes.read });
  return Array.isArray(events) ? events.flatMap((event) => textAt(event, 'eventID') ?? []) : [];
}

/** Value of a tag of the newest event of an issue; null where there is no event, or none with this tag. */
export async function newestTagOf({ api, organization }: IssuePlace, id: string, tag: string): Promise<string | null> {
  const events = await api.call('GET', apiPath`organizations/${organization}/issues/${id}/events/`, {
    query: { per_page: '1' },
    scope: issueScopes.read,
  });
  const tags = fieldOf(Array.isArray(events) ? events[0] : null, 'tags');
  const found: unknown = Array.isArray(tags) ? tags.find((one: unknown) => textAt(one, 'key') === tag) : null;
  return textAt(found, 'value');
}

/** Names of the files that came with events of an issue: the newest hundred. */
export async function attachmentNamesOf({ api, organization }: IssuePlace, id: string): Promise<readonly string[]> {
  const files = await api.call('GET', apiPath`organizations/${organization}/issues/${id}/attachments/`, { scope: issueScopes.read });
  return Array.isArray(files) ? files.flatMap((file) => textAt(file, 'name') ?? []) : [];
}

/** Activities that change the status; others that begin like them (`set_priority`, `set_public`) do not. */
const statusChanges: ReadonlySet<string> = new Set([
  'set_resolved',
  'set_resolved_by_age',
  'set_resolved_in_release',
  'set_resolved_in_commit',
  'set_resolved_in_pull_request',
  'set_unresolved',
  'set_ignored',
  'set_regression',
  'set_escalating',
]);

/** Type of the newest activity that set the status; Sentry gives activities newest first. */
function newestStatusChange(issue: unknown): string | null {
  const activity = fieldOf(issue, 'activity');
  if (!Array.isArray(activity)) return null;
  const types = activity.map((one: unknown) => textAt(one, 'type') ?? '');
  return types.find((type) => statusChanges.has(type)) ?? null;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
}

function textAt(value: unknown, name: string): string | null {
  const field = fieldOf(value, name);
  return typeof field === 'string' && field !== '' ? field : null;
}
