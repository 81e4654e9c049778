/**
 * What Tidemark says of itself to Sentry: check-ins, gauges, errors of its own. Beside the delivery of incidents (`client.ts`), in a client of its own: nothing here is
 * retried or waited for, and a Sentry that takes none of it changes nothing.
 */
import type { BaseTransportOptions, Envelope, Event, Transport } from '@sentry/core';
import { checkDsn, postEnvelope } from './client.ts';

export interface ReporterOptions {
  readonly dsn: string;
  readonly environment: string;
  readonly release: string;
  /** Gets the HTTP status of everything that was sent; null where no answer came. */
  readonly onAnswer?: (kind: 'check-in' | 'gauge' | 'error', status: number | null) => void;
}

interface CheckIn {
  /** Slug of the monitor, which Sentry makes with the first check-in. */
  readonly monitor: string;
  readonly status: 'ok' | 'error';
  readonly everyMinutes: number;
}

export interface SentryReporter {
  checkIn(checkIn: CheckIn): void;
  /** One value of a gauge, by the clock of now. Units are Sentry's words, such as `second`. */
  gauge(name: string, value: number, attributes: Readonly<Record<string, string>>, unit?: string): void;
  error(event: Event): void;
  /** Sends what is held back, and waits for answers, at most so long. */
  flush(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

const deadlineMs = 10_000;

/** A check-in may be so late: two workers may both be starting. */
const marginMinutes = 5;

/** Starts the client; the SDK is imported here. Throws `ConfigError` for a DSN that is malformed. */
export async function startReporter({ dsn, environment, release, onAnswer }: ReporterOptions): Promise<SentryReporter> {
  checkDsn(dsn);
  const [{ defaultStackParser, metrics, NodeClient, Scope }, { serializeEnvelope }] = await Promise.all([
    import('@sentry/node'),
    import('@sentry/core'),
  ]);
  const sending = new Set<Promise<void>>();
  const transport = ({ url }: BaseTransportOptions): Transport => ({
    flush: async () => {
      await Promise.all(sending);
      return true;
    },
    send: async (envelope) => {
      const posted = postEnvelope(url, serializeEnvelope(envelope), deadlineMs);
      const settled = posted.then((answer) => onAnswer?.(kindOf(envelope), answer?.status ?? null));
      sending.add(settled);
      await settled.finally(() => sending.delete(settled));
      const answer = await posted;
      return answer === null ? {} : { statusCode: answer.status };
    },
  });
  const client = new NodeClient({
    dsn,
    environment,
    release,
    transport,
    stackParser: defaultStackParser,
    integrations: [],
    normalizeDepth: 4,
    sendClientReports: false,
    includeServerName: false,
    traceLifecycle: 'static',
  });
  client.init();

  /** Nothing of the process's own scopes gets in. */
  function scope(): InstanceType<typeof Scope> {
    const own = new Scope();
    own.setClient(client);
    return own;
  }

  return {
    checkIn({ monitor, status, everyMinutes }) {
      const schedule = { type: 'interval', value: everyMinutes, unit: 'minute' } as const;
      const config = { schedule, checkinMargin: marginMinutes, failureIssueThreshold: 1, recoveryThreshold: 1 };
      client.captureCheckIn({ monitorSlug: monitor, status }, config, scope());
    },
    gauge(name, value, attributes, unit) {
      metrics.gauge(name, value, { attributes: { ...attributes }, scope: scope(), ...(unit === undefined ? {} : { unit }) });
    },
    error(event) {
      client.captureEvent(event, {}, scope());
    },
    async flush(timeoutMs) {
      await client.flush(timeoutMs);
    },
    async close() {
      await client.close(1);
    },
  };
}

function kindOf(envelope: Envelope): 'check-in' | 'gauge' | 'error' {
  const [, items] = envelope;
  const type = items[0]?.[0].type;
  return type === 'check_in' ? 'check-in' : type === 'trace_metric' ? 'gauge' : 'error';
}
