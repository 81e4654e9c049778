import { once } from 'node:events';
import { Command, InvalidArgumentError } from 'commander';
import { startInbox } from '../sentry/inbox/server.ts';
import type { CommandContext } from './context.ts';
import { stopOnSignals } from './signals.ts';

/** `tidemark inbox`: a local stand-in for Sentry, to see incidents without an account. */
export function inboxCommand(context: CommandContext): Command {
  return new Command('inbox')
    .summary('run the local Sentry inbox: see incidents without a Sentry account')
    .description(
      'Takes events as Sentry does, groups them into issues and shows them on a page. For rehearsals, demos and tests; not for production.',
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on, 0 for any free one', portOf, 9465)
    .option('--file <file>', 'keep the events in this NDJSON file, so that they survive a restart')
    .addHelpText('after', '\nExample:\n  tidemark inbox --port 9465')
    .action(async ({ host, port, file }: { host: string; port: number; file?: string }) => {
      const stop = stopOnSignals();
      const inbox = await startInbox({ host, port, ...(file === undefined ? {} : { dataFile: file }) });
      context.stdout(
        `Inbox: ${inbox.url}\nDSN:   ${inbox.dsn}   (sentry.dsn, or SENTRY_DSN)\n` +
          `API:   token ${inbox.api.token}, organization ${inbox.api.organization}, project ${inbox.api.project}   (sentry.api)\nCtrl-C stops it.\n`,
      );
      if (!stop.aborted) await once(stop, 'abort');
      await inbox.close();
    });
}

function portOf(text: string): number {
  const port = Number(text);
  if (text.trim() === '' || !Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError('must be a whole number from 0 to 65535.');
  return port;
}
