/**
 * What differs between what is wanted and what Sentry answers. Sentry answers with more than was sent (ids, dates, names of labels) and writes
 * some values in another way (numbers as texts, empty as null), so only what is wanted is compared, and that by meaning. Pure.
 */
import { isObject } from '../api/answers.ts';

export interface Difference {
  /** Where, as `config.frequency` or `actionFilters.0.conditions.1`. */
  readonly path: string;
  readonly wanted: unknown;
  readonly found: unknown;
}

/** Every field of `wanted` that `found` has not, or has otherwise. Elements of lists are paired by what they are (`type`, `id`), then by place. */
export function differences(wanted: unknown, found: unknown, path = ''): readonly Difference[] {
  const at = (name: string): string => (path === '' ? name : `${path}.${name}`);
  if (Array.isArray(wanted)) {
    const list: readonly unknown[] = Array.isArray(found) ? found : [];
    const { pairs, extra } = paired(wanted, list);
    return [
      ...wanted.flatMap((element, index) => differences(element, pairs[index], at(String(index)))),
      ...extra.map((element, index) => ({ path: at(String(wanted.length + index)), wanted: null, found: element })),
    ];
  }
  if (isObject(wanted)) {
    if (!isObject(found)) return [{ path, wanted, found: found ?? null }];
    return Object.entries(wanted).flatMap(([name, value]) => differences(value, found[name], at(name)));
  }
  return isSameValue(wanted, found) ? [] : [{ path, wanted: wanted ?? null, found: found ?? null }];
}

/** For each wanted element the found one that means it, undefined where there is none; and the found ones that nobody wants. */
function paired(wanted: readonly unknown[], found: readonly unknown[]): { pairs: readonly unknown[]; extra: readonly unknown[] } {
  const extra = [...found];
  const pairs = wanted.map((element) => {
    const kind = kindOf(element);
    const place = extra.findIndex((candidate) => kindOf(candidate) === kind);
    return place === -1 ? undefined : extra.splice(place, 1)[0];
  });
  return { pairs, extra };
}

/** What an element of a list is: conditions and actions of workflows say it in `type`, those of rules in `id`. */
function kindOf(element: unknown): string | null {
  if (!isObject(element)) return null;
  const kind = element.type ?? element.id;
  return typeof kind === 'string' ? kind : null;
}

function isSameValue(wanted: unknown, found: unknown): boolean {
  return scalar(wanted) === scalar(found);
}

/** Numbers and texts that read alike are alike; null, missing and empty too. */
function scalar(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
