import { readFileSync } from 'node:fs';
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { ConfigError } from '../core/errors.ts';
import { isRawList, isRawMap, type RawNode } from './rawTree.ts';

/** Far more than any key needs; anchors that hold themselves end here. */
const deepest = 20;

/** Reads one YAML file (1.2, which JSON is part of). Every value knows its line. `ConfigError` where the file cannot be read or is no YAML. */
export function readYamlFile(path: string): RawNode {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`the configuration file ${path} cannot be read: ${cause}; name another with --config FILE`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw new ConfigError(`${path}:${line}:${col} is not valid YAML: ${error.message}`);
  }

  function raw(node: Node | null | undefined, line: number, depth: number): RawNode {
    const origin = `${path}:${line}`;
    if (depth > deepest) throw new ConfigError(`${origin} is nested deeper than ${deepest} levels: does an anchor hold itself?`);
    if (isAlias(node)) return raw(node.resolve(document), line, depth + 1);
    if (isMap<Node, Node | null>(node)) {
      const entries = node.items.map((pair) => {
        const keyLine = pair.key.range ? lines.linePos(pair.key.range[0]).line : line;
        return [isScalar(pair.key) ? String(pair.key.value) : String(pair.key), raw(pair.value, keyLine, depth + 1)] as const;
      });
      return { value: new Map(entries), origin };
    }
    if (isSeq<Node>(node))
      return { value: node.items.map((item) => raw(item, item.range ? lines.linePos(item.range[0]).line : line, depth + 1)), origin };
    const value = isScalar(node) ? node.value : null;
    const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null;
    return { value: isPlain ? value : String(value), origin };
  }

  const root = raw(document.contents, 1, 0);
  // An empty file leaves the defaults; a list or a text would seem to.
  if (!isRawMap(root.value) && root.value !== null) {
    const found = isRawList(root.value) ? 'a list' : 'one value';
    throw new ConfigError(`${path}: holds ${found}, must hold keys of the configuration, such as predictions: { topic: NAME }`);
  }
  return root;
}
