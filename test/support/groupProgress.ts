/** What a worker says of its group in simulated time, which goes on while it is asked. */
import type { GroupProgress } from '../../src/core/detect/vigilance.ts';
import type { Pipeline, PipelineWorker } from './pipeline.ts';

export async function groupProgressOf(pipeline: Pipeline, worker: PipelineWorker): Promise<GroupProgress> {
  const answers: (GroupProgress | 'stopped' | null)[] = [];
  void worker.detect.groupProgress().then((found) => answers.push(found));
  await pipeline.runWhile(() => answers.length === 0);
  const [answer] = answers;
  if (answer === undefined || answer === null || answer === 'stopped') throw new Error('The worker says nothing of its progress');
  return answer;
}
