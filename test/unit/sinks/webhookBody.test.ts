import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { publicEvent } from '../../../src/sinks/publicEvent.ts';
import { signatureOf } from '../../../src/sinks/webhook.ts';
import { type WebhookFormat, webhookBody } from '../../../src/sinks/webhookBody.ts';
import { event, series } from '../../support/events.ts';
import { pictures } from '../../support/pictures.ts';

const context = { group: 'tidemark', sensitive: new Set<string>(), routingKey: 'R0UTING' };
const bodyOf = (format: WebhookFormat, one = event('a', 0, 'opened'), over: Partial<typeof context> = {}) =>
  JSON.parse(webhookBody(one, format, { ...context, ...over }).text);

describe('a CloudEvent', () => {
  it('has the attributes of version 1.0 and the event as it stands on the events topic', () => {
    const one = event('a', 0, 'opened');
    expect(webhookBody(one, 'cloudevents', context).contentType).toBe('application/cloudevents+json; charset=utf-8');
    expect(bodyOf('cloudevents', one)).toEqual({
      specversion: '1.0',
      id: one.id,
      source: '/tidemark/tidemark',
      type: 'dev.tidemark.incident.opened',
      subject: one.incident,
      time: one.windowEnd,
      datacontenttype: 'application/json',
      data: one,
    });
  });

  it('is the same bytes for the same event', () => {
    expect(webhookBody(pictures.numeric, 'cloudevents', context)).toEqual(webhookBody(pictures.numeric, 'cloudevents', context));
  });
});

describe('the text of Slack', () => {
  it('says the step, what, whose, and the line to act on', () => {
    expect(bodyOf('slack')).toEqual({
      text: '*Opened: Data drift: fraud / amount* (warning · ml-risk)\namount: median 44 -&gt; 61 (+0.31 sigma), n = 48,210, since 2026-03-01 09:40Z',
    });
    expect(bodyOf('slack', event('a', 1, 'recovered')).text).toMatch(/^\*Recovered: /);
  });

  it('wakes nobody, whatever a category is called', () => {
    const { text } = bodyOf('slack', event('a', 0, 'opened', { summary: 'country: share of <!channel> & co 9 %' }));
    expect(text).toContain('&lt;!channel&gt; &amp; co');
  });
});

describe('an event of PagerDuty', () => {
  it('triggers one alert per chain, at the severity, and resolves it when the incident is over', () => {
    const opened = bodyOf('pagerduty');
    expect(opened).toMatchObject({
      routing_key: 'R0UTING',
      event_action: 'trigger',
      payload: { severity: 'warning', component: 'fraud', class: 'drift' },
    });
    for (const step of ['recovered', 'ended'] as const) {
      expect(bodyOf('pagerduty', event('a', 1, step))).toMatchObject({ event_action: 'resolve', dedup_key: opened.dedup_key });
    }
    expect(bodyOf('pagerduty', event('b', 0, 'opened')).dedup_key).not.toBe(opened.dedup_key);
    expect(bodyOf('pagerduty', event('a', 0, 'opened', { summary: 'x'.repeat(5_000) })).payload.summary.length).toBeLessThanOrEqual(1_024);
  });
});

it('an event whose incident is over by now says so to people, and is the same as ever to machines', () => {
  const opened = event('a', 0, 'opened');
  const end = event('a', 1, 'recovered', { windowEnd: '2026-03-01T12:30:00.000Z' });
  expect(webhookBody(opened, 'slack', context, end).text).toContain('\\nOver since 2026-03-01 12:30Z, after 2 h 50 min: amount');
  expect(webhookBody(opened, 'cloudevents', context, end)).toEqual(webhookBody(opened, 'cloudevents', context));
});

describe('values of sensitive features', () => {
  const secret = event('a', 0, 'opened', {
    summary: 'email: share of planted.example 41 %',
    segment: { country: 'planted-country' },
    series: [
      series('email', {
        statistic: 'category:planted.example',
        current: { observed: 0.4, 'share of planted.example': 0.4 },
        baseline: { expected: 0.1 },
      }),
      series('amount'),
    ],
    ...(pictures.sensitive.picture === undefined ? {} : { picture: pictures.sensitive.picture }),
  });

  it.each(['cloudevents', 'slack', 'pagerduty'] as const)('stay where they are: %s', (format) => {
    const { text } = webhookBody(secret, format, { ...context, sensitive: new Set(['email', 'country']) });
    expect(text).not.toContain('planted');
    expect(webhookBody(secret, format, context).text).toContain('planted');
  });

  it('leave names, effects and counts behind, and the values of others', () => {
    const shown = publicEvent(secret, new Set(['email', 'country']));
    expect(shown.series[0]).toMatchObject({
      name: 'email',
      effects: { effect: 0.31 },
      n: 48_210,
      statistic: 'category',
      current: { observed: 0.4 },
    });
    expect(shown.series[1]).toEqual(secret.series[1]);
    expect(shown.segment).toEqual({ country: '(withheld)' });
    expect(shown.picture).toMatchObject({ distribution: null, points: pictures.sensitive.picture?.points });
  });
});

it('the signature is that of Standard Webhooks: its own example', () => {
  // https://github.com/standard-webhooks/standard-webhooks, the test of its reference libraries.
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  expect(signatureOf(secret, 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330, '{"test": 2432232314}')).toBe(
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  );
  const plain = createHmac('sha256', 'a secret').update('id.1.{}').digest('base64');
  expect(signatureOf('a secret', 'id', 1, '{}')).toBe(`v1,${plain}`);
});
