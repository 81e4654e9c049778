import type { Clock } from './port.ts';

/** The machine's clock and timers. Everything else takes a `Clock`, so that tests and simulation own the time. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};
