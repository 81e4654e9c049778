/**
 * What Pulumi does with the two resources that `@pulumiverse/sentry` does not have: alerts of today's interface and ownership rules. Loaded by
 * `dynamic.ts` at run time, so nothing in here is ever serialised. Both are idempotent: `create` takes over what is there already, and
 * `delete` of what is gone is done.
 */
import { createAlert, deleteAlert, findAlert, readAlert, updateAlert } from '../src/sentry/api/alerts.ts';
import { type SentryApi, SentryApiError, sentryApi } from '../src/sentry/api/client.ts';
import { type ProjectPlace, readOwnership, writeOwnership } from '../src/sentry/api/projects.ts';
import type { AlertSpec } from '../src/sentry/provision/alertBodies.ts';
import { alertBody } from '../src/sentry/provision/apply.ts';
import { type Difference, differences } from '../src/sentry/provision/difference.ts';
import { ownRules, withOwnRules } from '../src/sentry/provision/ownership.ts';
import { alertPrefix } from '../src/sentry/provision/plan.ts';

interface Place extends ProjectPlace {
  /** Address of Sentry. */
  readonly url: string;
}

export interface AlertInputs extends Place {
  readonly spec: AlertSpec;
}

export interface OwnershipInputs extends Place {
  readonly rules: readonly string[];
}

/** What the state holds beside the inputs: how the real thing differed from them when Pulumi last looked. */
type Outputs<Inputs> = Inputs & { readonly found: readonly Difference[] };

/** One kind of resource, as `pulumi.dynamic` wants it, with types. */
export interface Provider<Inputs> {
  create(inputs: Inputs): Promise<{ id: string; outs: Outputs<Inputs> }>;
  /** Gives no id where the thing is gone: then Pulumi makes it anew. */
  read(id: string, props: Inputs): Promise<{ id?: string; props?: Outputs<Inputs> }>;
  diff(id: string, olds: Outputs<Inputs>, news: Inputs): Promise<{ changes: boolean; replaces: string[]; deleteBeforeReplace: boolean }>;
  update(id: string, olds: Outputs<Inputs>, news: Inputs): Promise<{ outs: Outputs<Inputs> }>;
  delete(id: string, props: Inputs): Promise<void>;
}

/** Options of the client that tests shorten. */
type ApiOptions = Partial<Pick<Parameters<typeof sentryApi>[0], 'sleep' | 'random'>>;

/** Alerts as `workflows`. The token is asked for at each use and never in the state. */
export function alertProvider(tokenOf: () => string, options: ApiOptions = {}): Provider<AlertInputs> {
  const kind = 'workflows';
  const apiOf = apiFor(tokenOf, options);
  const bodyOf = (api: SentryApi, { spec, ...place }: AlertInputs) => alertBody(api, { alertApi: kind, place }, spec);
  return {
    async create(inputs) {
      const api = apiOf(inputs);
      const body = await bodyOf(api, inputs);
      const there = await findAlert(api, kind, inputs, inputs.spec.name, alertPrefix);
      if (there !== null) await updateAlert(api, kind, inputs, there.id, body);
      const { id } = there ?? (await createAlert(api, kind, inputs, body));
      return { id, outs: { ...inputs, found: [] } };
    },
    async read(id, props) {
      const api = apiOf(props);
      const there = await readAlert(api, kind, props, id);
      if (there === null) return {};
      return { id, props: { ...props, found: differences(await bodyOf(api, props), there.fields) } };
    },
    async diff(_id, olds, news) {
      return diffOf(olds, news);
    },
    async update(id, _olds, news) {
      const api = apiOf(news);
      await orGone(updateAlert(api, kind, news, id, await bodyOf(api, news)));
      return { outs: { ...news, found: [] } };
    },
    async delete(id, props) {
      await deleteAlert(apiOf(props), kind, props, id);
    },
  };
}

/** Tidemark's lines among the ownership rules of a project; the id is `ORGANIZATION/PROJECT`. */
export function ownershipProvider(tokenOf: () => string, options: ApiOptions = {}): Provider<OwnershipInputs> {
  const apiOf = apiFor(tokenOf, options);
  async function write(inputs: OwnershipInputs, rules: readonly string[]): Promise<void> {
    const raw = await readOwnership(apiOf(inputs), inputs);
    if (raw === null && rules.length === 0) return;
    await writeOwnership(apiOf(inputs), inputs, withOwnRules(raw ?? '', rules));
  }
  return {
    async create(inputs) {
      await write(inputs, inputs.rules);
      return { id: `${inputs.organization}/${inputs.project}`, outs: { ...inputs, found: [] } };
    },
    async read(id, props) {
      const raw = await readOwnership(apiOf(props), props);
      const own = raw === null ? null : ownRules(raw);
      if (own === null) return {};
      return { id, props: { ...props, found: differences(props.rules.join('\n'), own.join('\n'), 'rules') } };
    },
    async diff(_id, olds, news) {
      return diffOf(olds, news);
    },
    async update(_id, _olds, news) {
      await write(news, news.rules);
      return { outs: { ...news, found: [] } };
    },
    async delete(_id, props) {
      await write(props, []);
    },
  };
}

function apiFor(tokenOf: () => string, options: ApiOptions): (place: Place) => SentryApi {
  return ({ url }) => sentryApi({ url, token: tokenOf(), ...options });
}

/** Inputs that changed, or a real thing that was changed by hand, is an update; another project is another thing. */
function diffOf<Inputs extends Place>({ found, ...olds }: Outputs<Inputs>, news: Inputs) {
  const replaces = (['organization', 'project'] as const).filter((name) => olds[name] !== news[name]);
  const isChanged = found.length > 0 || differences(news, olds).length > 0 || differences(olds, news).length > 0;
  return { changes: isChanged, replaces, deleteBeforeReplace: false };
}

async function orGone<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof SentryApiError && error.status === 404)
      throw new SentryApiError(`${error.message}. It was deleted by hand: "pulumi up --refresh" makes it anew`, 404);
    throw error;
  }
}
