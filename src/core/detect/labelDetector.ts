/**
 * One model on the label clock: predictions of decided panes meet the labels that arrived, windows of performance are tested, incidents of
 * kind performance advance. Predictions of a pane are joined only when the label clock decides that pane, so that what is joined
 * does not depend on how far the data clock was ahead.
 */
import { dayMs, formatDuration } from '../duration.ts';
import type { BookStep } from '../incident/bookState.ts';
import type { EvaluationRecord, EventSeries, IncidentKind, SourceRange } from '../incident/event.ts';
import { IncidentBook } from '../incident/incidentBook.ts';
import type { Signal } from '../incident/signal.ts';
import { PerformanceState } from '../performance/performanceState.ts';
import type { PerformanceEvaluation } from '../performance/types.ts';
import type { CoreSettings, ModelSettings } from '../settings.ts';
import { settingsOf } from '../settings.ts';
import { mergeFeedbackSamples } from '../sketch/sample.ts';
import type { FeedbackSampleEntry, PredictionSampleEntry, Sample } from '../sketch/types.ts';
import type { CommandRecord, PartialRecord } from '../summarize/messages.ts';
import { shapeOf } from '../summarize/modelShape.ts';
import { isOnLabelClock } from './clocks.ts';
import type { Decision } from './dataDetector.ts';
import { parseSeriesKey, segmentRecord, seriesKey } from './dataEvaluation.ts';
import { rounded, roundedEffects } from './describe.ts';
import { eventOf, replayOf } from './eventOf.ts';
import { type Fact, factKey, feedbackValues, predictionValues, readPredictions } from './fact.ts';
import type { LabelState } from './modelState.ts';
import { sourceRanges } from './node.ts';
import { performancePicture } from './performancePicture.ts';
import { RecentReasons } from './recentReasons.ts';
import { holm } from './significance/family.ts';
import { SourceLog } from './sourceLog.ts';

/** p of the whole model at or below which a segment's own drop is taken for a part of the model's. */
const shownByWhole = 0.01;

/** Predictions of one version of one decided pane. */
export interface PanePredictions {
  readonly version: string;
  readonly sample: Sample<PredictionSampleEntry>;
  readonly sources: readonly SourceRange[];
}

/** The same as its facts have it, in order of their parts. */
export interface StoredPredictions {
  readonly version: string;
  readonly values: readonly Uint8Array[];
}

export class LabelDetector {
  readonly #model: string;
  readonly #settings: CoreSettings;
  readonly #modelSettings: ModelSettings;
  readonly #performance: PerformanceState;
  readonly #book: IncidentBook;
  readonly #feedbackSampleSize: number;
  readonly #sources = new SourceLog();
  /**
   * Predictions of panes that the data clock has decided and the label clock has not, by pane end. As bytes: a partition of labels that stands
   * still lets them wait for days, and as objects they take six times the memory.
   */
  readonly #waiting = new Map<number, readonly StoredPredictions[]>();
  /** Keys of sample facts, by pane end, for their tombstones. */
  readonly #factKeys = new Map<number, string[]>();
  /** End of the newest joined pane with predictions, by version; of those that had some within a day. */
  readonly #lastMs = new Map<string, number>();
  /** Of the first pane joined since there was nothing of the model; a pane earlier, because a reader's first pane is incomplete. */
  #sinceMs: number | null = null;
  /** Topics that joined predictions came from. */
  readonly #topics = new Set<string>();
  readonly #inexact = new RecentReasons();

  constructor(model: string, settings: CoreSettings) {
    this.#model = model;
    this.#settings = settings;
    this.#modelSettings = settingsOf(settings, model);
    this.#performance = new PerformanceState({
      model,
      settings: this.#modelSettings,
      window: settings.window,
      segments: this.#modelSettings.segments,
      bytesBudget: settings.limits.bytesPerModel / 2,
      valuesPerSegment: settings.limits.valuesPerSegment,
    });
    this.#feedbackSampleSize = shapeOf(settings, model).feedbackSampleSize;
    this.#book = new IncidentBook(settings.group, model, this.#modelSettings.alerts);
  }

  get openKinds(): readonly IncidentKind[] {
    return this.#book.openKinds;
  }

  /** True once nothing can follow from panes without data: no sample is kept, no incident is open. */
  get isDormant(): boolean {
    return this.nextWorkMs === Number.POSITIVE_INFINITY;
  }

  /** End of the first pane that can lead to anything without new labels: minus infinity (now) while samples are kept, infinity where there is none. */
  get nextWorkMs(): number {
    const first = this.#waiting.size === 0 ? Number.POSITIVE_INFINITY : Math.min(...this.#waiting.keys());
    const isKept = !this.#book.isIdle || this.#performance.storedRows() > 0 || [...this.#factKeys.keys()].some((endMs) => endMs < first);
    return isKept ? Number.NEGATIVE_INFINITY : first;
  }

  /** Whether labels of the pane that ends at `endMs` may find predictions: some are kept, or wait for this pane. */
  canJoin(endMs: number): boolean {
    return this.#performance.storedRows() > 0 || [...this.#waiting.keys()].some((waitingMs) => waitingMs <= endMs);
  }

  /** True where nothing is left of the model. */
  get isEmpty(): boolean {
    return this.isDormant && this.isBlank;
  }

  /** True where there is nothing to join labels with and no incident is open; tombstones may be due. */
  get isAtRest(): boolean {
    return this.#waiting.size === 0 && this.#book.isIdle && this.#performance.storedRows() === 0;
  }

  /** As `isEmpty`, but that tombstones may be due. */
  get isBlank(): boolean {
    return this.isAtRest && this.#performance.baselineFact().versions.length === 0;
  }

  /** Tombstones of all samples. */
  farewell(): Fact[] {
    return [...this.#factKeys.values()].flat().map((key) => ({ key, value: null }));
  }

  /** Start of the first pane whose predictions wait for the label clock; null where none does. */
  get firstWaitingMs(): number | null {
    return this.#waiting.size === 0 ? null : Math.min(...this.#waiting.keys()) - this.#settings.window.hopMs;
  }

  /** Takes the predictions of a pane that the data clock has just decided. */
  addPredictions(endMs: number, predictions: readonly PanePredictions[]): Fact[] {
    if (predictions.length === 0) return [];
    const stored = predictions.map(({ version, sample, sources }) => ({ version, values: predictionValues(sample, sources) }));
    this.#waiting.set(endMs, stored);
    const facts = stored.flatMap(({ version, values }) =>
      values.map((value, part) => ({ key: factKey({ fact: 'predictions', model: this.#model, version, endMs, part }), value })),
    );
    this.#remember(endMs, facts);
    return facts;
  }

  /**
   * Decides the pane that ends at `endMs` from the feedback partials that arrived in it, in merge order. `inexact` names what makes this pane's decisions inexact,
   * `inexactAfter` the same of the panes of predictions that end after a time.
   */
  decide(
    endMs: number,
    partials: readonly PartialRecord[],
    inexact: readonly string[],
    commands: readonly CommandRecord[] = [],
    inexactAfter: (timeMs: number) => readonly string[] = () => [],
  ): Decision {
    this.#inexact.note(inexact, endMs);
    const decision: Decision = { events: [], evaluations: [], facts: [] };
    this.#join(endMs);
    const labelling = partials.filter((partial) => this.#isLabelledBy(partial.source.topic));
    const samples = labelling.flatMap((partial) => partial.cells.flatMap((cell) => cell.feedback ?? []));
    if (samples.length > 0) {
      const sample = mergeFeedbackSamples(samples, this.#feedbackSampleSize);
      const sources = sourceRanges(labelling);
      const facts = feedbackValues(sample, sources).map((value, part) => ({
        key: factKey({ fact: 'feedback', model: this.#model, endMs, part }),
        value,
      }));
      this.#remember(endMs, facts);
      decision.facts.push(...facts);
      this.#addFeedback(endMs, sample, sources);
    }
    const accepted = commands.flatMap((command) => this.#command(endMs, command));
    const reasons = (timeMs: number) =>
      [...new Set([...this.#inexact.after(timeMs), ...inexactAfter(timeMs), ...this.#book.inexact])].sort();
    this.#evaluate(endMs, reasons, decision, accepted);
    this.#expire(endMs, decision.facts);
    // As new: whether an empty model is forgotten before it comes back makes no difference.
    if (this.isEmpty) this.#book.forgetCommands();
    return decision;
  }

  snapshot(): LabelState {
    return {
      sinceMs: this.#sinceMs,
      book: this.#book.snapshot(),
      lastMs: [...this.#lastMs].sort(([a], [b]) => (a < b ? -1 : 1)),
      topics: [...this.#topics].sort(),
      performance: this.#performance.baselineFact(),
      inexact: this.#inexact.snapshot(),
    };
  }

  /**
   * Puts back the samples in order of their panes, those up to `decidedMs` as joined; then what was frozen.
   */
  restore(
    state: LabelState | null,
    decidedMs: number | null,
    panes: readonly {
      readonly endMs: number;
      readonly predictions: readonly StoredPredictions[];
      readonly feedback: { readonly sample: Sample<FeedbackSampleEntry>; readonly sources: readonly SourceRange[] } | null;
      readonly keys: readonly string[];
    }[],
  ): void {
    for (const pane of panes) {
      this.#factKeys.set(pane.endMs, [...pane.keys]);
      if (pane.predictions.length > 0) this.#waiting.set(pane.endMs, pane.predictions);
      if (decidedMs === null || pane.endMs > decidedMs) continue;
      this.#join(pane.endMs);
      if (pane.feedback !== null) this.#addFeedback(pane.endMs, pane.feedback.sample, pane.feedback.sources);
    }
    if (state === null) return;
    this.#sinceMs = state.sinceMs ?? null;
    this.#performance.restoreBaseline(state.performance);
    for (const [version, lastMs] of state.lastMs) this.#lastMs.set(version, lastMs);
    for (const topic of state.topics) this.#topics.add(topic);
    this.#book.restore(state.book);
    this.#inexact.restore(state.inexact ?? []);
  }

  #join(endMs: number): void {
    const predictions = this.#waiting.get(endMs);
    if (predictions === undefined) return;
    this.#waiting.delete(endMs);
    const paneMs = endMs - this.#settings.window.hopMs;
    if (this.#performance.storedRows() === 0 && this.#performance.baselineFact().versions.length === 0)
      this.#sinceMs = paneMs - this.#settings.window.hopMs;
    for (const { version, values } of predictions) {
      const read = readPredictions(values);
      // Some of its parts have their tombstones: it was done with.
      if (read === null) continue;
      const { sample, sources } = read;
      this.#performance.addPredictions(paneMs, version, sample);
      this.#sources.add(paneMs, sources);
      this.#lastMs.set(version, endMs);
      for (const { topic } of sources) this.#topics.add(topic);
    }
  }

  /** Whether a feedback topic labels predictions of a topic that this model was seen in (`predictions.feedback`; default: all do). */
  #isLabelledBy(feedbackTopic: string): boolean {
    return this.#settings.predictions.some(
      ({ topic, feedback }) => this.#topics.has(topic) && (feedback === null || feedback.includes(feedbackTopic)),
    );
  }

  #addFeedback(endMs: number, sample: Sample<FeedbackSampleEntry>, sources: readonly SourceRange[]): void {
    const paneMs = endMs - this.#settings.window.hopMs;
    this.#performance.addFeedback(paneMs, sample);
    this.#sources.add(paneMs, sources);
  }

  /** Performance has one baseline for the whole and its segments: only what is said of the whole can be accepted of it. */
  #command(endMs: number, command: CommandRecord): BookStep[] {
    if (command.action === 'accept') {
      const isMeant = command.segment === null && (command.kind === null || isOnLabelClock(command.kind));
      if (!isMeant) return [];
      this.#sinceMs = endMs - 2 * this.#settings.window.hopMs;
      this.#performance.startOver(endMs - this.#settings.window.hopMs);
    }
    return this.#book.command(endMs, command);
  }

  #evaluate(endMs: number, inexactAfter: (timeMs: number) => readonly string[], decision: Decision, accepted: readonly BookStep[]): void {
    const isGone = (version: string | null) => endMs - (this.#lastMs.get(version ?? '') ?? Number.NEGATIVE_INFINITY) >= dayMs;
    const evaluations = this.#performance.decide(endMs, this.#book.openCount > 0);
    const signals: Signal[] = [];
    const windows = new Map<number, PerformanceEvaluation>();
    for (const scaleMs of this.#modelSettings.performance.scalesMs) {
      const ofScale = evaluations.filter((one) => one.scaleMs === scaleMs);
      const tested = ofScale.filter((one) => one.verdict === 'tested');
      const alpha = tested[0]?.alpha ?? 0;
      const breaches = holm(
        tested.map((one) => one.p ?? 1),
        alpha,
      );
      const wholeP = new Map(tested.filter((one) => one.segment === null).map((one) => [one.version, one.p ?? 1]));
      for (const [index, one] of tested.entries()) {
        const isBreach = breaches[index] === true;
        const isNamed = this.#book.names(seriesKey(one.version, null, one.metric));
        const isShownByWhole = one.segment !== null && (isNamed || (wholeP.get(one.version) ?? 1) <= shownByWhole);
        signals.push(signalOf(one, alpha, isBreach, isShownByWhole));
        decision.evaluations.push(evaluationRecord(this.#model, one, isBreach ? 'drift' : 'ok'));
      }
      for (const one of ofScale) if (one.verdict !== 'tested') decision.evaluations.push(evaluationRecord(this.#model, one, one.verdict));
      const newest = ofScale.at(-1);
      if (newest !== undefined) windows.set(scaleMs, newest);
    }
    for (const step of [...accepted, ...this.#book.advance(endMs, signals), ...this.#book.end(endMs, isGone)]) {
      const windowEndMs = windows.get(step.scaleMs)?.windowEndMs ?? step.leading?.windowEndMs ?? endMs;
      const windowStartMs = windowEndMs - step.scaleMs;
      const sources = this.#sources.between(windowStartMs, endMs);
      decision.events.push(
        eventOf(step, {
          model: this.#model,
          settings: this.#modelSettings,
          windowStartMs,
          windowEndMs,
          sources,
          replay: replayOf(this.#sinceMs, endMs, this.#settings.window.latenessMs),
          inexact: inexactAfter(windowStartMs),
          picture: ({ key, scaleMs }) => {
            const [, version, segment] = parseSeriesKey(key);
            return performancePicture(this.#performance.trail(version, segment, scaleMs), this.#modelSettings.performance.minDrop);
          },
        }),
      );
    }
  }

  #remember(endMs: number, facts: readonly Fact[]): void {
    this.#factKeys.set(endMs, [...(this.#factKeys.get(endMs) ?? []), ...facts.map((fact) => fact.key)]);
  }

  #expire(endMs: number, facts: Fact[]): void {
    const neededFromMs = Math.min(this.#performance.neededFromMs(), endMs);
    this.#sources.expire(neededFromMs);
    for (const [version, lastMs] of this.#lastMs) if (endMs - lastMs >= dayMs) this.#lastMs.delete(version);
    for (const [paneEndMs, keys] of this.#factKeys) {
      if (paneEndMs - this.#settings.window.hopMs >= neededFromMs) continue;
      this.#factKeys.delete(paneEndMs);
      for (const key of keys) facts.push({ key, value: null });
    }
  }
}

function describe(one: PerformanceEvaluation): EventSeries {
  const [low, high] = one.interval ?? [0, 0];
  return {
    name: one.metric,
    since: '',
    joined: true,
    statistic: one.metric,
    effects: roundedEffects({ effect: one.effect ?? 0 }),
    p: one.p ?? 1,
    n: rounded(one.n),
    baselineN: one.baselineN,
    phi: rounded(one.phi ?? 1),
    current: {
      observed: rounded(one.observed ?? 0),
      low: rounded(low),
      high: rounded(high),
      coverage: rounded(one.coverage),
      labels: one.rows,
    },
    baseline: { expected: rounded(one.expected ?? 0) },
  };
}

function signalOf(one: PerformanceEvaluation, alpha: number, isBreach: boolean, isShownByWhole: boolean): Signal {
  return {
    key: seriesKey(one.version, one.segment, one.metric),
    name: one.metric,
    version: one.version,
    segment: one.segment,
    kind: 'performance',
    severity: 'error',
    scaleMs: one.scaleMs,
    windowEndMs: one.windowEndMs,
    p: one.p ?? 1,
    alpha,
    isBreach,
    isBelowMinimum: one.belowMinimum,
    newest: newestOf(one),
    isShownByWhole,
    describe: () => describe(one),
  };
}

/** Too few labels in the newest third may be labels that have not come yet: the window as a whole has to do then. */
function newestOf({ effect, newestEffect }: PerformanceEvaluation): Signal['newest'] {
  if (effect === null || newestEffect === null) return 'shows';
  return Math.sign(newestEffect) === Math.sign(effect) && Math.abs(newestEffect) >= Math.abs(effect) / 2 ? 'shows' : 'over';
}

function evaluationRecord(model: string, one: PerformanceEvaluation, verdict: EvaluationRecord['verdict']): EvaluationRecord {
  return {
    model,
    version: one.version,
    segment: segmentRecord(one.segment),
    series: one.metric,
    kind: 'performance',
    scale: formatDuration(one.scaleMs),
    windowStart: new Date(one.windowStartMs).toISOString(),
    windowEnd: new Date(one.windowEndMs).toISOString(),
    n: rounded(one.n),
    baselineN: one.baselineN,
    effects: one.effect === null ? {} : roundedEffects({ effect: one.effect, observed: one.observed ?? 0, expected: one.expected ?? 0 }),
    p: one.p,
    detectable: one.detectable,
    verdict,
    statistic: one.metric,
    coverage: rounded(one.coverage),
    ...(one.interval === null ? {} : { interval: [rounded(one.interval[0]), rounded(one.interval[1])] as const }),
  };
}
