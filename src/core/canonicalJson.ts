/** JSON with one text per value: what keys of facts and hashes are made of. */

/**
 * Canonical JSON of plain data: object keys sorted by UTF-16 code unit, keys with the value `undefined` left out, no white space, numbers and texts as `JSON.stringify`
 * writes them (RFC 8785 agrees for finite numbers). Throws `TypeError` for what JSON cannot hold without loss: NaN, Infinity, bigint,
 * functions, maps, typed arrays and `undefined` in an array.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`canonical JSON cannot hold ${value}`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (isPlainObject(value)) {
    const members = Object.keys(value)
      .filter((key) => value[key] !== undefined)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`);
    return `{${members.join(',')}}`;
  }
  throw new TypeError(`canonical JSON cannot hold ${typeof value === 'object' ? Object.prototype.toString.call(value) : typeof value}`);
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
