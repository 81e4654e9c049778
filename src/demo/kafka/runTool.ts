import { execFile } from 'node:child_process';

export interface ToolResult {
  readonly isOk: boolean;
  /** Standard output and standard error. */
  readonly output: string;
}

/** Runs a program to its end. One that is not installed is a result too. */
export function runTool(program: string, args: readonly string[], limitMs: number): Promise<ToolResult> {
  return new Promise((resolve) => {
    execFile(program, [...args], { timeout: limitMs, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ isOk: error === null, output: `${stdout}${stderr}${error === null ? '' : error.message}` });
    });
  });
}

/** The last lines of a program's output: where it says what went wrong. */
export function lastLines(text: string, count: number): string {
  return text.trim().split('\n').slice(-count).join('\n');
}
