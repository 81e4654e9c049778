import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { configurationPage } from '../config/configurationPage.ts';
import { metricsPage } from '../http/metricsPage.ts';
import { cliPage } from './cliPage.ts';
import type { CommandContext } from './context.ts';

/** The pages that are made from the code, by file name. `program` is the whole command line. */
export function generatedPages(program: Command): ReadonlyMap<string, string> {
  return new Map([
    ['configuration.md', configurationPage()],
    ['metrics.md', metricsPage()],
    ['cli.md', cliPage(program)],
  ]);
}

/** `tidemark docs`: writes the generated pages. A test fails while they are not those of the code. */
export function docsCommand(context: CommandContext, program: () => Command): Command {
  return new Command('docs')
    .summary('write the reference pages that are made from the code')
    .description('Writes configuration.md, metrics.md and cli.md from the schema, the list of metrics and the commands.')
    .option('-o, --out <directory>', 'where the pages go', 'docs')
    .addHelpText('after', '\nExample:\n  tidemark docs --out docs')
    .action((options: { out: string }) => {
      mkdirSync(options.out, { recursive: true });
      for (const [name, page] of generatedPages(program())) {
        const path = join(options.out, name);
        writeFileSync(path, page);
        context.stdout(`wrote ${path}\n`);
      }
    });
}
