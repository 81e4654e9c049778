/** How the inbox can be told to fail, for tests and rehearsals: what a Sentry server, or what stands before it, does on bad days. */
export type InboxFailure = {
  /** How many envelopes fail; left out: all, until told otherwise. */
  readonly times?: number;
  /** Fails only what carries an attachment (a picture that is too large, a limit on attachments). */
  readonly onlyWithAttachments?: boolean;
  /** Fails only API calls that change something (a token that may only read). */
  readonly onlyWrites?: boolean;
} & (
  | {
      readonly kind: 'status';
      readonly status: 400 | 401 | 403 | 404 | 413 | 429 | 500 | 503;
      /** `X-Sentry-Rate-Limits`, such as `60:error:key`. */
      readonly rateLimits?: string;
      /** `Retry-After`: seconds or a date. */
      readonly retryAfter?: string;
    }
  /** Takes the request and never answers. */
  | { readonly kind: 'hang' }
  /** Breaks the connection before the body is read: nothing arrives. */
  | { readonly kind: 'reset-before-body' }
  /** Takes the event and breaks the connection before the answer: the sender cannot know that it arrived. */
  | { readonly kind: 'reset-after-body' }
);

/** The failure that is switched on, counted down. */
export class FailureSwitch {
  #failure: InboxFailure | null = null;
  #left = 0;

  set(failure: InboxFailure | null): void {
    this.#failure = failure;
    this.#left = failure?.times ?? Number.POSITIVE_INFINITY;
  }

  /** Whether a request is to be broken off before anything is known of it. */
  get isBeforeBody(): boolean {
    return this.#failure?.kind === 'reset-before-body' && this.#left > 0;
  }

  /** The failure for this request, or null; uses up one of its times. */
  next({ hasAttachments, isWrite }: { readonly hasAttachments: boolean; readonly isWrite: boolean }): InboxFailure | null {
    const failure = this.#failure;
    if (failure === null || this.#left <= 0) return null;
    if (failure.onlyWithAttachments === true && !hasAttachments) return null;
    if (failure.onlyWrites === true && !isWrite) return null;
    this.#left -= 1;
    return failure;
  }
}
