import { execFile } from 'node:child_process';

export interface FinishedProcess {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a script on this Node in a process of its own, without a terminal, and waits for its end. */
export function runNode(
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<FinishedProcess> {
  return new Promise((resolve) => {
    execFile(process.execPath, [...args], { ...options, maxBuffer: 16 * 1024 * 1024 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, out, err });
    });
  });
}
