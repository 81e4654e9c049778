/**
 * Which partials stand behind each decision, chosen here by the rule as it is written down and not by the code that decides: those of one source partition must tile its
 * offsets, one a chunk and inside it, and hold every record of the pane that is not late.
 */
import { chunkSize, type PartialRecord, type SourceRole, sourceKey } from '../../src/core/summarize/messages.ts';
import { type Due, identityOf } from './commitWatch.ts';
import type { Journal } from './journal.ts';
import type { Losses } from './losses.ts';
import type { SimulatedScenario } from './scenario.ts';

const most = 5;

interface Decision {
  readonly offset: number;
  readonly endMs: number;
}

/** Offsets of the records of a pane of a model in a chunk, by identity of its partial. */
export type DueByIdentity = ReadonlyMap<
  string,
  { readonly paneMs: number; readonly role: SourceRole; readonly partition: string; readonly offsets: readonly number[] }
>;

export function dueByIdentity(due: ReadonlyMap<string, readonly Due[]>): DueByIdentity {
  const byIdentity = new Map<string, { paneMs: number; role: SourceRole; partition: string; offsets: number[] }>();
  for (const [partition, all] of due) {
    for (const { offset, identity, paneMs, role } of all) {
      const known = byIdentity.get(identity);
      if (known === undefined) byIdentity.set(identity, { paneMs, role, partition, offsets: [offset] });
      else known.offsets.push(offset);
    }
  }
  return byIdentity;
}

/** `isExact`: whether the pane of a model that ends then is marked exact everywhere. */
export function checkTiling(
  { settings, targetMs }: SimulatedScenario,
  journal: Journal,
  losses: Losses,
  due: DueByIdentity,
  isExact: (role: SourceRole, model: string, endMs: number) => boolean,
): string[] {
  const { hopMs } = settings.window;
  const problems: string[] = [];
  for (const [partition, written] of journal.partials.entries()) {
    for (const role of ['predictions', 'feedback'] as const) {
      const decisions = decisionsOf(journal, partition, role);
      const offsetOf = (endMs: number) => decisions.find((decision) => decision.endMs >= endMs)?.offset ?? -1;
      const chosen = new Map<string, PartialRecord>();
      for (const { offset, message } of written) {
        if (message.type !== 'partial' || message.source.role !== role || message.paneMs === null) continue;
        const endMs = message.paneMs + hopMs;
        if (endMs > targetMs || offset > offsetOf(endMs)) continue;
        const identity = identityOf(sourceKey(message.source), message.chunk, message.paneMs, message.model);
        const known = chosen.get(identity);
        if (known === undefined || isBetter(message, known)) chosen.set(identity, message);
      }
      for (const [identity, { from, to, chunk, model, paneMs, source }] of chosen) {
        if (from < chunk * chunkSize || to > (chunk + 1) * chunkSize || from > to)
          problems.push(`partial ${identity} covers ${from} to ${to}`);
        const records = due.get(identity);
        if (records === undefined || paneMs === null || !isExact(role, model, paneMs + hopMs)) continue;
        const missing = records.offsets.find((offset) => (offset < from || offset >= to) && !losses.isLost(source, offset));
        if (missing !== undefined)
          problems.push(
            `the pane behind ${identity} is exact, but the partial that was chosen, ${from} to ${to}, leaves out the record at ${missing}`,
          );
      }
    }
  }
  return problems.slice(0, most);
}

/** Complete beats incomplete; of complete ones the larger `to`, of incomplete ones the smaller `from`, then the larger `to`. */
function isBetter(one: PartialRecord, known: PartialRecord): boolean {
  if (one.complete !== known.complete) return one.complete;
  if (one.complete || one.from === known.from) return one.to > known.to;
  return one.from < known.from;
}

/** Messages that led to a decision on the clock of a role, in their order, and how far it went. */
function decisionsOf(journal: Journal, partition: number, role: SourceRole): Decision[] {
  return (journal.decisions[partition] ?? [])
    .map(({ offset, dataEndMs, labelEndMs }) => ({
      offset,
      endMs: (role === 'feedback' ? labelEndMs : dataEndMs) ?? Number.NEGATIVE_INFINITY,
    }))
    .sort((left, right) => left.offset - right.offset);
}
