/** `docs/configuration.md`, made from the schema. */
import { linkHoles } from './links.ts';
import { entryKeys, type Key, leavesOf, modelKeys, perModel, rootKeys, type Section, variableOf } from './schema.ts';

const introduction = `# Configuration

Made from the schema (\`src/config/schema.ts\`) by \`npm run docs\`; do not edit. A file that runs: \`config/tidemark.example.yaml\`.

## How it is read

- From YAML files (\`--config FILE\`, may be repeated; \`tidemark.yaml\` in the working directory if none is named), then the environment, then \`--set key=value\`. The later one wins, key by key.
- A key left empty in YAML, and an empty variable, are as good as not written.
- Each key has a variable: \`window.maxAhead\` is \`TIDEMARK_WINDOW_MAX_AHEAD\`. Lists are separated by commas.
- Secrets (marked *secret*) may also come from a file that the variable with \`_FILE\` names, and are never printed.
- Durations are a number and \`ms\`, \`s\`, \`m\`, \`h\` or \`d\` (24 hours). Sizes are a number and \`B\`, \`KB\`, \`MB\`, \`GB\` (powers of 1,000) or \`KiB\`, \`MiB\`, \`GiB\`.
- Unknown keys, wrong values and contradictions stop the start with exit code 2; each is reported with its line, what is allowed and the nearest name: those of single keys at once, and when these are right those of several keys together.
  Unknown variables that begin with \`TIDEMARK_\` are warned of only: Kubernetes sets some for a service called tidemark.
`;

export function configurationPage(): string {
  const parts = [introduction];
  for (const [name, section] of Object.entries(entryKeys)) {
    const all = variableOf([name]);
    parts.push(
      `## ${name}\n`,
      `${entryWords[name] ?? ''} One entry, or a list of entries. \`${all}\` takes topic names separated by commas, or JSON; with \`${all}_TOPIC\` and its like the environment sets a single entry.\n`,
      table(section, [name], true),
    );
  }
  for (const [name, node] of Object.entries<Section | Key<unknown>>(rootKeys)) {
    if (name !== 'segments') parts.push(`## ${name}\n`, `${sectionWords[name] ?? ''}\n`.trimStart(), table({ [name]: node }, [], true));
    else parts.push('## segments\n', table({ [name]: node }, [], true));
  }
  parts.push(
    '## models\n',
    `Optional, by model name: \`models: { fraud: { owner: ml-risk, alerts: { openAfter: 3 } } }\`. An entry has these keys, and may override any key of ${Object.keys(
      perModel,
    )
      .map((name) => `\`${name}\``)
      .join(
        ', ',
      )} for its model. \`TIDEMARK_MODELS\` takes all entries as one JSON object; \`--set models.fraud.owner=ml-risk\` sets one key.\n`,
    table(modelKeys, ['models', 'NAME'], false),
    '## links\n',
    'Optional, URL templates by name (`dashboard`, `runbook`, `repository`, ...), shown in issues. `TIDEMARK_LINKS` takes them as one JSON object.\n',
    '```yaml\nlinks:\n  dashboard: https://grafana.example.com/d/models?var-model={model}&from={fromMs}&to={toMs}\n  runbook: https://wiki.example.com/drift/{kind}\n  repository: https://git.example.com/models/{model}\n```\n',
    `Filled in, encoded for a URL; anything else in braces stays as it is:\n\n| in braces | |\n|---|---|\n${linkHoles.map(([hole, meaning]) => `| \`${hole}\` | ${meaning} |`).join('\n')}\n`,
  );
  return `${parts
    .filter((part) => part !== '\n')
    .join('\n')
    .trimEnd()}\n`;
}

const entryWords: Readonly<Record<string, string>> = {
  predictions: 'Topics that carry predictions. At least one.',
  feedback: 'Topics that carry late labels. Optional: without them there is drift, but no measured performance.',
};

const sectionWords: Readonly<Record<string, string>> = {
  performance: 'May be overridden per model.',
  baseline: 'May be overridden per model.',
  alerts: 'May be overridden per model.',
  topics: 'The internal topics: `<group>.partials`, `.history`, `.events`, `.deliveries`, `.dead-letters`.',
};

function table(section: Section, prefix: readonly string[], hasVariables: boolean): string {
  const rows = leavesOf(section, prefix).map(([path, key]) => {
    const cells = [
      `\`${path.join('.')}\``,
      meaning(key),
      key.allowed,
      defaultOf(key),
      ...(hasVariables ? [`\`${variableOf(path)}\``] : []),
    ];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  const heads = ['key', 'meaning', 'must be', 'default', ...(hasVariables ? ['variable'] : [])];
  return `| ${heads.join(' | ')} |\n|${heads.map(() => '---').join('|')}|\n${rows.join('\n')}\n`;
}

function meaning(key: Key<unknown>): string {
  const example = key.example === undefined ? '' : ` Example: \`${key.example}\`.`;
  return `${key.doc}${example}${key.sensitive ? ' *secret*' : ''}`;
}

function defaultOf(key: Key<unknown>): string {
  if (key.default === '') return '';
  return `\`${Array.isArray(key.default) ? `[${key.default.join(', ')}]` : String(key.default)}\``;
}
