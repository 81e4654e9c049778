import { parseFactKey, readNode } from '../../src/core/detect/fact.ts';
import { allVersions, type Node } from '../../src/core/detect/node.ts';
import type { LogRecord } from '../../src/log/port.ts';

const decoder = new TextDecoder();

/** Decided panes of a model, all versions together, without segments, by their end, from the records of `history`. */
export function wholePanes(records: readonly LogRecord[], hopMs: number, model: string): Map<number, Node> {
  const panes = new Map<number, Node>();
  for (const { key, value } of records) {
    const subject = parseFactKey(key === null ? '' : decoder.decode(key));
    if (subject?.fact !== 'node' || value === null || subject.model !== model || subject.stepMs !== hopMs) continue;
    if (subject.cell.version !== allVersions || subject.cell.segment !== null) continue;
    const node = readNode([value], subject.stepMs, subject.endMs);
    if (node !== null) panes.set(subject.endMs, node);
  }
  return panes;
}
