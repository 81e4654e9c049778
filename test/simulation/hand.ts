/** The hand that disturbs a world as a plan says, and keeps an account of what it has done. */
import { internalTopics } from '../../src/core/incident/topics.ts';
import { Random } from '../support/random.ts';
import type { Losses } from './losses.ts';
import type { Disturbance } from './plan.ts';
import type { SimulatedScenario, SourceTraffic } from './scenario.ts';
import { outages } from './sink.ts';
import type { World } from './world.ts';

const mostWorkers = 3;
/** What retention takes is older than the end of what must be decided by this. */
const spared = 2 * 3_600_000;
/** Steps between two compactions after which the second drops the tombstones that the first has seen: Kafka's `delete.retention.ms`. */
const tombstoneSteps = 500;

interface Later {
  readonly step: number;
  readonly act: () => void;
}

export class Hand {
  /** What was done, a line each. */
  readonly account: string[] = [];
  readonly #world: World;
  readonly #scenario: SimulatedScenario;
  readonly #losses: Losses;
  readonly #plan: Disturbance[];
  #later: Later[] = [];
  /** Ends of the compacted partitions at an earlier compaction, and its step. */
  readonly #compacted = new Map<string, { readonly step: number; readonly end: number }>();
  crashes = 0;
  zombies = 0;

  constructor(world: World, scenario: SimulatedScenario, losses: Losses, plan: readonly Disturbance[]) {
    this.#world = world;
    this.#scenario = scenario;
    this.#losses = losses;
    this.#plan = [...plan];
  }

  get isDone(): boolean {
    return this.#plan.length === 0 && this.#later.length === 0;
  }

  async at(step: number): Promise<void> {
    for (let next = this.#plan[0]; next !== undefined && next.step <= step; next = this.#plan[0]) {
      this.#plan.shift();
      const done = await this.#disturb(next);
      if (done !== null) this.account.push(`step ${String(next.step).padStart(5)}: ${done}`);
    }
    const due = this.#later.filter((later) => later.step <= step);
    if (due.length === 0) return;
    this.#later = this.#later.filter((later) => later.step > step);
    for (const { act } of due) act();
  }

  /** Does it; says what was done, or null where there was nothing to do it to. */
  async #disturb(one: Disturbance): Promise<string | null> {
    const { scheduler, log, feed, inbox } = this.#world;
    const chance = new Random(Math.floor(one.pick * 2 ** 40));
    const victim = pickOf(this.#world.running, chance);
    const source = pickOf(this.#scenario.sources, chance) as SourceTraffic;
    const until = one.step + one.length;
    switch (one.kind) {
      case 'crash': {
        if (victim === undefined) return null;
        this.crashes++;
        const effects = this.#world.crash(victim, chance);
        this.#after(one.step + chance.int(150), () => {
          this.#world.expel(victim);
          if (this.#world.running.length === 0) this.#world.startWorker();
        });
        return `${victim.name} crashes, ${effects} of its operations on the way have their effect`;
      }
      case 'freeze': {
        if (victim === undefined) return null;
        this.zombies++;
        this.#world.freeze(victim);
        this.#after(one.step + chance.int(one.length), () => {
          this.#world.expel(victim);
          if (this.#world.running.length === 0) this.#world.startWorker();
        });
        const isToldSoon = chance.next() < 0.3;
        this.#after(until, () => this.#world.thaw(victim, isToldSoon));
        return `${victim.name} is frozen for ${one.length} steps, wakes as a zombie${isToldSoon ? ' and is told soon' : ''}`;
      }
      case 'start':
        if (this.#world.running.length >= mostWorkers) return null;
        return `${this.#world.startWorker().name} starts`;
      case 'stop':
        if (victim === undefined || this.#world.running.length < 2) return null;
        this.#world.stop(victim);
        return `${victim.name} stops`;
      case 'repeat-write':
        scheduler.spoilNext('produce', 'repeated');
        return 'the next write happens twice';
      case 'lose-acknowledgement': {
        const operation = chance.next() < 0.7 ? 'produce' : 'commit';
        scheduler.spoilNext(operation, 'acknowledgement lost');
        return `the next ${operation === 'produce' ? 'write' : 'commit'} happens, and is reported failed`;
      }
      case 'refuse': {
        const operation = chance.next() < 0.7 ? 'produce' : 'commit';
        scheduler.spoilNext(operation, 'refused');
        return `the next ${operation === 'produce' ? 'write' : 'commit'} is refused`;
      }
      case 'sink-outage': {
        const outage = outages[chance.int(outages.length)] ?? 'no answer';
        inbox.outage = outage;
        this.#after(until, () => {
          inbox.outage = null;
        });
        return `the sink fails for ${one.length} steps: ${outage}`;
      }
      case 'stall':
        if (!(await this.#exists(source))) return null;
        log.setStalled(source, true);
        this.#after(until, () => log.setStalled(source, false));
        return `nothing comes from ${nameOf(source)} for ${one.length} steps`;
      case 'hold-back':
        feed.hold(source);
        this.#after(until, () => feed.release(source));
        return `the producers of ${nameOf(source)} are held back for ${one.length} steps`;
      case 'compact':
        return this.#compact(one.step, chance);
      case 'retention-read':
        return this.#expire(source, 0);
      case 'retention-unread':
        return this.#expire(source, 1 + chance.int(150));
      case 'rewind-summarize':
      case 'rewind-detect':
      case 'rewind-notify':
        return this.#rewind(one.kind, chance);
      case 'other-alerts':
        this.#losses.hasOtherAlerts = true;
        return this.#roll(until, 'reminders every two hours');
      case 'other-cells':
        this.#losses.hasOtherCells = true;
        return this.#roll(until, 'other segments');
    }
  }

  #after(step: number, act: () => void): void {
    this.#later.push({ step, act });
  }

  async #exists({ topic, partition }: SourceTraffic): Promise<boolean> {
    return partition < (await this.#world.log.partitionCount(topic));
  }

  async #compact(step: number, chance: Random): Promise<string> {
    const { log } = this.#world;
    const { history, deliveries } = internalTopics(this.#scenario.settings.group);
    for (const topic of [history, deliveries]) {
      for (let partition = 0; partition < this.#scenario.internalPartitions; partition++) {
        const key = `${topic}/${partition}`;
        const before = this.#compacted.get(key);
        const { high } = await log.offsets({ topic, partition });
        const isOld = before !== undefined && step - before.step >= tombstoneSteps;
        log.compact({ topic, partition }, high - chance.int(40), isOld ? before.end : 0);
        if (before === undefined || isOld) this.#compacted.set(key, { step, end: high });
      }
    }
    return 'history and deliveries are compacted';
  }

  /** Retention deletes what is committed, and so many records beyond. */
  async #expire(source: SourceTraffic, beyond: number): Promise<string | null> {
    if (!(await this.#exists(source))) return null;
    const { log } = this.#world;
    const { low, high } = await log.offsets(source);
    const committed = Math.max(low, this.#world.committed(this.#scenario.settings.group, source));
    let offset = committed;
    if (beyond > 0) {
      const unread = source.records.filter((one) => one.offset >= committed && one.offset < high);
      const last = unread[Math.min(beyond, unread.length) - 1];
      if (last === undefined || last.timestampMs > this.#scenario.targetMs - spared) return null;
      offset = last.offset + 1;
      this.#losses.lose(source, committed, offset);
    }
    log.deleteRecordsBefore(source, offset);
    return `retention deletes ${nameOf(source)} before ${offset}, committed is ${committed}`;
  }

  /** An operator kills all workers, sets a group back, and starts a worker. Who is frozen stays, out of the groups. */
  async #rewind(kind: 'rewind-summarize' | 'rewind-detect' | 'rewind-notify', chance: Random): Promise<string> {
    const { settings, sources } = this.#scenario;
    for (const worker of this.#world.workers) {
      if (worker.state === 'running') this.#world.crash(worker, chance);
      this.#world.expel(worker);
    }
    const group = {
      'rewind-summarize': settings.group,
      'rewind-detect': `${settings.group}-detect`,
      'rewind-notify': `${settings.group}-notify`,
    }[kind];
    const topics = internalTopics(settings.group);
    const internal = kind === 'rewind-detect' ? topics.partials : topics.events;
    const places =
      kind === 'rewind-summarize'
        ? sources
        : Array.from({ length: this.#scenario.internalPartitions }, (_, partition) => ({ topic: internal, partition }));
    const farthest = kind === 'rewind-summarize' ? 200 : 400;
    const done: string[] = [];
    for (const at of places) {
      if (at.partition >= (await this.#world.log.partitionCount(at.topic))) continue;
      const { low } = await this.#world.log.offsets(at);
      const committed = this.#world.committed(group, at);
      const offset = Math.max(low, committed - chance.int(farthest));
      this.#world.resetCommit(group, at, offset);
      if ('records' in at) this.#losses.beginAt(at, offset);
      done.push(`${at.topic}/${at.partition} from ${committed} to ${offset}`);
    }
    this.#world.startWorker();
    return `all workers are killed and ${group} is set back: ${done.join(', ')}`;
  }

  /** A worker of another configuration starts beside the others, which stop later. */
  #roll(until: number, what: string): string {
    const before = this.#world.settings;
    const { defaults } = before;
    const changed =
      what === 'other segments'
        ? { segments: defaults.segments.length > 0 ? [] : ['plan'] }
        : { alerts: { ...defaults.alerts, remindEveryMs: 7_200_000 } };
    this.#world.settings = { ...before, defaults: { ...defaults, ...changed } };
    const { name } = this.#world.startWorker();
    this.#after(until, () => {
      for (const worker of this.#world.running) if (worker.settings === before) this.#world.stop(worker);
      if (this.#world.running.length === 0) this.#world.startWorker();
    });
    return `${name} starts with ${what}, the others stop at step ${until}`;
  }
}

function pickOf<T>(list: readonly T[], chance: Random): T | undefined {
  return list[chance.int(list.length)];
}

function nameOf({ topic, partition }: SourceTraffic): string {
  return `${topic}/${partition}`;
}
