import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { Answer, KeyedRequest } from './idempotency.types.js';

const CIPHER = 'aes-256-gcm';
const VERSION = 1;
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const PURPOSE = 'idempotent answers 1';

/** Version, salt, nonce and tag stand before the ciphertext. */
const PREFIX_BYTES = 1 + SALT_BYTES + NONCE_BYTES + TAG_BYTES;
const LENGTH_BYTES = 4;

/**
 * Encrypts answers: they hold keys of teams and what models wrote. Each has a key of its own, derived from
 * the secret with a random salt, so that no number of answers wears one out; and each is bound to its
 * request, so that one row's answer cannot be put into another's.
 */
export class AnswerCipher {
  constructor(private readonly secret: string) {}

  encrypt(answer: Answer, request: KeyedRequest): Buffer {
    const salt = randomBytes(SALT_BYTES);
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.deriveKey(salt), nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(bindingOf(request));
    const encrypted = Buffer.concat([cipher.update(toBytes(answer)), cipher.final()]);
    return Buffer.concat([Buffer.of(VERSION), salt, nonce, cipher.getAuthTag(), encrypted]);
  }

  /** @returns null for what this secret has not encrypted for this request */
  decrypt(bytes: Buffer, request: KeyedRequest): Answer | null {
    if (bytes.length < PREFIX_BYTES || bytes[0] !== VERSION) return null;
    let offset = 1;
    const take = (length: number): Buffer => bytes.subarray(offset, (offset += length));
    const [salt, nonce, tag] = [take(SALT_BYTES), take(NONCE_BYTES), take(TAG_BYTES)];
    const decipher = createDecipheriv(CIPHER, this.deriveKey(salt), nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(bindingOf(request));
    decipher.setAuthTag(tag);
    const plain = decipher.update(bytes.subarray(offset));
    try {
      return fromBytes(Buffer.concat([plain, decipher.final()]));
    } catch {
      return null;
    }
  }

  private deriveKey(salt: Buffer): Buffer {
    return Buffer.from(hkdfSync('sha256', this.secret, salt, PURPOSE, KEY_BYTES));
  }
}

function bindingOf({ caller, route, key, fingerprint }: KeyedRequest): Buffer {
  return Buffer.from(JSON.stringify([caller, route, key, fingerprint.toString('base64')]));
}

/** The body stays as it is, without another layer of escapes. */
function toBytes({ status, headers, body }: Answer): Buffer {
  const head = Buffer.from(JSON.stringify({ status, headers }));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(head.length);
  return Buffer.concat([length, head, Buffer.from(body)]);
}

function fromBytes(bytes: Buffer): Answer {
  const end = LENGTH_BYTES + bytes.readUInt32BE();
  const head = JSON.parse(bytes.toString('utf8', LENGTH_BYTES, end)) as Omit<Answer, 'body'>;
  return { ...head, body: bytes.toString('utf8', end) };
}
