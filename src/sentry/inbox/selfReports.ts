/** What senders say of themselves: cron monitors and gauges, the newest of each, in memory alone. */
import type { ReceivedCheckIn, ReceivedGauge } from './envelope.ts';

/** Most monitors and gauges that are kept; the oldest go. */
const most = 1_000;

/** A cron monitor by its check-ins. Times are ISO 8601 with Z. */
export interface InboxMonitor extends ReceivedCheckIn {
  readonly lastAt: string;
  readonly ok: number;
  readonly failed: number;
  /** The newest twenty, oldest first. */
  readonly recent: readonly { readonly status: string; readonly at: string }[];
}

export interface InboxGauge extends ReceivedGauge {
  readonly at: string;
}

export class SelfReportStore {
  readonly #monitors = new Map<string, InboxMonitor>();
  readonly #gauges = new Map<string, InboxGauge>();

  checkIn(checkIn: ReceivedCheckIn, at: string): void {
    const key = JSON.stringify([checkIn.monitor, checkIn.environment]);
    const known = this.#monitors.get(key);
    const isOk = checkIn.status === 'ok';
    put(this.#monitors, key, {
      ...checkIn,
      lastAt: at,
      ok: (known?.ok ?? 0) + (isOk ? 1 : 0),
      failed: (known?.failed ?? 0) + (checkIn.status === 'error' ? 1 : 0),
      recent: [...(known?.recent ?? []), { status: checkIn.status, at }].slice(-20),
    });
  }

  gauge(gauge: ReceivedGauge, at: string): void {
    const own = Object.entries(gauge.attributes).filter(([name]) => !name.startsWith('sentry.'));
    const attributes = Object.fromEntries(own.sort(([left], [right]) => (left < right ? -1 : 1)));
    put(this.#gauges, JSON.stringify([gauge.name, attributes]), { ...gauge, attributes, at });
  }

  monitors(): readonly InboxMonitor[] {
    return [...this.#monitors.values()];
  }

  gauges(): readonly InboxGauge[] {
    return [...this.#gauges.values()];
  }
}

function put<T>(map: Map<string, T>, key: string, value: T): void {
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= most) break;
    map.delete(oldest);
  }
}
