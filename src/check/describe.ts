/** The sample of a topic as lines for a terminal. */
import type { CoreSettings } from '../core/settings.ts';
import { settingsOf } from '../core/settings.ts';
import { quantile } from '../core/sketch/quantile.ts';
import type { NumericSummary, SeriesSummary } from '../core/sketch/types.ts';
import { seriesOfFeature } from '../core/summarize/seriesNames.ts';
import { about, atQuantile, percent } from './advice.ts';
import type { ModelProfile, TopicProfile } from './topicProfile.ts';
import type { TopicSample } from './topicSample.ts';

/** Series of one model that are listed; the rest is a number. */
const mostSeries = 40;
const mostCategories = 5;
const longestCategory = 24;

export function describeTopic(sample: TopicSample, profile: TopicProfile, core: CoreSettings, nowMs: number): string[] {
  const { predictions, feedback, tombstones, invalid, times } = profile;
  const refused = [...invalid.values()].reduce((sum, { count }) => sum + count, 0);
  const counts = [
    `${predictions + feedback} good`,
    ...(refused > 0 ? [`${refused} invalid`] : []),
    ...(tombstones > 0 ? [`${tombstones} tombstones`] : []),
  ];
  const newest = times.newestMs === null ? '' : `, the newest ${about(Math.max(0, nowMs - times.newestMs))} old`;
  const lines = [
    `  ${sample.partitions} partitions, ${sample.held.toLocaleString('en')} offsets held; ${sample.records.length.toLocaleString('en')} records read${newest}: ${counts.join(', ')}`,
  ];
  if (times.delaysMs.length > 0) {
    const delay = [0.5, 0.99, 1].map((q) => about(atQuantile(times.delaysMs, q)));
    const disorder = [0.99, 1].map((q) => about(atQuantile(times.disorderMs, q)));
    lines.push(`  arrive after their event time by ${delay[0]} (median), ${delay[1]} (99%), ${delay[2]} (most)`);
    lines.push(`  out of order within a partition by ${disorder[0]} (99%), ${disorder[1]} (most)`);
  }
  for (const [model, modelProfile] of profile.models) lines.push(...describeModel(model, modelProfile, core));
  if (profile.otherModels.size > 0) lines.push(`  and ${profile.otherModels.size.toLocaleString('en')} more models`);
  return lines;
}

function describeModel(model: string, { rows, versions, series, segments }: ModelProfile, core: CoreSettings): string[] {
  const named = versions.filter((version) => version !== '');
  const of =
    named.length === 0
      ? ''
      : `, ${named.length === 1 ? 'version' : 'versions'} ${named.slice(0, 5).join(', ')}${named.length > 5 ? ', ...' : ''}`;
  const lines = [`  model ${model === '*' ? 'of any name' : model}${of}: ${rows.toLocaleString('en')} records, ${series.size} series`];
  const sensitive = new Set(settingsOf(core, model).sensitive.map(seriesOfFeature));
  const shown = [...series].slice(0, mostSeries);
  const width = Math.min(32, Math.max(0, ...shown.map(([name]) => name.length)));
  for (const [name, summary] of shown) lines.push(`    ${name.padEnd(width)}  ${describeSeries(summary, rows, sensitive.has(name))}`);
  if (series.size > shown.length) lines.push(`    ... and ${series.size - shown.length} more`);
  if (segments.size > 0) lines.push(`    segments: ${[...segments.keys()].slice(0, 20).join(', ')}`);
  return lines;
}

function describeSeries({ numeric, categories, nonFinite, unsupported }: SeriesSummary, rows: number, isSensitive: boolean): string {
  const counted = (numeric?.count ?? 0) + (categories?.count ?? 0) + nonFinite + unsupported;
  const parts: string[] = [];
  if (numeric !== null) {
    const range = isSensitive ? 'values hidden' : rangeOf(numeric);
    parts.push(`number${shareOf(numeric.count, rows)} ${range}`);
  }
  if (categories !== null) {
    const top = categories.entries
      .slice(0, mostCategories)
      .map(({ value }) => (value.length > longestCategory ? `${value.slice(0, longestCategory)}...` : value));
    const values = isSensitive ? 'values hidden' : `${top.join(', ')}${categories.entries.length > top.length ? ', ...' : ''}`;
    parts.push(`category${shareOf(categories.count, rows)} ${categories.entries.length} different: ${values}`);
  }
  if (nonFinite > 0) parts.push(`not finite ${percent(nonFinite / rows)}`);
  if (unsupported > 0) parts.push(`list or object ${percent(unsupported / rows)}`);
  if (counted < rows) parts.push(`missing ${percent((rows - counted) / rows)}`);
  return parts.join('; ');
}

/** Smallest, median and largest value. */
function rangeOf(numeric: NumericSummary): string {
  if (numeric.min === numeric.max) return `always ${short(numeric.min)}`;
  return `${short(numeric.min)} .. ${short(quantile(numeric, 0.5))} .. ${short(numeric.max)}`;
}

function shareOf(count: number, rows: number): string {
  return count === rows ? '' : ` ${percent(count / rows)}`;
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
