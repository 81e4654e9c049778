/** Teams, projects, client keys and ownership rules in Sentry's web API: one thin function a call, with the scope it needs. */
import { type ApiObject, isObject, objectOf, textOf } from './answers.ts';
import { apiPath, type SentryApi, SentryApiError } from './client.ts';

/** Which project of which organization, by slugs. */
export interface ProjectPlace {
  readonly organization: string;
  readonly project: string;
}

export interface ProjectAnswer {
  readonly id: string;
  readonly slug: string;
  /** Slugs of the teams that have the project. */
  readonly teams: readonly string[];
  /** All fields as they came, to compare with. */
  readonly fields: ApiObject;
}

export interface KeyAnswer {
  readonly id: string;
  readonly name: string;
  readonly isActive: boolean;
  /** Whoever holds it may send events: shown only when asked for. */
  readonly dsn: string;
}

/** What may be set of a project. */
export interface ProjectFields {
  readonly name?: string;
  readonly platform?: string;
  /** Hours without an event after which an issue is resolved; 0: never. */
  readonly resolveAge?: number;
}

/** Gives null where the answer is 404: what is asked for is not there (or not for this token). */
export async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof SentryApiError && error.status === 404) return null;
    throw error;
  }
}

/** Makes something; a 409 says that it is there already (another run, or a repetition after a lost answer), which is as good. */
async function orConflict(answer: Promise<unknown>): Promise<void> {
  try {
    await answer;
  } catch (error) {
    if (!(error instanceof SentryApiError && error.status === 409)) throw error;
  }
}

/** Whether there is a team of this slug. */
export async function hasTeam(api: SentryApi, organization: string, team: string): Promise<boolean> {
  const path = apiPath`teams/${organization}/${team}/`;
  return (await orNull(api.call('GET', path, { scope: 'team:read' }))) !== null;
}

export async function createTeam(api: SentryApi, organization: string, team: string): Promise<void> {
  const path = apiPath`organizations/${organization}/teams/`;
  await orConflict(api.call('POST', path, { body: { slug: team, name: team }, scope: 'team:write' }));
}

/** The project, null where there is none. */
export async function readProject(api: SentryApi, place: ProjectPlace): Promise<ProjectAnswer | null> {
  const answer = await orNull(api.call('GET', projectPath(place), { scope: 'project:read' }));
  return answer === null ? null : projectOf(answer, `GET ${projectPath(place)}`);
}

/** Makes the project without the alert that Sentry would add by itself: the plan has its own. */
export async function createProject(api: SentryApi, place: ProjectPlace, team: string, fields: ProjectFields): Promise<void> {
  const { name = place.project, platform } = fields;
  const body = { name, slug: place.project, ...(platform === undefined ? {} : { platform }), default_rules: false };
  const path = apiPath`teams/${place.organization}/${team}/projects/`;
  await orConflict(api.call('POST', path, { body, scope: 'project:write' }));
}

export async function updateProject(api: SentryApi, place: ProjectPlace, fields: ProjectFields): Promise<void> {
  await api.call('PUT', projectPath(place), { body: fields, scope: 'project:write' });
}

/** Gives a team the project: ownership rules may name only teams that have it. */
export async function addTeam(api: SentryApi, place: ProjectPlace, team: string): Promise<void> {
  const path = apiPath`projects/${place.organization}/${place.project}/teams/${team}/`;
  await orConflict(api.call('POST', path, { scope: 'project:write' }));
}

/** The client key of this name: the first, where a person made several. */
export async function readKey(api: SentryApi, place: ProjectPlace, name: string): Promise<KeyAnswer | null> {
  const path = keysPath(place);
  const keys = await api.list(path, { scope: 'project:read' });
  const found = keys.find((key) => isObject(key) && (key.name === name || key.label === name));
  return found === undefined ? null : keyOf(found, `GET ${path}`);
}

export async function createKey(api: SentryApi, place: ProjectPlace, name: string): Promise<KeyAnswer> {
  const path = keysPath(place);
  return keyOf(await api.call('POST', path, { body: { name }, scope: 'project:write' }), `POST ${path}`);
}

/** Makes a key work that a person has switched off. */
export async function enableKey(api: SentryApi, place: ProjectPlace, id: string): Promise<void> {
  const path = apiPath`projects/${place.organization}/${place.project}/keys/${id}/`;
  await api.call('PUT', path, { body: { isActive: true }, scope: 'project:write' });
}

/** The ownership rules as text; empty where nobody wrote any, null where the project is gone. */
export async function readOwnership(api: SentryApi, place: ProjectPlace): Promise<string | null> {
  const answer = await orNull(api.call('GET', ownershipPath(place), { scope: 'project:read' }));
  if (answer === null) return null;
  const { raw } = objectOf(answer, `GET ${ownershipPath(place)}`);
  return typeof raw === 'string' ? raw : '';
}

export async function writeOwnership(api: SentryApi, place: ProjectPlace, raw: string): Promise<void> {
  await api.call('PUT', ownershipPath(place), { body: { raw }, scope: 'project:write' });
}

function projectPath({ organization, project }: ProjectPlace): string {
  return apiPath`projects/${organization}/${project}/`;
}

function keysPath({ organization, project }: ProjectPlace): string {
  return apiPath`projects/${organization}/${project}/keys/`;
}

function ownershipPath({ organization, project }: ProjectPlace): string {
  return apiPath`projects/${organization}/${project}/ownership/`;
}

function projectOf(answer: unknown, what: string): ProjectAnswer {
  const fields = objectOf(answer, what);
  const teams = Array.isArray(fields.teams) ? fields.teams.filter(isObject).map((team) => textOf(team, 'slug', what)) : [];
  return { id: textOf(fields, 'id', what), slug: textOf(fields, 'slug', what), teams, fields };
}

function keyOf(answer: unknown, what: string): KeyAnswer {
  const key = objectOf(answer, what);
  const name = typeof key.name === 'string' ? key.name : textOf(key, 'label', what);
  return {
    id: textOf(key, 'id', what),
    name,
    isActive: key.isActive !== false,
    dsn: textOf(objectOf(key.dsn, what), 'public', what),
  };
}
