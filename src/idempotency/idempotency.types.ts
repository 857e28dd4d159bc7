import type { DomainError } from '../common/domain-error.js';

export const KEY_STATES = ['running', 'stored', 'too_large'] as const;
export type KeyState = (typeof KEY_STATES)[number];

/** What a key is unique for: the caller, and the route whatever its path's parameters are. */
export interface KeyScope {
  readonly caller: string;
  readonly route: string;
  readonly key: string;
}

/** A request that carries a key. */
export interface KeyedRequest extends KeyScope {
  readonly fingerprint: Buffer;
}

/** An answer as it goes over the wire, less the headers that every request has of its own. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A key that has been sent before and has not expired. */
export interface FoundKey {
  readonly fingerprint: Buffer;
  readonly state: KeyState;
  readonly isLeaseRunning: boolean;
  readonly answer: Buffer | null;
}

/** How a request with a key is carried out; the parts that know of HTTP. */
export interface KeyedWork {
  /** Carries the request out, each time it is called. */
  readonly handle: () => Promise<Answer>;
  readonly answerOf: (error: DomainError) => Answer;
}

/** What to send. */
export type Outcome =
  | { readonly kind: 'answer'; readonly answer: Answer; readonly isReplay: boolean }
  /** The error of a first request, whose answer has been stored. */
  | { readonly kind: 'error'; readonly error: DomainError };
