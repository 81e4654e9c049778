/** The workers of a chaos run: processes that are killed, frozen and woken, stopped and replaced. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../support/random.ts';
import { type CommandProcess, startCommand } from '../support/workerProcess.ts';

export interface FleetCounts {
  /** kill -9. */
  kills: number;
  /** SIGSTOP for longer than the session, then SIGCONT. */
  zombies: number;
  /** Of those: the group had put them out before they woke. */
  expelled: number;
  /** SIGTERM, all of them. */
  terms: number;
  /** Of those: did not end with 0 within its 10 s (a broker was away). */
  hardStops: number;
  /** Every worker stopped and replaced, one after the other. */
  rollingRestarts: number;
  /** Workers that ended without having been told to, and were started again. */
  crashes: number;
}

export interface FleetOptions {
  readonly random: Random;
  /** Configuration file of the workers. */
  readonly file: string;
  /** Names of the clients that are members of the group now. */
  readonly members: () => Promise<ReadonlySet<string>>;
  readonly report: (line: string) => void;
}

/** Longer than a member's session of 10 s. */
const shortestFreezeMs = 13_000;

interface WorkerProcess extends CommandProcess {
  readonly clientId: string;
}

export class Fleet {
  readonly counts: FleetCounts = { kills: 0, zombies: 0, expelled: 0, terms: 0, hardStops: 0, rollingRestarts: 0, crashes: 0 };
  readonly #options: FleetOptions;
  /** Those that run; a frozen one is not among them. */
  #workers: WorkerProcess[] = [];
  /** All that ever ran, so that none outlives the run. */
  readonly #started: WorkerProcess[] = [];
  readonly #thawing: Promise<void>[] = [];
  #isStopping = false;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#workers.length;
  }

  /** Starts or stops workers until so many run. */
  async scaleTo(wanted: number): Promise<void> {
    while (this.#workers.length < wanted) this.#start();
    while (this.#workers.length > wanted) await this.#term(this.#take());
  }

  /** kill -9 of any worker; gives whether there was one. */
  kill(): boolean {
    const worker = this.#take();
    if (worker === null) return false;
    this.counts.kills++;
    worker.process.kill('SIGKILL');
    return true;
  }

  /** Freezes a worker for longer than its session; it wakes as a zombie beside whoever took its partitions. Returns at once. */
  freeze(): void {
    const worker = this.#take();
    if (worker === null) return;
    this.counts.zombies++;
    worker.process.kill('SIGSTOP');
    const lastsMs = shortestFreezeMs + this.#options.random.int(8_000);
    this.#thawing.push(
      sleep(lastsMs).then(async () => {
        const members = await this.#options.members();
        if (!members.has(worker.clientId)) this.counts.expelled++;
        worker.process.kill('SIGCONT');
        if (worker.process.exitCode === null) this.#workers.push(worker);
      }),
    );
  }

  /** A deployment: each worker in turn is asked to stop, and replaced when it has ended. */
  async roll(): Promise<void> {
    this.counts.rollingRestarts++;
    for (const worker of [...this.#workers]) {
      const index = this.#workers.indexOf(worker);
      if (index < 0) continue;
      this.#workers.splice(index, 1);
      await this.#term(worker);
      this.#start();
    }
  }

  /** When the last frozen worker has woken. */
  async thawed(): Promise<void> {
    await Promise.all(this.#thawing);
  }

  /** Ends all that were ever started. */
  async close(): Promise<void> {
    this.#isStopping = true;
    for (const one of this.#started) {
      one.process.kill('SIGCONT');
      one.process.kill('SIGKILL');
    }
    await Promise.all(this.#started.map((one) => one.ended));
  }

  #start(): void {
    const clientId = `chaos-${this.#started.length}`;
    const worker = { ...startCommand(['worker', '--config', this.#options.file, '--set', `kafka.clientId=${clientId}`]), clientId };
    this.#workers.push(worker);
    this.#started.push(worker);
    // One that fails is started again, as its supervisor would.
    void worker.ended.then(({ code }) => {
      const index = this.#workers.indexOf(worker);
      if (index < 0 || this.#isStopping) return;
      this.counts.crashes++;
      this.#options.report(`a worker ended by itself with ${code}:\n${lastWords(worker.err())}`);
      this.#workers.splice(index, 1);
      this.#start();
    });
  }

  #take(): WorkerProcess | null {
    if (this.#workers.length === 0) return null;
    return this.#workers.splice(this.#options.random.int(this.#workers.length), 1)[0] ?? null;
  }

  async #term(worker: WorkerProcess | null): Promise<void> {
    if (worker === null) return;
    this.counts.terms++;
    worker.process.kill('SIGTERM');
    const { code } = await worker.ended;
    if (code === 0) return;
    this.counts.hardStops++;
    this.#options.report(`a worker that was asked to stop ended with ${code}:\n${lastWords(worker.err())}`);
  }
}

/** What a process said at its end: the lines that are no log lines, else the last one. */
function lastWords(text: string): string {
  const lines = text.trim().split('\n');
  const words = lines.filter((line) => !line.startsWith('{'));
  return (words.length === 0 ? lines.slice(-1) : words.slice(-12)).map((line) => `  ${line}`).join('\n');
}
