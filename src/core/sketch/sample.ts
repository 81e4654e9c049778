/**
 * Bottom-k samples (Cohen & Kaplan 2007): the ids with the k smallest hashes. Every partition, worker and topic keeps the same ids, so a
 * prediction and its late label meet without repartitioning, and samples merge.
 */
import { compareHash } from './hash.ts';
import type { FeedbackSampleEntry, Hash64, PredictionSampleEntry, Sample } from './types.ts';

interface Hashed {
  readonly hash: Hash64;
}

/** Whether `candidate` replaces `kept`, an entry of the same id that was offered before it. */
type Supersedes<Entry> = (candidate: Entry, kept: Entry) => boolean;

/**
 * Builder of a sample. Entries below the threshold are gathered; when a quarter of k has come on top of k, they are sorted, cut to k, and
 * the threshold comes down. Once a sample is full almost every id is answered by `wouldKeep`: two comparisons.
 *
 * The sample depends on the offers and their order alone. A duplicate is counted if its id was below the threshold of that moment.
 */
class BottomK<Entry extends Hashed> {
  readonly #k: number;
  readonly #supersedes: Supersedes<Entry>;
  #entries: Entry[] = [];
  #thresholdHigh = 0x1_0000_0000;
  #thresholdLow = 0;
  #duplicates = 0;

  constructor(k: number, supersedes: Supersedes<Entry>) {
    this.#k = Math.max(1, k);
    this.#supersedes = supersedes;
  }

  /** Entries held now, duplicates not yet removed: for memory accounts. */
  get size(): number {
    return this.#entries.length;
  }

  /** Cheap check before an entry is built: false means that `offer` would do nothing. */
  wouldKeep(high: number, low: number): boolean {
    return high < this.#thresholdHigh || (high === this.#thresholdHigh && low < this.#thresholdLow);
  }

  /** Adds a record's entry, if its hash is small enough. */
  offer(entry: Entry): void {
    if (!this.wouldKeep(entry.hash.high, entry.hash.low)) return;
    this.#entries.push(entry);
    if (this.#entries.length < this.#k + Math.max(64, this.#k >> 2)) return;
    const { entries, threshold, duplicates } = this.sample();
    this.#entries = [...entries];
    this.#duplicates = duplicates;
    if (threshold !== null) {
      this.#thresholdHigh = threshold.high;
      this.#thresholdLow = threshold.low;
    }
  }

  /** The sample so far. Does not disturb. */
  sample(): Sample<Entry> {
    const threshold = this.#thresholdHigh > 0xffff_ffff ? null : { high: this.#thresholdHigh, low: this.#thresholdLow };
    return cutToK(this.#entries, this.#k, threshold, this.#duplicates, this.#supersedes);
  }
}

/** Sample of predictions: of several records of one id the first wins. */
export class PredictionSampler extends BottomK<PredictionSampleEntry> {
  /** @param k most entries of the sample. */
  constructor(k: number) {
    super(k, firstWins);
  }
}

/** Sample of labels: of several labels of one id the last by (timeMs, partition, offset) wins. */
export class FeedbackSampler extends BottomK<FeedbackSampleEntry> {
  /** @param k most entries of the sample. */
  constructor(k: number) {
    super(k, lastLabelWins);
  }
}

/** Union of prediction samples; of one id in several the first part's record wins. Exact (threshold null) while nothing was cut anywhere. */
export function mergePredictionSamples(parts: readonly Sample<PredictionSampleEntry>[], k: number): Sample<PredictionSampleEntry> {
  return mergeSamples(parts, k, firstWins);
}

/** Union of label samples; of several labels of one id the last by (timeMs, partition, offset) wins. */
export function mergeFeedbackSamples(parts: readonly Sample<FeedbackSampleEntry>[], k: number): Sample<FeedbackSampleEntry> {
  return mergeSamples(parts, k, lastLabelWins);
}

function firstWins(): boolean {
  return false;
}

function lastLabelWins(candidate: FeedbackSampleEntry, kept: FeedbackSampleEntry): boolean {
  return (candidate.timeMs - kept.timeMs || candidate.partition - kept.partition || candidate.offset - kept.offset) > 0;
}

function mergeSamples<Entry extends Hashed>(parts: readonly Sample<Entry>[], k: number, supersedes: Supersedes<Entry>): Sample<Entry> {
  let threshold: Hash64 | null = null;
  let duplicates = 0;
  for (const part of parts) {
    duplicates += part.duplicates;
    if (part.threshold !== null && (threshold === null || compareHash(part.threshold, threshold) < 0)) threshold = part.threshold;
  }
  const limit = threshold;
  const entries = parts.flatMap((part) => part.entries.filter((entry) => limit === null || compareHash(entry.hash, limit) < 0));
  return cutToK(entries, Math.max(1, k), limit, duplicates, supersedes);
}

/** Sorts, settles ids that occur more than once, and cuts to k: the first hash cut off is the new threshold. */
function cutToK<Entry extends Hashed>(
  entries: readonly Entry[],
  k: number,
  threshold: Hash64 | null,
  duplicatesBefore: number,
  supersedes: Supersedes<Entry>,
): Sample<Entry> {
  // The sort is stable: entries of one id stay in the order in which they came.
  const sorted = [...entries].sort((left, right) => compareHash(left.hash, right.hash));
  const distinct: Entry[] = [];
  let duplicates = duplicatesBefore;
  for (const entry of sorted) {
    const last = distinct.at(-1);
    if (last === undefined || compareHash(last.hash, entry.hash) !== 0) {
      distinct.push(entry);
    } else {
      duplicates += 1;
      if (supersedes(entry, last)) distinct[distinct.length - 1] = entry;
    }
  }
  const cut = distinct[k];
  if (cut === undefined) return { entries: distinct, threshold, duplicates };
  distinct.length = k;
  return { entries: distinct, threshold: cut.hash, duplicates };
}
