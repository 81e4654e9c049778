/** What disturbs a run, as data: drawn from the seed before it begins, so that a run can be repeated with some of it left out. */
import { Random } from '../support/random.ts';

/** One disturbance: at this step of the scheduler. What it needs of chance it has from `pick`, whatever else is in the plan. */
export interface Disturbance {
  readonly step: number;
  readonly kind: DisturbanceKind;
  /** In [0, 1). */
  readonly pick: number;
  /** Steps that it lasts; 0 for what happens at once. */
  readonly length: number;
}

interface KindOfDisturbance {
  /** Share of the seeds that have it. */
  readonly share: number;
  /** Most of them in a seed that has it. */
  readonly most: number;
  /** Most steps that it lasts. */
  readonly longest: number;
}

/** `crash` to `stop` are about workers, `repeat-write` to `refuse` about one operation, the others about the log, the sink and what people do. */
const kinds = {
  crash: { share: 0.6, most: 5, longest: 0 },
  freeze: { share: 0.5, most: 3, longest: 700 },
  start: { share: 0.5, most: 4, longest: 0 },
  stop: { share: 0.3, most: 2, longest: 0 },
  'repeat-write': { share: 0.4, most: 12, longest: 0 },
  'lose-acknowledgement': { share: 0.4, most: 6, longest: 0 },
  refuse: { share: 0.3, most: 6, longest: 0 },
  'sink-outage': { share: 0.4, most: 3, longest: 1_200 },
  stall: { share: 0.3, most: 3, longest: 600 },
  'hold-back': { share: 0.3, most: 3, longest: 600 },
  compact: { share: 0.4, most: 3, longest: 0 },
  'retention-read': { share: 0.3, most: 3, longest: 0 },
  'retention-unread': { share: 0.08, most: 2, longest: 0 },
  'rewind-summarize': { share: 0.08, most: 2, longest: 0 },
  'rewind-detect': { share: 0.12, most: 2, longest: 0 },
  'rewind-notify': { share: 0.12, most: 2, longest: 0 },
  'other-alerts': { share: 0.05, most: 1, longest: 500 },
  'other-cells': { share: 0.08, most: 2, longest: 500 },
} as const satisfies Record<string, KindOfDisturbance>;

type DisturbanceKind = keyof typeof kinds;

/** Share of the seeds that nothing disturbs. */
const calmShare = 0.05;

/** The disturbances of a seed within so many steps, in order. */
export function planOf(seed: number, steps: number): Disturbance[] {
  // Apart from the numbers that the schedule takes.
  const random = new Random(seed + 7_000_000_000);
  if (random.next() < calmShare) return [];
  const plan: Disturbance[] = [];
  for (const [kind, { share, most, longest }] of Object.entries(kinds) as [DisturbanceKind, KindOfDisturbance][]) {
    if (random.next() >= share) continue;
    for (let count = 1 + random.int(most); count > 0; count--) {
      const length = longest === 0 ? 0 : 20 + random.int(longest - 20);
      plan.push({ step: random.int(steps), kind, pick: random.next(), length });
    }
  }
  return plan.sort((left, right) => left.step - right.step);
}
