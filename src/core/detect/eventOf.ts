/** A step of an incident as the event of the output contract. */
import { formatDuration, hourMs } from '../duration.ts';
import type { BookStep } from '../incident/bookState.ts';
import type { EventRecord, SourceRange } from '../incident/event.ts';
import { eventIdOf } from '../incident/eventId.ts';
import type { Picture } from '../incident/picture.ts';
import { summaryLine } from '../incident/summaryLine.ts';
import type { ModelSettings } from '../settings.ts';
import { segmentRecord } from './dataEvaluation.ts';

export interface EventOrigin {
  readonly model: string;
  readonly settings: ModelSettings;
  readonly windowStartMs: number;
  readonly windowEndMs: number;
  readonly sources: readonly SourceRange[];
  /** Kafka times of a replay, [from, to); null where the state is of a release that did not know. */
  readonly replay: { readonly fromMs: number; readonly toMs: number } | null;
  readonly inexact: readonly string[];
  /** Draws the step's leading series; null where there is nothing to draw. Asked only for steps that are shown with a picture. */
  readonly picture: (leading: NonNullable<BookStep['leading']>) => Picture | null;
}

/** Steps with a picture: those that tell something new. */
const picturedSteps: ReadonlySet<BookStep['step']> = new Set(['opened', 'escalated']);

/** Ids are hashes of what they name, so that whoever repeats a decision writes the same event. */
export function eventOf(step: BookStep, origin: EventOrigin): EventRecord {
  const picture = step.leading !== null && picturedSteps.has(step.step) ? origin.picture(step.leading) : null;
  return {
    id: eventIdOf(step.incident, step.ordinal),
    incident: step.incident,
    chain: step.chain,
    ordinal: step.ordinal,
    step: step.step,
    kind: step.kind,
    severity: step.severity,
    model: origin.model,
    versions: step.versions,
    segment: segmentRecord(step.segment),
    scale: formatDuration(step.scaleMs),
    windowStart: new Date(origin.windowStartMs).toISOString(),
    windowEnd: new Date(origin.windowEndMs).toISOString(),
    start: new Date(step.startMs).toISOString(),
    exact: origin.inexact.length === 0,
    inexactReasons: origin.inexact,
    summary: summaryLine(step, origin.windowEndMs),
    series: step.series,
    source: origin.sources,
    ...(origin.replay === null
      ? {}
      : { replay: { from: new Date(origin.replay.fromMs).toISOString(), to: new Date(origin.replay.toMs).toISOString() } }),
    owner: origin.settings.owner,
    ...(picture === null ? {} : { picture }),
    ...(step.closing === undefined ? {} : { closing: step.closing }),
  };
}

/**
 * What a replay has to read for a decision at `endMs` of a model that began at `sinceMs`: up to an hour more than the lateness, for partitions that lag
 * behind others.
 */
export function replayOf(sinceMs: number | null, endMs: number, latenessMs: number): EventOrigin['replay'] {
  return sinceMs === null ? null : { fromMs: sinceMs, toMs: endMs + latenessMs + hourMs };
}
