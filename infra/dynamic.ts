/**
 * The two resources of our own. Pulumi writes the source text of a dynamic provider into its state and runs that text in another process. What
 * such a text captures must survive this; modules with classes and closures do not. So the providers here capture one word each, the name of
 * what to take out of `providers.ts`, and load it from the program's folder when they run: the text stays the same for ever, and the state
 * holds neither code nor token.
 */
import pulumi from '@pulumi/pulumi';
import type { AlertInputs, OwnershipInputs, Provider } from './providers.ts';

/** What `providers.ts` exports, as far as it is asked for by name. */
type Factories = Readonly<Record<'alertProvider' | 'ownershipProvider', (tokenOf: () => string) => Provider<unknown>>>;

type Olds = Parameters<Provider<unknown>['diff']>[1];

/** A provider that becomes the one of that name when it is configured. Written for serialisation: methods, no imports, nothing private. */
function lateProvider(name: keyof Factories): pulumi.dynamic.ResourceProvider {
  const provider: pulumi.dynamic.ResourceProvider & { real: Provider<unknown> | null } = {
    real: null,
    async configure(request: pulumi.dynamic.ConfigureRequest) {
      // Pulumi starts both the program and the process of the providers in the folder of Pulumi.yaml.
      const load = process.getBuiltinModule('node:module').createRequire(`${process.cwd()}/package.json`);
      const factories: Factories = load('./providers.ts');
      provider.real = factories[name](() => {
        const token = request.config.get('sentry:token') || process.env.SENTRY_AUTH_TOKEN || '';
        if (token === '') throw new Error('No token: run "pulumi config set --secret sentry:token", or set SENTRY_AUTH_TOKEN');
        return token;
      });
    },
    async create(inputs: unknown) {
      return provider.real!.create(inputs);
    },
    async read(id: string, props: unknown) {
      return provider.real!.read(id, props);
    },
    async diff(id: string, olds: Olds, news: unknown) {
      return provider.real!.diff(id, olds, news);
    },
    async update(id: string, olds: Olds, news: unknown) {
      return provider.real!.update(id, olds, news);
    },
    async delete(id: string, props: unknown) {
      return provider.real!.delete(id, props);
    },
  };
  return provider;
}

type Args<Inputs> = { readonly [Name in keyof Inputs]: pulumi.Input<Inputs[Name]> };

/** An alert of today's interface (`workflows`). */
export class SentryAlert extends pulumi.dynamic.Resource {
  constructor(name: string, args: Args<AlertInputs>, options?: pulumi.CustomResourceOptions) {
    super(lateProvider('alertProvider'), name, { ...args, found: undefined }, options, 'tidemark', 'SentryAlert');
  }
}

/** Tidemark's lines among the ownership rules of a project. */
export class SentryOwnership extends pulumi.dynamic.Resource {
  constructor(name: string, args: Args<OwnershipInputs>, options?: pulumi.CustomResourceOptions) {
    super(lateProvider('ownershipProvider'), name, { ...args, found: undefined }, options, 'tidemark', 'SentryOwnership');
  }
}
