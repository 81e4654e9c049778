import type { InboxGauge, InboxMonitor, SelfReportStore } from '../selfReports.ts';
import type { InboxIssue } from '../store.ts';
import { html, type Markup } from './html.ts';
import { chips, counted, issuePath, levelBadge, levelOf, page, shape, statusBadge, tide, when } from './parts.ts';

/** Tags of a row; the others stand on the issue's own page. */
const rowTags = /^(team|feature|segment\..*)$/;

/** The list of issues, newest first. Reloads itself every five seconds. */
export function listPage(issues: readonly InboxIssue[], selfReports: SelfReportStore, dsn: string): string {
  const events = issues.reduce((sum, { count }) => sum + count, 0);
  const title = issues.length === 0 ? 'Tidemark inbox' : `${counted(issues.length, 'issue')} · Tidemark inbox`;
  const body =
    issues.length === 0 ? nothing(dsn) : html`<h1>Issues</h1>${tally(issues, events)}<ol class="card issues">${issues.map(row)}</ol>`;
  const whole = html`${body}${monitorsCard(selfReports.monitors())}${gaugesCard(selfReports.gauges())}`;
  return page(title, 'A local stand-in for Sentry. Nothing leaves this machine.', whole, 5);
}

function monitorsCard(monitors: readonly InboxMonitor[]): Markup | null {
  if (monitors.length === 0) return null;
  return html`<section class="card section more"><h2>Monitors</h2><dl>${monitors.map(
    ({ monitor, environment, schedule, lastAt, status, ok, failed }) =>
      html`<dt>${monitor}</dt><dd><b>${status === 'ok' ? 'Okay' : 'Failed'}</b>${chips([['environment', environment] as const, ['expected', schedule] as const].filter(([, value]) => value !== ''))}<p class="value">${counted(ok + failed, 'check-in')}, ${failed} failed; the last ${when(lastAt)}</p></dd>`,
  )}</dl></section>`;
}

function gaugesCard(gauges: readonly InboxGauge[]): Markup | null {
  if (gauges.length === 0) return null;
  const shown = [...gauges].sort((left, right) => (left.name < right.name ? -1 : 1)).slice(0, 100);
  return html`<section class="card section more"><h2>Gauges</h2><dl>${shown.map(
    ({ name, value, unit, attributes }) =>
      html`<dt>${name}</dt><dd><b>${String(Number(value.toPrecision(4)))}</b> ${unit}${chips(Object.entries(attributes))}</dd>`,
  )}</dl>${gauges.length > shown.length ? html`<p class="value">and ${gauges.length - shown.length} more: /api/inbox/gauges</p>` : null}</section>`;
}

function tally(issues: readonly InboxIssue[], events: number): Markup {
  const of = (level: string) => issues.filter((issue) => levelOf(issue.level) === level).length;
  const closed = issues.filter(({ status }) => status !== 'unresolved').length;
  const levels = [['error', of('error')] as const, ['warning', of('warning')] as const, ['info', of('info')] as const];
  return html`<ul class="tally lead"><li><b>${issues.length}</b> ${issues.length === 1 ? 'issue' : 'issues'}</li><li><b>${events}</b> ${events === 1 ? 'event' : 'events'}</li>${levels
    .filter(([, count]) => count > 0)
    .map(([level, count]) => html`<li><b>${count}</b> ${level}</li>`)}${closed === 0 ? null : html`<li><b>${closed}</b> closed</li>`}</ul>`;
}

function row(issue: InboxIssue): Markup {
  const tags = Object.entries(issue.events.at(-1)?.tags ?? {}).filter(([key]) => rowTags.test(key));
  return html`<li class="is-${levelOf(issue.level)}${issue.status === 'unresolved' ? '' : ' closed'}">
<div>${levelBadge(issue.level)}${statusBadge(issue.status)}</div>
<div class="what"><a class="title" href="${issuePath(issue)}">${issue.title}</a><p class="value">${issue.value}</p>${chips([['in', issue.culprit] as const, ...tags].filter(([, value]) => value !== ''))}</div>
<div class="seen"><b>${counted(issue.count, 'event')} </b>${when(issue.lastSeen)}${trail(issue)}</div>
</li>`;
}

/** The last events as shapes, oldest first: how the incident went, at a glance. */
function trail({ events }: InboxIssue): Markup {
  return html`<div class="trail" aria-hidden="true">${events.slice(-10).map(({ level }) => html`<span class="is-${levelOf(level)}">${shape(level)}</span>`)}</div>`;
}

function nothing(dsn: string): Markup {
  return html`<section class="card empty">${tide()}<h1>All quiet</h1>
<p>No issue has arrived yet. Events sent to this DSN show up here, one issue per incident:</p>
<p><code class="block">${dsn}</code></p></section>`;
}
