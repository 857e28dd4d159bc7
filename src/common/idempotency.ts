import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { SetMetadata } from '@nestjs/common';

/** As Node spells it. */
export const IDEMPOTENCY_KEY_HEADER = 'idempotency-key';

export const IDEMPOTENT_REPLAYED_HEADER = 'Idempotent-Replayed';

/** Headers of a route's own that belong to its answer, and so to its repetitions. */
export const CALL_HEADERS = {
  jobId: 'X-Job-Id',
  callId: 'X-Call-Id',
  creditsHeld: 'X-Credits-Held',
  creditsAvailable: 'X-Credits-Available',
} as const;

export const KEPT_HEADERS: readonly string[] = Object.values(CALL_HEADERS);

export const LEAVES_METADATA = 'leaves-for-provider';

/**
 * Says of a route that it sends something to a provider, which no transaction can take back. A key that
 * comes with the request is then claimed before, in a commit of its own.
 */
export function LeavesForProvider(): MethodDecorator {
  return SetMetadata(LEAVES_METADATA, true);
}

const BODY_DIGEST = Symbol('bodyDigest');

type WithBodyDigest = IncomingMessage & { [BODY_DIGEST]?: Buffer };

const DIGEST_OF_NOTHING = digestOf(Buffer.alloc(0));

/** Notes what the body of a request with a key is, while its bytes are there. The others pay nothing. */
export function noteBody(request: IncomingMessage, body: Buffer): void {
  if (request.headers[IDEMPOTENCY_KEY_HEADER] === undefined) return;
  (request as WithBodyDigest)[BODY_DIGEST] = digestOf(body);
}

/** SHA-256 of the body as sent, of no bytes for a request without one. */
export function bodyDigestOf(request: IncomingMessage): Buffer {
  return (request as WithBodyDigest)[BODY_DIGEST] ?? DIGEST_OF_NOTHING;
}

function digestOf(body: Buffer): Buffer {
  return createHash('sha256').update(body).digest();
}
