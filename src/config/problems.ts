/** What is wrong with a configuration, gathered: a person fixes all of it in one go. */
import { ConfigError } from '../core/errors.ts';

export interface Problem {
  /** Dotted path of the key. */
  readonly key: string;
  /** What is wrong and what is allowed, a clause after the key. */
  readonly message: string;
  /** Where it was written; null where it was not written at all. */
  readonly origin: string | null;
}

/** Raises all problems as one `ConfigError`, a line each; does nothing where there are none. */
export function raiseProblems(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const lines = problems.map(({ key, message, origin }) => `  ${key}: ${message}${origin === null ? '' : ` (${origin})`}`);
  throw new ConfigError(
    `the configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}\n${lines.join('\n')}`,
  );
}

/** A value in a message: JSON, cut; secrets are not shown. */
export function shownValue(value: unknown, sensitive: boolean): string {
  if (sensitive && value !== '') return '[hidden]';
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 100 ? `${text.slice(0, 97)}...` : text;
}

/** The candidate with the fewest edits from `name`, if they are few enough to be a slip; null else. */
export function nearestName(name: string, candidates: readonly string[]): string | null {
  const limit = Math.max(1, Math.floor(Math.max(name.length, 3) / 3));
  let best: string | null = null;
  let fewest = limit + 1;
  for (const candidate of candidates) {
    const edits = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (edits < fewest) {
      fewest = edits;
      best = candidate;
    }
  }
  return best;
}

/** Levenshtein distance, with a swap of neighbours as one edit (optimal string alignment). */
function editDistance(left: string, right: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const cost = left[row - 1] === right[column - 1] ? 0 : 1;
      let edits = Math.min((current[column - 1] ?? 0) + 1, (previous[column] ?? 0) + 1, (previous[column - 1] ?? 0) + cost);
      const isSwap = row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (isSwap) edits = Math.min(edits, (before[column - 2] ?? 0) + 1);
      current.push(edits);
    }
    before = previous;
    previous = current;
  }
  return previous[right.length] ?? 0;
}
