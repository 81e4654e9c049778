/**
 * Deliberate bugs, each of which the simulation must catch: a simulation that cannot fail proves nothing. A bug is put in for one run, either between a
 * worker and the log or into a class of the core, and taken out again.
 */
import { PaneStore } from '../../src/core/detect/paneStore.ts';
import { decodeMessage } from '../../src/core/summarize/codec.ts';
import { type PartialRecord, sourceKey } from '../../src/core/summarize/messages.ts';
import { PartitionSummarizer } from '../../src/core/summarize/partitionSummarizer.ts';
import { formatResumeState, parseResumeState } from '../../src/core/summarize/resumeState.ts';
import type { Commit, Log, Member, OutgoingRecord } from '../../src/log/port.ts';
import type { Wrap } from './simulate.ts';

export interface Mutation {
  readonly name: string;
  readonly wrap?: Wrap;
  /** Puts the bug into the core; gives what takes it out again. */
  readonly plant?: () => () => void;
}

export const mutations: readonly Mutation[] = [
  {
    name: 'watermark before partials',
    wrap: (log) => {
      let heldBack: readonly OutgoingRecord[] = [];
      return produceBy(log, async (records, produce) => {
        if (records.some(isPartialOfSource)) {
          heldBack = records;
          return records.map(() => 0);
        }
        const offsets = await produce(records);
        const late = heldBack;
        heldBack = [];
        if (late.length > 0) await produce(late);
        return offsets;
      });
    },
  },
  {
    name: 'commit before the acknowledgement of the partials',
    wrap: (log) =>
      produceBy(log, async (records, produce) => {
        if (!records.some(isOfPartials)) return produce(records);
        void produce(records);
        return records.map(() => 0);
      }),
  },
  {
    name: 'the smaller `to` wins',
    plant: () => {
      const { put } = PaneStore.prototype;
      const known = new WeakMap<PaneStore, Map<string, number>>();
      PaneStore.prototype.put = function (this: PaneStore, paneMs: number, partial: PartialRecord, offset: number) {
        const largest = known.get(this) ?? new Map<string, number>();
        known.set(this, largest);
        const identity = `${sourceKey(partial.source)}/${partial.chunk}/${paneMs}/${partial.model}`;
        if ((largest.get(identity) ?? Number.POSITIVE_INFINITY) < partial.to) return;
        largest.set(identity, partial.to);
        put.call(this, paneMs, partial, offset);
      };
      return () => {
        PaneStore.prototype.put = put;
      };
    },
  },
  {
    name: 'no closed pane in the metadata',
    wrap: (log) => commitBy(log, (commit) => changedState(commit, (state) => ({ ...state, closedUntilMs: null }))),
  },
  {
    name: 'an idle flush that moves the resume point',
    plant: () => {
      const { flushIdle, resumePoint } = PartitionSummarizer.prototype;
      const flushed = new WeakSet<PartitionSummarizer>();
      PartitionSummarizer.prototype.flushIdle = function (this: PartitionSummarizer) {
        flushed.add(this);
        return flushIdle.call(this);
      };
      PartitionSummarizer.prototype.resumePoint = function (this: PartitionSummarizer) {
        const point = resumePoint.call(this);
        return flushed.has(this) ? { ...point, offset: this.position } : point;
      };
      return () => {
        PartitionSummarizer.prototype.flushIdle = flushIdle;
        PartitionSummarizer.prototype.resumePoint = resumePoint;
      };
    },
  },
  {
    name: 'a commit that moves past open cells',
    plant: () => {
      const { resumePoint } = PartitionSummarizer.prototype;
      PartitionSummarizer.prototype.resumePoint = function (this: PartitionSummarizer) {
        return { ...resumePoint.call(this), offset: this.position };
      };
      return () => {
        PartitionSummarizer.prototype.resumePoint = resumePoint;
      };
    },
  },
  {
    name: 'detect commits past what undecided panes need',
    plant: () => {
      const lowest = Object.getOwnPropertyDescriptor(PaneStore.prototype, 'lowestOffset') as PropertyDescriptor;
      Object.defineProperty(PaneStore.prototype, 'lowestOffset', { configurable: true, get: () => null });
      return () => Object.defineProperty(PaneStore.prototype, 'lowestOffset', lowest);
    },
  },
];

function produceBy(
  log: Log,
  produceInstead: (records: readonly OutgoingRecord[], produce: Log['produce']) => Promise<readonly number[]>,
): Log {
  return { ...log, produce: (records) => produceInstead(records, (all) => log.produce(all)) };
}

function commitBy(log: Log, change: (commit: Commit) => Commit): Log {
  return {
    ...log,
    join: async (options) => {
      const member = await log.join(options);
      const changed: Member = {
        assignment: () => member.assignment(),
        committed: (partitions) => member.committed(partitions),
        start: (partition, offset) => member.start(partition, offset),
        take: (partition) => member.take(partition),
        wait: (timeoutMs) => member.wait(timeoutMs),
        commit: (commits) => member.commit(commits.map(change)),
        leave: () => member.leave(),
      };
      return changed;
    },
  };
}

function changedState(
  commit: Commit,
  change: (state: NonNullable<ReturnType<typeof parseResumeState>>) => NonNullable<ReturnType<typeof parseResumeState>>,
): Commit {
  const state = parseResumeState(commit.metadata);
  return state === null ? commit : { ...commit, metadata: formatResumeState(change(state)) };
}

function isOfPartials({ topic }: OutgoingRecord): boolean {
  return topic.endsWith('.partials');
}

function isPartialOfSource(record: OutgoingRecord): boolean {
  if (!isOfPartials(record) || !(record.value instanceof Uint8Array)) return false;
  const { type } = decodeMessage(record.value);
  return type === 'partial' || type === 'part';
}
