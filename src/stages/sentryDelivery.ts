/**
 * Between the notify stage and Sentry: an event becomes an issue of its model, a reminder asks first whether a person has closed it, and the end of an
 * incident resolves the issue with a comment. What is decided without asking stands in `sentry/life.ts`.
 */
import { basename } from 'node:path';
import type { Attachment } from '@sentry/core';
import type { Config } from '../config/config.ts';
import type { DeliveryAnswer } from '../core/incident/delivery.ts';
import { type EventRecord, isEnd } from '../core/incident/event.ts';
import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Clock } from '../log/port.ts';
import { SentryApiError } from '../sentry/api/client.ts';
import {
  addComment,
  commentsOf,
  type IssuePlace,
  issuePlace,
  issueWithTag,
  newestTagOf,
  readIssue,
  setIssueStatus,
} from '../sentry/api/issues.ts';
import { startSentryClient } from '../sentry/client.ts';
import { issueOf } from '../sentry/issue.ts';
import type { Schedule } from '../sentry/latePictures.ts';
import { closedByPerson, commentMark, endComment, isWorseThanArchived, mustAskFirst } from '../sentry/life.ts';
import { pictureAttachments } from '../sentry/picture.ts';
import { sensitiveOf } from '../sentry/privacy.ts';
import { stormIssueOf } from '../sentry/stormIssue.ts';
import type { Sink } from './sink.ts';

/** How long an issue may take to appear at Sentry after its event was accepted; later it is taken to have been deleted, or merged away. */
const appearsWithinMs = 600_000;

export interface SentryDeliveryOptions {
  readonly config: Config;
  /** Shown by Sentry as the release. */
  readonly release: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** As that of `SentryClientOptions`. */
  readonly schedule?: Schedule;
}

/** Starts the client. `ConfigError` for a DSN that cannot work. Says once, where there is no token, what that means. */
export async function startSentryDelivery(options: SentryDeliveryOptions): Promise<Sink> {
  const { config, release, clock, logger, metrics, schedule } = options;
  const { sentry, core, links } = config;
  const client = await startSentryClient({
    dsn: sentry.dsn,
    environment: sentry.environment,
    release,
    nowMs: () => clock.nowMs(),
    ...(schedule === undefined ? {} : { schedule }),
    onPictureLost: () => metrics.count('tidemark_pictures_dropped_total', {}),
  });
  const configFiles = config.files.map((file) => basename(file));
  const context = { configFiles, group: core.group, links: Object.fromEntries(links), environment: sentry.environment, release };
  // One attempt a call: when to try again is the queue's to say.
  const place = issuePlace(sentry, 1);
  if (place === null) {
    logger.warn(
      {},
      'Without sentry.api.token issues are not resolved when their incidents are over, and reminders reopen what a person has closed. ' +
        'Set a token with event:read and event:write, or let the project auto-resolve issues after twice alerts.remindEvery without an event',
    );
  }
  /** When an issue was first looked for in vain, by event. */
  const soughtSinceMs = new Map<string, number>();
  /** Incidents of which Sentry has nothing, for it refused their openings for good, until they are over. */
  const refusedIncidents = new Set<string>();

  function note({ incident, step }: EventRecord, { outcome }: DeliveryAnswer): void {
    if (outcome === 'accepted') refusedIncidents.delete(incident);
    else if (step === 'opened' && (outcome === 'poison' || outcome === 'too-large')) refusedIncidents.add(incident);
  }

  /**
   * The issue of the incident; null where Sentry does not know it. By its tag: the lookup by event id wants a wider permission (org:read) and is limited to
   * one a second, which a wave of recoveries would run into.
   */
  function find(at: IssuePlace, event: EventRecord): Promise<string | null> {
    return issueWithTag(at, 'incident', event.incident);
  }

  async function remind(at: IssuePlace, event: EventRecord): Promise<DeliveryAnswer | null> {
    const id = await find(at, event);
    const closed = id === null ? null : closedByPerson(await readIssue(at, id));
    if (closed === null) return null;
    metrics.count('tidemark_sentry_reminders_withheld_total', {});
    logger.info({ ...facts(event), issue: id }, `A person has ${closed} the issue: the reminder is not sent`);
    return { outcome: 'accepted' };
  }

  /** An event does not bring back what a person has archived: a new series or a higher severity is worth saying so. */
  async function unarchive(at: IssuePlace, event: EventRecord): Promise<void> {
    const id = await find(at, event);
    if (id !== null && closedByPerson(await readIssue(at, id)) === 'archived') await reopen(at, event, id);
  }

  async function reopen(at: IssuePlace, event: EventRecord, id: string): Promise<void> {
    await setIssueStatus(at, id, 'unresolved');
    logger.info({ ...facts(event), issue: id }, 'The incident has grown since a person archived its issue: it is open again');
  }

  /** Id of the issue that the incident continues, where a person archived it when it was less severe. Asked before the event, which sets the level anew. */
  async function archivedAsLess(at: IssuePlace, event: EventRecord): Promise<string | null> {
    const id = await issueWithTag(at, 'incident', event.chain);
    return id !== null && isWorseThanArchived(await readIssue(at, id), event) ? id : null;
  }

  /** Comment first, then resolve: a repetition after a crash finds either done. */
  async function resolve(at: IssuePlace, event: EventRecord): Promise<DeliveryAnswer> {
    const id = await find(at, event);
    const isRefused = refusedIncidents.delete(event.incident);
    if (id === null && isRefused) {
      logger.info(facts(event), 'The incident is over. Sentry refused its events, so there is no issue to resolve');
      return { outcome: 'accepted' };
    }
    if (id === null) {
      const sinceMs = soughtSinceMs.get(event.id) ?? clock.nowMs();
      soughtSinceMs.set(event.id, sinceMs);
      if (clock.nowMs() - sinceMs < appearsWithinMs) return { outcome: 'retry' };
      soughtSinceMs.delete(event.id);
      logger.warn(facts(event), 'Sentry knows no issue of this incident: deleted or merged by a person. There is nothing to resolve');
      return { outcome: 'accepted' };
    }
    soughtSinceMs.delete(event.id);
    const closed = closedByPerson(await readIssue(at, id));
    const isTold = (await commentsOf(at, id)).some((text) => text.includes(commentMark(event)));
    if (!isTold) await addComment(at, id, endComment(event, sensitiveOf(event, config)));
    if (closed !== null) {
      // An archived issue stays so: resolved, it would come back with the next event. Resolved and told already is a repetition after a crash.
      logger.info({ ...facts(event), issue: id }, `The incident is over; its issue was ${closed} already`);
      return { outcome: 'accepted' };
    }
    // Last of all: a worker that was frozen in between, and lost the chain to another, must not close what that one has opened again.
    const newest = await newestTagOf(at, id, 'incident');
    if (newest !== null && newest !== event.incident) {
      logger.info({ ...facts(event), issue: id, newest }, 'The incident is over; its issue goes on with the next one, and stays open');
      return { outcome: 'accepted' };
    }
    await setIssueStatus(at, id, 'resolved');
    metrics.count('tidemark_sentry_issues_resolved_total', { step: event.step });
    logger.info({ ...facts(event), issue: id }, 'The incident is over: its issue is resolved');
    return { outcome: 'accepted' };
  }

  /** What an API that does not do as asked means for the event: nothing it refuses may hold up the incidents behind it. */
  function refused(event: EventRecord, error: unknown): DeliveryAnswer {
    if (!(error instanceof SentryApiError)) throw error;
    if (error.status === null || error.status === 429 || error.status === 408 || error.status >= 500) {
      const { status, retryAfterMs } = error;
      return { outcome: 'retry', ...(status === null ? {} : { status }), ...(retryAfterMs === null ? {} : { retryAfterMs }) };
    }
    metrics.count('tidemark_sentry_api_refusals_total', { status: error.status });
    logger.error(
      { ...facts(event), status: error.status, reason: error.message },
      'Sentry refuses what its API was asked: the issue stays as it is',
    );
    return { outcome: 'accepted' };
  }

  return {
    name: 'sentry',
    async deliver(event, end = null) {
      if (isEnd(event.step)) {
        if (place !== null) return resolve(place, event).catch((error: unknown) => refused(event, error));
        logger.info(facts(event), 'The incident is over. The issue at Sentry stays as it is: there is no token to resolve it with');
        return { outcome: 'accepted' };
      }
      if (place !== null && mustAskFirst(event)) {
        const answer = await remind(place, event).catch((error: unknown) => {
          const { outcome, ...rest } = refused(event, error);
          // Who may not ask sends the reminder: too many are better than none.
          return outcome === 'accepted' ? null : { outcome, ...rest };
        });
        if (answer !== null) return answer;
      }
      const sensitive = sensitiveOf(event, config);
      const isContinued = event.step === 'opened' && event.chain !== event.incident && end === null;
      const archived = place === null || !isContinued ? null : await archivedAsLess(place, event).catch(() => null);
      const issue = issueOf(event, { ...context, sensitive }, end);
      const answer = await client.deliver(issue, await drawn(event, sensitive, { logger, metrics }));
      note(event, answer);
      if (place !== null && event.step === 'escalated' && end === null && answer.outcome === 'accepted') {
        // Sentry has the event: a repetition of it for the sake of the archive could count twice.
        await unarchive(place, event).catch((error: unknown) => void refused(event, error));
      }
      if (place !== null && archived !== null && answer.outcome === 'accepted')
        await reopen(place, event, archived).catch((error: unknown) => void refused(event, error));
      return answer;
    },
    recall(refused) {
      for (const incident of refused) refusedIncidents.add(incident);
    },
    deliverSummary: (summary) => client.deliver(stormIssueOf(summary, context)),
    close: () => client.close(),
  };
}

function facts({ id, incident, model, kind, step }: EventRecord): Record<string, string> {
  return { event: id, incident, model, kind, step };
}

/** The picture of an event. One that cannot be drawn holds up nothing: the event goes without. */
async function drawn(
  event: EventRecord,
  sensitive: ReadonlySet<string>,
  { logger, metrics }: Pick<SentryDeliveryOptions, 'logger' | 'metrics'>,
): Promise<readonly Attachment[]> {
  try {
    return await pictureAttachments(event, sensitive);
  } catch (error) {
    metrics.count('tidemark_pictures_failed_total', {});
    logger.warn({ err: error, event: event.id, model: event.model }, 'The picture of an event could not be drawn: it is sent without');
    return [];
  }
}
