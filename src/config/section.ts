/** Validates one section of what was written against its keys, through convict. */
import convict from 'convict';
import { nearestName, type Problem, shownValue } from './problems.ts';
import { isRawMap, lookUp, plainOf, type RawNode } from './rawTree.ts';
import { isKey, type Key, leavesOf, type Section, type ValuesOf } from './schema.ts';
import { registerFormats } from './valueFormats.ts';

registerFormats();

/**
 * The values of a section: defaults where nothing was written. Problems are added to `problems` under `prefix`; a value with a problem comes
 * back as it was written, so use nothing while there are any. Names in `elsewhere` are read by somebody else.
 */
export function readSection<S extends Section>(
  keys: S,
  written: RawNode,
  prefix: readonly string[],
  problems: Problem[],
  elsewhere: readonly string[] = [],
): ValuesOf<S> {
  const known = keepKnown(keys, written, prefix, problems, elsewhere);
  const values = convict<ValuesOf<S>>(convictSchema(keys), { env: {}, args: [] });
  values.load(known);
  try {
    values.validate({ allowed: 'strict' });
  } catch (error) {
    problems.push(...problemsOf(error, keys, written, prefix));
  }
  return values.getProperties();
}

/** convict reads a `Section` as it is; its own type of a schema cannot say so for keys that are generic here. */
function convictSchema<T>(keys: Section): convict.Schema<T> {
  return keys as unknown as convict.Schema<T>;
}

/** Plain data of the keys that exist; unknown ones, and maps where values belong (or the reverse), become problems here, with better words than convict's. */
function keepKnown(
  keys: Section,
  written: RawNode,
  prefix: readonly string[],
  problems: Problem[],
  elsewhere: readonly string[],
): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  if (written.value === null) return kept;
  if (!isRawMap(written.value)) {
    const message = `is ${shownValue(plainOf(written), false)}, must be a section with ${Object.keys(keys).join(', ')}`;
    problems.push({ key: prefix.join('.') || 'the file', message, origin: written.origin });
    return kept;
  }
  for (const [name, node] of written.value) {
    if (elsewhere.includes(name)) continue;
    const path = [...prefix, name];
    const schema = Object.hasOwn(keys, name) ? keys[name] : undefined;
    if (schema === undefined) problems.push(unknownKey(name, path, [...Object.keys(keys), ...elsewhere], node));
    else if (!isKey(schema)) kept[name] = keepKnown(schema, node, path, problems, []);
    else if (isRawMap(node.value))
      problems.push({ key: path.join('.'), message: `is a section, must be ${schema.allowed}`, origin: node.origin });
    // A key left empty in YAML is as good as not written.
    else if (node.value !== null) kept[name] = plainOf(node);
  }
  return kept;
}

function unknownKey(name: string, path: readonly string[], siblings: readonly string[], node: RawNode): Problem {
  const near = nearestName(name, siblings);
  const advice = near === null ? `there are ${siblings.join(', ')}` : `did you mean ${[...path.slice(0, -1), near].join('.')}?`;
  return { key: path.join('.'), message: `is not a key of Tidemark; ${advice}`, origin: node.origin };
}

/** convict reports all problems as one text, a line each: `key: message: value was ...`. The messages are ours (`valueFormats.ts`) or those of a list of choices. */
function problemsOf(error: unknown, keys: Section, written: RawNode, prefix: readonly string[]): Problem[] {
  const text = error instanceof Error ? error.message : String(error);
  const leaves = new Map<string, Key<unknown>>(leavesOf(keys).map(([path, key]) => [path.join('.'), key]));
  return text.split('\n').map((line) => {
    const name = line.slice(0, line.indexOf(': '));
    const key = leaves.get(name);
    if (key === undefined) return { key: prefix.join('.'), message: line, origin: written.origin };
    const node = lookUp(written, name.split('.'));
    const value = node === undefined ? key.default : plainOf(node);
    const near =
      Array.isArray(key.format) && typeof value === 'string'
        ? nearestName(
            value,
            key.format.filter((choice) => choice !== ''),
          )
        : null;
    const advice = near === null ? '' : `; did you mean ${near}?`;
    return {
      key: [...prefix, name].join('.'),
      message: `is ${node === undefined ? 'missing' : shownValue(value, key.sensitive)}, must be ${key.allowed}${advice}`,
      origin: node?.origin ?? null,
    };
  });
}
