/** A clock that stands still until it is told to go on: a day passes in seconds, and nothing happens twice in another order. */
import type { Clock } from '../../src/log/port.ts';

interface Timer {
  readonly atMs: number;
  readonly run: () => void;
}

export class SimulatedClock implements Clock {
  #nowMs: number;
  /** Ascending by time; of the same time the older first. */
  readonly #timers: Timer[] = [];

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.schedule(milliseconds, resolve));
  }

  /** Runs something later; gives what calls it off. */
  schedule(milliseconds: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + milliseconds, run };
    const behind = this.#timers.findIndex(({ atMs }) => atMs > timer.atMs);
    this.#timers.splice(behind < 0 ? this.#timers.length : behind, 0, timer);
    return () => {
      const index = this.#timers.indexOf(timer);
      if (index >= 0) this.#timers.splice(index, 1);
    };
  }

  /**
   * Goes on to `untilMs`, timer by timer; whatever a timer sets off has come to rest before the next. Time stands still while `isBusy`: what happens outside
   * of it (a request) takes none of it.
   */
  async runTo(untilMs: number, isBusy: () => boolean): Promise<void> {
    for (;;) {
      do await new Promise((resolve) => setImmediate(resolve));
      while (isBusy());
      const [next] = this.#timers;
      if (next === undefined || next.atMs > untilMs) break;
      this.#timers.shift();
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }
}
