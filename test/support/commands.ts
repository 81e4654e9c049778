import type { CommandRecord } from '../../src/core/summarize/messages.ts';

/** Something that a person says of the model `fraud`. */
export function command(action: CommandRecord['action'], over: Partial<CommandRecord> = {}): CommandRecord {
  return {
    type: 'command',
    id: `${action}-1`,
    action,
    model: 'fraud',
    kind: null,
    segment: null,
    series: [],
    by: 'ada',
    reason: 'new pricing since Monday',
    untilMs: action === 'mute' ? Number.MAX_SAFE_INTEGER : null,
    atMs: 0,
    ...over,
  };
}
