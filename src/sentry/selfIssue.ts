/** An error of Tidemark itself as an event of Sentry: pure. Never a model incident: a fingerprint, a tag and a title of its own. */
import type { Event } from '@sentry/core';
import { cut, oneLine } from './wording.ts';

/** Facts of a log line that may leave: places in Kafka and names of stages. Anything else may hold what people call private. */
const harmlessFacts: readonly string[] = ['topic', 'partition', 'offset', 'role', 'group', 'sink', 'status', 'model', 'step', 'kind'];

/** What went wrong: a sentence, and where. */
export interface SelfError {
  readonly text: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly error: unknown;
}

/** The text by which repetitions are one issue: the numbers and names in a sentence are not what it is about. */
export function kindOfSelfError(text: string): string {
  return cut(
    oneLine(text)
      .replace(/"[^"]*"/g, '"..."')
      .replace(/\d+/g, '#'),
    120,
  );
}

export function selfIssueOf({ text, facts, error }: SelfError, group: string): Event {
  const shown = harmlessFacts.flatMap((name) => {
    const value = facts[name];
    return typeof value === 'string' || typeof value === 'number' ? [[name, value] as const] : [];
  });
  return {
    platform: 'node',
    logger: 'tidemark.self',
    level: 'error',
    fingerprint: ['tidemark', group, 'self', kindOfSelfError(text)],
    exception: { values: [{ type: 'Tidemark itself', value: cut(oneLine(text), 500), ...(stackOf(error) ?? {}) }] },
    tags: { 'tidemark.self': 'true', group: cut(group, 200) },
    contexts: {
      Where: Object.fromEntries(shown),
      ...(error instanceof Error ? { Cause: { error: error.name, ...codeOf(error) } } : {}),
    },
  };
}

/** Lines of the stack below the message, which may quote what was read. */
function stackOf(error: unknown): { stacktrace: { frames: { function: string; filename: string; lineno: number }[] } } | null {
  if (!(error instanceof Error)) return null;
  const frames = (error.stack ?? '').split('\n').flatMap((line) => {
    const match = /^\s+at (?:(.+) \()?(?:file:\/\/)?(?:.*?)((?:src|dist|node_modules)\/[^:]+):(\d+):\d+\)?$/.exec(line);
    return match === null ? [] : [{ function: match[1] ?? '', filename: match[2] ?? '', lineno: Number(match[3]) }];
  });
  return frames.length === 0 ? null : { stacktrace: { frames: frames.reverse() } };
}

function codeOf(error: Error): { code?: string } {
  const code: unknown = Reflect.get(error, 'code');
  return typeof code === 'string' || typeof code === 'number' ? { code: String(code) } : {};
}
