/**
 * Deliberate bugs, each of which the simulation must catch: a simulation that cannot fail proves nothing. A bug is put in for one run, either between a
 * worker and the log or into a class of the core, and taken out again.
 */
import { Detector } from '../../src/core/detect/detector.ts';
import { PaneStore } from '../../src/core/detect/paneStore.ts';
import { DeliveryQueue } from '../../src/core/incident/delivery.ts';
import { decodeMessage, encodeMessage } from '../../src/core/summarize/codec.ts';
import { type PartialRecord, sourceKey } from '../../src/core/summarize/messages.ts';
import { PartitionSummarizer } from '../../src/core/summarize/partitionSummarizer.ts';
import { formatResumeState, parseResumeState, type ResumeState } from '../../src/core/summarize/resumeState.ts';
import type { Batch, Commit, Log, Member, OutgoingRecord } from '../../src/log/port.ts';
import type { Wrap } from './world.ts';

export interface Mutation {
  readonly stage: 'summarize' | 'detect' | 'notify';
  readonly name: string;
  readonly wrap?: Wrap;
  /** Puts the bug into the core; gives what takes it out again. */
  readonly plant?: () => () => void;
}

export const mutations: readonly Mutation[] = [
  {
    stage: 'summarize',
    name: 'watermark before partials',
    wrap: (log) => swapped(log, isPartialOfSource, (records) => !records.some(isPartialOfSource)),
  },
  {
    stage: 'summarize',
    name: 'commit before the acknowledgement of the partials',
    wrap: (log) => unawaited(log, (records) => records.some(isOf('.partials'))),
  },
  {
    stage: 'summarize',
    name: 'no closed pane in the metadata',
    wrap: (log) => commitBy(log, (commit) => changedState(commit, (state) => ({ ...state, closedUntilMs: null }))),
  },
  {
    stage: 'summarize',
    name: 'no largest event time in the metadata: a restart judges lateness anew',
    wrap: (log) => commitBy(log, (commit) => changedState(commit, (state) => ({ ...state, maxTimeMs: null, closedUntilMs: null }))),
  },
  {
    stage: 'summarize',
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
        return flushed.has(this) ? committedAt(point.metadata, this.position) : point;
      };
      return () => {
        PartitionSummarizer.prototype.flushIdle = flushIdle;
        PartitionSummarizer.prototype.resumePoint = resumePoint;
      };
    },
  },
  {
    stage: 'summarize',
    name: 'a commit that moves past open cells',
    plant: () => {
      const { resumePoint } = PartitionSummarizer.prototype;
      PartitionSummarizer.prototype.resumePoint = function (this: PartitionSummarizer) {
        return committedAt(resumePoint.call(this).metadata, this.position);
      };
      return () => {
        PartitionSummarizer.prototype.resumePoint = resumePoint;
      };
    },
  },
  {
    stage: 'summarize',
    name: 'a partial from the middle of a pane that says it is complete',
    wrap: (log) =>
      produceBy(log, (records, produce) =>
        produce(
          records.map((record) => {
            const message = messageOf(record);
            return message?.type === 'partial' ? { ...record, value: encodeMessage({ ...message, complete: true }) } : record;
          }),
        ),
      ),
  },
  {
    stage: 'summarize',
    name: 'a new partition that is read from its end',
    wrap: (log) => ({
      ...log,
      offsets: async (at) => {
        const { low, high } = await log.offsets(at);
        return at.topic === 'predictions' && at.partition >= 2 ? { low: high, high } : { low, high };
      },
    }),
  },
  {
    stage: 'detect',
    name: 'the smaller `to` wins',
    plant: () => {
      const { put } = PaneStore.prototype;
      const known = new WeakMap<PaneStore, Map<string, number>>();
      PaneStore.prototype.put = function (this: PaneStore, paneMs: number, partial: PartialRecord, offset: number) {
        const largest = known.get(this) ?? new Map<string, number>();
        known.set(this, largest);
        const identity = identityOf(paneMs, partial);
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
    stage: 'detect',
    name: 'every partial is added, repetitions too',
    plant: () => {
      const { take } = PaneStore.prototype;
      const { put } = PaneStore.prototype;
      const extra = new WeakMap<PaneStore, Map<number, PartialRecord[]>>();
      PaneStore.prototype.put = function (this: PaneStore, paneMs: number, partial: PartialRecord, offset: number) {
        const panes = extra.get(this) ?? new Map<number, PartialRecord[]>();
        extra.set(this, panes);
        panes.set(paneMs, [...(panes.get(paneMs) ?? []), partial]);
        put.call(this, paneMs, partial, offset);
      };
      PaneStore.prototype.take = function (this: PaneStore, paneMs: number) {
        const byModel = take.call(this, paneMs);
        const all = extra.get(this)?.get(paneMs) ?? [];
        return new Map([...byModel.keys()].map((model) => [model, all.filter((partial) => partial.model === model)]));
      };
      return () => {
        PaneStore.prototype.put = put;
        PaneStore.prototype.take = take;
      };
    },
  },
  {
    stage: 'detect',
    name: 'commits past what undecided panes need',
    plant: () => {
      const lowest = Object.getOwnPropertyDescriptor(PaneStore.prototype, 'lowestOffset') as PropertyDescriptor;
      Object.defineProperty(PaneStore.prototype, 'lowestOffset', { configurable: true, get: () => null });
      return () => Object.defineProperty(PaneStore.prototype, 'lowestOffset', lowest);
    },
  },
  {
    stage: 'detect',
    name: 'commits past watermarks that no decided fact holds',
    plant: () => {
      const { commitOffset } = Detector.prototype;
      // By the words of a detector that has decided nothing, which holds no watermark back.
      Detector.prototype.commitOffset = function (this: Detector, position: number) {
        return this.undecidedPanes === 0 ? position : commitOffset.call(this, position);
      };
      return () => {
        Detector.prototype.commitOffset = commitOffset;
      };
    },
  },
  {
    stage: 'detect',
    name: 'the decided fact before the facts',
    wrap: (log) =>
      swapped(
        log,
        (record) => isOf('.history')(record) && isFact(record),
        (records) => records.some(isDecided),
      ),
  },
  {
    stage: 'detect',
    name: 'events after the decided fact',
    wrap: (log) => swapped(log, isOf('.events'), (records) => records.some(isDecided)),
  },
  {
    stage: 'detect',
    name: 'tombstones before the decided fact',
    wrap: (log) => {
      let decided: readonly OutgoingRecord[] = [];
      const write = async () => {
        const late = decided;
        decided = [];
        if (late.length > 0) await log.produce(late);
      };
      const changed = produceBy(log, async (records, produce) => {
        if (records.some(isDecided)) {
          decided = records;
          return records.map(() => 0);
        }
        if (records.some(isOf('.history')) && !records.some(isTombstone)) await write();
        const offsets = await produce(records);
        if (records.some(isTombstone)) await write();
        return offsets;
      });
      return commitBy(changed, async (commit) => {
        if (commit.topic.endsWith('.partials')) await write();
        return commit;
      });
    },
  },
  {
    stage: 'notify',
    name: 'commits before the sink has accepted',
    plant: () => {
      const { advance } = DeliveryQueue.prototype;
      const position = Object.getOwnPropertyDescriptor(DeliveryQueue.prototype, 'position') as PropertyDescriptor;
      const read = new WeakMap<DeliveryQueue, number>();
      DeliveryQueue.prototype.advance = function (this: DeliveryQueue, nextOffset: number) {
        read.set(this, Math.max(nextOffset, read.get(this) ?? nextOffset));
        advance.call(this, nextOffset);
      };
      Object.defineProperty(DeliveryQueue.prototype, 'position', {
        configurable: true,
        get(this: DeliveryQueue) {
          return read.get(this) ?? position.get?.call(this);
        },
      });
      return () => {
        DeliveryQueue.prototype.advance = advance;
        Object.defineProperty(DeliveryQueue.prototype, 'position', position);
      };
    },
  },
  {
    stage: 'notify',
    name: 'commits before `deliveries` has acknowledged',
    wrap: (log) => unawaited(log, (records) => records.some(isOf('.deliveries')) && records.every(({ key }) => key !== 'barrier')),
  },
  {
    stage: 'notify',
    name: 'ignores `deliveries` on a restart',
    wrap: (log) => ({
      ...log,
      read: async (at, fromOffset) => {
        const reader = await log.read(at, fromOffset);
        if (!at.topic.endsWith('.deliveries')) return reader;
        const emptied = (batch: Batch | null) => (batch === null ? null : { ...batch, records: [] });
        return { next: async (timeoutMs) => emptied(await reader.next(timeoutMs)), close: () => reader.close() };
      },
    }),
  },
  {
    stage: 'notify',
    name: 'delivers two steps of an incident at a time',
    plant: () => {
      const { add } = DeliveryQueue.prototype;
      DeliveryQueue.prototype.add = function (this: DeliveryQueue, offset, event) {
        return add.call(this, offset, { ...event, chain: event.id });
      };
      return () => {
        DeliveryQueue.prototype.add = add;
      };
    },
  },
  {
    stage: 'notify',
    name: 'takes a refusal for an acceptance',
    plant: () => {
      const { postpone } = DeliveryQueue.prototype;
      DeliveryQueue.prototype.postpone = function (this: DeliveryQueue, event) {
        this.settle(event);
        return 1;
      };
      return () => {
        DeliveryQueue.prototype.postpone = postpone;
      };
    },
  },
];

function produceBy(
  log: Log,
  produceInstead: (records: readonly OutgoingRecord[], produce: Log['produce']) => Promise<readonly number[]>,
): Log {
  return { ...log, produce: (records) => produceInstead(records, (all) => log.produce(all)) };
}

/** Does not wait for what is written, and takes it for written. */
function unawaited(log: Log, isMeant: (records: readonly OutgoingRecord[]) => boolean): Log {
  return produceBy(log, async (records, produce) => {
    if (!isMeant(records)) return produce(records);
    produce(records).catch(() => {});
    return records.map(() => 0);
  });
}

/** Keeps back the writes that hold such a record until one of the others is written. */
function swapped(log: Log, isKept: (record: OutgoingRecord) => boolean, isOther: (records: readonly OutgoingRecord[]) => boolean): Log {
  let keptBack: OutgoingRecord[] = [];
  return produceBy(log, async (records, produce) => {
    if (records.some(isKept)) {
      keptBack.push(...records);
      return records.map(() => 0);
    }
    const offsets = await produce(records);
    if (!isOther(records)) return offsets;
    const late = keptBack;
    keptBack = [];
    if (late.length > 0) await produce(late);
    return offsets;
  });
}

function commitBy(log: Log, change: (commit: Commit) => Commit | Promise<Commit>): Log {
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
        commit: async (commits) => member.commit(await Promise.all(commits.map(change))),
        leave: () => member.leave(),
      };
      return changed;
    },
  };
}

function changedState(commit: Commit, change: (state: ResumeState) => ResumeState): Commit {
  const state = parseResumeState(commit.metadata);
  return state === null ? commit : { ...commit, metadata: formatResumeState(change(state)) };
}

function isOf(suffix: string): (record: OutgoingRecord) => boolean {
  return ({ topic }) => topic.endsWith(suffix);
}

function isDecided(record: OutgoingRecord): boolean {
  return isOf('.history')(record) && String(record.key).startsWith('["decided"') && record.value !== null;
}

function isFact(record: OutgoingRecord): boolean {
  return record.value !== null && !isDecided(record) && !String(record.key).startsWith('["barrier"');
}

function isTombstone(record: OutgoingRecord): boolean {
  return isOf('.history')(record) && record.value === null;
}

function messageOf(record: OutgoingRecord) {
  return isOf('.partials')(record) && record.value instanceof Uint8Array ? decodeMessage(record.value) : null;
}

function isPartialOfSource(record: OutgoingRecord): boolean {
  const type = messageOf(record)?.type;
  return type === 'partial' || type === 'part';
}

function identityOf(paneMs: number, { source, chunk, model }: PartialRecord): string {
  return `${sourceKey(source)}/${chunk}/${paneMs}/${model}`;
}

/** A commit as the program would make it there: its metadata name its offset, so that one that a person has moved is known. */
function committedAt(metadata: string, offset: number): { offset: number; metadata: string } {
  return { offset, metadata: metadata.replace(/"offset":\d+/, `"offset":${offset}`) };
}
