/** Pieces that both pages of the inbox use. */
import type { InboxEvent, InboxIssue, IssueStatus } from '../store.ts';
import { html, Markup } from './html.ts';
import { style } from './style.ts';

/** Finished page. `refreshSeconds`: reloads itself, without a script. */
export function page(title: string, note: string, body: Markup, refreshSeconds: number | null): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
${refreshSeconds === null ? null : html`<meta http-equiv="refresh" content="${refreshSeconds}">`}
<style>${new Markup(style)}</style>
</head>
<body>
<header class="bar"><div class="frame"><a class="brand" href="/">${tide()}Tidemark inbox</a><span class="note">${note}</span></div></header>
<main class="frame">${body}</main>
</body>
</html>
`.text;
}

/** The mark: a tide that has left its line. */
export function tide(): Markup {
  return new Markup(
    '<svg viewBox="0 0 32 32" fill="none" stroke="currentColor" stroke-width="2.6" stroke-linecap="round" aria-hidden="true">' +
      '<path d="M3 9h26" opacity=".45"/><path d="M3 17c3.3-3.4 6.5-3.4 9.8 0s6.4 3.4 9.7 0 4.6-3 6.5-1.6"/><path d="M3 24c3.3-3.4 6.5-3.4 9.8 0s6.4 3.4 9.7 0 4.6-3 6.5-1.6" opacity=".6"/></svg>',
  );
}

/** The icon of the site as a file. */
export const icon = tide().text.replace('<svg ', '<svg xmlns="http://www.w3.org/2000/svg" color="#0b8793" ');

type Level = 'error' | 'warning' | 'info';

/** Sentry's levels on the three that Tidemark uses. */
export function levelOf(level: string): Level {
  if (level === 'fatal' || level === 'error') return 'error';
  return level === 'warning' ? 'warning' : 'info';
}

const shapes: Readonly<Record<Level, string>> = {
  error: '<rect x="1" y="1" width="8" height="8" rx="1.4"/>',
  warning: '<path d="M5 .6 9.7 9.2H.3z"/>',
  info: '<circle cx="5" cy="5" r="4.2"/>',
};

/** Square, triangle or disc: the level without its colour. */
export function shape(level: string): Markup {
  return new Markup(`<svg viewBox="0 0 10 10" fill="currentColor" aria-hidden="true">${shapes[levelOf(level)]}</svg>`);
}

export function levelBadge(level: string): Markup {
  return html`<span class="level ${levelOf(level)}">${shape(level)}${level.slice(0, 1).toUpperCase() + level.slice(1)}</span>`;
}

/** `resolved` or `archived`, as Sentry says; nothing for an open issue. */
export function statusBadge(status: IssueStatus): Markup | null {
  if (status === 'unresolved') return null;
  return html`<span class="status">${status === 'resolved' ? '✓ Resolved' : 'Archived'}</span>`;
}

export function chips(tags: readonly (readonly [string, string])[]): Markup {
  return html`<ul class="chips">${tags.map(([key, value]) => html`<li class="chip"><span>${key}</span><b>${value}</b></li>`)}</ul>`;
}

/** `1 Mar 2026, 10:00 UTC`; the exact time stands in the attribute. */
export function when(iso: string): Markup {
  const date = new Date(iso);
  const day = `${date.getUTCDate()} ${months[date.getUTCMonth()] ?? ''} ${date.getUTCFullYear()}`;
  return html`<time datetime="${iso}" title="${iso}">${day}, ${date.toISOString().slice(11, 16)} UTC</time>`;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** What an event is called in a timeline: its step, where Tidemark sent it. */
export function stepOf(event: InboxEvent): string {
  return event.tags.step ?? 'event';
}

export function issuePath(issue: InboxIssue, event?: InboxEvent): string {
  return `/issues/${issue.id}${event === undefined ? '' : `?event=${encodeURIComponent(event.id)}`}`;
}
