/** Tidemark's lines among the ownership rules of a project. Others may have written rules too: theirs are left as they are. Pure. */

const begin = '# tidemark: begin (written by tidemark; changes between these lines are put back)';
const end = '# tidemark: end';

/** The rules with Tidemark's block as wanted: replaced where it is, else put first, so that rules of people, which come later, win. No rules: no block. */
export function withOwnRules(raw: string, rules: readonly string[]): string {
  const { before, own, after } = split(raw);
  const block = rules.length === 0 ? [] : [begin, ...rules, end];
  const lines = own === null ? [...block, ...after] : [...before, ...block, ...after];
  return lines.join('\n').trim();
}

/** Tidemark's rules as they stand there; null without a block. */
export function ownRules(raw: string): readonly string[] | null {
  return split(raw).own;
}

/** Sentry keeps line ends as they were sent, by whoever sent them. */
function split(raw: string): { before: readonly string[]; own: readonly string[] | null; after: readonly string[] } {
  const lines = raw.split(/\r?\n/).map((line) => line.trimEnd());
  const from = lines.findIndex((line) => line.startsWith('# tidemark: begin'));
  if (from === -1) return { before: [], own: null, after: lines };
  const to = lines.findIndex((line, index) => index > from && line.startsWith(end));
  // Without its last line nobody knows where the block ends: it is taken to be the rules that follow without a gap.
  const gap = lines.findIndex((line, index) => index > from && line === '');
  const stop = to === -1 ? (gap === -1 ? lines.length : gap) : to;
  return { before: lines.slice(0, from), own: lines.slice(from + 1, stop), after: lines.slice(to === -1 ? stop : stop + 1) };
}
