import type { ChaosResult } from './chaos.ts';

/** The result as lines for a person. */
export function describeChaos({ counts, catchUpSeconds, problems }: ChaosResult): string {
  const at = (share: number) =>
    (catchUpSeconds[Math.min(catchUpSeconds.length - 1, Math.floor(share * catchUpSeconds.length))] ?? 0).toFixed(1);
  const lines = [
    `${counts.records} records, ${counts.panes} panes and ${counts.events} events checked, ${counts.issues} issues`,
    `${counts.kills} kill -9, ${counts.zombies} frozen past their session, ${counts.terms} SIGTERM, ${counts.brokerKills} brokers killed, ${counts.sinkFailures} failures of the inbox`,
    `from kill to caught up: median ${at(0.5)} s, p99 ${at(0.99)} s over ${catchUpSeconds.length} kills`,
    problems.length === 0 ? 'every promise held' : `${problems.length} problems:`,
    ...problems.slice(0, 30).map((problem) => `  ${problem}`),
  ];
  return `${lines.join('\n')}\n`;
}
