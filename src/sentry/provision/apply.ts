/**
 * Brings Sentry to the plan, or only says what that would change. Everything is read first and compared, so that a second run changes
 * nothing, and what a person changed by hand is seen and put back. A run that stopped half-way is finished by the next.
 */
import { DependencyError } from '../../core/errors.ts';
import { createAlert, errorDetector, findAlert, updateAlert } from '../api/alerts.ts';
import type { ApiObject } from '../api/answers.ts';
import type { SentryApi } from '../api/client.ts';
import {
  addTeam,
  createKey,
  createProject,
  createTeam,
  enableKey,
  hasTeam,
  type ProjectAnswer,
  readKey,
  readOwnership,
  readProject,
  updateProject,
  writeOwnership,
} from '../api/projects.ts';
import { type AlertSpec, ruleBody, workflowBody } from './alertBodies.ts';
import { type Difference, differences } from './difference.ts';
import { ownRules, withOwnRules } from './ownership.ts';
import { alertPrefix, type ProvisionPlan } from './plan.ts';

/** What happens to one resource. */
export interface ProvisionStep {
  /** `team ml-risk`, `alert Tidemark drift: errors`. */
  readonly resource: string;
  readonly action: 'create' | 'change' | 'keep';
  /** What a change changes. */
  readonly differences: readonly Difference[];
}

export interface ProvisionOptions {
  /** False: reads and compares, and changes nothing. */
  readonly isApplied: boolean;
  /** Called for each resource, after it was carried out. */
  readonly onStep: (step: ProvisionStep) => void;
}

interface ProvisionResult {
  readonly steps: readonly ProvisionStep[];
  /** DSN of the client key: a secret; null where there is no key yet. */
  readonly dsn: string | null;
}

/** Carries out the plan in its order. Throws `SentryApiError`, which names the scope that the token lacks. */
export async function provision(api: SentryApi, plan: ProvisionPlan, options: ProvisionOptions): Promise<ProvisionResult> {
  const { place } = plan;
  const steps: ProvisionStep[] = [];
  /** Notes a step; runs what it takes, where anything is to be done and may be. */
  async function step(resource: string, action: ProvisionStep['action'], found: readonly Difference[], run: () => Promise<unknown>) {
    if (action !== 'keep' && options.isApplied) await run();
    const done = { resource, action, differences: found };
    steps.push(done);
    options.onStep(done);
  }

  for (const team of plan.teams) {
    const exists = await hasTeam(api, place.organization, team);
    await step(`team ${team}`, exists ? 'keep' : 'create', [], () => createTeam(api, place.organization, team));
  }

  let project = await readProject(api, place);
  const changes = project === null ? [] : differences(plan.project, project.fields);
  await step(`project ${place.project}`, stepOf(project !== null, changes), changes, async () => {
    const { name, platform } = plan.project;
    if (project === null) {
      await createProject(api, place, plan.teams[0] ?? place.project, { name, platform });
      project = await existing(api, plan);
    }
    await updateProject(api, place, plan.project);
  });

  for (const team of plan.teams) {
    const isMember = project?.teams.includes(team) ?? false;
    await step(`access of team ${team}`, isMember ? 'keep' : 'create', [], () => addTeam(api, place, team));
  }

  const key = project === null ? null : await readKey(api, place, plan.keyName);
  let dsn = key?.dsn ?? null;
  const keyChanges = key === null ? [] : differences({ isActive: true }, key);
  await step(`client key ${plan.keyName}`, stepOf(key !== null, keyChanges), keyChanges, async () => {
    if (key === null) dsn = (await createKey(api, place, plan.keyName)).dsn;
    else await enableKey(api, place, key.id);
  });

  const raw = project === null ? '' : ((await readOwnership(api, place)) ?? '');
  const own = ownRules(raw);
  const rules = own === null ? [] : differences(plan.ownershipRules.join('\n'), own.join('\n'), 'rules');
  await step('ownership rules', stepOf(own !== null, rules), rules, () =>
    writeOwnership(api, place, withOwnRules(raw, plan.ownershipRules)),
  );

  for (const spec of plan.alerts) {
    const alert = plan.alertApi === 'rules' && project === null ? null : await findAlert(api, plan.alertApi, place, spec.name, alertPrefix);
    const wanted = project === null ? null : await alertBody(api, plan, spec);
    const alertChanges = alert === null || wanted === null ? [] : differences(wanted, alert.fields);
    await step(`alert ${spec.name}`, stepOf(alert !== null, alertChanges), alertChanges, async () => {
      if (wanted === null) return;
      if (alert === null) await createAlert(api, plan.alertApi, place, wanted);
      else await updateAlert(api, plan.alertApi, place, alert.id, wanted);
    });
  }
  return { steps, dsn };
}

/** What an alert's body is here: a workflow is bound to the detector of the project's errors. */
export async function alertBody(api: SentryApi, plan: Pick<ProvisionPlan, 'alertApi' | 'place'>, spec: AlertSpec): Promise<ApiObject> {
  if (plan.alertApi === 'rules') return { ...ruleBody(spec) };
  return { ...workflowBody(spec), detectorIds: [await errorDetector(api, plan.place)] };
}

function stepOf(exists: boolean, changes: readonly Difference[]): ProvisionStep['action'] {
  if (!exists) return 'create';
  return changes.length === 0 ? 'keep' : 'change';
}

/** The project that was made a moment ago. */
async function existing(api: SentryApi, { place }: ProvisionPlan): Promise<ProjectAnswer> {
  const project = await readProject(api, place);
  if (project === null)
    throw new DependencyError(
      `Sentry says that a project ${place.project} exists in ${place.organization}, but does not show it to this token: take another slug, or a token of a team that has it`,
    );
  return project;
}
