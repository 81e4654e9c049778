/** The part of Sentry's web API that Tidemark uses, over the issues of the inbox: finding, reading, resolving, archiving, commenting. */
import type { InboxIssue, IssueActivity } from './store.ts';

/** The one token of an inbox, and the slug of its one organization and project: it has no accounts. */
export const apiToken = 'inbox';
export const inboxSlug = 'inbox';

export interface ApiCall {
  readonly method: string;
  readonly url: URL;
  /** The header as it came. */
  readonly authorization: string;
  readonly body: string;
}

/** What the API may see and do. */
export interface ApiIssues {
  issues(): readonly InboxIssue[];
  act(issueId: string, activity: IssueActivity): Promise<boolean>;
  nowIso(): string;
}

export interface ApiAnswer {
  readonly status: number;
  readonly value: unknown;
}

const notFound: ApiAnswer = { status: 404, value: { detail: 'The requested resource does not exist' } };

const typeOf: Readonly<Record<string, 'set_resolved' | 'set_ignored' | 'set_unresolved'>> = {
  resolved: 'set_resolved',
  ignored: 'set_ignored',
  unresolved: 'set_unresolved',
};

/** Answers a call below `/api/0/` as Sentry does. */
export async function answerApi(call: ApiCall, inbox: ApiIssues): Promise<ApiAnswer> {
  if (call.authorization !== `Bearer ${apiToken}`) return { status: 401, value: { detail: 'Invalid token' } };
  const [kind, organization, ...rest] = call.url.pathname.slice('/api/0/'.length).split('/').filter(Boolean).map(decodeURIComponent);
  if (organization !== inboxSlug) return notFound;
  if (kind !== 'organizations' || rest[0] !== 'issues') return notFound;
  const [, id, part] = rest;
  if (id === undefined) return { status: 200, value: found(call.url.searchParams.get('query') ?? '', inbox.issues()).map(issueAnswer) };
  const issue = inbox.issues().find((one) => one.id === id);
  if (issue === undefined) return notFound;
  if (part === 'comments') return comments(call, issue, inbox);
  if (part === 'events') return { status: 200, value: issue.events.map(eventAnswer).reverse() };
  if (part === 'attachments') return { status: 200, value: issue.events.flatMap(attachmentsOf) };
  if (call.method === 'GET') return { status: 200, value: issueAnswer(issue) };
  if (call.method === 'PUT') return setStatus(call, issue, inbox);
  return { status: 405, value: { detail: `Method "${call.method}" not allowed.` } };
}

/** An event of a list, which is newest first. */
function eventAnswer({ id, tags }: InboxIssue['events'][number]): unknown {
  return { id, eventID: id, tags: Object.entries(tags).map(([key, value]) => ({ key, value })) };
}

function attachmentsOf({ id, attachments }: InboxIssue['events'][number]): unknown[] {
  return attachments.map(({ name, contentType, bytes }, index) => ({
    id: `${id}-${index}`,
    event_id: id,
    name,
    mimetype: contentType,
    size: bytes,
  }));
}

/** Issues, newest first, whose newest kept event has all the tags of the query (`tag:value`, separated by spaces). */
function found(query: string, issues: readonly InboxIssue[]): readonly InboxIssue[] {
  const terms = query.split(/\s+/).filter(Boolean);
  return issues.filter(({ events }) => events.some(({ tags }) => terms.every((term) => isTagged(term, tags))));
}

function isTagged(term: string, tags: Readonly<Record<string, string>>): boolean {
  const colon = term.indexOf(':');
  return tags[term.slice(0, colon)] === term.slice(colon + 1).replace(/^"(.*)"$/, '$1');
}

/** Activities newest first, as Sentry gives them. */
function issueAnswer({ id, title, status, activity, count, firstSeen, lastSeen, level }: InboxIssue): unknown {
  const shown = activity.map(({ type, at, text }, index) => ({
    id: String(index),
    type,
    dateCreated: at,
    data: text === undefined ? {} : { text },
  }));
  return { id, title, status, level, count: String(count), firstSeen, lastSeen, activity: shown.reverse() };
}

async function setStatus({ body }: ApiCall, issue: InboxIssue, inbox: ApiIssues): Promise<ApiAnswer> {
  const status = fieldOf(body, 'status');
  const type = typeof status === 'string' ? typeOf[status] : undefined;
  if (type === undefined) return { status: 400, value: { status: ['must be resolved, unresolved or ignored'] } };
  if (issue.status !== status) await inbox.act(issue.id, { type, at: inbox.nowIso(), by: 'api' });
  return { status: 200, value: { status } };
}

async function comments({ method, body }: ApiCall, issue: InboxIssue, inbox: ApiIssues): Promise<ApiAnswer> {
  if (method === 'GET') {
    const notes = issue.activity.filter(({ type }) => type === 'note').reverse();
    return {
      status: 200,
      value: notes.map(({ at, text }, index) => ({ id: String(index), type: 'note', dateCreated: at, data: { text } })),
    };
  }
  const text = fieldOf(body, 'text');
  if (typeof text !== 'string' || text === '') return { status: 400, value: { text: ['This field is required.'] } };
  await inbox.act(issue.id, { type: 'note', at: inbox.nowIso(), by: 'api', text });
  return { status: 201, value: { data: { text } } };
}

function fieldOf(body: string, name: string): unknown {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null ? Reflect.get(parsed, name) : undefined;
  } catch {
    return undefined;
  }
}
