/**
 * A seeded scheduler over the in-memory log: every asynchronous operation of every worker waits here until the seed says that its turn has
 * come. So workers can be crashed at any await, frozen and revived late as zombies, and writes repeated, refused or their acknowledgements lost, and a
 * seed replays all of it.
 */
import { DependencyError } from '../../src/core/errors.ts';
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

/** What happens to one operation: it has its effect twice, or once and is reported failed, or none and is reported failed. */
export type Mishap = 'repeated' | 'acknowledgement lost' | 'refused';

export class Scheduler {
  readonly #random: Random;
  readonly #dead = new Set<string>();
  readonly #frozen = new Set<string>();
  readonly #mishaps: { readonly mishap: Mishap; readonly operation: 'produce' | 'commit' }[] = [];
  #pending: Pending[] = [];
  #timers: Timer[] = [];
  #order = 0;
  nowMs: number;

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
            const mishap = this.#mishapOf(operation.name);
            if (mishap === 'repeated') effect();
            if (mishap === 'refused') throw new DependencyError('The log refuses this in the simulation');
            const result = effect();
            if (mishap === 'acknowledgement lost') throw new DependencyError('No answer came in the simulation');
            resolve(result);
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

  /** The next operation of this name, whoever does it, comes to grief. */
  spoilNext(operation: 'produce' | 'commit', mishap: Mishap): void {
    this.#mishaps.push({ mishap, operation });
  }

  /** The worker's operations never come back from here on; what was due may still have its effect. Gives how many had. */
  crash(worker: string, chance: Random = this.#random): number {
    let effects = 0;
    for (const one of this.#pending) {
      if (one.worker !== worker || chance.next() >= 0.5) continue;
      one.effectOnly();
      effects++;
    }
    this.#dead.add(worker);
    this.#pending = this.#pending.filter((one) => one.worker !== worker);
    this.#timers = this.#timers.filter((timer) => timer.worker !== worker);
    return effects;
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
    let ready = 0;
    for (const one of this.#pending) if (this.#isAwake(one.worker)) ready++;
    if (ready > 0) {
      let left = this.#random.int(ready);
      const index = this.#pending.findIndex((one) => this.#isAwake(one.worker) && left-- === 0);
      const [chosen] = this.#pending.splice(index, 1);
      chosen?.run();
      return true;
    }
    let next = -1;
    for (const [index, timer] of this.#timers.entries()) {
      if (!this.#isAwake(timer.worker)) continue;
      const known = this.#timers[next];
      if (known === undefined || timer.atMs < known.atMs || (timer.atMs === known.atMs && timer.order < known.order)) next = index;
    }
    const [due] = next < 0 ? [] : this.#timers.splice(next, 1);
    if (due === undefined) return false;
    this.nowMs = Math.max(this.nowMs, due.atMs);
    due.resolve();
    return true;
  }

  #isAwake(worker: string): boolean {
    return !this.#frozen.has(worker) && !this.#dead.has(worker);
  }

  #mishapOf(name: Operation['name']): Mishap | null {
    const index = this.#mishaps.findIndex(({ operation }) => operation === name);
    return index < 0 ? null : (this.#mishaps.splice(index, 1)[0]?.mishap ?? null);
  }
}

/** Everything that follows from what has just been resolved has run up to its next await. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
