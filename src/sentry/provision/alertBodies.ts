/** What an alert of ours is, and the bodies that say so in Sentry's two interfaces (`api/alerts.ts`). Pure. */
import type { ApiObject } from '../api/answers.ts';

/** Whom an alert tells. */
export type Notification =
  /** The owner of the issue by the ownership rules; members of the project where no rule matches. */
  | { readonly kind: 'email' }
  | { readonly kind: 'slack'; readonly integrationId: string; readonly channel: string; readonly channelId: string }
  | { readonly kind: 'pagerduty'; readonly integrationId: string; readonly service: string; readonly serviceId: string };

/** An alert: tells when something happens to an issue of this severity. */
export interface AlertSpec {
  readonly name: string;
  /**
   * `new`: the issue is new, or is back after it was resolved. `escalated`: its incident has got worse while the issue was open, which to Sentry is just
   * one more event of an issue that it knows.
   */
  readonly on: 'new' | 'escalated';
  /** `error`: errors and worse; `warning`: warnings alone. */
  readonly level: 'error' | 'warning';
  readonly environment: string | null;
  /** Least time between two notifications of the same issue. */
  readonly frequencyMinutes: number;
  readonly notify: readonly Notification[];
}

/** Sentry's numbers of its levels, and how an issue's level is compared with them. */
const levels = { error: { level: 40, match: 'gte' }, warning: { level: 30, match: 'eq' } } as const;

/** The tag that Tidemark's events carry (`sentry/issue.ts`), as both interfaces compare it. */
const escalatedStep = { key: 'step', match: 'eq', value: 'escalated' } as const;

/** Body for `workflows`, without `detectorIds`: shapes of npm `@sentry/api` 0.1.0 and of the help texts in Sentry's source. */
export function workflowBody(spec: AlertSpec): ApiObject {
  const trigger = (type: string): ApiObject => ({ type, comparison: true, conditionResult: true });
  const triggers = spec.on === 'new' ? ['first_seen_event', 'regression_event'] : ['every_event'];
  const level = { type: 'level', comparison: { ...levels[spec.level] }, conditionResult: true };
  const step = { type: 'tagged_event', comparison: { ...escalatedStep }, conditionResult: true };
  return {
    name: spec.name,
    enabled: true,
    environment: spec.environment,
    config: { frequency: spec.frequencyMinutes },
    triggers: { logicType: 'any-short', conditions: triggers.map(trigger), actions: [] },
    actionFilters: [
      {
        logicType: 'all',
        conditions: spec.on === 'new' ? [level] : [level, step],
        actions: spec.notify.map(workflowAction),
      },
    ],
  };
}

function workflowAction(notification: Notification): ApiObject {
  switch (notification.kind) {
    case 'email':
      return {
        type: 'email',
        integrationId: null,
        data: { fallthroughType: 'ActiveMembers' },
        config: { targetType: 'issue_owners', targetIdentifier: null, targetDisplay: null },
        status: 'active',
      };
    case 'slack':
      return {
        type: 'slack',
        integrationId: notification.integrationId,
        data: { tags: shownTags },
        config: { targetType: 'specific', targetIdentifier: notification.channelId, targetDisplay: notification.channel },
        status: 'active',
      };
    case 'pagerduty':
      return {
        type: 'pagerduty',
        integrationId: notification.integrationId,
        data: { priority: 'default' },
        config: { targetType: 'specific', targetIdentifier: notification.serviceId, targetDisplay: notification.service },
        status: 'active',
      };
  }
}

/** Tags of an issue that a message in Slack shows. */
const shownTags = 'model,kind,severity,team';

/** Body for `rules`. All values of conditions, filters and actions are texts: `@pulumiverse/sentry` takes no others, and Sentry takes these. */
export interface RuleBody {
  readonly name: string;
  readonly environment: string | null;
  readonly frequency: number;
  readonly actionMatch: 'any';
  readonly filterMatch: 'all';
  readonly conditions: readonly Readonly<Record<string, string>>[];
  readonly filters: readonly Readonly<Record<string, string>>[];
  readonly actions: readonly Readonly<Record<string, string>>[];
}

const newRules = [
  'sentry.rules.conditions.first_seen_event.FirstSeenEventCondition',
  'sentry.rules.conditions.regression_event.RegressionEventCondition',
];
const everyEventRule = ['sentry.rules.conditions.every_event.EveryEventCondition'];

export function ruleBody(spec: AlertSpec): RuleBody {
  const { level, match } = levels[spec.level];
  return {
    name: spec.name,
    environment: spec.environment,
    // Rules know 5 minutes to 30 days.
    frequency: Math.max(5, spec.frequencyMinutes),
    actionMatch: 'any',
    filterMatch: 'all',
    conditions: (spec.on === 'new' ? newRules : everyEventRule).map((id) => ({ id })),
    filters: [
      { id: 'sentry.rules.filters.level.LevelFilter', match, level: String(level) },
      ...(spec.on === 'new' ? [] : [{ id: 'sentry.rules.filters.tagged_event.TaggedEventFilter', ...escalatedStep }]),
    ],
    actions: spec.notify.map(ruleAction),
  };
}

function ruleAction(notification: Notification): Readonly<Record<string, string>> {
  switch (notification.kind) {
    case 'email':
      return { id: 'sentry.mail.actions.NotifyEmailAction', targetType: 'IssueOwners', fallthroughType: 'ActiveMembers' };
    case 'slack':
      return {
        id: 'sentry.integrations.slack.notify_action.SlackNotifyServiceAction',
        workspace: notification.integrationId,
        channel: notification.channel,
        ...(notification.channelId === '' ? {} : { channel_id: notification.channelId }),
        tags: shownTags,
      };
    case 'pagerduty':
      return {
        id: 'sentry.integrations.pagerduty.notify_action.PagerDutyNotifyServiceAction',
        account: notification.integrationId,
        service: notification.serviceId,
        severity: 'default',
      };
  }
}
