import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Config, printableConfig, requireSink } from '../../../src/config/config.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { ConfigError } from '../../../src/core/errors.ts';
import { settingsOf } from '../../../src/core/settings.ts';

const directory = mkdtempSync(join(tmpdir(), 'tidemark-config-'));
afterAll(() => rmSync(directory, { recursive: true }));

let written = 0;
function file(text: string): string {
  written += 1;
  const path = join(directory, `${written}.yaml`);
  writeFileSync(path, text);
  return path;
}

interface Given {
  readonly yaml?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly sets?: readonly string[];
}

function load({ yaml = '', env = {}, sets = [] }: Given): Config {
  return loadConfig({ files: [file(`predictions: { topic: scored }\n${yaml}`)], env, sets });
}

function problems(given: Given): string {
  return refusal(() => load(given));
}

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('the example', () => {
  const example = loadConfig({ files: ['config/tidemark.example.yaml'], env: {}, sets: [] });

  it('loads and means what docs/design/design.md, section 9 says', () => {
    expect(example.core.window).toEqual({
      hopMs: 300_000,
      scalesMs: [3_600_000, 21_600_000, 86_400_000],
      latenessMs: 300_000,
      maxAheadMs: 3_600_000,
      idleAfterMs: 30_000,
      silenceAfterMs: 900_000,
    });
    expect(example.core.defaults).toEqual({
      task: null,
      owner: null,
      important: [],
      sensitive: [],
      ignore: [],
      baseline: { kind: 'first', durationMs: 7 * 86_400_000 },
      performance: { scalesMs: [86_400_000, 345_600_000], minLabels: 50, minDrop: 0.02, horizonMs: 14 * 86_400_000, absent: 'unknown' },
      alerts: {
        budget: { incidents: 1, perMs: 30 * 86_400_000 },
        minimumEffect: { location: 0.05, spread: 0.05, share: 0.01, totalVariation: 0.01 },
        openAfter: 2,
        recoverAfter: 2,
        remindEveryMs: 86_400_000,
        cooldownMs: 3_600_000,
        reopenWithinMs: 86_400_000,
      },
      segments: [],
    });
    expect(example.core.limits).toMatchObject({ seriesPerModel: 1_000, valuesPerSegment: 50, bytesPerModel: 256_000_000 });
    expect(example.http).toEqual({ host: '127.0.0.1', port: 9464 });
  });

  it('says less than the schema: nothing in it differs from the defaults but the model, the owner and the topics', () => {
    const least = loadConfig({ files: [file('predictions: { topic: predictions }\nfeedback: { topic: feedback }')], env: {}, sets: [] });
    expect(example.core.defaults).toEqual(least.core.defaults);
    expect(example.core.window).toEqual(least.core.window);
  });
});

describe('layers', () => {
  it('are the defaults, files in their order, the environment and --set, and the later one wins', () => {
    const files = [file('predictions: { topic: a }\nkafka: { group: first }\nwindow: { hop: 1m }'), file('kafka: { group: second }')];
    const groups = [
      loadConfig({ files, env: {}, sets: [] }),
      loadConfig({ files, env: { TIDEMARK_KAFKA_GROUP: 'third' }, sets: [] }),
      loadConfig({ files, env: { TIDEMARK_KAFKA_GROUP: 'third' }, sets: ['kafka.group=fourth'] }),
    ];
    expect(groups.map(({ core }) => core.group)).toEqual(['second', 'third', 'fourth']);
    expect(groups.map(({ core }) => core.window.hopMs)).toEqual([60_000, 60_000, 60_000]);
  });

  it('take lists by comma, numbers and switches from text', () => {
    const env = {
      TIDEMARK_KAFKA_BROKERS: 'a:9092, b:9092',
      TIDEMARK_WINDOW_SCALES: '2h,4h',
      TIDEMARK_HTTP_PORT: '0',
      TIDEMARK_TOPICS_CREATE: 'false',
    };
    const config = load({ env });
    expect(config.kafka.brokers).toEqual(['a:9092', 'b:9092']);
    expect(config.core.window.scalesMs).toEqual([7_200_000, 14_400_000]);
    expect(config.http.port).toBe(0);
    expect(config.topics.create).toBe(false);
  });

  it('take the topics from the environment alone', () => {
    const env = { TIDEMARK_PREDICTIONS: 'scored, ranked', TIDEMARK_FEEDBACK_TOPIC: 'labels', TIDEMARK_FEEDBACK_MODEL: 'fraud' };
    const { core } = loadConfig({ files: [], env, sets: [] });
    expect(core.predictions.map(({ topic }) => topic)).toEqual(['scored', 'ranked']);
    expect(core.feedback).toEqual([{ topic: 'labels', format: 'json', model: 'fraud', feedback: null }]);
  });

  it('take the models as one JSON variable', () => {
    const { core } = load({ env: { TIDEMARK_MODELS: '{"fraud":{"owner":"ml-risk"}}' } });
    expect(settingsOf(core, 'fraud').owner).toBe('ml-risk');
  });

  it('treat an empty variable as none', () => {
    expect(load({ env: { TIDEMARK_KAFKA_GROUP: '' } }).core.group).toBe('tidemark');
  });

  it('warn of variables that mean nothing, and of no others', () => {
    expect(load({ env: { TIDEMARK_KAFKA_GRUOP: 'x', PATH: '/bin' } }).warnings).toEqual([expect.stringContaining('TIDEMARK_KAFKA_GRUOP')]);
  });
});

describe('secrets', () => {
  const dsn = 'https://0123456789abcdef@o1.ingest.sentry.io/42';

  it.each(['TIDEMARK_SENTRY_DSN', 'SENTRY_DSN'])('come from %s or the file that it names', (name) => {
    expect(load({ env: { [name]: dsn } }).sentry.dsn).toBe(dsn);
    expect(load({ env: { [`${name}_FILE`]: file(`${dsn}\n`) } }).sentry.dsn).toBe(dsn);
  });

  it('are never printed', () => {
    const env = {
      SENTRY_DSN: dsn,
      TIDEMARK_SENTRY_API_TOKEN: 'api-token',
      TIDEMARK_SENTRY_API_ORGANIZATION: 'acme',
      TIDEMARK_KAFKA_SASL_MECHANISM: 'plain',
      TIDEMARK_KAFKA_SASL_USERNAME: 'u',
      TIDEMARK_KAFKA_SASL_PASSWORD: 'hunter2',
    };
    const config = load({ env });
    expect(config.kafka.sasl?.password).toBe('hunter2');
    const printed = JSON.stringify(printableConfig(config));
    for (const secret of ['0123456789abcdef', 'api-token', 'hunter2']) expect(printed).not.toContain(secret);
    expect(problems({ env: { SENTRY_DSN: 'hunter2' } })).not.toContain('hunter2');
  });

  it('come from the names that the rest of the world uses, and a token wants to know its organization', () => {
    expect(load({ env: { SENTRY_AUTH_TOKEN: 't', TIDEMARK_SENTRY_API_ORGANIZATION: 'acme' } }).sentry.api.token).toBe('t');
    expect(problems({ env: { SENTRY_AUTH_TOKEN: 't' } })).toMatch(/sentry\.api\.organization: is empty/);
  });

  it('that cannot be read from their file stop the start', () => {
    expect(problems({ env: { SENTRY_DSN_FILE: '/nowhere/dsn' } })).toMatch(
      /sentry\.dsn: the file that SENTRY_DSN_FILE names cannot be read/,
    );
  });

  it('are needed where the notify role runs', () => {
    expect(() => requireSink(load({}))).toThrow(/sentry\.dsn .*sinks\.webhook\.url or sinks\.log/);
    expect(() => requireSink(load({ env: { SENTRY_DSN: dsn } }))).not.toThrow();
  });

  it('are not needed where another sink is there, whose own are never printed', () => {
    const env = { TIDEMARK_SINKS_WEBHOOK_URL: 'https://hooks.example.com/planted-path', TIDEMARK_SINKS_WEBHOOK_SECRET: 'planted-secret' };
    const config = load({ env });
    expect(() => requireSink(config)).not.toThrow();
    expect(() => requireSink(load({ env: { TIDEMARK_SINKS_LOG: 'true' } }))).not.toThrow();
    expect(JSON.stringify(printableConfig(config))).not.toContain('planted');
    expect(
      problems({
        env: { TIDEMARK_SINKS_WEBHOOK_URL: 'https://events.pagerduty.com/v2/enqueue', TIDEMARK_SINKS_WEBHOOK_FORMAT: 'pagerduty' },
      }),
    ).toMatch(/sinks\.webhook\.secret: is empty.*routing key/);
  });
});

describe('a model', () => {
  const yaml = `
alerts: { openAfter: 3 }
baseline: { duration: 14d }
models:
  fraud.eu: { task: binary, alerts: { cooldown: 2h }, ignore: [trace_id] }
  churn: { baseline: { kind: file, path: base.csv } }
  plain:
  __proto__: { owner: nobody }
`;
  const { core } = load({ yaml });

  it('overrides what it names and inherits the rest', () => {
    const fraud = settingsOf(core, 'fraud.eu');
    expect(fraud).toMatchObject({ task: 'binary', ignore: ['trace_id'], baseline: { kind: 'first', durationMs: 14 * 86_400_000 } });
    expect(fraud.alerts).toMatchObject({ cooldownMs: 7_200_000, openAfter: 3 });
    expect(settingsOf(core, 'churn').baseline).toEqual({ kind: 'file', path: 'base.csv', durationMs: 14 * 86_400_000 });
    expect(settingsOf(core, 'plain')).toEqual(core.defaults);
  });

  it('may have any name', () => {
    expect(settingsOf(core, '__proto__').owner).toBe('nobody');
    expect(load({ sets: ['models.fraud.eu.alerts.openAfter=5'] }).core.models.get('fraud.eu')?.alerts.openAfter).toBe(5);
  });
});

describe('kafka.start', () => {
  it.each([
    ['earliest', 'earliest'],
    ['latest', 'latest'],
    ['2026-01-01T00:00:00Z', Date.UTC(2026, 0, 1)],
  ])('%s is understood', (text, meaning) => {
    expect(load({ yaml: `kafka: { start: "${text}" }` }).kafka.start).toBe(meaning);
  });
});

describe('a mistake stops the start with the key, the value, what is allowed and where it stands', () => {
  it.each([
    ['kafka: { gruop: x }', /kafka\.gruop: is not a key of Tidemark; did you mean kafka\.group\? \(.*\.yaml:2\)/],
    ['prediction: { topic: x }', /prediction: .*did you mean predictions\?/],
    ['colour: red', /colour: is not a key of Tidemark; there are kafka, window/],
    ['kafka: localhost:9092', /kafka: is "localhost:9092", must be a section with brokers/],
    ['kafka: { group: { name: x } }', /kafka\.group: is a section, must be a name/],
    ['kafka: { brokers: localhost }', /kafka\.brokers: is "localhost", must be a list of host:port/],
    ['window: { hop: 5 }', /window\.hop: is 5, must be a duration/],
    ['window: { hop: 7m }', /window\.hop: is 7m, must divide an hour/],
    ['window: { hop: 5h }', /window\.hop: is 5h, .*divide a day/],
    ['window: { scales: [1h, 90m] }', /window\.scales: has 90m, whose step .* no multiple of the hop \(5m\); .* the nearest is 2h/],
    ['window: { scales: [6h, 1h] }', /window\.scales: has 1h after 6h, must be ascending/],
    ['window: { scales: [] }', /window\.scales: is \[\], must be a list of durations, at least one/],
    ['window: { silenceAfter: 10s }', /window\.silenceAfter: is 10s, must be at least window\.idleAfter \(30s\)/],
    ['performance: { scales: [100m] }', /performance\.scales: has 100m/],
    ['performance: { minDrop: 2 }', /performance\.minDrop: is 2, must be a number from 0 to 1/],
    ['performance: { absent: negative }', /performance\.absent: is negative, which this version cannot do yet/],
    ['performance: { absent: negativ }', /performance\.absent: is "negativ", must be one of unknown, negative; did you mean negative\?/],
    ['baseline: { duration: 36h }', /baseline\.duration: is 36h, must be whole days/],
    ['baseline: { kind: file }', /baseline\.path: is empty/],
    ['limits: { seriesPerModel: 12abc }', /limits\.seriesPerModel: is "12abc", must be a whole number/],
    ['topics: { create: no }', /topics\.create: is "no", must be true or false/],
    ['links: { runbook: wiki }', /links\.runbook: is "wiki", must be .*http/],
    ['feedback: { topic: scored }', /feedback: has scored, which is under predictions already/],
    ['feedback: { topic: tidemark.events }', /feedback: has tidemark\.events, which Tidemark keeps for itself/],
    ['kafka: { sasl: { mechanism: plain } }', /kafka\.sasl\.username: is empty/],
    ['kafka: { ssl: { enabled: true, certFile: a.pem } }', /kafka\.ssl\.keyFile: is empty/],
    ['models: { fraud: { onwer: x } }', /models\.fraud\.onwer: .*did you mean models\.fraud\.owner\?/],
    ['models: { fraud: { important: [a], ignore: [a] } }', /models\.fraud\.ignore: has a, which is under important too/],
    ['models: [fraud]', /models: is \["fraud"\], must be sections by model name/],
  ])('%s', (yaml, expected) => {
    expect(problems({ yaml })).toMatch(expected);
  });

  it.each([
    ['', /predictions\.topic: is missing/],
    ['predictions: { format: json }', /predictions\.topic: is missing/],
    ['predictions: scored', /predictions: is "scored", must be \{ topic: NAME/],
    ['predictions: { topic: a, format: avro }', /predictions\.format: is "avro", must be one of json/],
    ['predictions: [{ topic: a }, { topic: a }]', /predictions: has a, which is under predictions already/],
    ['predictions: { topic: a, feedback: [labels] }', /names the feedback topic labels, which is not under feedback/],
    ['kafka: {a: 1\n', /:2:1 is not valid YAML|:1:\d+ is not valid YAML/],
    ['kafka: { group: a }\nkafka: { group: b }', /:2:1 is not valid YAML: Map keys must be unique/],
    ['&a [*a]', /anchor/],
    ['- predictions', /: holds a list, must hold keys of the configuration/],
    ['predictions', /: holds one value, must hold keys of the configuration/],
  ])('%s alone in the file', (yaml, expected) => {
    expect(refusal(() => loadConfig({ files: [file(yaml)], env: {}, sets: [] }))).toMatch(expected);
  });

  it('names the variable or the flag where the value came from', () => {
    expect(problems({ env: { TIDEMARK_WINDOW_HOP: 'soon' } })).toContain('(variable TIDEMARK_WINDOW_HOP)');
    expect(problems({ env: { TIDEMARK_MODELS: '{' } })).toMatch(/models: is not JSON, .*\(variable TIDEMARK_MODELS\)/);
    expect(problems({ sets: ['window.hop=soon'] })).toContain('(--set window.hop)');
    expect(problems({ sets: ['window.hop'] })).toContain('must be key=value');
  });

  it('is reported together with all the others', () => {
    const text = problems({ yaml: 'window: { hop: x, lateness: y }\nhttp: { port: 70000 }\nmodels: { a: { task: guess } }' });
    expect(text).toContain('4 problems');
  });

  it('names a file that is not there', () => {
    expect(refusal(() => loadConfig({ files: ['nowhere.yaml'], env: {}, sets: [] }))).toMatch(/nowhere\.yaml cannot be read/);
  });
});

describe('a run over files', () => {
  it('needs no topics', () => {
    const { core } = loadConfig({ files: [], env: {}, sets: [], assumeTopics: true });
    expect([...core.predictions, ...core.feedback].map(({ topic }) => topic)).toEqual(['predictions', 'feedback']);
  });
});
