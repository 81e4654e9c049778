/** How commands that run for long are stopped. */
import { exitCodes } from './exitCodes.ts';

/** A stop that takes longer than this is given up: what was not committed is repeated, not lost. */
const longestStopMs = 10_000;

/**
 * Aborts at the first SIGTERM or SIGINT; at the second, or when the stop takes too long, the process ends at once: with `process.exitCode` where that says
 * already how it went (all that is left then is the end of connections), else with 1.
 */
export function stopOnSignals(longestMs: number = longestStopMs): AbortSignal {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(exitCodes.failure);
    controller.abort();
    setTimeout(() => process.exit(process.exitCode ?? exitCodes.failure), longestMs).unref();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return controller.signal;
}
