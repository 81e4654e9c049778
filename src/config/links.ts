/** What the URL templates of `links` may have in braces, with what it becomes, as an issue fills it in (`sentry/issue.ts`). */
export const linkHoles: readonly (readonly [hole: string, meaning: string])[] = [
  ['model', 'name of the model'],
  ['version', 'its newest version in the incident'],
  ['kind', '`drift`, `performance`, `quality`, ...'],
  ['severity', '`error`, `warning`, `info`'],
  ['team', 'owner of the model'],
  ['feature', 'the most telling series'],
  ['incident', 'id of the incident'],
  ['from', 'beginning of the window, ISO 8601'],
  ['to', 'its end'],
  ['fromMs', 'beginning of the window, epoch milliseconds (as Grafana takes it)'],
  ['toMs', 'its end'],
  ['segment.NAME', 'value of the segment that the incident is about'],
];
