import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceptCommand, type CommandFacts, muteCommand, replayCommand } from '../../../src/sentry/commands.ts';
import { event } from '../../support/events.ts';

const facts: CommandFacts = { configFiles: ['tidemark.yaml'], sensitive: new Set(['city']) };

describe('the commands in an issue', () => {
  it('name the model, what of it the incident is about, and leave the reason to a person', () => {
    const drift = event('a', 0, 'opened', { segment: { plan: 'free' } });
    expect(acceptCommand(drift, facts)).toBe('tidemark accept fraud --kind drift --segment plan=free --reason WHY --config tidemark.yaml');
    expect(muteCommand(drift, facts)).toBe(
      'tidemark mute fraud --kind drift --segment plan=free --for 6h --reason WHY --config tidemark.yaml',
    );
  });

  it('accept as the command line does: quality together with drift, performance for the whole model', () => {
    const quality = event('a', 0, 'opened', { kind: 'quality' });
    expect(acceptCommand(quality, facts)).toContain('accept fraud --kind drift --reason');
    expect(muteCommand(quality, facts)).toContain('mute fraud --kind quality --for');
    const performance = event('a', 0, 'opened', { kind: 'performance', segment: { plan: 'free' } });
    expect(acceptCommand(performance, facts)).toContain('accept fraud --kind performance --reason');
    expect(muteCommand(performance, facts)).toContain('--kind performance --segment plan=free');
  });

  it('withhold the value of a sensitive segment', () => {
    const drift = event('a', 0, 'opened', { segment: { city: 'planted' } });
    for (const command of [acceptCommand(drift, facts), muteCommand(drift, facts)]) {
      expect(command).toContain('--segment city=VALUE');
      expect(command).not.toContain('planted');
    }
  });

  it('reach the program as the same words, whatever a model or a segment is called', () => {
    const anyText = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
      .filter((text) => !text.includes('\0') && text.isWellFormed());
    fc.assert(
      fc.property(anyText, anyText, (model, value) => {
        const command = acceptCommand(event('a', 0, 'opened', { model, segment: { plan: value } }), facts);
        const words = execFileSync('sh', ['-c', `tidemark() { printf '%s\\0' "$@"; }; ${command}`], { encoding: 'utf8' }).split('\0');
        expect(words.slice(0, 6)).toEqual(['accept', model, '--kind', 'drift', '--segment', `plan=${value}`]);
      }),
      { numRuns: 30 },
    );
  });

  it('take the window where an event does not know its replay', () => {
    expect(replayCommand(event('a', 0, 'opened'), { ...facts, configFiles: [] })).toContain(
      'backtest --config tidemark.yaml --from 2026-03-01T09:00:00Z --to 2026-03-01T10:00:00Z',
    );
  });
});
