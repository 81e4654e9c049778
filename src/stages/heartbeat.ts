/** Watches whether the group still sees, says so in the log and in a metric, and to Sentry as the check-in of a cron monitor. */
import { createHash } from 'node:crypto';
import { Vigilance } from '../core/detect/vigilance.ts';
import { DependencyError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';
import type { WindowSettings } from '../core/settings.ts';
import type { Clock } from '../log/port.ts';
import type { DetectStage } from './detect.ts';

/** How often it is asked whether it is time, and whether this worker has the say. */
const pauseMs = 1_000;

export interface HeartbeatOptions {
  readonly detect: Pick<DetectStage, 'groupProgress'>;
  readonly window: WindowSettings;
  readonly everyMs: number;
  readonly blindAfterMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Tells Sentry; null where check-ins are off. */
  readonly checkIn: ((status: 'ok' | 'error') => void) | null;
}

/** Slug of a group's monitor: what Sentry takes for one, at most 50 characters, unlike for unlike groups. */
export function monitorOf(group: string): string {
  const slug = `tidemark-${group.toLowerCase().replace(/[^a-z0-9_-]/g, '-')}`;
  if (slug === `tidemark-${group}` && slug.length <= 50) return slug;
  return `${slug.slice(0, 43)}-${createHash('sha256').update(group).digest('hex').slice(0, 6)}`;
}

/** One check-in per interval while this worker owns the partition that has the say; until the signal says stop. */
export async function beat(options: HeartbeatOptions, signal: AbortSignal): Promise<void> {
  const { clock, everyMs, blindAfterMs, window, logger, metrics, checkIn } = options;
  // Between two decisions a hop passes, and what is idle or late is waited for: none of it is blindness.
  const patienceMs = blindAfterMs + 2 * window.hopMs + window.latenessMs + 2 * window.idleAfterMs + window.silenceAfterMs;
  let vigilance = new Vigilance(patienceMs);
  let isBlind = false;
  let dueMs = clock.nowMs();
  while (!signal.aborted) {
    if (clock.nowMs() >= dueMs) {
      const reason = await lookOnce(options, vigilance);
      if (reason === undefined) {
        // Another worker has the say, and knows better by the time that this one has it.
        vigilance = new Vigilance(patienceMs);
        metrics.set('tidemark_blind', {}, 0);
        isBlind = false;
      } else {
        if (reason !== null && !isBlind) logger.error({}, `Tidemark is blind: ${reason}`);
        if (reason === null && isBlind) logger.info({}, 'Tidemark sees again');
        isBlind = reason !== null;
        metrics.set('tidemark_blind', {}, isBlind ? 1 : 0);
        checkIn?.(isBlind ? 'error' : 'ok');
        dueMs = clock.nowMs() + everyMs;
      }
    }
    await clock.sleep(pauseMs);
  }
}

/** Why the group is blind; null where it sees; undefined where this worker cannot say. */
async function lookOnce({ detect, clock }: HeartbeatOptions, vigilance: Vigilance): Promise<string | null | undefined> {
  try {
    const progress = await detect.groupProgress();
    if (progress === null) return undefined;
    if (progress === 'stopped') return 'partition 0 of partials is stopped: see the log';
    return vigilance.look(clock.nowMs(), progress);
  } catch (error) {
    // The brokers do not answer: no check-in is what tells it.
    if (error instanceof DependencyError) return undefined;
    throw error;
  }
}
