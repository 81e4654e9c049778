/**
 * Looks at every commit of the three groups as it is taken: it must not pass what is not yet in a partial (summarize), not decided by a fact (detect), or not
 * dealt with in `deliveries` (notify). At the end of a run such a commit may have done no harm; a crash right after it would have lost something.
 */
import { type SourceRole, sourceKey } from '../../src/core/summarize/messages.ts';
import { partitionKey } from '../../src/log/partitionKey.ts';
import type { Commit } from '../../src/log/port.ts';
import type { Journal, WrittenMessage } from './journal.ts';
import type { Losses } from './losses.ts';
import type { SimulatedScenario, SourceTraffic } from './scenario.ts';

/** A record that must be in a partial, and the partial's identity. */
export interface Due {
  readonly offset: number;
  readonly identity: string;
  readonly paneMs: number;
  readonly role: SourceRole;
}

export class CommitWatch {
  readonly problems: string[] = [];
  readonly #journal: Journal;
  readonly #losses: Losses;
  readonly #hopMs: number;
  readonly #due: ReadonlyMap<string, readonly Due[]>;
  /** `[from, to)` of the partials of an identity. */
  readonly #covered = new Map<string, (readonly [from: number, to: number])[]>();
  /** Largest commit that was looked at, by group and partition. */
  readonly #seen = new Map<string, number>();
  readonly #groups: ReadonlyMap<string, (commit: Commit, from: number) => string | null>;

  constructor(scenario: SimulatedScenario, due: ReadonlyMap<string, readonly Due[]>, journal: Journal, losses: Losses) {
    const { group, window } = scenario.settings;
    this.#journal = journal;
    this.#losses = losses;
    this.#hopMs = window.hopMs;
    this.#due = due;
    this.#groups = new Map([
      [group, (commit: Commit, from: number) => this.#unsummarized(commit, from)],
      [`${group}-detect`, (commit: Commit, from: number) => this.#undecided(commit, from)],
      [`${group}-notify`, (commit: Commit, from: number) => this.#undelivered(commit, from)],
    ]);
    journal.onPartial.push((_partition, written) => this.#cover(written));
  }

  readonly commit = (group: string, commit: Commit): void => {
    const key = `${group}/${partitionKey(commit)}`;
    const from = this.#seen.get(key) ?? 0;
    if (commit.offset <= from) return;
    const problem = this.#groups.get(group)?.(commit, from) ?? null;
    if (problem !== null) this.problems.push(`${group} commits ${commit.offset} of ${partitionKey(commit)}, but ${problem}`);
    this.#seen.set(key, commit.offset);
  };

  #cover({ message }: WrittenMessage): void {
    if (message.type !== 'partial') return;
    const { source, chunk, paneMs, model, from, to } = message;
    const identity = identityOf(sourceKey(source), chunk, paneMs, model);
    const ranges = this.#covered.get(identity);
    if (ranges === undefined) this.#covered.set(identity, [[from, to]]);
    else ranges.push([from, to]);
  }

  #unsummarized(commit: Commit, from: number): string | null {
    const due = this.#due.get(partitionKey(commit)) ?? [];
    for (let index = indexFrom(due, from); index < due.length; index++) {
      const { offset, identity } = due[index] as Due;
      if (offset >= commit.offset) return null;
      const isCovered = this.#covered.get(identity)?.some(([first, end]) => first <= offset && offset < end);
      if (isCovered !== true && !this.#losses.isLost(commit, offset)) return `the record at ${offset} is in no partial ${identity}`;
    }
    return null;
  }

  #undecided({ partition, offset: committed }: Commit, from: number): string | null {
    const written = this.#journal.partials[partition] ?? [];
    const { dataEndMs = 0, labelEndMs = 0, offset: decidedBy = -1 } = this.#journal.progress[partition] ?? {};
    for (let index = indexFrom(written, from); index < written.length; index++) {
      const { offset, message } = written[index] as WrittenMessage;
      if (offset >= committed) return null;
      if (message.type !== 'partial' && decidedBy >= 0 && offset > decidedBy)
        return `no fact holds what the ${message.type} record at ${offset} says`;
      if (message.type !== 'partial' || message.paneMs === null) continue;
      const decidedMs = message.source.role === 'feedback' ? labelEndMs : dataEndMs;
      if (message.paneMs + this.#hopMs > decidedMs)
        return `the pane of ${new Date(message.paneMs).toISOString()} of ${message.model}, whose partial is at ${offset}, is not decided`;
    }
    return null;
  }

  #undelivered({ partition, offset: committed }: Commit, from: number): string | null {
    const events = this.#journal.events[partition] ?? [];
    for (let index = indexFrom(events, from); index < events.length; index++) {
      const { offset, event } = events[index] as (typeof events)[number];
      if (offset >= committed) return null;
      if ((this.#journal.delivered.get(event.incident) ?? -1) >= event.ordinal) continue;
      const isOvertaken =
        (event.step === 'reminded' || event.step === 'escalated') &&
        events.some(({ event: later }) => later.incident === event.incident && later.ordinal > event.ordinal);
      if (!isOvertaken) return `event ${event.id} (${event.kind} ${event.step}) at ${offset} was not dealt with`;
    }
    return null;
  }
}

/** What must stand in partials, by source partition: every record that is not late. A function of the scenario alone. */
export function dueRecords({ settings, sources }: SimulatedScenario): ReadonlyMap<string, readonly Due[]> {
  const { hopMs, latenessMs } = settings.window;
  const paneOf = (timeMs: number) => timeMs - (timeMs % hopMs);
  const ofSource = ({ role, topic, partition, records }: SourceTraffic): Due[] => {
    let largestMs = Number.NEGATIVE_INFINITY;
    return records.flatMap(({ record, timestampMs, offset }) => {
      const timeMs = role === 'feedback' ? Math.max(largestMs, timestampMs) : record.timeMs;
      const paneMs = paneOf(timeMs);
      const isLate = role === 'predictions' && paneMs + hopMs <= largestMs - latenessMs;
      largestMs = Math.max(largestMs, timeMs);
      if (isLate) return [];
      const identity = identityOf(`${role}/${topic}/${partition}`, Math.floor(offset / 65_536), paneMs, record.model);
      return [{ offset, identity, paneMs, role }];
    });
  };
  return new Map(sources.map((source) => [partitionKey(source), ofSource(source)]));
}

export function identityOf(source: string, chunk: number, paneMs: number | null, model: string): string {
  return `${source}/${chunk}/${paneMs}/${model}`;
}

/** Index of the first entry at or after an offset. */
function indexFrom(entries: readonly { readonly offset: number }[], offset: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.offset ?? offset) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
