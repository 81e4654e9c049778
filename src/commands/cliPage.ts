import type { Command } from 'commander';
import { exitCodeTable } from './exitCodes.ts';

/** Width of help texts in the page, whatever terminal wrote it. */
const width = 110;

/** `docs/cli.md`, made from the commands' own help. */
export function cliPage(program: Command): string {
  const sections = program.commands.map((command) => `## tidemark ${command.name()}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\``);
  return `# Command line

Made from \`src/commands/\` by \`npm run docs\`; do not edit. From a checkout: \`npm run -s tidemark -- COMMAND ...\`; each command has \`--help\`.

| exit code | meaning |
|---|---|
${exitCodeTable.map(([code, meaning]) => `| ${code} | ${meaning} |`).join('\n')}

${sections.join('\n\n')}
`;
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
