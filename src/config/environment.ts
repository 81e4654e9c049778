/** The environment and `--set` as layers of the same tree that files give. */
import { readFileSync } from 'node:fs';
import type { Problem } from './problems.ts';
import { mergeRaw, type RawNode, rawAt, rawFromJson } from './rawTree.ts';
import { entryKeys, leavesOf, modelKeys, perModel, rootKeys, variableOf } from './schema.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that mean a key under another name than its own, because the rest of the world calls it so. */
const otherNames: Readonly<Record<string, string>> = { 'sentry.dsn': 'SENTRY_DSN', 'sentry.api.token': 'SENTRY_AUTH_TOKEN' };
/** Free-form parts of the configuration, each as one JSON variable (topics also as names separated by commas). */
const wholes = ['predictions', 'feedback', 'models', 'links'];

export interface Layer {
  readonly tree: RawNode;
  readonly problems: readonly Problem[];
  /** Variables that begin with TIDEMARK_ and mean nothing: worth a word, no reason to stop (a cluster sets some by itself). */
  readonly warnings: readonly string[];
}

/** Every variable that is read, by the path it sets. `isSecret` ones may also end in `_FILE`. */
function knownVariables(): { path: readonly string[]; names: readonly string[]; isSecret: boolean; isJson: boolean }[] {
  const leaves = leavesOf(rootKeys).map(([path, key]) => {
    const other = otherNames[path.join('.')];
    return { path, names: [variableOf(path), ...(other === undefined ? [] : [other])], isSecret: key.sensitive, isJson: false };
  });
  const entries = Object.entries(entryKeys).flatMap(([role, keys]) =>
    leavesOf(keys, [role]).map(([path]) => ({ path, names: [variableOf(path)], isSecret: false, isJson: false })),
  );
  return [...leaves, ...wholes.map((name) => ({ path: [name], names: [variableOf([name])], isSecret: false, isJson: true })), ...entries];
}

/** Reads the variables. An empty variable is as good as none: compose files and charts set such. */
export function environmentLayer(env: Environment): Layer {
  let tree: RawNode = { value: new Map(), origin: 'the environment' };
  const problems: Problem[] = [];
  const known = new Set<string>();
  for (const { path, names, isSecret, isJson } of knownVariables()) {
    // The last one wins: Tidemark's own name over the general one, the value over the file.
    const candidates = [...names].reverse().flatMap((name) => (isSecret ? [`${name}_FILE`, name] : [name]));
    for (const name of candidates) {
      known.add(name);
      const text = env[name];
      if (text === undefined || text === '') continue;
      const value = isSecret && name.endsWith('_FILE') ? secretFromFile(name, text, path, problems) : text;
      if (value === null) continue;
      const node = isJson ? wholeFromText(path, value, `variable ${name}`, problems) : { value, origin: `variable ${name}` };
      if (node !== null) tree = mergeRaw(tree, rawAt(path, node));
    }
  }
  const strange = Object.keys(env).filter((name) => name.startsWith('TIDEMARK_') && !known.has(name));
  return { tree, problems, warnings: strange.map((name) => `the variable ${name} is not one of Tidemark's and has no effect`) };
}

function secretFromFile(variable: string, file: string, path: readonly string[], problems: Problem[]): string | null {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    problems.push({
      key: path.join('.'),
      message: `the file that ${variable} names cannot be read: ${cause}`,
      origin: `variable ${variable}`,
    });
    return null;
  }
}

function wholeFromText(path: readonly string[], text: string, origin: string, problems: Problem[]): RawNode | null {
  const [name = ''] = path;
  const isTopics = name === 'predictions' || name === 'feedback';
  if (isTopics && !/^\s*[[{]/.test(text)) {
    return { value: text.split(',').map((topic) => ({ value: new Map([['topic', { value: topic.trim(), origin }]]), origin })), origin };
  }
  try {
    return rawFromJson(JSON.parse(text), origin);
  } catch {
    const example = isTopics
      ? 'topic names separated by commas, or JSON such as {"topic": "scored"}'
      : 'a JSON object such as {"fraud": {"owner": "ml-risk"}}';
    problems.push({ key: name, message: `is not JSON, must be ${example}`, origin });
    return null;
  }
}

/** Reads `--set key=value` flags. */
export function flagsLayer(sets: readonly string[]): Layer {
  let tree: RawNode = { value: new Map(), origin: '--set' };
  const problems: Problem[] = [];
  for (const set of sets) {
    const equals = set.indexOf('=');
    const origin = `--set ${equals > 0 ? set.slice(0, equals) : set}`;
    if (equals <= 0) {
      problems.push({ key: set, message: 'must be key=value, such as --set window.hop=5m', origin });
      continue;
    }
    const key = set.slice(0, equals).trim();
    const value = set.slice(equals + 1);
    const node = wholes.includes(key) ? wholeFromText([key], value, origin, problems) : { value, origin };
    if (node !== null) tree = mergeRaw(tree, rawAt(pathOf(key), node));
  }
  return { tree, problems, warnings: [] };
}

const modelPaths = leavesOf({ ...modelKeys, ...perModel }).map(([path]) => path.join('.'));

/** `models.fraud.eu.owner` is the owner of the model `fraud.eu`: the longest known key at the end, the rest is the name. Links likewise. */
function pathOf(key: string): readonly string[] {
  if (key.startsWith('links.')) return ['links', key.slice('links.'.length)];
  if (!key.startsWith('models.')) return key.split('.');
  const rest = key.slice('models.'.length);
  const [known] = modelPaths.filter((path) => rest.endsWith(`.${path}`)).sort((left, right) => right.length - left.length);
  if (known === undefined) return key.split('.');
  return ['models', rest.slice(0, -known.length - 1), ...known.split('.')];
}
