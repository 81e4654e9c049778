/** What the shell logs with: the part of pino that is used, so that tests can collect lines instead. Fields first, then one sentence. */
type Write = (fields: Readonly<Record<string, unknown>>, message: string) => void;

export interface Logger {
  readonly error: Write;
  readonly warn: Write;
  readonly info: Write;
  readonly debug: Write;
}
