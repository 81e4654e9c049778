/**
 * The state of detect from the facts of one partition of `history`: the newest decision, and of every model the state, nodes, baselines and
 * samples as of it. Facts beyond the newest decision are of one that was not finished: whoever repeats it writes them again.
 */
import { requireHop } from '../configHash.ts';
import { InvariantError } from '../errors.ts';
import type { CoreSettings } from '../settings.ts';
import type { CellBaseline, SeriesReference } from './cellFit.ts';
import { Detector, type TellsOf } from './detector.ts';
import { type FactSubject, factKey, parseFactKey, readFeedback, readNode, readReference, readState } from './fact.ts';
import type { FileBaselines } from './fileBaseline.ts';
import type { StoredPredictions } from './labelDetector.ts';
import { ModelDetector } from './modelDetector.ts';
import type { DataState, LabelState } from './modelState.ts';
import { type CellKey, cellText, type Node } from './node.ts';
import type { DecidedState } from './step.ts';

type Subject<Kind extends FactSubject['fact']> = Extract<FactSubject, { fact: Kind }>;
type Stored<Kind extends FactSubject['fact']> = { readonly subject: Subject<Kind>; readonly value: Uint8Array };

/** The newest value of each key, as compaction would leave it: put in the facts in the order of the topic. */
export class FactMap {
  readonly #values = new Map<string, Uint8Array>();

  put(key: string, value: Uint8Array | null): void {
    if (value === null) this.#values.delete(key);
    else this.#values.set(key, value);
  }

  get size(): number {
    return this.#values.size;
  }

  /** By kind of fact. Keys that are no facts (barriers) are passed over. */
  byKind(): { readonly [Kind in FactSubject['fact']]: readonly Stored<Kind>[] } {
    const kinds: { [Kind in FactSubject['fact']]: Stored<Kind>[] } = {
      node: [],
      baseline: [],
      reference: [],
      predictions: [],
      feedback: [],
      state: [],
      decided: [],
    };
    for (const [key, value] of this.#values) {
      const subject = parseFactKey(key);
      // The list of a kind takes facts of that kind: TypeScript cannot see that both sides follow the same tag.
      if (subject !== null) (kinds[subject.fact] as Stored<FactSubject['fact']>[]).push({ subject, value });
    }
    return kinds;
  }
}

/** A detector as it stood after the newest decision in the facts (a fresh one where there is none), and what a former owner left behind. */
export interface Restored {
  readonly detector: Detector;
  /** Keys of facts that a newer one has replaced: the tombstones that a crash or a zombie kept from being written. */
  readonly replaced: readonly string[];
}

/** `ConfigError` where the facts are about panes of another length than the settings want. */
export function restoreDetector(
  settings: CoreSettings,
  facts: FactMap,
  files: FileBaselines = new Map(),
  tellsOf?: TellsOf,
  mostModels?: number,
): Restored {
  const detector = new Detector(settings, files, tellsOf, mostModels);
  const kinds = facts.byKind();
  const newest = newestDecided(kinds.decided);
  if (newest === null) return { detector, replaced: [] };
  for (const hash of [newest.dataConfigHash, newest.labelConfigHash]) requireHop(settings, hash);
  const dataEndMs = newest.dataEndMs ?? Number.NEGATIVE_INFINITY;
  const labelEndMs = newest.labelEndMs ?? Number.NEGATIVE_INFINITY;
  const givenUp = new Set(newest.givenUp);
  const names = [...new Set(kinds.state.map((fact) => fact.subject.model))].filter((name) => !givenUp.has(name)).sort();
  const models: ModelDetector[] = [];
  const ofModel = groupByModel(kinds);
  for (const name of names) {
    const own = ofModel.get(name) as ModelFacts;
    const dataState = newestState<DataState>(own.state, 'data', dataEndMs);
    if (dataState === null) continue;
    const labelState = newestState<LabelState>(own.state, 'label', labelEndMs);
    const model = new ModelDetector(name, settings, files.get(name) ?? null);
    model.data.restore(dataState.state, readNodes(own.node, dataEndMs), readBaselines(own.baseline, own.reference, dataEndMs));
    model.labels.restore(labelState?.state ?? null, newest.labelEndMs, readPanes(own, dataEndMs, labelEndMs));
    model.restoredFrom(dataState.keys, labelState?.keys ?? []);
    models.push(model);
  }
  detector.restore(newest, models);
  return { detector, replaced: [...new Set([...replacedKeys(kinds, newest), ...keysOfGivenUp(kinds, newest, givenUp)])] };
}

/** What is left of models that gave up their places in the newest decision. What is beyond it is of the next one. */
function keysOfGivenUp(kinds: ReturnType<FactMap['byKind']>, newest: DecidedState, givenUp: ReadonlySet<string>): string[] {
  const { node, baseline, reference, predictions, feedback, state } = kinds;
  return [...node, ...baseline, ...reference, ...predictions, ...feedback, ...state]
    .map(({ subject }) => subject)
    .filter((subject) => givenUp.has(subject.model) && !('endMs' in subject && subject.endMs > (newest.dataEndMs ?? 0)))
    .map((subject) => factKey(subject));
}

/** Older decisions and states, and fits of a cell that a newer one has replaced. Nodes and samples expire by themselves. */
function replacedKeys(kinds: ReturnType<FactMap['byKind']>, newest: DecidedState): string[] {
  const keys = kinds.decided
    .filter((fact) => compareEnds(parse<DecidedState>(fact.value), newest) < 0)
    .map((fact) => factKey(fact.subject));
  const newestStates = new Map<string, number>();
  for (const { subject } of kinds.state) {
    const limit = (subject.clock === 'data' ? newest.dataEndMs : newest.labelEndMs) ?? Number.NEGATIVE_INFINITY;
    const place = JSON.stringify([subject.model, subject.clock]);
    if (subject.endMs <= limit) newestStates.set(place, Math.max(newestStates.get(place) ?? subject.endMs, subject.endMs));
  }
  for (const { subject } of kinds.state) {
    if (subject.endMs < (newestStates.get(JSON.stringify([subject.model, subject.clock])) ?? 0)) keys.push(factKey(subject));
  }
  const newestFits = new Map<string, number>();
  const place = (subject: Subject<'baseline'> | Subject<'reference'>) => JSON.stringify([subject.model, cellText(subject.cell)]);
  for (const { subject, value } of kinds.baseline) {
    if (parse<BaselineHead>(value).asOfMs > (newest.dataEndMs ?? 0)) continue;
    newestFits.set(place(subject), Math.max(newestFits.get(place(subject)) ?? 0, subject.number));
  }
  for (const { subject } of [...kinds.baseline, ...kinds.reference]) {
    if (subject.number < (newestFits.get(place(subject)) ?? 0)) keys.push(factKey(subject));
  }
  return keys;
}

interface ModelFacts {
  readonly node: Stored<'node'>[];
  readonly baseline: Stored<'baseline'>[];
  readonly reference: Stored<'reference'>[];
  readonly predictions: Stored<'predictions'>[];
  readonly feedback: Stored<'feedback'>[];
  readonly state: Stored<'state'>[];
}

function groupByModel(kinds: ReturnType<FactMap['byKind']>): Map<string, ModelFacts> {
  const models = new Map<string, ModelFacts>();
  const of = (model: string): ModelFacts => {
    let facts = models.get(model);
    if (facts === undefined) {
      facts = { node: [], baseline: [], reference: [], predictions: [], feedback: [], state: [] };
      models.set(model, facts);
    }
    return facts;
  };
  for (const fact of kinds.node) of(fact.subject.model).node.push(fact);
  for (const fact of kinds.baseline) of(fact.subject.model).baseline.push(fact);
  for (const fact of kinds.reference) of(fact.subject.model).reference.push(fact);
  for (const fact of kinds.predictions) of(fact.subject.model).predictions.push(fact);
  for (const fact of kinds.feedback) of(fact.subject.model).feedback.push(fact);
  for (const fact of kinds.state) of(fact.subject.model).state.push(fact);
  return models;
}

function newestDecided(facts: readonly Stored<'decided'>[]): DecidedState | null {
  let newest: DecidedState | null = null;
  for (const fact of facts) {
    const state = parse<DecidedState>(fact.value);
    if (newest === null || compareEnds(state, newest) > 0) newest = state;
  }
  return newest;
}

function compareEnds(left: DecidedState, right: DecidedState): number {
  const least = Number.NEGATIVE_INFINITY;
  return (left.dataEndMs ?? least) - (right.dataEndMs ?? least) || (left.labelEndMs ?? least) - (right.labelEndMs ?? least) || 0;
}

function newestState<State>(
  facts: readonly Stored<'state'>[],
  clock: 'data' | 'label',
  endMs: number,
): { readonly state: State; readonly keys: readonly string[] } | null {
  const known = facts.filter(({ subject }) => subject.clock === clock && subject.endMs <= endMs);
  const newestMs = known.reduce((latestMs, { subject }) => Math.max(latestMs, subject.endMs), Number.NEGATIVE_INFINITY);
  const [parts = []] = partsOf(known.filter(({ subject }) => subject.endMs === newestMs));
  const [first] = parts;
  if (first === undefined) return null;
  const state = readState<State>(parts.map(({ value }) => value));
  if (state === null) throw new InvariantError(`history: parts of the state of ${first.subject.model} are missing`);
  return { state, keys: parts.map(({ subject }) => factKey(subject)) };
}

function readNodes(facts: readonly Stored<'node'>[], untilMs: number): { key: CellKey; node: Node; parts: number }[] {
  const nodes: { key: CellKey; node: Node; parts: number }[] = [];
  for (const parts of partsOf(facts.filter((fact) => fact.subject.endMs <= untilMs))) {
    const { cell, stepMs, endMs } = (parts[0] as Stored<'node'>).subject;
    const node = readNode(
      parts.map((part) => part.value),
      stepMs,
      endMs,
    );
    if (node !== null) nodes.push({ key: cell, node, parts: parts.length });
  }
  return nodes.sort((left, right) => left.node.endMs - right.node.endMs || left.node.stepMs - right.node.stepMs);
}

function readBaselines(
  heads: readonly Stored<'baseline'>[],
  references: readonly Stored<'reference'>[],
  asOfMs: number,
): Map<string, CellBaseline> {
  const newest = new Map<string, { number: number; value: BaselineHead }>();
  for (const fact of heads) {
    const head = parse<BaselineHead>(fact.value);
    const text = cellText(fact.subject.cell);
    if (head.asOfMs <= asOfMs && head.number > (newest.get(text)?.number ?? 0)) newest.set(text, { number: head.number, value: head });
  }
  const values = new Map(references.map((fact) => [factKey(fact.subject), fact]));
  const baselines = new Map<string, CellBaseline>();
  for (const fact of heads) {
    const { model, cell, number } = fact.subject;
    const head = newest.get(cellText(cell));
    if (head === undefined || head.number !== number) continue;
    const series = new Map<string, SeriesReference>();
    for (const name of head.value.series) {
      const reference = values.get(factKey({ fact: 'reference', model, cell, number, series: name }));
      if (reference === undefined)
        throw new InvariantError(`history: baseline ${number} of ${model} ${cellText(cell)} names series ${name}, whose fact is missing`);
      series.set(name, readReference(reference.value));
    }
    const { asOfMs: _, series: __, ...rest } = head.value;
    baselines.set(cellText(cell), { ...rest, series });
  }
  return baselines;
}

interface BaselineHead extends Omit<CellBaseline, 'series'> {
  readonly series: readonly string[];
  readonly asOfMs: number;
}

type RestoredPane = Parameters<ModelDetector['labels']['restore']>[2][number];

function readPanes(facts: ModelFacts, dataEndMs: number, labelEndMs: number): RestoredPane[] {
  const panes = new Map<number, { endMs: number; predictions: StoredPredictions[]; feedback: RestoredPane['feedback']; keys: string[] }>();
  const of = (endMs: number) => {
    let pane = panes.get(endMs);
    if (pane === undefined) {
      pane = { endMs, predictions: [], feedback: null, keys: [] };
      panes.set(endMs, pane);
    }
    return pane;
  };
  for (const parts of partsOf(facts.predictions.filter((fact) => fact.subject.endMs <= dataEndMs))) {
    const { endMs, version } = (parts[0] as Stored<'predictions'>).subject;
    // A copy: what was read may be a view into the answer of a broker, and would keep all of it while it waits.
    of(endMs).predictions.push({ version, values: parts.map((part) => part.value.slice()) });
    of(endMs).keys.push(...parts.map((part) => factKey(part.subject)));
  }
  for (const parts of partsOf(facts.feedback.filter((fact) => fact.subject.endMs <= labelEndMs))) {
    const { endMs } = (parts[0] as Stored<'feedback'>).subject;
    of(endMs).feedback = readFeedback(parts.map((part) => part.value));
    of(endMs).keys.push(...parts.map((part) => factKey(part.subject)));
  }
  for (const pane of panes.values()) pane.predictions.sort((a, b) => (a.version < b.version ? -1 : 1));
  return [...panes.values()].sort((left, right) => left.endMs - right.endMs);
}

/** Facts that are parts of the same thing, in order of their parts. */
function partsOf<Kind extends 'node' | 'predictions' | 'feedback' | 'state'>(facts: readonly Stored<Kind>[]): Stored<Kind>[][] {
  const groups = new Map<string, Stored<Kind>[]>();
  for (const fact of facts) {
    const identity = factKey({ ...fact.subject, part: 0 });
    const group = groups.get(identity);
    if (group === undefined) groups.set(identity, [fact]);
    else group.push(fact);
  }
  return [...groups.values()].map((group) => group.sort((left, right) => partOf(left.subject) - partOf(right.subject)));
}

function partOf(subject: FactSubject): number {
  return 'part' in subject ? subject.part : 0;
}

function parse<T>(value: Uint8Array): T {
  return JSON.parse(new TextDecoder().decode(value));
}
