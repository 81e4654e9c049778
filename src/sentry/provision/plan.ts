/**
 * What the Sentry side should look like, as a pure function of settings: the one plan that `tidemark sentry setup` and the Pulumi program of
 * `infra/` carry out.
 */
import { ConfigError } from '../../core/errors.ts';
import type { AlertApi } from '../api/alerts.ts';
import type { ProjectPlace } from '../api/projects.ts';
import type { AlertSpec, Notification } from './alertBodies.ts';

export interface ProvisionSettings {
  /** Slugs of the organization and of the project that gets the issues. */
  readonly organization: string;
  readonly project: string;
  /** Name of the project as people see it. */
  readonly projectName: string;
  /** Slug of the team that has the project, and that gets what no model's owner gets. */
  readonly team: string;
  /** Sentry's name of what sends the events. */
  readonly platform: string;
  /** Slug of the owning team by model. Models without an owner belong to `team`. */
  readonly owners: ReadonlyMap<string, string>;
  /** Environment that alerts look at; null: all of them. */
  readonly environment: string | null;
  /** Mail to the owner of the model. */
  readonly isEmailOn: boolean;
  /** Slack: id of the integration in Sentry, name of the channel, and its id where the name may change (else empty). */
  readonly slack: { readonly integrationId: string; readonly channel: string; readonly channelId: string } | null;
  /** PagerDuty: id of the integration in Sentry, name and id of the service as Sentry shows them. */
  readonly pagerduty: { readonly integrationId: string; readonly service: string; readonly serviceId: string } | null;
  /** Least time between two notifications of the same issue, in minutes, for errors and for warnings. */
  readonly errorEveryMinutes: number;
  readonly warningEveryMinutes: number;
  /** Hours without an event after which Sentry resolves an issue; 0: never. */
  readonly autoResolveHours: number;
  readonly alertApi: AlertApi;
}

/** The desired resources, in the order in which they must be made. */
export interface ProvisionPlan {
  readonly place: ProjectPlace;
  /** Teams that must exist and have the project; the first is that of the project. */
  readonly teams: readonly string[];
  readonly project: { readonly name: string; readonly platform: string; readonly resolveAge: number };
  readonly keyName: string;
  /** Rules of ownership: Tidemark's own lines of the project's rules. */
  readonly ownershipRules: readonly string[];
  readonly alertApi: AlertApi;
  readonly alerts: readonly AlertSpec[];
}

/** Scopes that a token needs for `tidemark sentry setup --apply`, with what for. Reading alone needs the `read` ones. */
export const setupScopes: readonly (readonly [scope: string, purpose: string])[] = [
  ['team:read', 'see whether the teams exist'],
  ['team:write', 'make teams'],
  ['project:read', 'see the project, its key and its ownership rules'],
  ['project:write', 'make and change them'],
  ['alerts:read', 'see alerts'],
  ['alerts:write', 'make and change alerts'],
];

/** Word that the names of all alerts of Tidemark begin with. */
export const alertPrefix = 'Tidemark';

/** Frequencies that Sentry's form for alerts knows, in minutes. */
const knownFrequencies = [0, 5, 10, 30, 60, 180, 720, 1_440, 10_080, 43_200];

/** What settings are called where the user wrote them; for messages. */
export type SettingNames = Readonly<
  Record<
    'organization' | 'project' | 'team' | 'owner' | 'errorEvery' | 'warningEvery' | 'autoResolveHours' | 'slack' | 'pagerduty' | 'email',
    string
  >
>;

/** The plan. `ConfigError` names every setting that Sentry would refuse, in the words of `names`. */
export function provisionPlan(settings: ProvisionSettings, names: SettingNames): ProvisionPlan {
  const problems = problemsOf(settings, names);
  if (problems.length > 0) throw new ConfigError(problems.join('\n'));
  const { organization, project, team, environment, alertApi } = settings;
  const alerts = (level: AlertSpec['level'], frequencyMinutes: number, notify: readonly Notification[]): readonly AlertSpec[] =>
    (['new', 'escalated'] as const).map((on) => ({
      name: `${alertPrefix} ${project}: ${level}s${on === 'new' ? '' : ', escalated'}`,
      on,
      level,
      environment,
      frequencyMinutes,
      notify,
    }));
  const mail: readonly Notification[] = settings.isEmailOn ? [{ kind: 'email' }] : [];
  const slack: readonly Notification[] = settings.slack === null ? [] : [{ kind: 'slack', ...settings.slack }];
  const pagerduty: readonly Notification[] = settings.pagerduty === null ? [] : [{ kind: 'pagerduty', ...settings.pagerduty }];
  // A warning is for working hours: the quietest way of telling that there is, and never a pager.
  const quiet = mail.length > 0 ? mail : slack;
  return {
    place: { organization, project },
    teams: [...new Set([team, ...[...settings.owners.values()].sort()])],
    project: { name: settings.projectName, platform: settings.platform, resolveAge: settings.autoResolveHours },
    keyName: alertPrefix,
    ownershipRules: ownershipRules(team, settings.owners),
    alertApi,
    alerts: [
      ...alerts('error', settings.errorEveryMinutes, [...mail, ...slack, ...pagerduty]),
      ...(quiet.length === 0 ? [] : alerts('warning', settings.warningEveryMinutes, quiet)),
    ],
  };
}

/**
 * Every issue carries the tag `team` of its model's owner (`models.NAME.owner`). Of several rules that match, Sentry takes the last, so the
 * rule for all comes first: by the tag `step`, which the summary of a storm has too, whose models may have several owners.
 */
function ownershipRules(team: string, owners: ReadonlyMap<string, string>): readonly string[] {
  const owning = [...new Set(owners.values())].filter((owner) => owner !== team).sort();
  return [`tags.step:* #${team}`, ...owning.map((owner) => `tags.team:${owner} #${owner}`)];
}

/** An alert in one line. */
export function alertText({ on, level, environment, frequencyMinutes, notify }: AlertSpec): string {
  const where = environment === null ? '' : ` in ${environment}`;
  const what = level === 'error' ? 'level error or worse' : 'level warning';
  return `issues of ${what}${where} that ${on === 'new' ? 'are new or back' : 'have got worse while open'}: ${notify.map(whomText).join(', ')}; at most every ${frequencyMinutes} min for the same issue`;
}

function whomText(notification: Notification): string {
  switch (notification.kind) {
    case 'email':
      return 'mail to the owner of the model';
    case 'slack':
      return `Slack ${notification.channel}`;
    case 'pagerduty':
      return `PagerDuty ${notification.service}`;
  }
}

/** Sentry's own rule for slugs: 50 characters, lower case, not digits alone. */
function isSlug(text: string): boolean {
  return /^(?![0-9]+$)[a-z0-9_-]{1,50}$/.test(text);
}

const slugRule = 'must be a slug of Sentry: lower-case letters, digits, - and _, at most 50, not digits alone';

function problemsOf(settings: ProvisionSettings, names: SettingNames): readonly string[] {
  const shown = (value: string): string => (value === '' ? 'is missing' : `is "${value}"`);
  const slugs: readonly (readonly [name: string, value: string])[] = [
    [names.organization, settings.organization],
    [names.project, settings.project],
    [names.team, settings.team],
    ...[...settings.owners].map(([model, owner]) => [names.owner.replace('NAME', model), owner] as const),
  ];
  const frequencies = [
    [names.errorEvery, settings.errorEveryMinutes],
    [names.warningEvery, settings.warningEveryMinutes],
  ] as const;
  const { slack, pagerduty, autoResolveHours } = settings;
  return [
    ...slugs.filter(([, value]) => !isSlug(value)).map(([name, value]) => `${name}: ${shown(value)}, ${slugRule}`),
    ...frequencies
      .filter(([, minutes]) => !knownFrequencies.includes(minutes))
      .map(([name, minutes]) => `${name}: is ${minutes} minutes, must be one of ${knownFrequencies.join(', ')} minutes`),
    ...(Number.isInteger(autoResolveHours) && autoResolveHours >= 0
      ? []
      : [`${names.autoResolveHours}: is ${autoResolveHours}, must be whole hours, or 0 for never`]),
    ...(slack !== null && (slack.integrationId === '' || slack.channel === '')
      ? [`${names.slack}: needs both the id of the integration and the name of the channel`]
      : []),
    ...(pagerduty !== null && (pagerduty.integrationId === '' || pagerduty.service === '' || pagerduty.serviceId === '')
      ? [`${names.pagerduty}: needs the id of the integration, and the name and the id of the service`]
      : []),
    ...(settings.isEmailOn || slack !== null || pagerduty !== null
      ? []
      : [`${names.email}: is off, and neither Slack nor PagerDuty is set up: no alert would tell anyone`]),
  ];
}
