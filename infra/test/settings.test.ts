import pulumi from '@pulumi/pulumi';
import { beforeEach, describe, expect, test } from 'vitest';
import { provisionPlan } from '../../src/sentry/provision/plan.ts';
import { stackNames, stackSettings } from '../settings.ts';

const least = { organization: 'acme', project: 'drift', team: 'ml-platform' };

/** The configuration of the stack, as `pulumi config set` writes it: texts. */
function configure(own: Readonly<Record<string, string>>, provider: Readonly<Record<string, string>> = {}): void {
  const keyed = (namespace: string, values: Readonly<Record<string, string>>) =>
    Object.entries(values).map(([name, value]) => [`${namespace}:${name}`, value] as const);
  pulumi.runtime.setAllConfig(Object.fromEntries([...keyed('tidemark-sentry', own), ...keyed('sentry', provider)]), []);
}

beforeEach(() => configure(least));

describe('the configuration of a stack', () => {
  test('needs the slugs of organization, project and team; all else has a default', () => {
    expect(stackSettings()).toEqual({
      provision: {
        ...least,
        projectName: 'drift',
        platform: 'node',
        owners: new Map(),
        environment: null,
        isEmailOn: true,
        slack: null,
        pagerduty: null,
        errorEveryMinutes: 60,
        warningEveryMinutes: 1_440,
        autoResolveHours: 72,
        alertApi: 'workflows',
      },
      url: 'https://sentry.io',
      isTeamManaged: true,
    });
  });

  test.each(Object.keys(least))('says by name that %s is missing', (name) => {
    configure(Object.fromEntries(Object.entries(least).filter(([key]) => key !== name)));
    expect(stackSettings).toThrow(`tidemark-sentry:${name}`);
  });

  test('gives everything that the README lists', () => {
    configure(
      {
        ...least,
        projectName: 'Model drift',
        owners: '{"fraud":"ml-risk"}',
        createTeams: 'false',
        environment: 'production',
        email: 'false',
        slack: '{"integrationId":77,"channel":"#ml-alerts"}',
        pagerduty: '{"integrationId":"88","service":"ML on call","serviceId":4711}',
        errorEveryMinutes: '30',
        warningEveryMinutes: '10080',
        autoResolveHours: '0',
        alertApi: 'rules',
      },
      { baseUrl: 'https://sentry.example.com/api/' },
    );
    const { provision, url, isTeamManaged } = stackSettings();
    expect({ url, isTeamManaged }).toEqual({ url: 'https://sentry.example.com', isTeamManaged: false });
    expect(provision).toMatchObject({
      projectName: 'Model drift',
      environment: 'production',
      isEmailOn: false,
      slack: { integrationId: '77', channel: '#ml-alerts', channelId: '' },
      pagerduty: { integrationId: '88', service: 'ML on call', serviceId: '4711' },
      errorEveryMinutes: 30,
      warningEveryMinutes: 10_080,
      autoResolveHours: 0,
      alertApi: 'rules',
    });
    expect(provisionPlan(provision, stackNames).teams).toEqual(['ml-platform', 'ml-risk']);
  });

  test('an interface that nobody knows is refused, and names of settings in refusals are those of the stack', () => {
    configure({ ...least, alertApi: 'webhooks' });
    expect(stackSettings).toThrow(/alertApi: is "webhooks", must be workflows/);
    configure({ ...least, owners: '{"fraud":"ML Risk"}' });
    expect(() => provisionPlan(stackSettings().provision, stackNames)).toThrow(/^owners\.fraud: is "ML Risk"/m);
  });
});
