import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linkHoles } from '../../../src/config/links.ts';
import type { EventRecord } from '../../../src/core/incident/event.ts';
import { type IssueContext, issueOf } from '../../../src/sentry/issue.ts';
import { event, hex, series } from '../../support/events.ts';

const context: IssueContext = {
  group: 'tidemark',
  configFiles: [],
  links: {},
  sensitive: new Set(),
  environment: 'production',
  release: 'tidemark@0.1.0',
};

const opened = (over: Partial<EventRecord> = {}) => event('a', 0, 'opened', over);
const title = (over: Partial<EventRecord>, sensitive: string[] = []) =>
  issueOf(opened(over), { ...context, sensitive: new Set(sensitive) }).exception?.values?.[0]?.type;

describe('the issue of an event', () => {
  it('is the same for the same event, with the identity that Tidemark gave it', () => {
    const issue = issueOf(opened(), context);
    expect(issueOf(opened(), context)).toEqual(issue);
    expect(issue).toMatchObject({
      event_id: hex('a/0'),
      timestamp: Date.UTC(2026, 2, 1, 10) / 1_000,
      fingerprint: ['tidemark', 'tidemark', hex('a')],
      level: 'warning',
      transaction: 'fraud@2026-02',
      environment: 'production',
      release: 'tidemark@0.1.0',
    });
  });

  it('goes by the chain, so that an incident that continues another reopens its issue', () => {
    const again = event('b', 0, 'opened', { chain: hex('a') });
    expect(issueOf(again, context).fingerprint).toEqual(issueOf(opened(), context).fingerprint);
  });

  it.each<[string, Partial<EventRecord>]>([
    ['Data drift: fraud / amount', {}],
    ['Accuracy drop: fraud', { kind: 'performance', series: [series('accuracy')] }],
    ['AUC drop: fraud', { kind: 'performance', series: [series('auc')] }],
    ['Error rise: fraud', { kind: 'performance', series: [series('mae')] }],
    ['Estimated performance drop: fraud', { kind: 'estimate', series: [series('accuracy')] }],
    ['Volume change: fraud', { kind: 'volume', series: [] }],
    ['Data quality: fraud / amount missing', { kind: 'quality', series: [series('amount', { statistic: 'miss' })] }],
    ['Data quality: fraud / invalid records', { kind: 'quality', series: [series('invalid', { statistic: 'miss' })] }],
    ['Data quality: fraud / late records', { kind: 'quality', series: [series('late', { statistic: 'miss' })] }],
    ['Data drift: fraud', { series: [] }],
    ['Data drift: fraud / constructor', { series: [series('constructor')] }],
    ['Data drift: fraud / amount [country DE]', { segment: { country: 'DE' } }],
  ])('is titled %s', (expected, over) => {
    expect(title(over)).toBe(expected);
  });

  it('names the most telling series and how many more there are', () => {
    const many = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => series(name));
    expect(title({ series: [...many, series('amount', { p: 1e-30 })] })).toBe('Data drift: fraud / amount and 7 more');
  });

  it('says of lost records where they are missing', () => {
    const lost = (partition: number) =>
      series(`orders/${partition}`, { statistic: 'lost', p: 0, current: { observed: 9, topic: 'orders', partition, cause: 'retention' } });
    expect(title({ kind: 'quality', model: 'topic:orders', series: [lost(3)] })).toBe('Records lost: orders, partition 3');
    expect(title({ kind: 'quality', model: 'topic:orders', series: [lost(3), lost(7), lost(9)] })).toBe(
      'Records lost: orders, partition 3 and 2 more',
    );
  });

  it('does not count series that only move too', () => {
    expect(title({ series: [series('tide', { joined: false, p: 0 }), series('amount')] })).toBe('Data drift: fraud / amount');
  });

  it('keeps a title to one short line whatever the names are', () => {
    const text = title({ model: `fraud\n${'x'.repeat(100_000)}`, series: [series('\u{1F30A}'.repeat(50_000))] }) ?? '';
    expect(text.length).toBeLessThanOrEqual(120);
    expect(text).not.toMatch(/[\n\r]/);
    expect(text.isWellFormed()).toBe(true);
  });

  it('says in one line what a person can act on', () => {
    expect(issueOf(opened({ summary: 'amount is higher,\n since 09:40Z' }), context).exception?.values?.[0]?.value).toBe(
      'amount is higher, since 09:40Z',
    );
  });

  it('says of a step that is told late that its incident is over, and wakes nobody, however bad it was', () => {
    const was = opened({ severity: 'error' });
    const end = event('a', 1, 'recovered', { windowEnd: '2026-03-01T12:30:00.000Z' });
    const issue = issueOf(was, context, end);
    expect(issue).toMatchObject({ event_id: was.id, level: 'info', tags: { severity: 'error', step: 'opened' } });
    expect(issue.exception?.values?.[0]).toMatchObject({
      type: 'Data drift: fraud / amount',
      value: `Over since 2026-03-01 12:30Z, after 2 h 50 min: ${was.summary}`,
    });
    expect(issue.contexts?.['What changed']?.['over since']).toBe(
      '2026-03-01T12:30:00Z: recovered before Sentry could be told of this step',
    );
    expect(issueOf(was, context).contexts?.['What changed']).not.toHaveProperty('over since');
    expect(issue.contexts).not.toHaveProperty('What now');
  });

  it('carries the tags for routing, and leaves out the empty ones', () => {
    expect(issueOf(opened({ segment: { country: 'DE' } }), context).tags).toEqual({
      model: 'fraud',
      version: '2026-02',
      kind: 'drift',
      severity: 'warning',
      team: 'ml-risk',
      feature: 'amount',
      step: 'opened',
      incident: hex('a'),
      'segment.country': 'DE',
    });
    const bare = issueOf(opened({ owner: null, versions: [''], kind: 'performance', series: [series('accuracy')] }), context).tags;
    expect(Object.keys(bare ?? {})).toEqual(['model', 'kind', 'severity', 'step', 'incident']);
  });

  it('keeps tag keys to 32 characters of Sentry’s alphabet and values to 200', () => {
    const { tags } = issueOf(opened({ model: 'm'.repeat(500), segment: { [`my segment ${'x'.repeat(50)}`]: 'v\n'.repeat(300) } }), context);
    for (const [key, value] of Object.entries(tags ?? {})) {
      expect(key).toMatch(/^[a-zA-Z0-9_.:-]{1,32}$/);
      expect(String(value).length).toBeLessThanOrEqual(200);
      expect(String(value)).not.toContain('\n');
    }
    expect(Object.keys(tags ?? {})).toContain('segment.my_segment_xxxxxxxxxxxxx');
  });

  it('shows what changed, the source and how to reproduce it as flat tables', () => {
    const contexts = issueOf(opened(), context).contexts ?? {};
    expect(Object.keys(contexts)).toEqual(['Top features', 'What changed', 'Source', 'Reproduce', 'What now']);
    expect(contexts['What changed']).toMatchObject({
      step: 'opened',
      'open since': '2026-03-01T09:40:00Z',
      window: '2026-03-01T09:00:00Z to 2026-03-01T10:00:00Z',
      scale: '1h',
      series: '1 breached',
    });
    expect(contexts['Top features']).toEqual({
      '1. amount':
        'median 44 -> 61 (+0.31 sigma) · effect 0.31, PSI 0.28 · mean 61.5 → 84.2 · p50 44 → 61 · n 48,210, baseline 512,000 · p 1.0e-9 · varies 1.4× as much as independent rows would',
    });
    expect(contexts.Source).toEqual({
      from: '2026-03-01T09:00:00Z',
      to: '2026-03-01T10:00:00Z',
      records: '48,210',
      'predictions partition 0': 'offsets 1000 to 25105 (24,105 records)',
      'predictions partition 1': 'offsets 980 to 25085 (24,105 records)',
    });
    expect(contexts.Reproduce?.command).toBe(
      `tidemark backtest --config tidemark.yaml --from 2026-03-01T09:00:00Z --to 2026-03-01T10:00:00Z --out incident-${hex('a').slice(0, 8)}`,
    );
    for (const table of Object.values(contexts)) for (const value of Object.values(table ?? {})) expect(typeof value).not.toBe('object');
  });

  it('says at which scale a series is seen, where that is not the one of the window', () => {
    const { contexts } = issueOf(opened({ series: [series('amount'), series('age', { scale: '6h', p: 1e-3 })] }), context);
    expect(Object.values(contexts?.['Top features'] ?? {}).map((row) => / n 48,210(.*), baseline/.exec(String(row))?.[1])).toEqual([
      '',
      ' in 6h',
    ]);
  });

  it('names the configuration as it was given, quoted for a shell, and the time from which the model was watched', () => {
    const replay = { from: '2026-02-20T08:55:00.000Z', to: '2026-03-01T11:05:00.000Z' };
    const { contexts } = issueOf(opened({ replay }), { ...context, configFiles: ['base.yaml', "it's mine.yaml"] });
    expect(contexts?.Reproduce?.command).toBe(
      `tidemark backtest --config base.yaml --config 'it'\\''s mine.yaml' --from 2026-02-20T08:55:00Z --to 2026-03-01T11:05:00Z --out incident-${hex('a').slice(0, 8)}`,
    );
    expect(contexts?.Reproduce?.note).toContain(opened().id);
  });

  it('says why an event is not exact, and what only moves too', () => {
    const contexts = issueOf(
      opened({ exact: false, inexactReasons: ['idle', 'gap'], series: [series('amount'), series('tide', { joined: false })] }),
      context,
    ).contexts;
    expect(contexts?.['What changed']).toMatchObject({ exact: 'no: idle, gap', series: '1 breached, 1 moving too' });
    expect(contexts?.['Top features']?.['2. tide']).toMatch(/moving too$/);
  });

  it('shows five features at most, and keeps one named __proto__', () => {
    const names = ['__proto__', 'b', 'c', 'd', 'e', 'f', 'g'];
    const top = issueOf(opened({ series: names.map((name, index) => series(name, { p: index / 10 })) }), context).contexts?.[
      'Top features'
    ];
    expect(Object.keys(top ?? {})).toEqual(['1. __proto__', '2. b', '3. c', '4. d', '5. e', 'more']);
    expect(top?.more).toBe('2 more series');
  });

  it('leaves out of a row what says nothing: sizes that were and are zero, and a variation like that of independent rows', () => {
    const quiet = series('amount', {
      phi: 1.01,
      effects: { effect: 0.31, newShare: 0 },
      current: { zeros: 0, mean: 2 },
      baseline: { zeros: 0, mean: 0 },
    });
    const row = issueOf(opened({ series: [quiet] }), context).contexts?.['Top features']?.['1. amount'];
    expect(row).not.toMatch(/zeros|new categories|varies/);
    expect(row).toContain('mean 0 → 2');
    const stopped = series('amount', { current: { zeros: 0 }, baseline: { zeros: 0.4 } });
    expect(issueOf(opened({ series: [stopped] }), context).contexts?.['Top features']?.['1. amount']).toContain('zeros 0.4 → 0');
  });

  it('links to the dashboard of the model and window, the runbook and the repository: every hole that the documentation lists is filled', () => {
    const links = {
      dashboard: 'https://grafana.example.com/d/models?var-model={model}&from={fromMs}&to={toMs}',
      runbook: 'https://wiki.example.com/drift/{kind}',
      repository: 'https://git.example.com/models/{model}/tree/{version}',
    };
    expect(issueOf(opened(), { ...context, links }).contexts?.Links).toEqual({
      dashboard: `https://grafana.example.com/d/models?var-model=fraud&from=${Date.UTC(2026, 2, 1, 9)}&to=${Date.UTC(2026, 2, 1, 10)}`,
      runbook: 'https://wiki.example.com/drift/drift',
      repository: 'https://git.example.com/models/fraud/tree/2026-02',
    });
    const all = linkHoles.map(([hole]) => `{${hole.replace('NAME', 'country')}}`).join('/');
    const filled = issueOf(opened({ segment: { country: 'DE' } }), { ...context, links: { all: `https://x/${all}` } }).contexts?.Links?.all;
    expect(filled).not.toMatch(/[{}]|undefined/);
  });

  it('fills links, leaves unknown holes alone, and escapes what it fills in', () => {
    const links = { dashboard: 'https://d/{model}?from={from}&s={segment.country}', runbook: 'https://r/{nothing}/{constructor}' };
    const filled = issueOf(opened({ model: 'a b/c', segment: { country: 'D E' } }), { ...context, links }).contexts?.Links;
    expect(filled).toEqual({
      dashboard: 'https://d/a%20b%2Fc?from=2026-03-01T09%3A00%3A00.000Z&s=D%20E',
      runbook: 'https://r/{nothing}/{constructor}',
    });
  });
});

describe('what never leaves', () => {
  const secret = 'zanzibar';
  const described = {
    observed: 0.4,
    mean: 4.5,
    p50: 4,
    p95: 77_123,
    min: -31_337,
    max: 99_173,
    [`share of ${secret}`]: 0.2,
    newest: secret,
  };
  const leaky = opened({
    summary: `email has the new category ${secret}`,
    segment: { city: secret },
    series: [series('email', { statistic: `category:${secret}`, current: described, baseline: { ...described, expected: 0.1 } })],
  });
  const text = (sensitive: string[]) =>
    JSON.stringify(issueOf(leaky, { ...context, links: { d: 'https://d/{segment.city}' }, sensitive: new Set(sensitive) }));

  it('shows categories and extremes of features that are not sensitive', () => {
    for (const shown of [secret, '31,337', '99,173', '77,123']) expect(text([])).toContain(shown);
  });

  it('withholds categories, minima, maxima and outer quantiles of sensitive features and segments everywhere', () => {
    const sent = text(['email', 'city']);
    for (const hidden of [secret, '31,337', '31337', '99,173', '99173', '77,123']) expect(sent).not.toContain(hidden);
    expect(sent).toContain('Data drift: fraud / email [city (withheld)]');
    expect(sent).toContain('email: share of a category (name withheld) 40.0 %, expected 10.0 %, n = 48,210, since 2026-03-01 09:40Z');
    expect(sent).toContain('mean 4.5 → 4.5');
    expect(sent).toContain('values withheld');
  });

  it('withholds the cut that a sensitive feature passed', () => {
    const leak = opened({ series: [series('amount', { statistic: 'cut:4711.5' })], summary: '30 % at most 4711.5' });
    expect(JSON.stringify(issueOf(leak, context))).toContain('4711.5');
    expect(JSON.stringify(issueOf(leak, { ...context, sensitive: new Set(['amount']) }))).not.toContain('4711');
  });

  it('knows a sensitive feature by the name that it has beside a reserved series', () => {
    const issue = issueOf(opened({ series: [series('feature.score', { current: { max: 12_345 } })] }), {
      ...context,
      sensitive: new Set(['score']),
    });
    expect(JSON.stringify(issue)).not.toContain('12,345');
  });
});

describe('an issue of any event', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc.constantFrom('__proto__', 'constructor', 'toString', '', ' ', '\u0000', '\ud800', '{model}'),
  );
  const anySeries = fc.record({
    name: text,
    statistic: fc.oneof(fc.constantFrom('loc', 'chi2', 'miss', 'accuracy'), text),
    p: fc.double({ min: 0, max: 1, noNaN: true }),
    joined: fc.boolean(),
    effects: fc.dictionary(text, fc.double()),
    current: fc.dictionary(text, fc.oneof(fc.double(), text)),
  });
  const anyEvent = fc
    .record({
      model: text,
      versions: fc.array(text, { maxLength: 3 }),
      owner: fc.option(text),
      segment: fc.option(fc.dictionary(text, text, { maxKeys: 1 })),
      summary: text,
      kind: fc.constantFrom('drift', 'performance', 'estimate', 'quality', 'volume'),
      series: fc.array(anySeries, { maxLength: 12 }),
    })
    .map((parts) => opened({ ...parts, series: parts.series.map(({ name, ...over }) => series(name, over)) }));

  it('keeps Sentry’s limits, and is flat and deterministic', () => {
    fc.assert(
      fc.property(anyEvent, fc.boolean(), (any, isSensitive) => {
        const sensitive = new Set(isSensitive ? [...any.series.map(({ name }) => name), ...Object.keys(any.segment ?? {})] : []);
        const all = { ...context, sensitive, links: { one: 'https://x/{model}/{feature}' } };
        const issue = issueOf(any, all);
        expect(JSON.stringify(issueOf(any, all))).toBe(JSON.stringify(issue));
        const [{ type = '', value = '' } = {}] = issue.exception?.values ?? [];
        expect(type.length).toBeLessThanOrEqual(120);
        expect(value.length).toBeLessThanOrEqual(300);
        for (const line of [type, value, issue.transaction ?? '', ...Object.values(issue.tags ?? {}).map(String)])
          expect(line).not.toMatch(/\p{Cc}/u);
        for (const [key, tag] of Object.entries(issue.tags ?? {})) {
          expect(key).toMatch(/^[a-zA-Z0-9_.:-]{1,32}$/);
          expect(String(tag).length).toBeLessThanOrEqual(200);
        }
        for (const table of Object.values(issue.contexts ?? {})) {
          for (const cell of Object.values(table ?? {})) expect(['string', 'number', 'boolean']).toContain(typeof cell);
        }
        if (isSensitive && any.segment !== null)
          expect(Object.keys(issue.tags ?? {}).some((key) => key.startsWith('segment.'))).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});
