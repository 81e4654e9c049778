/**
 * Alerts in Sentry's web API, of both kinds: `workflows` (today's, of the organization, bound to the detector of a project) and `rules` (of a
 * project; gone from the hosted service, all that old self-hosted versions know). Bodies are made by `provision/alertBodies.ts`.
 */
import { type ApiObject, isObject, objectOf, textOf } from './answers.ts';
import { apiPath, type SentryApi, SentryApiError } from './client.ts';
import { orNull, type ProjectPlace, readProject } from './projects.ts';

/** Which of Sentry's two interfaces alerts are made with. */
export type AlertApi = 'workflows' | 'rules';

export interface AlertAnswer {
  readonly id: string;
  readonly name: string;
  /** All fields as they came, to compare with. */
  readonly fields: ApiObject;
}

const needed: Readonly<Record<AlertApi, { read: string; write: string }>> = {
  workflows: { read: 'alerts:read', write: 'alerts:write' },
  rules: { read: 'project:read', write: 'alerts:write' },
};

/** The alert of this name, the first where a person made several; `search` is a word of the name, to keep the list short. */
export async function findAlert(
  api: SentryApi,
  kind: AlertApi,
  place: ProjectPlace,
  name: string,
  search: string,
): Promise<AlertAnswer | null> {
  const path = alertsPath(kind, place);
  const query: Record<string, string> = kind === 'workflows' ? { query: search } : {};
  const alerts = await explained(kind, api.list(path, { query, scope: needed[kind].read }));
  const found = alerts.find((alert) => isObject(alert) && alert.name === name);
  return found === undefined ? null : alertOf(found, `GET ${path}`);
}

/** The alert of this id, null where it is gone. */
export async function readAlert(api: SentryApi, kind: AlertApi, place: ProjectPlace, id: string): Promise<AlertAnswer | null> {
  const path = alertPath(kind, place, id);
  const answer = await orNull(explained(kind, api.call('GET', path, { scope: needed[kind].read })));
  return answer === null ? null : alertOf(answer, `GET ${path}`);
}

export async function createAlert(api: SentryApi, kind: AlertApi, place: ProjectPlace, body: ApiObject): Promise<AlertAnswer> {
  const path = alertsPath(kind, place);
  return alertOf(await explained(kind, api.call('POST', path, { body, scope: needed[kind].write })), `POST ${path}`);
}

export async function updateAlert(api: SentryApi, kind: AlertApi, place: ProjectPlace, id: string, body: ApiObject): Promise<void> {
  await explained(kind, api.call('PUT', alertPath(kind, place, id), { body, scope: needed[kind].write }));
}

/** Deletes it; one that is gone already is as good. */
export async function deleteAlert(api: SentryApi, kind: AlertApi, place: ProjectPlace, id: string): Promise<void> {
  await orNull(explained(kind, api.call('DELETE', alertPath(kind, place, id), { scope: needed[kind].write })));
}

/**
 * Id of the detector that makes issues of a project's error events: what a workflow is bound to. `SentryApiError` where the project or its
 * detector is missing.
 */
export async function errorDetector(api: SentryApi, place: ProjectPlace): Promise<string> {
  const project = await readProject(api, place);
  if (project === null) throw new SentryApiError(`Sentry has no project ${place.project} in ${place.organization}`, 404);
  const path = apiPath`organizations/${place.organization}/detectors/`;
  const detectors = await explained(
    'workflows',
    api.list(path, { query: { project: project.id, query: 'type:error' }, scope: 'alerts:read' }),
  );
  const found = detectors.find((detector) => isObject(detector) && detector.type === 'error');
  if (found === undefined)
    throw new SentryApiError(
      `Sentry has no error monitor for the project ${place.project}, and an alert needs one: look at Monitors in Sentry`,
      null,
    );
  return textOf(objectOf(found, `GET ${path}`), 'id', `GET ${path}`);
}

function alertsPath(kind: AlertApi, { organization, project }: ProjectPlace): string {
  return kind === 'workflows' ? apiPath`organizations/${organization}/workflows/` : apiPath`projects/${organization}/${project}/rules/`;
}

function alertPath(kind: AlertApi, place: ProjectPlace, id: string): string {
  return `${alertsPath(kind, place)}${encodeURIComponent(id)}/`;
}

function alertOf(answer: unknown, what: string): AlertAnswer {
  const fields = objectOf(answer, what);
  return { id: textOf(fields, 'id', what), name: textOf(fields, 'name', what), fields };
}

/** Says which of the two interfaces to take where this server does not have the chosen one. */
async function explained<T>(kind: AlertApi, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof SentryApiError)) throw error;
    if (kind === 'rules' && error.status === 410)
      throw new SentryApiError(`${error.message}. This Sentry has today's alerts only: set alertApi to workflows`, error.status);
    if (kind === 'workflows' && error.status === 404)
      throw new SentryApiError(`${error.message}. An old self-hosted Sentry has no workflows: there, set alertApi to rules`, error.status);
    throw error;
  }
}
