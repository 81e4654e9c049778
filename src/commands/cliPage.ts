import type { Command } from 'commander';
import { exitCodeTable } from './exitCodes.ts';

/** Width of help texts in the page, whatever terminal wrote it. */
const width = 110;

/** `docs/cli.md`, made from the commands' own help. */
export function cliPage(program: Command): string {
  // Of a command that only holds others, the others.
  const commands = program.commands.flatMap((command) => (command.commands.length === 0 ? [command] : command.commands));
  const sections = commands.map((command) => `## ${fullName(command)}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\``);
  return `# Command line

Made from \`src/commands/\` by \`npm run docs\`; do not edit. From a checkout: \`npm run -s tidemark -- COMMAND ...\`; each command has \`--help\`.

| exit code | meaning |
|---|---|
${exitCodeTable.map(([code, meaning]) => `| ${code} | ${meaning} |`).join('\n')}

${sections.join('\n\n')}
`;
}

/** `tidemark sentry setup`. */
function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

/** The help as `--help` prints it, texts after it included. Changes how the command prints: for a program that is built for this page. */
function helpOf(command: Command): string {
  let text = '';
  command.configureHelp({ helpWidth: width }).configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return text.trim();
}
