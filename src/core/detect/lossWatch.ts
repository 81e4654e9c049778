/**
 * Losses of source records as signals for the incident book: one series for each source partition, which breaches until no window can hold a pane that
 * misses records. So several partitions that lose at once are one incident, and one that loses again stays in it.
 */
import type { EventSeries } from '../incident/event.ts';
import { lossStatistic } from '../incident/lossLine.ts';
import type { Signal } from '../incident/signal.ts';
import type { CoreSettings } from '../settings.ts';
import { seriesKey } from './dataEvaluation.ts';
import type { Gap, LostRecords } from './loss.ts';
import { allVersions } from './node.ts';

/** What was lost of one source partition while its windows have not passed. `records` counts offsets: an upper limit. */
export interface LossState extends LostRecords {
  readonly records: number;
  /** Event time of the records. */
  readonly fromMs: number;
  readonly toMs: number;
  /** End of the first window, of the longest scale, that misses nothing. */
  readonly untilMs: number;
}

export class LossWatch {
  readonly #hopMs: number;
  readonly #latenessMs: number;
  readonly #shortestMs: number;
  readonly #longestMs: number;
  readonly #losses = new Map<string, LossState>();

  constructor({ window }: CoreSettings) {
    this.#hopMs = window.hopMs;
    this.#latenessMs = window.latenessMs;
    this.#shortestMs = window.scalesMs[0] ?? window.hopMs;
    this.#longestMs = window.scalesMs.at(-1) ?? window.hopMs;
  }

  /** Takes a loss; `endMs`: of the pane that is decided, from which on it is told. */
  add({ lost, fromMs, toMs }: Gap, endMs: number): void {
    if (lost === undefined) return;
    const name = `${lost.topic}/${lost.partition}`;
    const known = this.#losses.get(name);
    const lastPaneMs = Math.max(endMs, Math.ceil((toMs + this.#latenessMs) / this.#hopMs) * this.#hopMs);
    this.#losses.set(name, {
      ...lost,
      from: Math.min(lost.from, known?.from ?? lost.from),
      records: lost.to - lost.from + (known?.records ?? 0),
      fromMs: Math.min(fromMs, known?.fromMs ?? fromMs),
      toMs: Math.max(toMs, known?.toMs ?? toMs),
      untilMs: Math.max(lastPaneMs + this.#longestMs, known?.untilMs ?? 0),
    });
  }

  /** One signal for every loss, at the pane that ends at `endMs`. What has passed is forgotten once no incident names it (`isNamed`). */
  signals(endMs: number, isNamed: (key: string) => boolean): Signal[] {
    const signals: Signal[] = [];
    for (const name of [...this.#losses.keys()].sort()) {
      const loss = this.#losses.get(name) as LossState;
      const key = seriesKey(allVersions, null, name);
      const isBreach = endMs < loss.untilMs;
      if (!isBreach && !isNamed(key)) {
        this.#losses.delete(name);
        continue;
      }
      signals.push({
        key,
        name,
        version: null,
        segment: null,
        kind: 'quality',
        // After a topic was made anew nothing needs to be missing.
        severity: loss.records > 0 || loss.cause === 'truncated' ? 'error' : 'warning',
        scaleMs: this.#shortestMs,
        windowEndMs: endMs,
        p: isBreach ? 0 : 1,
        alpha: 0,
        isBreach,
        isCertain: true,
        isBelowMinimum: !isBreach,
        newest: isBreach ? 'shows' : 'over',
        isShownByWhole: false,
        describe: () => describe(name, loss),
      });
    }
    return signals;
  }

  get isEmpty(): boolean {
    return this.#losses.size === 0;
  }

  /** A person knows of them. */
  clear(): void {
    this.#losses.clear();
  }

  snapshot(): LossState[] {
    return [...this.#losses.keys()].sort().map((name) => this.#losses.get(name) as LossState);
  }

  restore(losses: readonly LossState[]): void {
    for (const loss of losses) this.#losses.set(`${loss.topic}/${loss.partition}`, loss);
  }
}

function describe(name: string, loss: LossState): EventSeries {
  const { topic, partition, cause, records, from, to, fromMs, toMs, untilMs } = loss;
  return {
    name,
    since: '',
    joined: true,
    statistic: lossStatistic,
    effects: {},
    p: 0,
    n: records,
    baselineN: 0,
    phi: 1,
    current: {
      observed: records,
      topic,
      partition,
      cause,
      fromOffset: from,
      toOffset: to,
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      until: new Date(untilMs).toISOString(),
    },
    baseline: {},
  };
}
