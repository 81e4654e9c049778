import { describe, expect, it } from 'vitest';
import { renderReport } from '../../../src/report/report.ts';
import { sampleEvaluations, sampleEvents, sampleReport } from './sample.ts';

const page = renderReport(sampleReport());

/** Text of the page without its markup. */
function text(html: string): string {
  return html
    .replace(/<(style|svg).*?<\/\1>/gs, ' ')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ');
}

describe('the page of a backtest', () => {
  it('begins with how many incidents in how much time, and how many records', () => {
    expect(page).toContain('<h1>3 incidents in 12 days</h1>');
    expect(text(page)).toContain('191,311 records read, 1,440 windows evaluated');
    expect(renderReport(sampleReport({ events: [] }))).toContain('<h1>no incident in 12 days</h1>');
    expect(renderReport(sampleReport({ events: [sampleEvents[0]!].slice(0, 1) }))).toContain('<h1>1 incident in 12 days</h1>');
  });

  it('is self-contained: no script, nothing loaded from elsewhere', () => {
    expect(page).not.toMatch(/<script|<link|<img|@import|url\(|src=/);
    const addresses = [...page.matchAll(/https?:[^"\s]*/g)].map(([address]) => address);
    expect(new Set(addresses)).toEqual(new Set(['http://www.w3.org/2000/svg']));
  });

  it.each(['invalid', 'late'])('says of the series %s what its share is of', (name) => {
    const [, , , quality] = sampleEvents;
    const series = quality!.series.map((one) => ({ ...one, name }));
    expect(text(renderReport(sampleReport({ events: [{ ...quality!, series }] })))).toContain(`share ${name} +12.1 points`);
  });

  it('is the same bytes for the same run', () => {
    expect(renderReport(sampleReport())).toBe(page);
  });

  it('has every incident with its line, its steps in order, and its series', () => {
    const words = text(page);
    expect(words).toContain('distance moved by +0.61 sd within 6 h (median 571 to 918), since 05:00Z');
    expect(words).toMatch(
      /opened 2001-02-07 06:00 \(window of 6h\) escalated 2001-02-07 11:00 \(window of 6h\) recovered 2001-02-09 18:00/,
    );
    expect(words).toContain('score moving too share of values up to 0.31 −2.1 points 0.004');
    expect(words).toContain('prediction share of &quot;late&quot; −4.3 points 3.0e-6');
    expect(words).toContain('share missing +12.1 points below 1e-300');
    expect(words).toContain('not exact: idle');
    expect(words).toContain('owner ops');
  });

  it('says which incidents are still open', () => {
    const [, ...rows] = /<h2>Incidents<\/h2>\s*(.*?)<section/s.exec(page)?.[1]?.split('<tr>') ?? [];
    expect(
      rows.slice(1).map((row) =>
        text(row)
          .trim()
          .replace(/.*(recovered.*|still open)$/, '$1'),
      ),
    ).toEqual(['recovered 2001-02-09 18:00', 'still open', 'still open']);
  });

  it('draws how the series of an incident went: p of drift, the measure with its interval of performance', () => {
    expect(page).toContain('distance: how likely by chance alone (p), windows of 6h');
    expect(page).toContain('accuracy with its 95 % interval, windows of 1d');
    expect(page.match(/<figure>/g)).toHaveLength(3);
  });

  it('lists every series, the most unusual first, with what was tested and what could have been found; segments apart', () => {
    const tables = [...(/<h2>Every series(.*?)<h2>/s.exec(page)?.[1] ?? '').matchAll(/<tbody>(.*?)<\/tbody>/gs)].map(([, body = '']) =>
      [...body.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row = '']) =>
        [...row.matchAll(/<td[^>]*>(.*?)<\/td>/gs)].map(([, cell = '']) => text(cell).trim()),
      ),
    );
    expect(tables.map((rows) => rows.map((row) => row[1]))).toEqual([['distance', 'hour', 'origin', 'score'], ['accuracy']]);
    expect(tables[0]?.[0]).toEqual(['delays', 'distance', '', '200', '48', '40', '48', '1.0e-9', '+0.6 sd (location)', '0.21 sd']);
    expect(tables[1]?.[0]?.[2]).toBe('hub = ORD, version 2001-01');
  });

  it('counts records by topic and partition, late and invalid ones by reason', () => {
    const words = text(page);
    expect(words).toContain('predictions 1 47,980');
    expect(words).toContain('late (after their pane was closed) 14');
    expect(words).toContain('invalid: no-id 41');
  });

  it('says how to make it again, and what must come out', () => {
    expect(page).toContain('<pre>tidemark backtest --config tidemark.yaml');
    expect(page).toContain('9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08');
  });

  it('shows names from the data as text, never as markup', () => {
    expect(page).toContain('&lt;origin&gt; is missing in 12 % of the rows');
    expect(page).not.toContain('<origin>');
  });

  it('stays small however many evaluations there are, and keeps the moment of drift', () => {
    function* many() {
      for (let round = 0; round < 40; round += 1) yield* sampleEvaluations();
    }
    const large = renderReport(sampleReport({ evaluations: many() }));
    expect(large.length).toBeLessThan(3 * page.length);
    expect(large).toContain('<circle');
  });

  it('explains an empty run', () => {
    const empty = renderReport(sampleReport({ events: [], evaluations: [] }));
    expect(empty).toContain('<h1>nothing to evaluate</h1>');
    expect(text(empty)).toContain('Is the time covered longer than the baseline?');
  });
});
