import { Cipher } from '../common/cipher.js';
import type { Answer, KeyedRequest } from './idempotency.types.js';

const PURPOSE = 'idempotent answers 1';
const LENGTH_BYTES = 4;

/** Encrypts answers, which hold keys of teams and what models wrote, each bound to its request. */
export class AnswerCipher {
  private readonly cipher: Cipher;

  constructor(secret: string) {
    this.cipher = new Cipher(secret, PURPOSE);
  }

  encrypt(answer: Answer, request: KeyedRequest): Buffer {
    return this.cipher.encrypt(toBytes(answer), placeOf(request));
  }

  /** @returns null for what this secret has not encrypted for this request */
  decrypt(bytes: Buffer, request: KeyedRequest): Answer | null {
    const plain = this.cipher.decrypt(bytes, placeOf(request));
    return plain === null ? null : fromBytes(plain);
  }
}

function placeOf({ caller, route, key, fingerprint }: KeyedRequest): string[] {
  return [caller, route, key, fingerprint.toString('base64')];
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
