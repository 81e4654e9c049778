import type { ChaosResult } from './chaos.ts';

/** The result as JSON holds it: the times summed up, the rest as it is. */
export function summarizeChaos({ catchUpSeconds, ...rest }: ChaosResult) {
  const at = (share: number) => catchUpSeconds[Math.min(catchUpSeconds.length - 1, Math.floor(share * catchUpSeconds.length))] ?? null;
  return {
    ...rest,
    catchUpSeconds: { kills: catchUpSeconds.length, median: at(0.5), p99: at(0.99), largest: catchUpSeconds.at(-1) ?? null },
  };
}

/** The result as lines for a person. */
export function describeChaos(result: ChaosResult): string {
  const { verdict, weather, catchUpSeconds } = summarizeChaos(result);
  const { total, tallies } = verdict;
  const seconds = (value: number | null) => (value === null ? 'none' : `${value.toFixed(1)} s`);
  const lines = [
    `${verdict.records} records in the topics. In the decisions, of ${total.expected} that must be there: ${total.missing} missing, ${total.extra} extra, ${total.doubled} double-counted`,
    `  (${tallies.predictions.expected} predictions, ${tallies.late.expected} late, ${tallies.invalid.expected} invalid, ${tallies.labels.expected} labels by the models they serve)`,
    `${verdict.panes} decided panes and ${verdict.events} events compared byte for byte with one pass over the topics`,
    `${verdict.incidents} incidents in ${verdict.issues} issues (${verdict.resolvedIssues} resolved), ${verdict.parkedIncidents} incidents and ${verdict.parkedEvents} events refused for good and parked; ${verdict.selfIssues} issues of Tidemark about itself`,
    `${weather.kills} kill -9, ${weather.zombies} frozen past their session (${weather.expelled} expelled by the group before they woke), ${weather.terms} SIGTERM in ${weather.rollingRestarts} rolling restarts and changes of size (${weather.hardStops} not done in 10 s), ${weather.crashes} workers ended by themselves`,
    `${weather.brokerRestarts} brokers restarted, ${weather.leaderMoves} leaders moved, ${weather.sinkFailures} failures of the inbox; first record at offset ${weather.leadingGap}`,
    `from kill to caught up: median ${seconds(catchUpSeconds.median)}, p99 ${seconds(catchUpSeconds.p99)}, largest ${seconds(catchUpSeconds.largest)} over ${catchUpSeconds.kills} kills`,
    verdict.problems.length === 0 ? 'every promise held' : `${verdict.problems.length} problems:`,
    ...verdict.problems.slice(0, 40).map((problem) => `  ${problem}`),
  ];
  return `${lines.join('\n')}\n`;
}
