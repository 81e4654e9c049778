/** Many seeds over several worker threads, in shares that each thread asks for as it gets through; results come in the order in which they are ready. */
import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { type SimulationResult, simulate } from './simulate.ts';

/** Seeds that a thread takes at a time. */
const share = 12;

export const defaultJobs = availableParallelism();

interface Share {
  readonly from: number;
  readonly to: number;
}

/** Runs the seeds `[from, to)`. */
export async function simulateMany(from: number, to: number, jobs: number, onResult: (result: SimulationResult) => void): Promise<void> {
  if (jobs <= 1) {
    for (let seed = from; seed < to; seed++) onResult(await simulate(seed));
    return;
  }
  let next = from;
  const take = (): Share | null => {
    if (next >= to) return null;
    const one = { from: next, to: Math.min(to, next + share) };
    next = one.to;
    return one;
  };
  await Promise.all(Array.from({ length: jobs }, () => runThread(take, onResult)));
}

function runThread(take: () => Share | null, onResult: (result: SimulationResult) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL(import.meta.url));
    thread.on('message', (message: SimulationResult | 'ready') => {
      if (message !== 'ready') return onResult(message);
      const one = take();
      if (one === null) void thread.terminate();
      else thread.postMessage(one);
    });
    thread.on('error', reject);
    thread.on('exit', () => resolve());
  });
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  port.on('message', async ({ from, to }: Share) => {
    for (let seed = from; seed < to; seed++) port.postMessage(await simulate(seed));
    port.postMessage('ready');
  });
  port.postMessage('ready');
}
