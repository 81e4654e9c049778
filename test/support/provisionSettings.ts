import type { ProvisionSettings, SettingNames } from '../../src/sentry/provision/plan.ts';

/** What to provision, as a small company would; `changes` on top. */
export function provisionSettings(changes: Partial<ProvisionSettings> = {}): ProvisionSettings {
  return {
    organization: 'acme',
    project: 'drift',
    projectName: 'Model drift',
    team: 'ml-platform',
    platform: 'node',
    owners: new Map([
      ['fraud', 'ml-risk'],
      ['churn', 'ml-growth'],
      ['refunds', 'ml-risk'],
    ]),
    environment: 'production',
    isEmailOn: true,
    slack: { integrationId: '77', channel: '#ml-alerts', channelId: 'C01' },
    pagerduty: { integrationId: '88', service: 'ML on call', serviceId: '4711' },
    errorEveryMinutes: 60,
    warningEveryMinutes: 1_440,
    autoResolveHours: 72,
    alertApi: 'workflows',
    ...changes,
  };
}

/** Names of settings, as a test reads them. */
export const settingNames: SettingNames = {
  organization: 'organization',
  project: 'project',
  team: 'team',
  owner: 'owners.NAME',
  errorEvery: 'errorEvery',
  warningEvery: 'warningEvery',
  autoResolveHours: 'autoResolveHours',
  slack: 'slack',
  pagerduty: 'pagerduty',
  email: 'email',
};
