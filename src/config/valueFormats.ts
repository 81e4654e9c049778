/**
 * The kinds of value that a key may have, as convict formats of our own. convict's built-in ones guess ("no" is true, "12abc" is 12);
 * these take a text from the environment or a flag only where it is exactly such a value, and say what is allowed.
 */
import convict from 'convict';
import { durationForm, parseDuration } from '../core/duration.ts';
import { parseIsoTime } from '../core/record/eventTime.ts';

/** One kind of value: `allowed` is the end of the sentence "must be ...". `coerce` turns text of the environment into the value, or leaves it. */
interface ValueFormat {
  readonly allowed: string;
  accepts(value: unknown): boolean;
  coerce?(text: string): unknown;
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isDuration = (value: unknown): boolean => isText(value) && parseDuration(value) !== null;
const isTextList = (value: unknown): boolean => Array.isArray(value) && value.every((item) => isText(item) && item !== '');
const isWhole = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value);
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const listOf = (text: string): unknown => (text.trim() === '' ? [] : text.split(',').map((item) => item.trim()));
const numberOf = (text: string): unknown => (/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text.trim()) ? Number(text) : text);
const sizeUnits: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 1_024,
  MiB: 1_048_576,
  GiB: 1_073_741_824,
};

/** Bytes of `256MB` (10^6) or `256MiB` (2^20); null where the text is no size. */
export function parseBytes(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|KiB|MiB|GiB)$/.exec(text.trim());
  const bytes = match === null ? Number.NaN : Math.round(Number(match[1]) * (sizeUnits[match[2] ?? ''] ?? Number.NaN));
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** `earliest`, `latest` or epoch milliseconds of an ISO time; null where the text is none of these. */
export function parseStart(text: string): 'earliest' | 'latest' | number | null {
  if (text === 'earliest' || text === 'latest') return text;
  const timeMs = parseIsoTime(text);
  return Number.isNaN(timeMs) ? null : timeMs;
}

/** Protocol, public key, host, numeric project: what the SDK needs; with less it silently sends nothing. */
const dsnShape = /^https?:\/\/[0-9A-Za-z]+(:[0-9A-Za-z]+)?@[^/@\s]+(\/[^\s?#]+)*\/\d+$/;

export const valueFormats = {
  text: { allowed: 'a text', accepts: isText },
  name: {
    allowed: 'a name of 1 to 200 letters, digits, dots, dashes and underscores',
    accepts: (value) => isText(value) && /^[A-Za-z0-9._-]{1,200}$/.test(value) && value !== '.' && value !== '..',
  },
  list: { allowed: 'a list of texts (in the environment separated by commas)', accepts: isTextList, coerce: listOf },
  brokers: {
    allowed: 'a list of host:port, at least one',
    accepts: (value) =>
      isTextList(value) &&
      Array.isArray(value) &&
      value.length > 0 &&
      value.every((item) => /^[^\s/:]+:\d{1,5}$|^\[[0-9A-Fa-f:]+\]:\d{1,5}$/.test(item)),
    coerce: listOf,
  },
  flag: {
    allowed: 'true or false',
    accepts: (value) => typeof value === 'boolean',
    coerce: (text) => (text === 'true' ? true : text === 'false' ? false : text),
  },
  count: { allowed: 'a whole number of at least 1', accepts: (value) => isWhole(value) && value >= 1, coerce: numberOf },
  wholeOrZero: { allowed: 'a whole number of at least 0', accepts: (value) => isWhole(value) && value >= 0, coerce: numberOf },
  positive: { allowed: 'a number above 0', accepts: (value) => isNumber(value) && value > 0, coerce: numberOf },
  share: { allowed: 'a number from 0 to 1', accepts: (value) => isNumber(value) && value >= 0 && value <= 1, coerce: numberOf },
  amount: { allowed: 'a number of at least 0', accepts: (value) => isNumber(value) && value >= 0, coerce: numberOf },
  port: {
    allowed: 'a port from 0 (any free one) to 65535',
    accepts: (value) => isWhole(value) && value >= 0 && value <= 65_535,
    coerce: numberOf,
  },
  duration: { allowed: durationForm, accepts: isDuration },
  durations: {
    allowed: `a list of durations, at least one; each ${durationForm.replace('a duration: ', '')}`,
    accepts: (value) => Array.isArray(value) && value.length > 0 && value.every(isDuration),
    coerce: listOf,
  },
  bytes: { allowed: 'a size such as 256MB, 64MiB or 1GB', accepts: (value) => isText(value) && parseBytes(value) !== null },
  start: {
    allowed: 'earliest, latest or an ISO time such as 2026-01-01T00:00:00Z',
    accepts: (value) => isText(value) && parseStart(value) !== null,
  },
  dsn: {
    allowed: 'empty, or a Sentry DSN such as https://PUBLIC_KEY@o0.ingest.sentry.io/PROJECT_ID',
    accepts: (value) => value === '' || (isText(value) && dsnShape.test(value)),
  },
  url: {
    allowed: 'empty, or a URL that begins with http:// or https://',
    accepts: (value) => value === '' || (isText(value) && /^https?:\/\/[^\s/]+/.test(value)),
  },
} satisfies Readonly<Record<string, ValueFormat>>;

export type ValueFormatName = keyof typeof valueFormats;

/** convict keeps formats under global names; registering twice is harmless. Names are prefixed so that no built-in one is shadowed. */
export function registerFormats(): void {
  for (const [name, format] of Object.entries<ValueFormat>(valueFormats)) {
    convict.addFormat({
      name: `tidemark-${name}`,
      validate(value: unknown) {
        if (!format.accepts(value)) throw new Error(`must be ${format.allowed}`);
      },
      coerce: (value: unknown) => (typeof value === 'string' && format.coerce !== undefined ? format.coerce(value) : value),
    });
  }
}
