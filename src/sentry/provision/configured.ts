/** The settings of provisioning out of Tidemark's own configuration: owners come from the models, so that they are written once. */
import type { Config } from '../../config/config.ts';
import { type ProvisionPlan, type ProvisionSettings, provisionPlan } from './plan.ts';

/** The plan that the configuration asks for. `ConfigError` names the keys whose values Sentry would refuse. */
export function configuredPlan(config: Config): ProvisionPlan {
  return provisionPlan(settingsOf(config), {
    organization: 'sentry.api.organization',
    project: 'sentry.api.project',
    team: 'sentry.setup.team',
    owner: 'models.NAME.owner',
    errorEvery: 'sentry.setup.errorEvery',
    warningEvery: 'sentry.setup.warningEvery',
    autoResolveHours: 'sentry.setup.autoResolveHours',
    slack: 'sentry.setup.slack',
    pagerduty: 'sentry.setup.pagerduty',
    email: 'sentry.setup.email',
  });
}

function settingsOf(config: Config): ProvisionSettings {
  const { api, setup, environment } = config.sentry;
  const { slack, pagerduty } = setup;
  return {
    organization: api.organization,
    project: api.project,
    projectName: setup.projectName === '' ? api.project : setup.projectName,
    team: setup.team,
    platform: setup.platform,
    owners: new Map([...config.core.models].flatMap(([model, { owner }]) => (owner === null ? [] : [[model, owner] as const]))),
    environment: environment === '' ? null : environment,
    isEmailOn: setup.email,
    slack: isUsed(slack) ? slack : null,
    pagerduty: isUsed(pagerduty) ? pagerduty : null,
    errorEveryMinutes: setup.errorEveryMs / 60_000,
    warningEveryMinutes: setup.warningEveryMs / 60_000,
    autoResolveHours: setup.autoResolveHours,
    alertApi: setup.alertApi,
  };
}

/**
 * What would work and surprise: Sentry resolving an issue by itself while its incident is open, because reminders come less often than half
 * the time to that.
 */
export function provisionWarnings(config: Config): readonly string[] {
  const { autoResolveHours } = config.sentry.setup;
  const everyMs = Math.max(
    config.core.defaults.alerts.remindEveryMs,
    ...[...config.core.models.values()].map(({ alerts }) => alerts.remindEveryMs),
  );
  if (autoResolveHours === 0 || autoResolveHours * 3_600_000 > 2 * everyMs) return [];
  return [
    `Sentry would resolve an issue after ${autoResolveHours} h without an event, and an open incident is reported again only every ${everyMs / 3_600_000} h: set sentry.setup.autoResolveHours above ${(2 * everyMs) / 3_600_000}`,
  ];
}

function isUsed(settings: Readonly<Record<string, string>>): boolean {
  return Object.values(settings).some((value) => value !== '');
}
