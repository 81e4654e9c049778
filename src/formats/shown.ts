/** Values of messages in sentences for people: short, one line, never a whole payload. */

const longest = 60;

/** The value as JSON of at most 60 characters; objects and arrays by their kind only. */
export function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null) return article(value);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value);
  if (typeof value !== 'string') return 'missing';
  const cut = value.length > longest ? `${value.slice(0, longest - 12)}...` : value;
  const text = JSON.stringify(cut);
  return text.length > longest ? `${text.slice(0, longest - 4)}..."` : text;
}

/** `an array`, `a text`, `null`: what kind of JSON value it is. */
export function article(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'string') return 'a text';
  if (typeof value === 'boolean') return 'true or false';
  return value === undefined ? 'missing' : 'a number';
}
