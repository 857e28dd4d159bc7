import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const VERSION = 1;
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/** Version, salt, nonce and tag stand before the ciphertext. */
const PREFIX_BYTES = 1 + SALT_BYTES + NONCE_BYTES + TAG_BYTES;

/**
 * Encrypts what is stored of requests and answers. Each text has a key of its own, derived from the secret with
 * a random salt, so that no number of texts wears one out; and each is bound to its place, so that what stands
 * in one row cannot be put into another.
 */
export class Cipher {
  /** @param purpose what is encrypted; the keys of one purpose open nothing of another */
  constructor(
    private readonly secret: string,
    private readonly purpose: string,
  ) {}

  /** @param place what names the row, see {@link decrypt} */
  encrypt(plain: Buffer, place: readonly string[]): Buffer {
    const salt = randomBytes(SALT_BYTES);
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.deriveKey(salt), nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(bindingOf(place));
    const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]);
    return Buffer.concat([Buffer.of(VERSION), salt, nonce, cipher.getAuthTag(), encrypted]);
  }

  /** @returns null for what this secret has not encrypted for this purpose and place */
  decrypt(bytes: Buffer, place: readonly string[]): Buffer | null {
    if (bytes.length < PREFIX_BYTES || bytes[0] !== VERSION) return null;
    let offset = 1;
    const take = (length: number): Buffer => bytes.subarray(offset, (offset += length));
    const [salt, nonce, tag] = [take(SALT_BYTES), take(NONCE_BYTES), take(TAG_BYTES)];
    const decipher = createDecipheriv(ALGORITHM, this.deriveKey(salt), nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(bindingOf(place));
    decipher.setAuthTag(tag);
    const plain = decipher.update(bytes.subarray(offset));
    try {
      return Buffer.concat([plain, decipher.final()]);
    } catch {
      return null;
    }
  }

  private deriveKey(salt: Buffer): Buffer {
    return Buffer.from(hkdfSync('sha256', this.secret, salt, this.purpose, KEY_BYTES));
  }
}

/** As JSON, in which two different places are never the same text. */
function bindingOf(place: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify(place));
}
