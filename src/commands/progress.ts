/** Progress of long work on a terminal; nothing where standard error is none. */
import cliProgress from 'cli-progress';
import type { CommandContext } from './context.ts';

export interface Progress {
  show(records: number): void;
  done(): void;
}

/** A bar over a span of simulated time, epoch milliseconds. */
export function timeBar(label: string, fromMs: number, toMs: number): { show(records: number, timeMs: number): void; done(): void } {
  const format = `${label} [{bar}] {percentage}% | {date} | {records} records`;
  const bar = new cliProgress.SingleBar({ format, stream: process.stderr, clearOnComplete: true, hideCursor: true });
  const payload = (records: number, timeMs: number) => ({
    date: new Date(timeMs).toISOString().slice(0, 16).replace('T', ' '),
    records: records.toLocaleString('en'),
  });
  bar.start(toMs - fromMs, 0, payload(0, fromMs));
  return {
    show: (records, timeMs) => bar.update(Math.min(timeMs, toMs) - fromMs, payload(records, timeMs)),
    done: () => bar.stop(),
  };
}

/** A running count where the total is not known before the end. */
export function recordCounter(context: CommandContext): Progress {
  if (!process.stderr.isTTY) return { show: () => {}, done: () => {} };
  let shownAtMs = 0;
  const startedMs = Date.now();
  return {
    show: (records) => {
      const nowMs = Date.now();
      if (nowMs - shownAtMs < 100) return;
      shownAtMs = nowMs;
      const rate = Math.round(records / Math.max(0.001, (nowMs - startedMs) / 1_000));
      context.stderr(`\r\u001b[K${records.toLocaleString('en')} records, ${rate.toLocaleString('en')}/s`);
    },
    done: () => context.stderr('\r\u001b[K'),
  };
}
