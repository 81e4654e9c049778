/** Where a source partition begins whose log or commit is not what it was; what follows from it is `logSurprises.test.ts`. */
import { describe, expect, it } from 'vitest';
import { cellConfigHash } from '../../../src/core/configHash.ts';
import type { SummarizerStart } from '../../../src/core/summarize/past.ts';
import { markOf } from '../../../src/core/summarize/recordMark.ts';
import { formatResumeState, type ResumeState } from '../../../src/core/summarize/resumeState.ts';
import { MemoryLog } from '../../../src/log/memory/memoryLog.ts';
import type { KnownSource } from '../../../src/stages/knownSources.ts';
import { findStart, type StartAnswer } from '../../../src/stages/summarizerStart.ts';
import { collectingLogger } from '../../support/collectingLogger.ts';
import { coreSettings } from '../../support/settings.ts';

const at = { topic: 'predictions', partition: 0 };
const settings = coreSettings();
const configHash = cellConfigHash(settings);

interface World {
  readonly log: MemoryLog;
  /** Ends of what was read before. */
  readonly values: readonly string[];
}

/** A log of ten records. */
async function world(): Promise<World> {
  const log = new MemoryLog();
  await log.createTopics([{ topic: at.topic, partitions: 1, configs: {} }]);
  const values = Array.from({ length: 10 }, (_, index) => `record ${index}`);
  await log.produce(values.map((value, index) => ({ ...at, key: null, value, timestampMs: 1_000 + index })));
  return { log, values };
}

function mark({ values }: World, offset: number) {
  const value = new TextEncoder().encode(values[offset] ?? '');
  return markOf({ offset, timestampMs: 1_000 + offset, value });
}

/** What a worker has left that had read all ten records, with a pane open from the fifth on. */
function commitOf(one: World, change: Partial<ResumeState> = {}) {
  const state: ResumeState = {
    maxTimeMs: null,
    closedUntilMs: null,
    idle: null,
    configHash,
    firstPartitions: 1,
    before: mark(one, 4),
    unknownPast: null,
    offset: 5,
    newest: mark(one, 9) ?? undefined,
    ...change,
  } as ResumeState;
  return { ...at, offset: 5, metadata: formatResumeState(state) };
}

async function startOf(
  one: World,
  commit: ReturnType<typeof commitOf> | null,
  known: KnownSource | null = null,
): Promise<StartAnswer & { said: string }> {
  const logger = collectingLogger();
  const question = {
    log: one.log,
    logger,
    at,
    role: 'predictions',
    firstStart: 'earliest',
    commits: [commit],
    settings,
    configHash,
  } as const;
  const answer = await findStart({ ...question, known: async () => known, leftAt: null });
  return { ...answer, said: logger.lines.map(({ level, message }) => `${level} ${message}`).join() };
}

const brief = ({ start, generation }: { start: SummarizerStart; generation: number }) => [start.kind, start.offset, generation];

describe('a start', () => {
  it('goes on from the commit while the log holds what was read', async () => {
    const one = await world();
    const answer = await startOf(one, commitOf(one));
    expect(brief(answer)).toEqual(['resume', 5, 0]);
    expect(answer.said).toBe('');
  });

  it('goes on from the commit, in a new generation, where Kafka has lost what stood in no partial yet', async () => {
    const one = await world();
    one.log.truncate(at, 8);
    const answer = await startOf(one, commitOf(one));
    expect(brief(answer)).toEqual(['resume', 5, 1]);
    expect(answer.start).toMatchObject({ state: { lost: { cause: 'truncated', from: 5, to: 5 }, idle: null } });
    expect(answer.said).toContain('error The log of this partition has become shorter');
  });

  it('goes on from the end where an idle flush has written what lies before it', async () => {
    const one = await world();
    one.log.truncate(at, 8);
    const answer = await startOf(one, commitOf(one, { idle: { position: 10, maxTimeMs: null } }));
    expect(brief(answer)).toEqual(['anew', 8, 1]);
  });

  it('sees that other records have taken the offsets of lost ones', async () => {
    const one = await world();
    one.log.truncate(at, 8);
    await one.log.produce(Array.from({ length: 5 }, () => ({ ...at, key: null, value: 'other', timestampMs: 1 })));
    expect(brief(await startOf(one, commitOf(one)))).toEqual(['resume', 5, 1]);
  });

  it('begins anew where nothing of what was read is there', async () => {
    const one = await world();
    one.log.recreateTopic(at.topic);
    await one.log.produce(Array.from({ length: 50 }, () => ({ ...at, key: null, value: 'other', timestampMs: 1 })));
    const answer = await startOf(one, commitOf(one, { generation: 3 }));
    expect(brief(answer)).toEqual(['anew', 0, 4]);
    expect(answer.said).toContain('the topic was created anew');
  });

  it('knows by what partials say that a topic is another one, although its commits went with it', async () => {
    const one = await world();
    expect(brief(await startOf(one, null, { generation: 2, position: 400, watermarkMs: null }))).toEqual(['anew', 0, 3]);
    expect(brief(await startOf(one, null, { generation: 2, position: 7, watermarkMs: null }))).toEqual(['beginning', 0, 2]);
    expect(brief(await startOf(one, null))).toEqual(['beginning', 0, 0]);
  });

  it('knows by what partials say, or by the metadata, how far event time had come before a position that was moved back', async () => {
    const one = await world();
    const { latenessMs } = settings.window;
    const moved = { ...at, offset: 3, metadata: '' };
    const known = { generation: 0, position: 7, watermarkMs: 900_000 };
    expect((await startOf(one, moved, known)).start).toEqual({ kind: 'middle', offset: 3, mostMs: 900_000 + latenessMs });
    expect((await startOf(one, moved)).start).toEqual({ kind: 'middle', offset: 3 });
    expect((await startOf(one, moved, { ...known, watermarkMs: null })).start).toEqual({ kind: 'middle', offset: 3 });
    // What lies between may be of any time.
    const lost = { cause: 'reset', from: 2, to: 3 };
    expect((await startOf(one, moved, { ...known, position: 2 })).start).toEqual({ kind: 'middle', offset: 3, lost });
    const kept = { ...commitOf(one, { maxTimeMs: 500_000, closedUntilMs: 900_000 }), offset: 3 };
    expect((await startOf(one, kept)).start).toEqual({ kind: 'middle', offset: 3, mostMs: 900_000 + latenessMs });
  });

  it('tells a commit that was moved together with its metadata from one of ours', async () => {
    const one = await world();
    const moved = (offset: number) => startOf(one, { ...commitOf(one), offset });
    expect((await moved(8)).start).toMatchObject({ kind: 'gap', offset: 8, lost: { cause: 'reset', from: 5, to: 8 } });
    expect(brief(await moved(2))).toEqual(['middle', 2, 0]);
    // Beyond the end: from there on.
    expect((await moved(70)).start).toMatchObject({ kind: 'gap', offset: 10 });
  });
});
