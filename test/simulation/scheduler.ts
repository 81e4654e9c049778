/**
 * A seeded scheduler over the in-memory log: every asynchronous operation of every worker waits here until the seed says that its turn has
 * come. So workers can be crashed at any await, frozen and revived late as zombies, and writes repeated, and a seed replays all of it.
 */
import type { Interpose, Operation } from '../../src/log/memory/memoryContext.ts';
import type { Clock } from '../../src/log/port.ts';
import type { Random } from '../support/random.ts';

interface Pending {
  readonly worker: string;
  readonly name: Operation['name'];
  /** Runs the effect and resolves. */
  readonly run: () => void;
  /** Runs the effect and never resolves: a crash after the write, before its acknowledgement. */
  readonly effectOnly: () => void;
}

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly worker: string;
  readonly resolve: () => void;
}

export class Scheduler {
  readonly #random: Random;
  readonly #dead = new Set<string>();
  readonly #frozen = new Set<string>();
  #pending: Pending[] = [];
  #timers: Timer[] = [];
  #order = 0;
  nowMs: number;
  /** Share of writes that happen twice: a retry whose first try had worked. */
  repeatShare = 0;

  constructor(random: Random, startMs: number) {
    this.#random = random;
    this.nowMs = startMs;
  }

  /** Operations without a worker (the feeder, the checks) happen at once. */
  readonly interpose: Interpose = (operation, effect) => {
    const worker = operation.member;
    if (worker === undefined) return Promise.resolve().then(effect);
    return new Promise((resolve, reject) => {
      this.#pending.push({
        worker,
        name: operation.name,
        run: () => {
          try {
            if (operation.name === 'produce' && this.#random.next() < this.repeatShare) effect();
            resolve(effect());
          } catch (error) {
            reject(error);
          }
        },
        effectOnly: () => {
          try {
            effect();
          } catch {
            // Nobody is left to hear of it.
          }
        },
      });
    });
  };

  clockOf(worker: string): Clock {
    return {
      nowMs: () => this.nowMs,
      sleep: (milliseconds) =>
        new Promise((resolve) => {
          this.#timers.push({ atMs: this.nowMs + milliseconds, order: this.#order++, worker, resolve });
        }),
    };
  }

  /** An operation of a worker that is not one of the log (a delivery), in the same queue. */
  run<T>(worker: string, effect: () => T): Promise<T> {
    return this.interpose({ name: 'wait', member: worker }, effect);
  }

  /** The worker's operations never come back from here on; the one that was due may still have its effect. */
  crash(worker: string): void {
    const due = this.#pending.filter((one) => one.worker === worker);
    for (const one of due) if (this.#random.next() < 0.5) one.effectOnly();
    this.#dead.add(worker);
    this.#pending = this.#pending.filter((one) => one.worker !== worker);
    this.#timers = this.#timers.filter((timer) => timer.worker !== worker);
  }

  freeze(worker: string): void {
    this.#frozen.add(worker);
  }

  thaw(worker: string): void {
    this.#frozen.delete(worker);
  }

  /** Lets one operation happen; without one, time goes on to the next timer. False where nothing is left to do. */
  async step(): Promise<boolean> {
    await settled();
    this.#pending = this.#pending.filter((one) => !this.#dead.has(one.worker));
    const ready = this.#pending.filter((one) => !this.#frozen.has(one.worker));
    if (ready.length > 0) {
      const chosen = ready[this.#random.int(ready.length)] as Pending;
      this.#pending.splice(this.#pending.indexOf(chosen), 1);
      chosen.run();
      return true;
    }
    let next: Timer | null = null;
    for (const timer of this.#timers) {
      if (this.#frozen.has(timer.worker) || this.#dead.has(timer.worker)) continue;
      if (next === null || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.order < next.order)) next = timer;
    }
    if (next === null) return false;
    this.#timers.splice(this.#timers.indexOf(next), 1);
    this.nowMs = Math.max(this.nowMs, next.atMs);
    next.resolve();
    return true;
  }
}

/** Everything that follows from what has just been resolved has run up to its next await. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
