import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../../src/core/errors.ts';
import { IssueCap } from '../../../../src/core/incident/storm.ts';
import { issueOf } from '../../../../src/sentry/issue.ts';
import { ruleBody, workflowBody } from '../../../../src/sentry/provision/alertBodies.ts';
import { ownRules, withOwnRules } from '../../../../src/sentry/provision/ownership.ts';
import { type ProvisionSettings, provisionPlan } from '../../../../src/sentry/provision/plan.ts';
import { stormIssueOf } from '../../../../src/sentry/stormIssue.ts';
import { event } from '../../../support/events.ts';
import { provisionSettings, settingNames } from '../../../support/provisionSettings.ts';

const issueContext = { group: 'g', links: {}, configFiles: [], sensitive: new Set<string>(), environment: 'test', release: 'r' };
const planOf = (changes: Partial<ProvisionSettings> = {}) => provisionPlan(provisionSettings(changes), settingNames);

describe('the plan', () => {
  test('every team that owns a model exists once, the team of the project first', () => {
    expect(planOf().teams).toEqual(['ml-platform', 'ml-growth', 'ml-risk']);
  });

  test('issues go to the owner of their model, all others to the team of the project: its rule comes first, for the last match wins', () => {
    expect(planOf().ownershipRules).toEqual(['tags.step:* #ml-platform', 'tags.team:ml-growth #ml-growth', 'tags.team:ml-risk #ml-risk']);
    const cap = new IssueCap({ issues: 0, segments: 0, perMs: 3_600_000 }, 1);
    cap.takeUp(0, { records: new Map(), told: new Map() });
    for (const owner of ['ml-risk', 'ml-growth']) cap.admits(0, event(owner, 0, 'opened', { owner }), 0);
    const summary = cap.owed('g');
    if (summary === null) throw new Error('a summary is owed');
    expect(stormIssueOf(summary, issueContext).tags).toEqual({ step: 'storm', severity: 'warning' });
  });

  test('errors tell everyone who is set up; warnings only mail, once a day', () => {
    const [errors, worse, warnings, worseWarnings] = planOf().alerts;
    expect([worse, worseWarnings].map((one) => [one?.name, one?.on])).toEqual([
      ['Tidemark drift: errors, escalated', 'escalated'],
      ['Tidemark drift: warnings, escalated', 'escalated'],
    ]);
    expect(worse?.notify).toEqual(errors?.notify);
    expect(worseWarnings?.notify).toEqual(warnings?.notify);
    expect(errors).toMatchObject({ name: 'Tidemark drift: errors', level: 'error', frequencyMinutes: 60 });
    expect(errors?.notify.map(({ kind }) => kind)).toEqual(['email', 'slack', 'pagerduty']);
    expect(warnings).toMatchObject({ name: 'Tidemark drift: warnings', level: 'warning', frequencyMinutes: 1_440 });
    expect(warnings?.notify.map(({ kind }) => kind)).toEqual(['email']);
  });

  test('a warning never pages: with PagerDuty alone there is no alert for warnings, with Slack it goes there', () => {
    const kinds = (changes: Partial<ProvisionSettings>) =>
      planOf({ isEmailOn: false, ...changes }).alerts.map(({ notify }) => notify.map(({ kind }) => kind));
    expect(kinds({ slack: null })).toEqual([['pagerduty'], ['pagerduty']]);
    expect(kinds({})).toEqual([['slack', 'pagerduty'], ['slack', 'pagerduty'], ['slack'], ['slack']]);
  });

  test('what Sentry would refuse is refused before anything is sent, all of it at once', () => {
    const wrong = {
      organization: '',
      owners: new Map([['fraud', 'ML Risk']]),
      errorEveryMinutes: 7,
      autoResolveHours: 1.5,
      slack: { integrationId: '', channel: '#x', channelId: '' },
      pagerduty: { integrationId: '1', service: 'x', serviceId: '' },
    };
    const act = () => planOf(wrong);
    expect(act).toThrow(ConfigError);
    for (const words of [
      /^organization: is missing/m,
      /^owners.fraud: is "ML Risk"/m,
      /^errorEvery: is 7 minutes/m,
      /^autoResolveHours/m,
      /^slack/m,
      /^pagerduty/m,
    ])
      expect(act).toThrow(words);
    expect(() => planOf({ isEmailOn: false, slack: null, pagerduty: null })).toThrow(/no alert would tell anyone/);
  });
});

describe('bodies of alerts', () => {
  const [errors, worse, warnings] = planOf().alerts;

  test('a workflow fires on new and returned issues of the level error or worse', () => {
    expect(workflowBody(errors!)).toMatchObject({
      name: 'Tidemark drift: errors',
      enabled: true,
      environment: 'production',
      config: { frequency: 60 },
      triggers: { logicType: 'any-short', conditions: [{ type: 'first_seen_event' }, { type: 'regression_event' }] },
      actionFilters: [
        {
          logicType: 'all',
          conditions: [{ type: 'level', comparison: { level: 40, match: 'gte' } }],
          actions: [
            { type: 'email', config: { targetType: 'issue_owners' } },
            {
              type: 'slack',
              integrationId: '77',
              config: { targetType: 'specific', targetIdentifier: 'C01', targetDisplay: '#ml-alerts' },
            },
            { type: 'pagerduty', integrationId: '88', config: { targetIdentifier: '4711', targetDisplay: 'ML on call' } },
          ],
        },
      ],
    });
    expect(workflowBody(warnings!)).toMatchObject({ actionFilters: [{ conditions: [{ comparison: { level: 30, match: 'eq' } }] }] });
  });

  test('an escalation in an open issue is neither new nor back: it is told by its tag, whatever the issue was before', () => {
    expect(workflowBody(worse!)).toMatchObject({
      triggers: { conditions: [{ type: 'every_event', comparison: true, conditionResult: true }] },
      actionFilters: [
        {
          logicType: 'all',
          conditions: [
            { type: 'level', comparison: { level: 40, match: 'gte' } },
            { type: 'tagged_event', comparison: { key: 'step', match: 'eq', value: 'escalated' } },
          ],
        },
      ],
    });
    const rule = ruleBody(worse!);
    expect(rule.conditions).toEqual([{ id: expect.stringMatching(/EveryEventCondition$/) }]);
    expect(rule.filters[1]).toEqual({ id: expect.stringMatching(/TaggedEventFilter$/), key: 'step', match: 'eq', value: 'escalated' });
    // The tag is that of the events themselves.
    expect(issueOf(event('a', 1, 'escalated'), issueContext).tags?.step).toBe('escalated');
  });

  test('the rule of an old version says the same, with texts alone as values', () => {
    const rule = ruleBody(errors!);
    expect(rule).toMatchObject({
      frequency: 60,
      filters: [{ id: 'sentry.rules.filters.level.LevelFilter', match: 'gte', level: '40' }],
      conditions: [{ id: expect.stringMatching(/FirstSeenEventCondition$/) }, { id: expect.stringMatching(/RegressionEventCondition$/) }],
    });
    expect(rule.actions).toHaveLength(3);
    const values = [...rule.conditions, ...rule.filters, ...rule.actions].flatMap((part) => Object.values(part));
    expect(values.every((value) => typeof value === 'string')).toBe(true);
  });
});

describe("Tidemark's lines among the ownership rules", () => {
  const rules = ['tags.model:* #a', 'tags.team:b #b'];

  test('stand before the rules of people, which win', () => {
    const raw = withOwnRules('path:src/* #web', rules);
    expect(raw.split('\n').at(-1)).toBe('path:src/* #web');
    expect(ownRules(raw)).toEqual(rules);
  });

  test('are replaced where they stand, and nothing else is touched', () => {
    const raw = `path:x #web\r\n\r\n${withOwnRules('', ['tags.model:* #old'])}\r\npath:y #web`;
    const after = withOwnRules(raw, rules);
    expect(ownRules(after)).toEqual(rules);
    expect(after).not.toContain('#old');
    expect(after.split('\n').filter((line) => line.startsWith('path:'))).toEqual(['path:x #web', 'path:y #web']);
    expect(withOwnRules(after, rules)).toBe(after);
  });

  test('end at the next gap where a person removed their last line', () => {
    const raw = '# tidemark: begin\ntags.model:* #old\n\npath:y #web';
    expect(ownRules(raw)).toEqual(['tags.model:* #old']);
    expect(withOwnRules(raw, rules)).toContain('path:y #web');
  });

  test('go away whole', () => expect(withOwnRules(withOwnRules('path:x #web', rules), [])).toBe('path:x #web'));
});
