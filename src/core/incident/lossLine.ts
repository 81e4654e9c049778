/** The line of an incident of lost source records: where, how many, of which time, until when windows are incomplete, what to do. */
import type { LossCause } from '../summarize/messages.ts';
import type { Description, EventSeries } from './event.ts';
import { clockTime, listed, thousands } from './lineText.ts';

/** Deciding statistic of a series that stands for the lost records of one source partition. */
export const lossStatistic = 'lost';

const causes: Readonly<Record<LossCause, { readonly what: string; readonly advice: string }>> = {
  retention: { what: 'lost to retention', advice: 'raise the retention of the topic or add workers' },
  reset: { what: 'passed over by a reset of the committed offset', advice: 'nothing, if that was meant' },
  recreated: { what: 'lost with the old topic: it was created anew', advice: 'nothing, if that was meant' },
  truncated: {
    what: 'lost by Kafka: the log became shorter',
    advice: 'look for an unclean leader election in the logs of the brokers, and at unclean.leader.election.enable',
  },
  unknown: { what: 'in no summary', advice: 'look for a reset of the committed offsets of the group' },
};

/**
 * `topic predictions, partition 3: 12,345 records lost to retention between 2026-03-01 09:40Z and 10:10Z; windows until 2026-03-02 10:15Z are incomplete; raise the
 * retention of the topic or add workers`.
 */
export function lossLine(series: readonly EventSeries[]): string {
  const lost = series.filter(({ statistic }) => statistic === lossStatistic);
  const topic = text(lost[0]?.current, 'topic');
  const own = lost.filter(({ current }) => current.topic === topic);
  const others = lost.filter(({ current }) => current.topic !== topic).map(({ name }) => name);
  const partitions = own.map(({ current }) => String(current.partition));
  const [from, to, until] = [least(own, 'from'), most(own, 'to'), most(own, 'until')];
  const { what, advice } = causes[causeOf(own[0]?.current)];
  const records = own.reduce((sum, { n }) => sum + n, 0);
  return [
    `topic ${topic}, ${partitions.length === 1 ? 'partition' : 'partitions'} ${listed(partitions)}: `,
    `${records === 0 ? 'records' : `${thousands(records)} ${records === 1 ? 'record' : 'records'}`} ${what} ${span(from, to)}; `,
    `windows until ${clockTime(Date.parse(until))} are incomplete; ${advice}`,
    ...(others.length === 0 ? [] : [`; also ${listed(others)}`]),
  ].join('');
}

/** What a series of lost records says of itself in a table. */
export function lossChange({ n, current }: EventSeries): string {
  return `${n === 0 ? 'records' : `${thousands(n)} records`} ${causes[causeOf(current)].what}`;
}

function causeOf(current: Description | undefined): LossCause {
  const cause = text(current, 'cause');
  return cause in causes ? (cause as LossCause) : 'unknown';
}

function text(current: Description | undefined, name: string): string {
  return String(current?.[name] ?? '');
}

/** ISO times sort as texts. */
function least(series: readonly EventSeries[], name: string): string {
  return series.map(({ current }) => text(current, name)).sort()[0] ?? '';
}

function most(series: readonly EventSeries[], name: string): string {
  return (
    series
      .map(({ current }) => text(current, name))
      .sort()
      .at(-1) ?? ''
  );
}

/** `between 2026-03-01 09:40Z and 10:10Z`, the day once; `after` where nothing has come behind the loss yet. */
function span(from: string, to: string): string {
  const [first, last] = [clockTime(Date.parse(from)), clockTime(Date.parse(to))];
  return first === last ? `after ${first}` : `between ${first} and ${first.slice(0, 10) === last.slice(0, 10) ? last.slice(11) : last}`;
}
