/** The page of a backtest: self-contained HTML without scripts, for a person who decides whether the thresholds are right. */
import { escaped } from '../chart/svg.ts';
import { dayMs, formatDuration } from '../core/duration.ts';
import { type EvaluationRecord, type EventRecord, sinceOf } from '../core/incident/event.ts';
import type { CoreSettings } from '../core/settings.ts';
import { type Aggregate, aggregate, type SeriesRow } from './aggregate.ts';
import { incidentSection, incidentsOf } from './incidentSection.ts';
import { pageStyle } from './pageStyle.ts';
import type { BacktestSummary } from './summary.ts';
import { code, counted, effectText, kindNames, probabilityText, statisticText, table, timeText, whole } from './words.ts';

export interface ReportInput {
  readonly summary: BacktestSummary;
  /** In the order of `events.ndjson`. */
  readonly events: readonly EventRecord[];
  /** Read once, in any order; may be too many for memory. */
  readonly evaluations: Iterable<EvaluationRecord>;
  /** What the run was made with. */
  readonly settings: CoreSettings;
  /** The command line that makes this page again. */
  readonly command: string;
}

/** Rows of the table of series, and incidents with a section. */
const listedRows = 150;
const listedIncidents = 100;

/** One HTML document. The same input gives the same bytes. */
export function renderReport(input: ReportInput): string {
  const { summary, events, settings } = input;
  const evaluated = aggregate(input.evaluations, events);
  const incidents = incidentsOf(events);
  const title = headline(incidents.length, evaluated);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tidemark backtest: ${escaped(title)}</title>
<style>${pageStyle}</style>
</head>
<body><main>
<p class="brand">Tidemark backtest</p>
<h1>${escaped(title)}</h1>
<p class="lead">${escaped(spanText(evaluated))}${counted(recordCount(summary), 'record')} read, ${counted(summary.evaluations, 'window')} evaluated. Times are UTC.</p>
${overview(summary, incidents)}
<h2>Incidents</h2>
${incidents.length === 0 ? '<p>None opened.</p>' : incidentList(events)}
${incidents
  .slice(0, listedIncidents)
  .map((incident) => incidentSection(incident, evaluated))
  .join('\n')}
${incidents.length > listedIncidents ? `<p class="muted">${counted(incidents.length - listedIncidents, 'more incident')}: see events.ndjson.</p>` : ''}
<h2>Every series that was watched</h2>
${seriesSection(evaluated.rows)}
<h2>Records</h2>
${recordsSection(summary)}
<h2>Made with</h2>
${settingsSection(settings)}
<h2>Make it again</h2>
<pre>${escaped(input.command)}</pre>
<p class="muted">The same records and settings give the same events: sha256 of events.ndjson is ${code(summary.eventsSha256)}.</p>
</main></body>
</html>
`;
}

function headline(incidents: number, { span }: Aggregate): string {
  const days = span === null ? 0 : (span.toMs - span.fromMs) / dayMs;
  if (span === null) return 'nothing to evaluate';
  const length = days >= 1 ? counted(Math.round(days), 'day') : formatDuration(span.toMs - span.fromMs);
  return `${incidents === 0 ? 'no incident' : counted(incidents, 'incident')} in ${length}`;
}

function spanText({ span }: Aggregate): string {
  return span === null ? '' : `${timeText(span.fromMs)} to ${timeText(span.toMs)}: `;
}

function recordCount(summary: BacktestSummary): number {
  return Object.values(summary.records).reduce((sum, partitions) => sum + total(partitions), 0);
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function overview(summary: BacktestSummary, incidents: readonly unknown[]): string {
  const tiles: [string, string, string][] = [
    [whole(incidents.length), incidents.length === 1 ? 'incident' : 'incidents', incidents.length > 0 ? 'alarm' : ''],
    [whole(recordCount(summary)), 'records', ''],
    [whole(summary.late), 'late', ''],
    [whole(total(summary.invalid)), 'invalid', total(summary.invalid) > 0 ? 'alarm' : ''],
    [whole(summary.recordsPerSecond), 'records a second', ''],
  ];
  return `<ul class="tiles">${tiles.map(([value, name, mark]) => `<li class="${mark}"><b>${value}</b> ${name}</li>`).join('')}</ul>`;
}

function incidentList(events: readonly EventRecord[]): string {
  const rows = incidentsOf(events)
    .slice(0, listedIncidents)
    .map(({ id, events: steps }) => {
      const [first] = steps;
      const last = steps.at(-1) ?? first;
      return [
        timeText(sinceOf(first)),
        `<a href="#incident-${escaped(id)}">${escaped(kindNames[first.kind])}</a>`,
        escaped(first.model),
        escaped(first.summary),
        last.step === 'recovered' || last.step === 'ended' ? `${last.step} ${timeText(last.windowEnd)}` : 'still open',
      ];
    });
  return table(['opened', 'kind', 'model', 'what', 'then'], rows);
}

function seriesSection(rows: readonly SeriesRow[]): string {
  if (rows.length === 0) return '<p>None: there were no windows to evaluate. Is the time covered longer than the baseline?</p>';
  const wholes = rows.filter((row) => row.segment === '');
  const segments = rows.filter((row) => row.segment !== '');
  return `<p class="muted">Most unusual first. "Could have shown" is the smallest effect that the most sensitive window would have told from chance.</p>
${seriesTable(wholes)}
${segments.length === 0 ? '' : `<details><summary>Segments: ${counted(segments.length, 'row')}</summary>${seriesTable(segments)}</details>`}`;
}

function seriesTable(rows: readonly SeriesRow[]): string {
  const listed = rows
    .slice(0, listedRows)
    .map((row) => [
      escaped(row.model),
      escaped(row.series),
      escaped(
        [row.segment, row.version === null || row.version === '' ? '' : `version ${row.version}`].filter((part) => part !== '').join(', '),
      ),
      whole(row.verdicts.ok + row.verdicts.drift),
      row.verdicts.drift === 0 ? '' : `<b class="alarm">${whole(row.verdicts.drift)}</b>`,
      whole(row.verdicts.insufficient),
      whole(row.verdicts.learning),
      probabilityText(row.smallestP),
      row.statisticThen === null || row.smallestP === null
        ? ''
        : escaped(`${effectText(row.statisticThen, row.effectThen)} (${statisticText(row.statisticThen, row.series)})`),
      effectText(row.statisticThen, row.detectable === null ? null : Math.abs(row.detectable)).replace('+', ''),
    ]);
  const head = ['model', 'series', 'of', 'tested', 'drift', 'too little data', 'learning', 'smallest p', 'effect then', 'could have shown'];
  const more = rows.length - listedRows;
  return (
    table(head, listed, [3, 4, 5, 6, 7, 9]) +
    (more > 0 ? `<p class="muted">and ${whole(more)} quieter series: see evaluations.ndjson.</p>` : '')
  );
}

function recordsSection(summary: BacktestSummary): string {
  const rows = Object.entries(summary.records).flatMap(([topic, partitions]) =>
    Object.entries(partitions).map(([partition, count]) => [escaped(topic), escaped(partition), whole(count)]),
  );
  const losses = [
    ['late (after their pane was closed)', whole(summary.late)],
    ...Object.entries(summary.invalid).map(([reason, count]) => [`invalid: ${escaped(reason)}`, whole(count)]),
    ['dead-lettered', whole(summary.deadLettered)],
  ];
  return table(['topic', 'partition', 'records'], rows, [1, 2]) + table(['counted, not added', 'records'], losses, [1]);
}

function settingsSection(settings: CoreSettings): string {
  const { window, defaults } = settings;
  const { baseline, alerts, performance } = defaults;
  const rows = [
    ['false-alarm budget', `${counted(alerts.budget.incidents, 'incident')} per model in ${formatDuration(alerts.budget.perMs)}`],
    [
      'window',
      `hop ${formatDuration(window.hopMs)}, scales ${window.scalesMs.map(formatDuration).join(', ')}, lateness ${formatDuration(window.latenessMs)}`,
    ],
    ['baseline', baseline.kind === 'first' ? `the first ${formatDuration(baseline.durationMs)} with data` : `file ${baseline.path}`],
    [
      'performance',
      `windows of ${performance.scalesMs.map(formatDuration).join(', ')} of predictions, smallest drop ${performance.minDrop}`,
    ],
    [
      'smallest effect worth a page',
      `location ${alerts.minimumEffect.location}, spread ${alerts.minimumEffect.spread}, share ${alerts.minimumEffect.share}, total variation ${alerts.minimumEffect.totalVariation}`,
    ],
    ['opens after', `${counted(alerts.openAfter, 'evaluation')} in a row`],
    ['segments', defaults.segments.join(', ') || 'none'],
    ['models with settings of their own', [...settings.models.keys()].join(', ') || 'none'],
  ];
  return table(
    ['setting', 'value'],
    rows.map((row) => row.map(escaped)),
  );
}
