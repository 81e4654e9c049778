/**
 * Which records must be in which decided pane, by a fold of the topics that shares no code with the stages, held against the ids that the decisions
 * carry: every decided pane has the hash of every id in it (samples for the join with labels, nothing is cut at this size), its number of rows, and
 * for the topic as a whole the number of its late and invalid records.
 */
import { type FactSubject, readFeedback, readNode, readPredictions } from '../../src/core/detect/fact.ts';
import type { CoreSettings } from '../../src/core/settings.ts';
import { hashId } from '../../src/core/sketch/hash.ts';
import type { Hash64 } from '../../src/core/sketch/types.ts';
import { anyModel } from '../../src/core/summarize/messages.ts';
import type { ChaosTraffic } from './chaosTraffic.ts';
import type { TappedFact } from './historyTap.ts';

/** Figures in records. A record that stands in the wrong pane is one missing and one extra. */
export interface RecordTally {
  /** Records that must be in the decisions. */
  expected: number;
  missing: number;
  /** In a decision where the fold has no such record. */
  extra: number;
  /** More often than in the topics. */
  doubled: number;
}

export interface RecordTallies {
  /** Predictions in panes, one by one, by their ids. */
  readonly predictions: RecordTally;
  readonly late: RecordTally;
  readonly invalid: RecordTally;
  /** Labels, one by one, per model that they serve, by the offset that won. */
  readonly labels: RecordTally;
}

/** The records of one pane: how many, and which identities. */
interface Group {
  records: number;
  readonly ids: Set<string>;
}

type Groups = Map<string, Group>;

export interface FoldOptions {
  readonly settings: CoreSettings;
  readonly traffic: ChaosTraffic;
  readonly leadingGap: number;
  /** Name of the prediction topic. */
  readonly topic: string;
  /** Models with labels. */
  readonly models: readonly string[];
  /** Panes that end later are not looked at. */
  readonly untilMs: number;
}

/** Compares what was decided with what had to be. */
export function tallyRecords(options: FoldOptions, facts: Iterable<TappedFact>): RecordTallies {
  const expected = foldPredictions(options);
  const decided = decidedGroups(options, facts);
  return {
    predictions: compareGroups(expected.predictions, decided.predictions),
    late: compareGroups(expected.late, decided.late),
    invalid: compareGroups(expected.invalid, decided.invalid),
    labels: compareGroups(foldLabels(options), decided.labels),
  };
}

/** The three figures over everything. */
export function sumTallies({ predictions, late, invalid, labels }: RecordTallies): RecordTally {
  const sum = { expected: 0, missing: 0, extra: 0, doubled: 0 };
  for (const tally of [predictions, late, invalid, labels]) {
    sum.expected += tally.expected;
    sum.missing += tally.missing;
    sum.extra += tally.extra;
    sum.doubled += tally.doubled;
  }
  return sum;
}

function foldPredictions({ settings, traffic, untilMs }: FoldOptions): { predictions: Groups; late: Groups; invalid: Groups } {
  const { hopMs, latenessMs } = settings.window;
  const endOf = (timeMs: number) => Math.floor(timeMs / hopMs) * hopMs + hopMs;
  const [predictions, late, invalid]: [Groups, Groups, Groups] = [new Map(), new Map(), new Map()];
  for (const records of traffic.predictions) {
    let largestMs = Number.NEGATIVE_INFINITY;
    for (const { record, invalid: reason } of records) {
      if (reason !== null) {
        count(invalid, endOf(largestMs), untilMs);
        continue;
      }
      const endMs = endOf(record.timeMs);
      if (endMs <= largestMs - latenessMs) count(late, endOf(largestMs), untilMs);
      else if (endMs <= untilMs) add(predictions, paneKey(record.model, record.version, endMs), idKey(hashId(record.id)));
      largestMs = Math.max(largestMs, record.timeMs);
    }
  }
  return { predictions, late, invalid };
}

function foldLabels({ settings, traffic, leadingGap, models, untilMs }: FoldOptions): Groups {
  const { hopMs } = settings.window;
  /** By model and pane: the label that counts for each id, and all that came. */
  const panes = new Map<
    string,
    { records: number; readonly last: Map<string, readonly [timeMs: number, partition: number, offset: number]> }
  >();
  for (const [partition, records] of traffic.feedback.entries()) {
    let arrivalMs = 0;
    for (const [index, { record, timestampMs, invalid }] of records.entries()) {
      arrivalMs = Math.max(arrivalMs, timestampMs);
      const endMs = Math.floor(arrivalMs / hopMs) * hopMs + hopMs;
      if (invalid !== null || endMs > untilMs) continue;
      for (const model of models) {
        if (record.model !== model && record.model !== anyModel) continue;
        const key = paneKey(model, '', endMs);
        const pane = panes.get(key) ?? { records: 0, last: new Map() };
        panes.set(key, pane);
        pane.records++;
        const label = [record.timeMs, partition, leadingGap + index] as const;
        const id = idKey(hashId(record.id));
        const known = pane.last.get(id);
        if (known === undefined || isAfter(label, known)) pane.last.set(id, label);
      }
    }
  }
  const groups: Groups = new Map();
  for (const [key, { records, last }] of panes)
    groups.set(key, { records, ids: new Set([...last].map(([id, [, partition, offset]]) => `${id} ${partition}/${offset}`)) });
  return groups;
}

function isAfter(left: readonly number[], right: readonly number[]): boolean {
  const at = left.findIndex((value, index) => value !== right[index]);
  return at >= 0 && (left[at] ?? 0) > (right[at] ?? 0);
}

function decidedGroups({ settings, topic, models, untilMs }: FoldOptions, facts: Iterable<TappedFact>) {
  const { hopMs } = settings.window;
  const predictions: Groups = new Map();
  const labels: Groups = new Map();
  const topicPanes: { endMs: number; records: number; invalid: number }[] = [];
  const rowsByPane = new Map<number, number>();
  for (const { subject, values } of facts) {
    const [value] = values;
    if (value === undefined || !('endMs' in subject) || subject.endMs > untilMs) continue;
    if (subject.fact === 'node' && subject.stepMs === hopMs && subject.cell.segment === null) {
      const node = readNode([value], hopMs, subject.endMs);
      if (node === null) throw new Error(`A pane of ${subject.model} has parts, which this run is too small for`);
      if (subject.model === `topic:${topic}`) topicPanes.push(node);
      // The rows of a version; the node over all versions holds the same records again.
      else if (subject.cell.version !== '*') {
        groupAt(predictions, paneKey(subject.model, subject.cell.version, subject.endMs)).records += node.rows;
        rowsByPane.set(subject.endMs, (rowsByPane.get(subject.endMs) ?? 0) + node.rows);
      }
    } else if (subject.fact === 'predictions') {
      const { ids } = groupAt(predictions, paneKey(subject.model, subject.version, subject.endMs));
      for (const { hash } of entriesOf(subject, readPredictions([value]))) ids.add(idKey(hash));
    } else if (subject.fact === 'feedback' && models.includes(subject.model)) {
      const found = readFeedback([value]);
      const group = groupAt(labels, paneKey(subject.model, '', subject.endMs));
      for (const { hash, partition, offset } of entriesOf(subject, found)) group.ids.add(`${idKey(hash)} ${partition}/${offset}`);
      group.records += group.ids.size + (found?.sample.duplicates ?? 0);
    }
  }
  const late: Groups = new Map();
  const invalid: Groups = new Map();
  for (const pane of topicPanes) {
    // A topic's records are those in cells, the late and the invalid ones.
    groupAt(invalid, String(pane.endMs)).records += pane.invalid;
    groupAt(late, String(pane.endMs)).records += pane.records - pane.invalid - (rowsByPane.get(pane.endMs) ?? 0);
  }
  return { predictions, late, invalid, labels };
}

function entriesOf<E>(
  subject: FactSubject,
  found: { readonly sample: { readonly entries: readonly E[]; readonly threshold: Hash64 | null } } | null,
) {
  if (found === null || found.sample.threshold !== null)
    throw new Error(`The sample of ${JSON.stringify(subject)} was cut, which this run is too small for`);
  return found.sample.entries;
}

function compareGroups(expected: Groups, decided: Groups): RecordTally {
  const tally: RecordTally = { expected: 0, missing: 0, extra: 0, doubled: 0 };
  const nothing: Group = { records: 0, ids: new Set() };
  for (const key of new Set([...expected.keys(), ...decided.keys()])) {
    const want = expected.get(key) ?? nothing;
    const have = decided.get(key) ?? nothing;
    const gone = countBeyond(want.ids, have.ids);
    const strange = countBeyond(have.ids, want.ids);
    // Beyond the identities: an id that stands twice in the topic must be counted twice, and no other.
    const surplus = have.records - strange - (want.records - gone);
    tally.expected += want.records;
    tally.missing += gone + Math.max(0, -surplus);
    tally.extra += strange;
    tally.doubled += Math.max(0, surplus);
  }
  return tally;
}

function countBeyond(ids: ReadonlySet<string>, others: ReadonlySet<string>): number {
  let beyond = 0;
  for (const id of ids) if (!others.has(id)) beyond++;
  return beyond;
}

function paneKey(model: string, version: string, endMs: number): string {
  return JSON.stringify([model, version, endMs]);
}

function idKey({ high, low }: Hash64): string {
  return `${high}:${low}`;
}

function groupAt(groups: Groups, key: string): Group {
  const group = groups.get(key) ?? { records: 0, ids: new Set() };
  groups.set(key, group);
  return group;
}

function add(groups: Groups, key: string, id: string): void {
  const group = groupAt(groups, key);
  group.records++;
  group.ids.add(id);
}

/** Records without a pane of their own are known by their number. */
function count(groups: Groups, endMs: number, untilMs: number): void {
  if (endMs <= untilMs) groupAt(groups, String(endMs)).records++;
}
