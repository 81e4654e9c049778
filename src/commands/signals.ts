/** How commands that run for long are stopped. */

/** A stop that takes longer than this is given up: what was not committed is repeated, not lost. */
const longestStopMs = 10_000;

/** Aborts at the first SIGTERM or SIGINT; at the second, or when the stop takes too long, the process ends at once. */
export function stopOnSignals(): AbortSignal {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(1);
    controller.abort();
    setTimeout(() => process.exit(1), longestStopMs).unref();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return controller.signal;
}
