import type { InboxEvent, InboxIssue, IssueActivity } from '../store.ts';
import { html, type Markup } from './html.ts';
import { chips, counted, issuePath, levelBadge, levelOf, page, shape, statusBadge, stepOf, when } from './parts.ts';

/** Contexts that the SDK adds about itself. */
const ownContexts: ReadonlySet<string> = new Set(['trace', 'runtime']);

/** One issue: its newest event, or the one asked for, and the timeline of all of them. */
export function issuePage(issue: InboxIssue, eventId: string | null): string {
  const event = issue.events.find(({ id }) => id === eventId) ?? issue.events.at(-1);
  const body = html`<nav class="crumbs" aria-label="Breadcrumb"><a href="/">← All issues</a></nav>
<section class="card head is-${levelOf(event?.level ?? issue.level)}"><div class="states">${levelBadge(event?.level ?? issue.level)}${statusBadge(issue.status)}${buttons(issue)}</div>
<h1>${event?.title ?? issue.title}</h1><p class="line">${event?.value ?? issue.value}</p>${chips(Object.entries(event?.tags ?? {}))}</section>
<div class="columns"><div class="stack">${event === undefined ? null : details(event)}</div><aside class="stack">${activity(issue)}${timeline(issue, event)}${facts(issue, event)}</aside></div>`;
  return page(`${issue.title} · Tidemark inbox`, `Issue ${issue.id}`, body, null);
}

/** What a person may do to the issue, as at Sentry. */
function buttons({ id, status }: InboxIssue): Markup {
  const offered =
    status === 'unresolved'
      ? ([
          ['set_resolved', 'Resolve'],
          ['set_ignored', 'Archive'],
        ] as const)
      : ([['set_unresolved', status === 'resolved' ? 'Unresolve' : 'Unarchive']] as const);
  const shown = offered.map(([type, label]) => html`<button name="do" value="${type}">${label}</button>`);
  return html`<form class="buttons" method="post" action="/issues/${id}">${shown}</form>`;
}

const deeds: Readonly<Record<IssueActivity['type'], string>> = {
  set_resolved: 'resolved',
  set_ignored: 'archived',
  set_unresolved: 'opened again',
  set_regression: 'reopened by an event: a regression',
  note: 'comment',
};

const doers: Readonly<Record<IssueActivity['by'], string>> = { page: 'by a person', api: 'through the API', event: '' };

/** What was done to the issue, newest first; nothing where nothing was. */
function activity({ activity }: InboxIssue): Markup | null {
  if (activity.length === 0) return null;
  const rows = [...activity].reverse().map(({ type, at, by, text }) => {
    const note = text === undefined ? null : html`<p class="note-text">${text}</p>`;
    return html`<li><b>${deeds[type]}</b> <span>${doers[by]}</span> ${when(at)}${note}</li>`;
  });
  return html`<section class="card section"><h2>Activity</h2><ol class="activity">${rows}</ol></section>`;
}

function details(event: InboxEvent): Markup {
  const contexts = Object.entries(event.event.contexts ?? {}).filter(([name]) => !ownContexts.has(name));
  return html`${pictures(event)}${contexts.map(([name, table]) => context(name, table ?? {}))}
<details class="card"><summary>Raw event as JSON</summary><pre>${JSON.stringify(event.event, null, 2)}</pre></details>`;
}

function context(name: string, table: Readonly<Record<string, unknown>>): Markup {
  const rows = Object.entries(table).map(([key, value]) => html`<dt>${key}</dt><dd>${cell(value)}</dd>`);
  return html`<section class="card section"><h2>${name}</h2><dl>${rows}</dl></section>`;
}

function cell(value: unknown): Markup {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (text.startsWith('tidemark ')) return html`<code class="block">${text}</code>`;
  if (/^https?:\/\/\S+$/.test(text)) return html`<a href="${text}" rel="noreferrer">${text}</a>`;
  const parts = text.split(' · ');
  return parts.length === 1
    ? html`${text}`
    : html`<ul class="parts">${parts.map((part) => (part.includes(' → ') ? html`<li class="moved">${part}</li>` : html`<li>${part}</li>`))}</ul>`;
}

function pictures(event: InboxEvent): Markup | null {
  if (event.attachments.length === 0) return null;
  const shown = event.attachments.map(({ name, contentType, bytes }, index) => {
    const path = `/attachments/${encodeURIComponent(event.id)}/${index}`;
    const caption = html`<figcaption><a href="${path}">${name}</a>, ${Math.ceil(bytes / 1_024)} KB</figcaption>`;
    return contentType === 'image/png'
      ? html`<figure><img class="picture" src="${path}" alt="${name}">${caption}</figure>`
      : html`<figure>${caption}</figure>`;
  });
  return html`<section class="card section"><h2>Attachments</h2><div class="body">${shown}</div></section>`;
}

/** Newest first, as people read it. */
function timeline(issue: InboxIssue, current: InboxEvent | undefined): Markup {
  const rows = [...issue.events]
    .reverse()
    .map(
      (event) =>
        html`<li class="is-${levelOf(event.level)}"><a href="${issuePath(issue, event)}"${
          event === current ? html` aria-current="true"` : null
        }>${shape(event.level)}<b>${stepOf(event)}</b> ${when(event.time)}</a></li>`,
    );
  return html`<section class="card section timeline-card"><h2>${counted(issue.count, 'event')}${
    issue.count > issue.events.length ? `, ${issue.events.length} kept` : ''
  }</h2><ol class="timeline">${rows}</ol></section>`;
}

function facts(issue: InboxIssue, event: InboxEvent | undefined): Markup {
  const rows: readonly (readonly [string, Markup | string])[] = [
    ['first seen', when(issue.firstSeen)],
    ['last seen', when(issue.lastSeen)],
    ['received', event === undefined ? '' : when(event.receivedAt)],
    ['in', issue.culprit],
    ['release', event?.event.release ?? ''],
    ['environment', event?.event.environment ?? ''],
    ['event', html`<code>${event?.id ?? ''}</code>`],
    ['fingerprint', html`<code>${issue.fingerprint.join(' / ')}</code>`],
  ];
  const shown = rows.filter(([, value]) => value !== '').map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`);
  return html`<section class="card section facts"><h2>About</h2><dl>${shown}</dl></section>`;
}
