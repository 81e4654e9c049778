/** What a detector gives for one message, and what it remembers of a decision. */
import type { EvaluationRecord, EventRecord } from '../incident/event.ts';
import type { CommandRecord } from '../summarize/messages.ts';
import type { ClocksState } from './clocks.ts';
import { type Fact, factKey, jsonValue } from './fact.ts';
import type { Gap } from './loss.ts';

/** What one message led to, in the order in which it must be written. */
export interface Step {
  readonly events: readonly EventRecord[];
  readonly evaluations: readonly EvaluationRecord[];
  readonly facts: readonly Fact[];
  /** Written when the facts are acknowledged. */
  readonly decided: Fact;
  /** Tombstones of what nothing needs any more, written when `decided` is acknowledged: until then a repetition may need it. */
  readonly tombstones: readonly Fact[];
  /** Models that gave up their places: nothing of a later step is written before the tombstones of this one (`writtenTogether`). */
  readonly givenUp: readonly string[];
  /** Ends of the newest decided panes, and how many this step decided on each clock. */
  readonly dataEndMs: number | null;
  readonly labelEndMs: number | null;
  readonly dataPanes: number;
  readonly labelPanes: number;
}

/** Value of a `decided` fact. */
export interface DecidedState {
  /** Offset in `partials` of the message that led to the decision. */
  readonly offset: number;
  readonly dataEndMs: number | null;
  readonly labelEndMs: number | null;
  readonly clocks: ClocksState;
  /** Stretches of event time with missing source records. */
  readonly gaps: readonly Gap[];
  /** What a cell meant (`configHash`) in the newest pane with partials, on each clock. */
  readonly dataConfigHash: string | null;
  readonly labelConfigHash: string | null;
  /** Commands before `offset` that a clock has not applied, for it has decided nothing since; absent in facts of releases that knew none. */
  readonly commands?: { readonly data: readonly CommandRecord[]; readonly label: readonly CommandRecord[] };
  /** Losses that no pane of the data clock has told of; absent where there are none. */
  readonly untold?: readonly Gap[];
  /** Models that gave up their places in this step: whatever facts of them are left, a crash has kept their tombstones from being written. Absent where there are none. */
  readonly givenUp?: readonly string[];
}

/** A step as it grows, pane by pane. */
export interface Collected {
  readonly events: EventRecord[];
  readonly evaluations: EvaluationRecord[];
  readonly facts: Fact[];
  readonly givenUp: string[];
  dataPanes: number;
  labelPanes: number;
}

export function collect(step: Collected, decision: { events: EventRecord[]; evaluations: EvaluationRecord[]; facts: Fact[] }): void {
  for (const event of decision.events) step.events.push(event);
  for (const evaluation of decision.evaluations) step.evaluations.push(evaluation);
  for (const fact of decision.facts) step.facts.push(fact);
}

/** Ends of the newest panes that a `decided` fact speaks of, which its key holds. */
export function decidedKey({ dataEndMs, labelEndMs }: Pick<DecidedState, 'dataEndMs' | 'labelEndMs'>): string {
  return factKey({ fact: 'decided', dataEndMs, labelEndMs });
}

/** What has to be written of a finished step. `previousKey`: of the `decided` fact before, which goes; null where there was none. */
export function stepOf(collected: Collected, decided: DecidedState, previousKey: string | null): Step {
  const { events, evaluations, facts, givenUp, dataPanes, labelPanes } = collected;
  const { dataEndMs, labelEndMs } = decided;
  const key = decidedKey(decided);
  const tombstones = facts.filter((fact) => fact.value === null);
  if (previousKey !== null && previousKey !== key) tombstones.push({ key: previousKey, value: null });
  return {
    events,
    evaluations,
    facts: facts.filter((fact) => fact.value !== null),
    decided: { key, value: jsonValue(decided) },
    tombstones,
    givenUp,
    dataEndMs,
    labelEndMs,
    dataPanes,
    labelPanes,
  };
}

/**
 * Steps in groups that may be written at once, as one step. One that gives up models ends its group: when such a model comes back, facts of it may have the keys that
 * the tombstones name, and the next `decided` does not say that it was given up.
 */
export function writtenTogether(steps: readonly Step[]): Step[][] {
  const groups: Step[][] = [];
  for (const [index, step] of steps.entries()) {
    if (index === 0 || (steps[index - 1] as Step).givenUp.length > 0) groups.push([]);
    groups.at(-1)?.push(step);
  }
  return groups;
}
