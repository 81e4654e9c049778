/** Durations as people write them (`5m`, `24h`, `1.5d`): a number and `ms`, `s`, `m`, `h` or `d` of 24 hours. In the program they are milliseconds. */

/** Milliseconds of a minute. */
export const minuteMs = 60_000;
/** Milliseconds of an hour. */
export const hourMs = 60 * minuteMs;
/** Milliseconds of a day of 24 hours, as UTC counts them. */
export const dayMs = 24 * hourMs;

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: minuteMs, h: hourMs, d: dayMs };
const shape = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/;

/** What `parseDuration` accepts, for messages. */
export const durationForm = 'a duration: a number and ms, s, m, h or d, such as 30s, 5m or 24h';

/** Milliseconds of a duration such as `5m`; null where the text is none or no whole number of milliseconds. */
export function parseDuration(text: string): number | null {
  const match = shape.exec(text.trim());
  if (match === null) return null;
  const exact = Number(match[1]) * (unitMs[match[2] ?? ''] ?? Number.NaN);
  const milliseconds = Math.round(exact);
  // Decimals are binary fractions: 1.1 s is 1,100.0000000000002 ms.
  return Math.abs(exact - milliseconds) < 1e-6 && Number.isSafeInteger(milliseconds) ? milliseconds : null;
}

/** Shortest exact text of a duration in whole milliseconds: 300,000 is `5m`, 86,400,000 is `1d`, 5,400,000 is `90m`. */
export function formatDuration(milliseconds: number): string {
  for (const unit of ['d', 'h', 'm', 's']) {
    const length = unitMs[unit] ?? 1;
    if (milliseconds !== 0 && milliseconds % length === 0) return `${milliseconds / length}${unit}`;
  }
  return milliseconds === 0 ? '0s' : `${milliseconds}ms`;
}
