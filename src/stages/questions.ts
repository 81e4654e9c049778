import { DependencyError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { partitionKey } from '../log/partitionKey.ts';
import type { Clock, TopicPartition } from '../log/port.ts';
import { Setback } from './setback.ts';

/** What a partition is asked about: an answer for a former ownership of it is none for the present one. */
export interface Asked extends TopicPartition {
  readonly since?: number;
}

/** How long an answer is waited for. Most come within milliseconds. */
const momentMs = 1_000;

/**
 * Questions about single partitions, all at once. One whose broker does not answer holds up no other: it is waited for a moment, and not asked again while its question is under way; what
 * comes late is given to whoever asks next.
 */
export class Questions<Answer> {
  readonly #clock: Clock;
  readonly #setback: Setback;
  /** Said where a question fails. */
  readonly #words: string;
  readonly #underWay = new Set<string>();
  readonly #answers = new Map<string, Answer>();
  /** What is no fault of the partition. */
  #failure: { readonly error: unknown } | null = null;

  constructor(clock: Clock, logger: Logger, words: string) {
    this.#clock = clock;
    this.#setback = new Setback(clock, logger);
    this.#words = words;
  }

  /** The answers that are there, by `answerKey`. Rejects with what a question rejects with, but for a `DependencyError`: that partition has no answer now. */
  async ask<At extends Asked>(partitions: readonly At[], question: (at: At) => Promise<Answer>): Promise<ReadonlyMap<string, Answer>> {
    if (partitions.length === 0) return new Map();
    const left = partitions.filter((at) => !this.#answers.has(answerKey(at)) && !this.#underWay.has(answerKey(at)));
    const asking = Promise.all(left.map((at) => this.#askOne(at, question)));
    if (left.length > 0) await Promise.race([asking, this.#clock.sleep(momentMs)]);
    if (this.#failure !== null) throw this.#failure.error;
    const answers = new Map<string, Answer>();
    for (const key of partitions.map(answerKey)) {
      const answer = this.#answers.get(key);
      if (answer !== undefined) answers.set(key, answer);
      this.#answers.delete(key);
    }
    return answers;
  }

  async #askOne<At extends Asked>(at: At, question: (at: At) => Promise<Answer>): Promise<void> {
    const key = answerKey(at);
    this.#underWay.add(key);
    try {
      this.#answers.set(key, await question(at));
      this.#setback.passed(partitionKey(at), 'Questions about partitions are answered again');
    } catch (error) {
      if (error instanceof DependencyError)
        this.#setback.failed(partitionKey(at), { topic: at.topic, partition: at.partition, error }, this.#words);
      else this.#failure ??= { error };
    } finally {
      this.#underWay.delete(key);
    }
  }
}

export function answerKey(at: Asked): string {
  return `${partitionKey(at)} ${at.since ?? ''}`;
}
