/** The stack's configuration as settings of the plan. */
import pulumi from '@pulumi/pulumi';
import type { ProvisionSettings, SettingNames } from '../src/sentry/provision/plan.ts';

export interface StackSettings {
  readonly provision: ProvisionSettings;
  /** Address of Sentry, without `/api/`. */
  readonly url: string;
  /** False: the teams exist, and are not Pulumi's. */
  readonly isTeamManaged: boolean;
}

/** Names of settings in messages: as they are written in `Pulumi.STACK.yaml`. */
export const stackNames: SettingNames = {
  organization: 'organization',
  project: 'project',
  team: 'team',
  owner: 'owners.NAME',
  errorEvery: 'errorEveryMinutes',
  warningEvery: 'warningEveryMinutes',
  autoResolveHours: 'autoResolveHours',
  slack: 'slack',
  pagerduty: 'pagerduty',
  email: 'email',
};

/** Reads the configuration of the current stack. Throws where a required key is missing. */
export function stackSettings(): StackSettings {
  const config = new pulumi.Config('tidemark-sentry');
  const project = config.require('project');
  const alertApi = config.get('alertApi') ?? 'workflows';
  if (alertApi !== 'workflows' && alertApi !== 'rules')
    throw new pulumi.RunError(`alertApi: is "${alertApi}", must be workflows (today's Sentry) or rules (old self-hosted versions)`);
  return {
    provision: {
      organization: config.require('organization'),
      project,
      projectName: config.get('projectName') ?? project,
      team: config.require('team'),
      platform: config.get('platform') ?? 'node',
      owners: new Map(Object.entries(config.getObject<Record<string, string>>('owners') ?? {})),
      environment: config.get('environment') ?? null,
      isEmailOn: config.getBoolean('email') ?? true,
      slack: textsOf(config, 'slack', ['integrationId', 'channel', 'channelId']),
      pagerduty: textsOf(config, 'pagerduty', ['integrationId', 'service', 'serviceId']),
      errorEveryMinutes: config.getNumber('errorEveryMinutes') ?? 60,
      warningEveryMinutes: config.getNumber('warningEveryMinutes') ?? 1_440,
      autoResolveHours: config.getNumber('autoResolveHours') ?? 72,
      alertApi,
    },
    // The same key as that of the provider of @pulumiverse/sentry, which wants the path too.
    url: (new pulumi.Config('sentry').get('baseUrl') ?? 'https://sentry.io').replace(/\/(?:api\/(?:0\/)?)?$/, ''),
    isTeamManaged: config.getBoolean('createTeams') ?? true,
  };
}

/** A section of texts; null where it is not there. Numbers, which ids look like, count as texts; missing ones are empty. */
function textsOf<const Name extends string>(config: pulumi.Config, section: string, names: readonly Name[]): Record<Name, string> | null {
  const found = config.getObject<Record<string, unknown>>(section);
  if (found === undefined) return null;
  return Object.fromEntries(names.map((name) => [name, String(found[name] ?? '')])) as Record<Name, string>;
}
