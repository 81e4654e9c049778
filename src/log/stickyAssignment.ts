/**
 * Who reads what in a group, as a pure function that both logs use. It promises, in this order:
 * - every partition goes to exactly one member that subscribes to its topic;
 * - partitions of the same number go together: partition 3 of `partials` and of `history` have the same owner;
 * - the load is even: no move of a number from one member to another would bring their partition counts closer;
 * - sticky: what a member already holds stays with it, as far as evenness allows, because moved partitions are read again.
 */
import { partitionKey } from './partitionKey.ts';
import type { TopicPartition } from './port.ts';

/** What a member brings to a rebalance. */
export interface Claim {
  readonly member: string;
  readonly topics: readonly string[];
  /** Partitions that the member believes it holds. */
  readonly held: readonly TopicPartition[];
  /** When it got them: of two members that claim the same partition the later one is right, the other was away. */
  readonly heldSince: number;
}

/** Partitions of one number and the same set of subscribers: they move together. */
interface Unit {
  readonly number: number;
  readonly candidates: readonly string[];
  readonly partitions: TopicPartition[];
}

/** Partitions by member; members without any have an empty list. The order of `claims` does not matter. */
export function assignSticky(claims: readonly Claim[], partitionCounts: ReadonlyMap<string, number>): Map<string, TopicPartition[]> {
  const members = [...claims].sort((left, right) => compareText(left.member, right.member));
  const owned = new Map<string, Unit[]>(members.map(({ member }) => [member, []]));
  const load = new Map<string, number>(members.map(({ member }) => [member, 0]));
  const give = (unit: Unit, member: string): void => {
    owned.get(member)?.push(unit);
    load.set(member, (load.get(member) ?? 0) + unit.partitions.length);
  };

  const units = unitsOf(members, partitionCounts);
  const holders = holdersOf(members);
  const free: Unit[] = [];
  for (const unit of units) {
    const holder = unit.partitions
      .map((each) => holders.get(partitionKey(each))?.member)
      .find((member) => member && unit.candidates.includes(member));
    if (holder === undefined) free.push(unit);
    else give(unit, holder);
  }
  for (const unit of free.sort((left, right) => right.partitions.length - left.partitions.length || left.number - right.number)) {
    const [least] = [...unit.candidates].sort((left, right) => (load.get(left) ?? 0) - (load.get(right) ?? 0));
    if (least !== undefined) give(unit, least);
  }
  while (evenOut(owned, load));

  return new Map([...owned].map(([member, list]) => [member, list.flatMap((unit) => unit.partitions)]));
}

function unitsOf(members: readonly Claim[], partitionCounts: ReadonlyMap<string, number>): Unit[] {
  const units = new Map<string, Unit>();
  for (const topic of [...partitionCounts.keys()].sort(compareText)) {
    const candidates = members.filter(({ topics }) => topics.includes(topic)).map(({ member }) => member);
    if (candidates.length === 0) continue;
    for (let number = 0; number < (partitionCounts.get(topic) ?? 0); number += 1) {
      const key = JSON.stringify([number, candidates]);
      const unit = units.get(key) ?? { number, candidates, partitions: [] };
      units.set(key, unit);
      unit.partitions.push({ topic, partition: number });
    }
  }
  return [...units.values()];
}

function holdersOf(members: readonly Claim[]): Map<string, Claim> {
  const holders = new Map<string, Claim>();
  for (const claim of members) {
    for (const partition of claim.held) {
      const rival = holders.get(partitionKey(partition));
      if (rival === undefined || claim.heldSince > rival.heldSince) holders.set(partitionKey(partition), claim);
    }
  }
  return holders;
}

/** Moves one unit from the most loaded member for which that helps; false where nothing helps any more. */
function evenOut(owned: ReadonlyMap<string, Unit[]>, load: Map<string, number>): boolean {
  const byLoad = [...load].sort((left, right) => left[1] - right[1]);
  for (const [giver, giverLoad] of byLoad.toReversed()) {
    const held = owned.get(giver) ?? [];
    for (const [taker, takerLoad] of byLoad) {
      // The last units move, so that the first ones, held longest, stay.
      const index = held.findLastIndex((unit) => unit.candidates.includes(taker) && takerLoad + unit.partitions.length < giverLoad);
      const [unit] = index < 0 ? [] : held.splice(index, 1);
      if (unit === undefined) continue;
      owned.get(taker)?.push(unit);
      load.set(giver, giverLoad - unit.partitions.length);
      load.set(taker, takerLoad + unit.partitions.length);
      return true;
    }
  }
  return false;
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
