/** The resources of a stack, out of the same plan that `tidemark sentry setup` carries out. */
import pulumi from '@pulumi/pulumi';
import sentry from '@pulumiverse/sentry';
import { ruleBody } from '../src/sentry/provision/alertBodies.ts';
import { type ProvisionPlan, provisionPlan } from '../src/sentry/provision/plan.ts';
import { SentryAlert, SentryOwnership } from './dynamic.ts';
import { type StackSettings, stackNames } from './settings.ts';

export interface StackOutputs {
  readonly projectUrl: pulumi.Output<string>;
  /** A secret: whoever has it may send events. */
  readonly dsn: pulumi.Output<string>;
}

/** Outputs of a key that hold the DSN or its key. `@pulumiverse/sentry` hides the others: in the state, and in what `up` prints, these would stand as they are. */
const keyParts = ['dsnPublic', 'dsnCsp', 'public'];

/** Declares everything; gives what the stack exports. */
export function sentryStack({ provision, url, isTeamManaged }: StackSettings): StackOutputs {
  const plan = provisionPlan(provision, stackNames);
  const { organization } = plan.place;
  const teams: pulumi.Input<string>[] = isTeamManaged
    ? plan.teams.map((slug) => new sentry.SentryTeam(slug, { organization, name: slug, slug }).slug)
    : [...plan.teams];
  const project = new sentry.SentryProject(plan.place.project, { organization, teams, slug: plan.place.project, ...plan.project });
  const key = new sentry.SentryKey(
    'key',
    { organization, project: project.slug, name: plan.keyName },
    { additionalSecretOutputs: keyParts },
  );
  rulesAndAlerts(plan, project.slug, url);
  return {
    projectUrl: pulumi.interpolate`${url}/organizations/${organization}/projects/${project.slug}/`,
    dsn: pulumi.secret(key.dsnPublic),
  };
}

/** The resources that need a project: ownership rules and alerts. */
function rulesAndAlerts(plan: ProvisionPlan, project: pulumi.Input<string>, url: string): void {
  const place = { url, organization: plan.place.organization, project };
  new SentryOwnership('ownership', { ...place, rules: plan.ownershipRules });
  for (const spec of plan.alerts) {
    const name = `alert-${spec.level}${spec.on === 'new' ? '' : '-escalated'}`;
    if (plan.alertApi === 'workflows') {
      new SentryAlert(name, { ...place, spec });
      continue;
    }
    const { environment, conditions, filters, actions, ...rule } = ruleBody(spec);
    new sentry.SentryIssueAlert(name, {
      organization: place.organization,
      project,
      ...rule,
      conditions: [...conditions],
      filters: [...filters],
      actions: [...actions],
      ...(environment === null ? {} : { environment }),
    });
  }
}
