/** An event in the words of those who take webhooks. Pure: a repeated delivery sends the same bytes. */
import { type EventRecord, isEnd } from '../core/incident/event.ts';
import type { Sensitive } from '../sentry/privacy.ts';
import { cut, issueTitle, oneLine, overText } from '../sentry/wording.ts';
import { publicEvent } from './publicEvent.ts';

export type WebhookFormat = 'cloudevents' | 'slack' | 'pagerduty';

export interface WebhookBody {
  readonly contentType: string;
  readonly text: string;
}

export interface WebhookContext {
  readonly group: string;
  /** Features and segments of the event's model whose values must not leave. */
  readonly sensitive: Sensitive;
  /** Routing key of PagerDuty's Events API; the other formats have none in the body. */
  readonly routingKey: string;
}

/** PagerDuty takes at most 1,024 characters. */
const longestSummary = 1_024;

/**
 * The body of a POST about this event. `end`: how its incident has ended by now, for people; machines get that as an event of its own, and the same bytes for the
 * same event always.
 */
export function webhookBody(
  event: EventRecord,
  format: WebhookFormat,
  context: WebhookContext,
  end: EventRecord | null = null,
): WebhookBody {
  switch (format) {
    case 'cloudevents':
      return json('application/cloudevents+json', cloudEvent(event, context));
    case 'slack':
      return json('application/json', { text: slackText(event, context.sensitive, end) });
    case 'pagerduty':
      return json('application/json', pagerDutyEvent(event, context));
  }
}

function json(contentType: string, value: unknown): WebhookBody {
  return { contentType: `${contentType}; charset=utf-8`, text: JSON.stringify(value) };
}

/** CloudEvents 1.0, structured mode. The id is that of the event, so that a receiver can tell a repetition. */
function cloudEvent(event: EventRecord, { group, sensitive }: WebhookContext): unknown {
  return {
    specversion: '1.0',
    id: event.id,
    source: `/tidemark/${encodeURIComponent(group)}`,
    type: `dev.tidemark.incident.${event.step}`,
    subject: event.incident,
    time: event.windowEnd,
    datacontenttype: 'application/json',
    data: publicEvent(event, sensitive),
  };
}

const steps: Readonly<Record<EventRecord['step'], string>> = {
  opened: 'Opened',
  escalated: 'Escalated',
  reminded: 'Still open',
  recovered: 'Recovered',
  ended: 'Ended',
};

/** Slack's own markup is `&`, `<` and `>`; a `@channel` in a category name must not wake anybody. */
function slackText(event: EventRecord, sensitive: Sensitive, end: EventRecord | null): string {
  const escaped = (text: string) => oneLine(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const owner = event.owner === null ? '' : ` · ${escaped(event.owner)}`;
  return [
    `*${steps[event.step]}: ${escaped(issueTitle(event, sensitive))}* (${event.severity}${owner})`,
    escaped((end === null ? '' : overText(event, end)) + publicEvent(event, sensitive).summary),
  ].join('\n');
}

/** PagerDuty's Events API, version 2. One alert a chain of incidents, resolved when its incident is over. */
function pagerDutyEvent(event: EventRecord, { group, sensitive, routingKey }: WebhookContext): unknown {
  const isOver = isEnd(event.step);
  const { summary, segment, series, versions, windowStart, windowEnd } = publicEvent(event, sensitive);
  return {
    routing_key: routingKey,
    event_action: isOver ? 'resolve' : 'trigger',
    dedup_key: `tidemark/${group}/${event.chain}`,
    payload: {
      summary: cut(oneLine(`${issueTitle(event, sensitive)}: ${summary}`), longestSummary),
      source: `tidemark/${group}`,
      severity: event.severity,
      timestamp: windowEnd,
      component: event.model,
      group: event.owner ?? group,
      class: event.kind,
      custom_details: { step: event.step, incident: event.incident, versions, segment, windowStart, windowEnd, series: series.slice(0, 5) },
    },
  };
}
