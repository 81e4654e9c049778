/** `tidemark check`: everything that can be known before the first record is summarized. Reads, and changes nothing. */
import type { Config } from '../config/config.ts';
import { DependencyError } from '../core/errors.ts';
import type { TopicSource } from '../core/settings.ts';
import type { SourceRole } from '../core/summarize/messages.ts';
import { jsonDecoder } from '../formats/json.ts';
import { internalTopicSpecs } from '../log/internalTopics.ts';
import type { Clock, Log, TopicSpec } from '../log/port.ts';
import { type Finding, findingLine, findingsOf } from './advice.ts';
import { describeTopic } from './describe.ts';
import { profileOf } from './topicProfile.ts';
import { sampleTopic } from './topicSample.ts';

export interface CheckOptions {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** About how many records of each topic are read. */
  readonly sampleSize: number;
  /** Asks the brokers whether these topics could be created, without creating them; the reason where not. */
  mayCreate(specs: readonly TopicSpec[]): Promise<string | null>;
  /** Whether `checkSentryDelivery` has had its say about Sentry. */
  readonly isSentryTried: boolean;
  /** Takes one line of the answer. */
  write(line: string): void;
}

export interface CheckResult {
  readonly problems: number;
  readonly advice: number;
}

/** Checks topics, permissions and the DSN. What is missing is a finding, not an error; `DependencyError` only where the brokers go away meanwhile. */
export async function check(options: CheckOptions): Promise<CheckResult> {
  const { config, write } = options;
  const findings: Finding[] = [];
  const report = (found: readonly Finding[]): void => {
    findings.push(...found);
    for (const finding of found) write(findingLine(finding));
  };
  for (const source of config.core.predictions) await checkSource(options, source, 'predictions', report);
  for (const source of config.core.feedback) await checkSource(options, source, 'feedback', report);
  if (config.core.feedback.length === 0) {
    write('feedback: none');
    report([{ kind: 'advice', text: 'without a feedback topic there is drift, but no measured accuracy' }]);
  }
  await checkInternalTopics(options, report);
  if (!options.isSentryTried) checkSentry(options, report);
  const problems = findings.filter(({ kind }) => kind === 'problem').length;
  return { problems, advice: findings.length - problems };
}

type Report = (findings: readonly Finding[]) => void;

async function checkSource(
  { config, log, clock, sampleSize, write }: CheckOptions,
  source: TopicSource,
  role: SourceRole,
  report: Report,
): Promise<void> {
  write(`${role}: ${source.topic}`);
  try {
    const sample = await sampleTopic(log, source.topic, jsonDecoder(source, role), sampleSize);
    const profile = profileOf(sample.records, config.core);
    const nowMs = clock.nowMs();
    for (const line of describeTopic(sample, profile, config.core, nowMs)) write(line);
    report(findingsOf(profile, source, role, config.core, nowMs));
  } catch (error) {
    if (!(error instanceof DependencyError)) throw error;
    report([{ kind: 'problem', text: error.message }]);
  }
}

async function checkInternalTopics({ config, log, mayCreate, write }: CheckOptions, report: Report): Promise<void> {
  const { core, topics } = config;
  write(`internal topics: ${core.group}.*`);
  const missing: TopicSpec[] = [];
  for (const spec of internalTopicSpecs(core.group, topics)) {
    const found = await log.partitionCount(spec.topic).catch((error: unknown) => {
      if (error instanceof DependencyError) return null;
      throw error;
    });
    if (found === null) missing.push(spec);
    else if (found === spec.partitions) write(`  ${spec.topic}: ready, ${found} partitions`);
    else
      report([
        { kind: 'problem', text: `${spec.topic} has ${found} partitions, topics.partitions is ${spec.partitions}: set it to ${found}` },
      ]);
  }
  if (missing.length === 0) return;
  const names = missing.map(({ topic }) => topic).join(', ');
  if (!topics.create)
    report([
      { kind: 'problem', text: `${names} missing, and topics.create is false: create them with the commands of "tidemark topics --print"` },
    ]);
  else {
    const refusal = await mayCreate(missing);
    if (refusal === null) write(`  missing, and may be created at the start: ${names}`);
    else
      report([
        {
          kind: 'problem',
          text: `${names} missing, and the brokers refuse to create them (${refusal}): let an administrator run "tidemark topics --print"`,
        },
      ]);
  }
}

function checkSentry({ config: { sentry }, write }: CheckOptions, report: Report): void {
  if (sentry.dsn === '') {
    write('sentry: no DSN');
    report([
      {
        kind: 'advice',
        text: 'a worker that notifies needs SENTRY_DSN or SENTRY_DSN_FILE; until then run it with --roles summarize,detect',
      },
    ]);
    return;
  }
  const { host, pathname } = new URL(sentry.dsn);
  write(`sentry: project ${pathname.split('/').at(-1)} at ${host}, environment ${sentry.environment} (nothing was sent)`);
}
