import type { WindowSettings } from '../core/settings.ts';
import type { Member } from '../log/port.ts';
import type { SummarizeTask } from './summarizeTask.ts';

/** The partition to read on from, or null where nothing can be read: the prediction partition with the lowest watermark, and feedback not before what it is about. */
export function nextToRead(tasks: Iterable<SummarizeTask>, member: Member, { latenessMs, hopMs }: WindowSettings): SummarizeTask | null {
  let slowest: SummarizeTask | null = null;
  let slowestMs = Number.POSITIVE_INFINITY;
  let feedback: SummarizeTask | null = null;
  let feedbackMs = Number.POSITIVE_INFINITY;
  for (const task of tasks) {
    const watermarkMs = task.summarizer.watermarkMs ?? Number.NEGATIVE_INFINITY;
    if (!task.hasRecords(member)) continue;
    if (task.summarizer.source.role === 'feedback') {
      if (feedback !== null && watermarkMs >= feedbackMs) continue;
      feedback = task;
      feedbackMs = watermarkMs;
    } else if (slowest === null || watermarkMs < slowestMs) {
      slowest = task;
      slowestMs = watermarkMs;
    }
  }
  if (slowest === null || feedback === null) return slowest ?? feedback;
  // Event time is behind arrival by the lateness even where predictions are read at once: that is no reason to wait.
  return feedbackMs <= slowestMs + latenessMs + hopMs ? feedback : slowest;
}
