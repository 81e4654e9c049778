/** What the facts in `history` say of one model at the moment, for people: read without a group, and without disturbing the worker. */
import { parseFactKey, readState } from '../core/detect/fact.ts';
import type { DataState, LabelState } from '../core/detect/modelState.ts';
import type { BookState } from '../core/incident/bookState.ts';
import type { Mute } from '../core/incident/mutes.ts';
import { internalTopics } from '../core/incident/topics.ts';
import { parseBaselineFact } from '../core/performance/baselineFact.ts';
import { partitionOf } from '../core/record/partitioner.ts';
import type { SegmentKey } from '../core/summarize/messages.ts';
import type { Log } from '../log/port.ts';
import { scan } from './scan.ts';

export interface ModelView {
  readonly open: BookState['open'];
  readonly mutes: readonly Mute[];
  /** Names of the series that are watched. */
  readonly series: ReadonlySet<string>;
  /** Segments that are watched. */
  readonly segments: readonly NonNullable<SegmentKey>[];
}

const text = new TextDecoder();

/** Null where the group watches no such model. `DependencyError` where the topic cannot be read. */
export async function viewModel(log: Log, group: string, model: string): Promise<ModelView | null> {
  const topic = internalTopics(group).history;
  const partition = partitionOf(model, await log.partitionCount(topic));
  const states = new Map<
    string,
    { readonly clock: 'data' | 'label'; readonly endMs: number; readonly part: number; readonly value: Uint8Array }
  >();
  const series = new Set<string>();
  for await (const { key, value } of scan(log, { topic, partition }, 0)) {
    const name = text.decode(key ?? undefined);
    const subject = name === '' ? null : parseFactKey(name);
    if (subject?.fact === 'reference' && subject.model === model) series.add(subject.series);
    if (subject?.fact !== 'state' || subject.model !== model) continue;
    if (value === null) states.delete(name);
    else states.set(name, { ...subject, value });
  }
  const newest = <State>(clock: 'data' | 'label') => {
    const ofClock = [...states.values()].filter((state) => state.clock === clock);
    const newestMs = Math.max(...ofClock.map(({ endMs }) => endMs));
    const parts = ofClock.filter(({ endMs }) => endMs === newestMs).sort((left, right) => left.part - right.part);
    return readState<State>(parts.map(({ value }) => value));
  };
  // Facts are written by this program alone.
  const [dataState, labelState] = [newest<DataState>('data'), newest<LabelState>('label')];
  if (dataState === null && labelState === null) return null;
  if (labelState !== null)
    for (const { baseline } of parseBaselineFact(labelState.performance).versions) if (baseline !== null) series.add(baseline.metric);
  const books = [dataState?.book, labelState?.book].filter((book) => book !== undefined);
  const open = books.flatMap((book) => book.open);
  for (const incident of open) for (const { last } of incident.series) series.add(last.name);
  return { open, mutes: mutesOf(books), series, segments: segmentsOf(dataState) };
}

/** Names of all models that the group watches, sorted. Reads the whole topic. */
export async function watchedModels(log: Log, group: string): Promise<readonly string[]> {
  const topic = internalTopics(group).history;
  const models = new Set<string>();
  const partitions = await log.partitionCount(topic);
  for (let partition = 0; partition < partitions; partition += 1) {
    for await (const { key, value } of scan(log, { topic, partition }, 0)) {
      const name = text.decode(key ?? undefined);
      const subject = name === '' || value === null ? null : parseFactKey(name);
      if (subject?.fact === 'state') models.add(subject.model);
    }
  }
  return [...models].sort();
}

/** Each once: both clocks have the same, and one may not have come to it yet. */
function mutesOf(books: readonly BookState[]): readonly Mute[] {
  const mutes = new Map(books.flatMap(({ mutes = [] }) => mutes.map((mute) => [JSON.stringify(mute), mute] as const)));
  return [...mutes.values()];
}

function segmentsOf(state: DataState | null): readonly NonNullable<SegmentKey>[] {
  const segments = new Map<string, NonNullable<SegmentKey>>();
  for (const [cell] of state?.learners ?? []) {
    const [, segment] = JSON.parse(cell) as [version: string, segment: SegmentKey];
    if (segment !== null) segments.set(JSON.stringify(segment), segment);
  }
  return [...segments.values()];
}
