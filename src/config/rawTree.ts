/**
 * What was written, before it means anything: a tree of values that each know where they stand (`tidemark.yaml:12`, a variable, a flag). Maps, not
 * objects, so that names such as `__proto__` or `fraud.eu` are names like any other.
 */
export interface RawNode {
  readonly value: RawScalar | readonly RawNode[] | ReadonlyMap<string, RawNode>;
  /** Where it was written, for messages. */
  readonly origin: string;
}
type RawScalar = string | number | boolean | null;
export type RawMap = ReadonlyMap<string, RawNode>;

export function isRawMap(value: RawNode['value']): value is RawMap {
  return value instanceof Map;
}

export function isRawList(value: RawNode['value']): value is readonly RawNode[] {
  return Array.isArray(value);
}

/** The tree of parsed JSON, all of one origin. */
export function rawFromJson(value: unknown, origin: string): RawNode {
  if (Array.isArray(value)) return { value: value.map((item) => rawFromJson(item, origin)), origin };
  if (typeof value === 'object' && value !== null) {
    return { value: new Map(Object.entries(value).map(([name, item]) => [name, rawFromJson(item, origin)])), origin };
  }
  const isScalar = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null;
  return { value: isScalar ? value : String(value), origin };
}

/** Plain data of a node. Maps become objects with own keys only. */
export function plainOf(node: RawNode): unknown {
  if (isRawMap(node.value)) return Object.fromEntries([...node.value].map(([name, inner]) => [name, plainOf(inner)]));
  return isRawList(node.value) ? node.value.map(plainOf) : node.value;
}

/** `over` laid over `base`: maps are merged, everything else is replaced. A section left empty (null) replaces nothing. */
export function mergeRaw(base: RawNode, over: RawNode): RawNode {
  if (over.value === null && isRawMap(base.value)) return base;
  if (!isRawMap(base.value) || !isRawMap(over.value)) return over;
  const merged = new Map(base.value);
  for (const [name, node] of over.value) {
    const below = merged.get(name);
    merged.set(name, below === undefined ? node : mergeRaw(below, node));
  }
  return { value: merged, origin: over.origin };
}

/** A tree with one value at a path. */
export function rawAt(path: readonly string[], node: RawNode): RawNode {
  return path.reduceRight<RawNode>((inner, name) => ({ value: new Map([[name, inner]]), origin: node.origin }), node);
}

/** The node at a path; undefined where there is none. */
export function lookUp(root: RawNode, path: readonly string[]): RawNode | undefined {
  let node: RawNode | undefined = root;
  for (const name of path) node = node !== undefined && isRawMap(node.value) ? node.value.get(name) : undefined;
  return node;
}
