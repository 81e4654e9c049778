/**
 * Pictures whose events have gone ahead of them, because Sentry limited attachments at that moment: sent by themselves, under the id of the event, when the limit is over.
 * In memory and bounded: a picture is worth waiting for, not keeping.
 */
import type { Attachment } from '@sentry/core';
import { attachmentPauseMs, type ServerAnswer } from './acceptance.ts';

/** Most pictures that wait, of 20 to 60 KB; the oldest give way. */
const most = 50;
/** A picture that would have to wait longer comes too late to help. */
const longestWaitMs = 3_600_000;
/** Pause after an answer that is neither yes nor a limit. */
const retryPauseMs = 30_000;
const mostAttempts = 5;

interface Late {
  readonly attachments: readonly Attachment[];
  readonly sinceMs: number;
  attempts: number;
}

/** Runs something later; gives what calls it off. */
export type Schedule = (delayMs: number, run: () => void) => () => void;

/** By the machine's timers. What waits here keeps no worker from ending. */
export const scheduleLoosely: Schedule = (delayMs, run) => {
  const timer = setTimeout(run, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
};

export interface LatePicturesOptions {
  readonly nowMs: () => number;
  readonly schedule: Schedule;
  /** Sends attachments of an event that Sentry has; null where no answer came. */
  readonly send: (eventId: string, attachments: readonly Attachment[]) => Promise<ServerAnswer | null>;
  /** A picture was given up. */
  readonly onLost: () => void;
}

export class LatePictures {
  readonly #options: LatePicturesOptions;
  readonly #late = new Map<string, Late>();
  #callOff: (() => void) | null = null;
  #dueMs = 0;

  constructor(options: LatePicturesOptions) {
    this.#options = options;
  }

  /** Keeps the attachments of an accepted event until `dueMs`. False where that is too far away. */
  keep(eventId: string, attachments: readonly Attachment[], dueMs: number): boolean {
    const nowMs = this.#options.nowMs();
    if (dueMs - nowMs > longestWaitMs) return false;
    this.#late.set(eventId, { attachments, sinceMs: nowMs, attempts: 0 });
    for (const oldest of this.#late.keys()) {
      if (this.#late.size <= most) break;
      this.#lose(oldest);
    }
    this.#schedule(dueMs);
    return true;
  }

  /** Gives up what still waits. */
  close(): void {
    this.#callOff?.();
    this.#callOff = null;
    for (const eventId of this.#late.keys()) this.#lose(eventId);
  }

  #schedule(dueMs: number): void {
    this.#dueMs = Math.max(this.#dueMs, dueMs);
    this.#callOff?.();
    this.#callOff = this.#options.schedule(Math.max(0, this.#dueMs - this.#options.nowMs()), () => void this.#sendAll());
  }

  /** One after the other, until one is refused. */
  async #sendAll(): Promise<void> {
    this.#callOff = null;
    for (const [eventId, late] of [...this.#late]) {
      const { nowMs, send } = this.#options;
      const answer = await send(eventId, late.attachments);
      if (!this.#late.has(eventId)) continue;
      if (answer !== null && answer.status >= 200 && answer.status < 300) {
        this.#late.delete(eventId);
        continue;
      }
      late.attempts += 1;
      const isRefused = answer !== null && answer.status !== 429 && answer.status < 500;
      if (isRefused || late.attempts >= mostAttempts || nowMs() - late.sinceMs > longestWaitMs) {
        this.#lose(eventId);
        continue;
      }
      this.#schedule(nowMs() + (answer === null ? retryPauseMs : (attachmentPauseMs(answer) ?? retryPauseMs)));
      return;
    }
  }

  #lose(eventId: string): void {
    if (this.#late.delete(eventId)) this.#options.onLost();
  }
}
