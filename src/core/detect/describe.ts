/** What an event says about a series, for people: effect sizes from the merged digests, and a few numbers of both sides. Never used to decide. */
import type { Description, EventSeries } from '../incident/event.ts';
import { categoricalEffects, numericEffects } from '../sketch/distances.ts';
import { quantile } from '../sketch/quantile.ts';
import type { SeriesSummary } from '../sketch/types.ts';
import type { SeriesReference } from './cellFit.ts';
import type { SeriesEvaluation } from './significance/types.ts';

/** How many categories a description lists. */
const listedCategories = 5;

/** Numbers for people: six significant digits, so that a rounding of the last bit is no difference between two runs' texts. */
export function rounded(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(6)) : 0;
}

export function roundedEffects(effects: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(effects).map(([name, value]) => [name, rounded(value)]));
}

/**
 * One series of an event; `since` and `joined` are the incident book's. `summary` is the merged summary of the window, `whole` the baseline of the same
 * series in the whole model: a segment of a feature with many categories may hold few.
 */
export function describeSeries(
  name: string,
  reference: SeriesReference,
  evaluation: SeriesEvaluation,
  summary: SeriesSummary,
  whole: SeriesSummary | null,
): EventSeries {
  const effects: Record<string, number> = { effect: rounded(evaluation.effect) };
  const baseline = reference.summary;
  if (baseline?.numeric && summary.numeric)
    Object.assign(effects, roundedEffects({ ...numericEffects(baseline.numeric, summary.numeric) }));
  else if (baseline?.categories && summary.categories) {
    Object.assign(effects, roundedEffects({ ...categoricalEffects(baseline.categories, summary.categories) }));
  }
  return {
    name,
    since: '',
    joined: true,
    statistic: evaluation.statistic,
    effects,
    p: evaluation.p,
    n: evaluation.n,
    baselineN: evaluation.baselineN,
    phi: rounded(evaluation.phi),
    current: { observed: rounded(evaluation.observed), ...describeSummary(summary, baseline) },
    baseline: { expected: rounded(evaluation.expected), ...(baseline === null ? {} : describeSummary(baseline, baseline)) },
    ...categoryCount(summary, baseline, whole),
  };
}

/** What decides whether categories may be shown outside of the log: many are rather people, places or texts than kinds. */
function categoryCount(...sides: readonly (SeriesSummary | null)[]): { categories?: number } {
  const counts = sides.map((side) => (side?.categories ? side.categories.entries.length + Number(side.categories.truncated) : 0));
  const most = Math.max(...counts);
  return most === 0 ? {} : { categories: most };
}

/** Mean and quantiles, or the shares of the categories that are largest in either. */
function describeSummary(summary: SeriesSummary, baseline: SeriesSummary | null): Description {
  const description: Record<string, number> = {};
  const { numeric, categories } = summary;
  if (numeric !== null && numeric.count > 0 && (baseline?.numeric ?? null) !== null) {
    description.mean = rounded(numeric.mean);
    for (const [name, share] of [
      ['p05', 0.05],
      ['p25', 0.25],
      ['p50', 0.5],
      ['p75', 0.75],
      ['p95', 0.95],
    ] as const) {
      description[name] = rounded(quantile(numeric, share));
    }
    description.min = rounded(numeric.min);
    description.max = rounded(numeric.max);
    description.zeros = rounded(numeric.zeros / numeric.count);
  }
  if (categories !== null && categories.count > 0 && (baseline?.categories ?? null) !== null) {
    const listed = new Set((baseline?.categories?.entries ?? []).slice(0, listedCategories).map((entry) => entry.value));
    for (const entry of categories.entries.slice(0, listedCategories)) listed.add(entry.value);
    for (const value of [...listed].sort()) {
      const count = categories.entries.find((entry) => entry.value === value)?.count ?? 0;
      description[`share of ${value}`] = rounded(count / categories.count);
    }
  }
  return description;
}
