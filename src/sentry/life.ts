/**
 * What becomes of an issue at Sentry while its incident lives, as far as it can be decided without asking: which steps are sent, what the state
 * of the issue has to say, and the words of the comment at the end.
 */
import { type EventRecord, type EventSeries, sinceOf, type WorstMoment } from '../core/incident/event.ts';
import type { ApiIssue } from './api/issues.ts';
import { isPrivate, type Sensitive } from './privacy.ts';
import { changeText, count, cut, duration, minuteTime, oneLine, ranked } from './wording.ts';

/** An issue that a person has closed. */
export type ClosedBy = 'resolved' | 'archived';

/**
 * How a person has closed an issue, or null where it is open. The project's auto-resolve age is no person: it knows nothing of the incident, which still lasts.
 */
export function closedByPerson({ status, isClosedByAge }: Pick<ApiIssue, 'status' | 'isClosedByAge'>): ClosedBy | null {
  if (status === 'ignored') return 'archived';
  return status === 'resolved' && !isClosedByAge ? 'resolved' : null;
}

/**
 * Whether Sentry has to be asked before this step is sent. A reminder brings nothing new, so it must not reopen what a person has closed; every
 * other step does: a new incident, a new series, a higher severity.
 */
export function mustAskFirst({ step }: Pick<EventRecord, 'step'>): boolean {
  return step === 'reminded';
}

/** Levels of Sentry that our events have, from the least. */
const levels = ['info', 'warning', 'error'];

/**
 * Whether an incident that continues the issue of a former one is worse than what a person archived: as in an escalation of the same incident, that is news. Not
 * a level of ours: somebody else's event, of which nothing is known.
 */
export function isWorseThanArchived(
  issue: Pick<ApiIssue, 'status' | 'isClosedByAge' | 'level'>,
  { severity }: Pick<EventRecord, 'severity'>,
): boolean {
  return closedByPerson(issue) === 'archived' && levels.includes(issue.level) && levels.indexOf(severity) > levels.indexOf(issue.level);
}

/** What marks a comment as that of this event, so that a repetition finds it. */
export function commentMark(event: Pick<EventRecord, 'id'>): string {
  return `tidemark:${event.id}`;
}

/** The comment under which an issue is resolved: how long, how bad, and on what it rests. */
export function endComment(event: EventRecord, sensitive: Sensitive): string {
  const lasted = duration(Date.parse(event.windowEnd) - Date.parse(sinceOf(event)));
  const title =
    event.step === 'recovered'
      ? `Recovered after ${lasted}, at ${minuteTime(event.windowEnd)}: no window shows it any more.`
      : `Ended after ${lasted}, at ${minuteTime(event.windowEnd)}: ${endReason(event)}.`;
  const breached = ranked(event.series).filter(({ joined }) => joined);
  const rows = breached.slice(0, 3).map((series) => `- ${seriesRow(series, sensitive)}`);
  const more = breached.length > rows.length ? [`- and ${breached.length - rows.length} more series`] : [];
  return [
    title,
    ...(rows.length === 0 ? [] : ['', 'When it was last seen:', ...rows, ...more]),
    '',
    `Highest severity: ${event.severity}; ${count(event.ordinal)} ${event.ordinal === 1 ? 'step' : 'steps'} before this one. ${commentMark(event)}`,
  ].join('\n');
}

function endReason({ closing }: EventRecord): string {
  if (closing === undefined) return 'what it was about has had no data for a day';
  return `${oneLine(closing.by)} accepted the change as the new normal: ${oneLine(closing.reason).replace(/[.\s]+$/, '')}`;
}

function seriesRow(series: EventSeries, sensitive: Sensitive): string {
  const hidden = isPrivate(series.name, sensitive) ? ' (values withheld)' : '';
  const { worst } = series;
  const atWorst = worst === undefined ? '' : `; at its worst ${changeText(atMoment(series, worst), sensitive)} at ${minuteTime(worst.at)}`;
  return cut(oneLine(`${series.name}: ${changeText(series, sensitive)}, n = ${count(series.n)}${atWorst}${hidden}`), 300);
}

/** The series as it stood then, as far as words for the change need it. */
function atMoment(series: EventSeries, { statistic, effect, observed, expected }: WorstMoment): EventSeries {
  return { ...series, statistic, effects: { effect }, current: { observed }, baseline: { expected } };
}
