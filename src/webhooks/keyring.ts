import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { InvalidValueError, SoniqError } from "../core/errors.js";

/** A signing secret as stored: encrypted with AES-256-GCM. `nonce` and `sealed` are base64. */
export interface SealedSecret {
  /** The id of the key that decrypts the secret. */
  readonly key: string;
  readonly nonce: string;
  /** The ciphertext, followed by the authentication tag. */
  readonly sealed: string;
}

const algorithm = "aes-256-gcm";
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** The keys that encrypt signing secrets. The first key encrypts; each key decrypts the secrets that it encrypted. */
export class Keyring {
  readonly #keys = new Map<string, Buffer>();

  /**
   * @param keys 32 bytes each, in base64
   * @throws InvalidValueError that names the key's position, but not the key
   */
  constructor(keys: readonly (string | undefined)[]) {
    if (!Array.isArray(keys)) throw new InvalidValueError("webhooks.keys", "is not a list: give a list of keys");
    for (const [i, text] of (keys as readonly (string | undefined)[]).entries()) {
      const key = Buffer.from(text ?? "", "base64");
      if (key.length !== keyBytes) {
        const problem = text ? `has ${key.length} bytes in base64, not ${keyBytes}` : "is not set";
        throw new InvalidValueError(`webhooks.keys[${i}]`, `${problem}: \`openssl rand -base64 32\` makes one`);
      }
      this.#keys.set(deriveKeyId(key), key);
    }
    if (this.#keys.size === 0)
      throw new InvalidValueError("webhooks.keys", "is empty: `openssl rand -base64 32` makes a key");
  }

  /** @param endpoint the owner of the secret, which cannot be decrypted for any other endpoint */
  seal(secret: string, endpoint: string): SealedSecret {
    const [first] = this.#keys;
    const [id, key] = first as [string, Buffer];
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv(algorithm, key, nonce).setAAD(Buffer.from(endpoint));
    const sealed = Buffer.concat([cipher.update(secret, "utf8"), cipher.final(), cipher.getAuthTag()]);
    return { key: id, nonce: nonce.toString("base64"), sealed: sealed.toString("base64") };
  }

  /**
   * Decrypts an endpoint's secrets and skips undecryptable ones: a secret whose key was lost must not keep its
   * successor from signing.
   *
   * @throws SoniqError if no secret can be decrypted
   */
  openAny(secrets: readonly SealedSecret[], endpoint: string): string[] {
    const plaintexts: string[] = [];
    let failure: unknown = new SoniqError(`the endpoint ${endpoint} has no secret: rotate the secret`);
    for (const secret of secrets) {
      try {
        plaintexts.push(this.open(secret, endpoint));
      } catch (error) {
        failure = error;
      }
    }
    if (plaintexts.length === 0) throw failure;
    return plaintexts;
  }

  /**
   * @throws SoniqError if the secret was encrypted with an unknown key or for another endpoint, or was tampered with
   */
  open({ key: id, nonce, sealed }: SealedSecret, endpoint: string): string {
    const key = this.#keys.get(id);
    if (!key) {
      throw new SoniqError(
        `the secret of endpoint ${endpoint} was encrypted with the key ${id}, which is not in webhooks.keys: add it there, or rotate the secret`,
      );
    }
    try {
      const bytes = Buffer.from(sealed, "base64");
      const cipher = createDecipheriv(algorithm, key, Buffer.from(nonce, "base64"), { authTagLength: tagBytes });
      cipher.setAAD(Buffer.from(endpoint)).setAuthTag(bytes.subarray(-tagBytes));
      return Buffer.concat([cipher.update(bytes.subarray(0, -tagBytes)), cipher.final()]).toString("utf8");
    } catch (error) {
      throw new SoniqError(
        `the secret of endpoint ${endpoint} cannot be decrypted: its row was changed, so rotate the secret`,
        { cause: error },
      );
    }
  }
}

/** Identifies a key. The hash reveals nothing about the key, which is random. */
function deriveKeyId(key: Buffer): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 8);
}
