/** What an evaluation tells the incident book. */
import type { SegmentKey } from '../summarize/messages.ts';
import type { EventSeries, IncidentKind, Severity } from './event.ts';

/** One tested comparison of one series at one scale, as the book needs it. Untested ones (`insufficient`, `learning`) are not given. */
export interface Signal {
  /** Series with its version and segment: unique in the book. */
  readonly key: string;
  readonly name: string;
  readonly version: string | null;
  readonly segment: SegmentKey;
  readonly kind: IncidentKind;
  readonly severity: Severity;
  readonly scaleMs: number;
  /** End of the window, epoch ms: for performance before the time at which it was decided. */
  readonly windowEndMs: number;
  readonly p: number;
  readonly alpha: number;
  readonly isBreach: boolean;
  /** Counted, not tested: a breach opens at once. */
  readonly isCertain?: boolean;
  readonly isBelowMinimum: boolean;
  /**
   * Whether the newest third of the window shows at least half of the effect, in its direction: `shows` may open, `over` speaks for recovery,
   * `unknown` (too few rows to say) neither.
   */
  readonly newest: 'shows' | 'over' | 'unknown';
  /** For segments: whether the whole model shows the same series too; such a segment opens nothing of its own. */
  readonly isShownByWhole: boolean;
  /** For people; computed only where an event names the series. `joined` and `since` are set by the book. */
  readonly describe: () => EventSeries;
}
