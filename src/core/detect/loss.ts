/**
 * What `partials` says about records that nobody summarized. Two signs: a watermark record says so itself (its summarizer began behind a loss), or its
 * `previous` lies beyond everything that is known of the partition.
 */
import { pseudoModel } from '../record/record.ts';
import type { CoreSettings } from '../settings.ts';
import {
  earliestWatermarkMs,
  endWatermarkMs,
  type IdleRecord,
  type LossCause,
  type SourceRole,
  type WatermarkRecord,
} from '../summarize/messages.ts';

/** What is known of a source partition before a message of it. */
interface KnownSource {
  readonly position: number;
  readonly watermarkMs: number | null;
  /** End of the newest loss that was told of. */
  readonly lostTo?: number;
  /** Not undefined where messages about it are missing in `partials`: then a gap in their positions is no loss of source records. */
  readonly tornFromMs?: number;
}

/** Offsets `[from, to)` of a source partition that are in no partial. As `Loss`, with the place. */
export interface LostRecords {
  readonly topic: string;
  readonly partition: number;
  readonly cause: LossCause;
  readonly from: number;
  readonly to: number;
}

/**
 * A stretch of event time, `(fromMs, toMs]`, of which another run may know otherwise: records of one partition that nobody summarized (`gap`), a
 * partition that was not waited for before it was known (`new-partition`), or partials that retention deleted before they were decided (`lost-partials`).
 */
export interface Gap {
  readonly reason: 'gap' | 'new-partition' | 'lost-partials';
  /** What may be missing: data panes are about predictions alone. Absent: both. */
  readonly role?: SourceRole;
  readonly fromMs: number;
  readonly toMs: number;
  /** Absent in facts of releases that told nobody of losses. */
  readonly lost?: LostRecords;
}

/** Whether panes, of what these roles say, that start then and end then may have been decided otherwise for it; they stay open `latenessMs` after their end. */
export function isConcerned(
  { role, fromMs, toMs }: Gap,
  { startMs, endMs, latenessMs, roles }: { startMs: number; endMs: number; latenessMs: number; roles: readonly SourceRole[] },
): boolean {
  return (role === undefined || roles.includes(role)) && toMs + latenessMs > startMs && fromMs < endMs;
}

/**
 * The records that were lost before this message, as far as no message before has said so (a restart says it again); null where none were. To be asked before
 * the message moves the position of `state`.
 */
export function newlyLost(state: KnownSource, record: WatermarkRecord | IdleRecord): LostRecords | null {
  const { topic, partition } = record.source;
  const { lost } = record;
  if (lost !== undefined) {
    const from = Math.max(lost.from, state.lostTo ?? 0);
    if (state.lostTo !== undefined && lost.to <= state.lostTo) return null;
    return { topic, partition, cause: lost.cause, from: Math.min(from, lost.to), to: lost.to };
  }
  if (record.type === 'idle' || state.watermarkMs === null || state.tornFromMs !== undefined || record.previous <= state.position)
    return null;
  return { topic, partition, cause: 'unknown', from: state.position, to: record.previous };
}

/** The event time that a loss concerns: from what was known of the partition before it to what is known after. */
export function stretchOf(
  state: KnownSource,
  record: WatermarkRecord | IdleRecord,
  dataMs: number | null,
): { readonly fromMs: number; readonly toMs: number } {
  // An idle record says nothing of what comes after: then it ends where everybody is.
  const times = [state.watermarkMs, record.watermarkMs, ...(record.type === 'idle' || state.watermarkMs === null ? [dataMs] : [])];
  const known = times.filter((timeMs) => timeMs !== null && timeMs > earliestWatermarkMs && timeMs < endWatermarkMs) as number[];
  return known.length === 0 ? { fromMs: 0, toMs: 0 } : { fromMs: Math.min(...known), toMs: Math.max(...known) };
}

/** Losses by the pseudo-model under whose name they are told. */
export type Losses = ReadonlyMap<string, readonly Gap[]>;

/**
 * Who tells of which losses. A prediction topic has its counts under its own pseudo-model, so its losses stand beside the rate of bad records. A feedback topic
 * has nothing on the data clock: the first prediction topic tells of its losses.
 */
export function lossesOf(gaps: readonly Gap[], settings: CoreSettings, tellsOf: (model: string) => boolean): Losses {
  const losses = new Map<string, Gap[]>();
  for (const gap of gaps) {
    if (gap.lost === undefined) continue;
    const { topic } = gap.lost;
    const isPredictions = settings.predictions.some((source) => source.topic === topic);
    const model = pseudoModel(isPredictions ? topic : (settings.predictions[0]?.topic ?? topic));
    if (tellsOf(model)) losses.set(model, [...(losses.get(model) ?? []), gap]);
  }
  return losses;
}
