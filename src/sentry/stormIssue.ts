/** The summary of a storm as an event of Sentry: pure, and one issue per group and period, whichever worker reports. */
import type { Event } from '@sentry/core';
import type { StormSummary } from '../core/incident/storm.ts';
import { count, cut, minuteTime, oneLine, titleLength } from './wording.ts';

/** Rows of the context: Sentry shows a flat list, and a longer one helps nobody. */
const rows = 40;
const tagValueLength = 200;

/** Holds names of models and owners, and counts: nothing that `sensitive` covers. */
export function stormIssueOf(
  summary: StormSummary,
  context: { readonly group: string; readonly environment: string; readonly release: string },
): Event {
  const { groups, incidents, severity } = summary;
  const from = new Date(summary.periodStartMs).toISOString();
  const to = new Date(summary.periodEndMs).toISOString();
  const owners = new Set(groups.map(({ owner }) => owner));
  const [owner = null] = owners;
  const team = owners.size === 1 && owner !== null ? { team: cut(oneLine(owner), tagValueLength) } : {};
  const models = new Set(groups.map(({ model }) => model));
  const named = groups.slice(0, 3).map(({ model, kind, incidents: number }) => `${cut(oneLine(model), 30)} ${kind} (${count(number)})`);
  const others = groups.length > named.length ? ` and ${count(groups.length - named.length)} more` : '';
  return {
    event_id: summary.id,
    platform: 'other',
    logger: 'tidemark',
    level: severity,
    environment: context.environment,
    release: context.release,
    fingerprint: ['tidemark', context.group, 'storm', from],
    exception: {
      values: [
        {
          type: cut(`${count(incidents)} more incidents suppressed: ${named.join(', ')}${others}`, titleLength),
          value: cut(
            oneLine(
              `${count(models.size)} ${models.size === 1 ? 'model' : 'models'} between ${minuteTime(from)} and ${minuteTime(to)}: look for a broken feed first`,
            ),
            500,
          ),
        },
      ],
    },
    tags: { step: 'storm', severity, ...team },
    contexts: {
      Suppressed: Object.fromEntries(
        groups
          .slice(0, rows)
          .map(({ owner: of, model, kind, incidents: number }) => [
            cut(oneLine(`${of ?? 'no owner'}: ${model} ${kind}`), tagValueLength),
            number,
          ]),
      ),
      'What now': {
        why: 'More incidents opened than sentry.storm lets through as issues of their own',
        where: `Every one stands in the topic ${context.group}.events; "tidemark inspect events" shows them`,
        next: 'One that lasts gets its issue at its next reminder, when there is room',
      },
    },
  };
}
