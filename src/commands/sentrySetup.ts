import { Command } from 'commander';
import { ConfigError } from '../core/errors.ts';
import { apiAddress } from '../sentry/api/address.ts';
import { sentryApi } from '../sentry/api/client.ts';
import { type ProvisionStep, provision } from '../sentry/provision/apply.ts';
import { configuredPlan, provisionWarnings } from '../sentry/provision/configured.ts';
import { alertText, type ProvisionPlan, setupScopes } from '../sentry/provision/plan.ts';
import { type CommandContext, type ConfigOptions, configOf, withConfigOptions } from './context.ts';

type SetupOptions = ConfigOptions & { print?: true; apply?: true; showDsn?: true };

const noToken =
  'No token: this is what should be there, not compared with what is. Set sentry.api.token (SENTRY_AUTH_TOKEN, or SENTRY_AUTH_TOKEN_FILE) to compare.';

/** `tidemark sentry`: what concerns the Sentry side. */
export function sentryCommand(context: CommandContext): Command {
  return new Command('sentry')
    .summary("look after Sentry's side: team, project, key, owners, alerts")
    .description("Looks after Sentry's side.")
    .addHelpText('after', '\nExample:\n  tidemark sentry setup --help')
    .addCommand(setupCommand(context));
}

function setupCommand(context: CommandContext): Command {
  return withConfigOptions(new Command('setup'))
    .summary('make team, project, client key, ownership rules and alerts, or show what that would change')
    .description(
      'Brings Sentry to what sentry.setup and the owners of the models say: teams, project, client key, ownership rules, alerts, auto-resolve. It reads first, changes only what differs, and puts back what was changed by hand; what people made beside it stays. infra/ does the same with Pulumi.',
    )
    .option('--print', 'show the plan; with a token, what it would change. Changes nothing')
    .option('--apply', 'carry it out')
    .option('--show-dsn', 'print the DSN of the client key, a secret, at the end')
    .addHelpText('after', `\nThe token (sentry.api.token) needs these scopes; --print needs those for reading:\n${scopeLines()}`)
    .addHelpText(
      'after',
      '\nExample:\n  tidemark sentry setup --print --config tidemark.yaml --set sentry.api.organization=acme --set sentry.api.project=drift --set sentry.setup.team=ml',
    )
    .action(async (options: SetupOptions) => {
      if ((options.print === true) === (options.apply === true))
        throw new ConfigError('say either --print (show what would change) or --apply (carry it out)');
      const config = configOf(options, context, true);
      const plan = configuredPlan(config);
      for (const warning of provisionWarnings(config)) context.stderr(`tidemark: ${warning}\n`);
      const url = apiAddress(config.sentry);
      const { token } = config.sentry.api;
      const write = (line: string): void => context.stdout(`${line}\n`);
      if (token === '') {
        if (options.apply === true || options.showDsn === true)
          throw new ConfigError(`sentry.api.token is missing. It needs these scopes:\n${scopeLines()}`);
        for (const line of planLines(plan)) write(line);
        return write(noToken);
      }
      write(`Sentry at ${url}, organization ${plan.place.organization}`);
      const { steps, dsn } = await provision(sentryApi({ url, token }), plan, {
        isApplied: options.apply === true,
        onStep: (step) => stepLines(step).forEach(write),
      });
      write(ending(steps, options.apply === true));
      if (options.showDsn === true) write(dsn === null ? 'There is no client key yet.' : `DSN: ${dsn}`);
    });
}

function scopeLines(): string {
  return setupScopes.map(([scope, purpose]) => `  ${scope.padEnd(14)} ${purpose}`).join('\n');
}

function planLines({ place, teams, project, keyName, ownershipRules, alertApi, alerts }: ProvisionPlan): readonly string[] {
  const resolve =
    project.resolveAge === 0 ? 'issues are not resolved by age' : `issues are resolved after ${project.resolveAge} h without an event`;
  return [
    `organization ${place.organization}`,
    ...teams.map((team) => `team ${team}, with access to the project`),
    `project ${place.project} ("${project.name}", platform ${project.platform}); ${resolve}`,
    `client key ${keyName}`,
    'ownership rules',
    ...ownershipRules.map((rule) => `    ${rule}`),
    ...alerts.flatMap((alert) => [`alert ${alert.name} (${alertApi})`, `    ${alertText(alert)}`]),
  ];
}

const marks: Readonly<Record<ProvisionStep['action'], string>> = { create: '+', change: '~', keep: '=' };

function stepLines({ resource, action, differences }: ProvisionStep): readonly string[] {
  return [
    `${marks[action]} ${resource}`,
    ...differences.map(({ path, wanted, found }) => `    ${path}: ${JSON.stringify(found)} -> ${JSON.stringify(wanted)}`),
  ];
}

function ending(steps: readonly ProvisionStep[], isApplied: boolean): string {
  const [created, changed, kept] = (['create', 'change', 'keep'] as const).map(
    (wanted) => steps.filter(({ action }) => action === wanted).length,
  );
  if (created === 0 && changed === 0) return `Nothing to do: ${kept} as they should be.`;
  return isApplied
    ? `${created} created, ${changed} changed, ${kept} as they should be.`
    : `${created} to create, ${changed} to change, ${kept} as they should be. --apply carries it out.`;
}
