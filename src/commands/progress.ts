/** Progress of long work on a terminal; nothing where standard error is none. */
import cliProgress from 'cli-progress';
import type { CommandContext } from './context.ts';

export interface Progress {
  show(records: number): void;
  done(): void;
}

/** A bar where the total is known. */
export function recordBar(label: string, total: number): Progress {
  const bar = new cliProgress.SingleBar({ format: `${label} [{bar}] {percentage}% | {value} of {total} records`, stream: process.stderr, clearOnComplete: true });
  bar.start(total, 0);
  return { show: (records) => bar.update(records), done: () => bar.stop() };
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
