import { readFileSync } from 'node:fs';

/** From the package itself, which stands two folders up both from `src/commands` and from `dist/commands`. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return /"version": "([^"]+)"/.exec(text)?.[1] ?? 'unknown';
}
