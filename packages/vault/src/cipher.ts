import { createCipheriv, createDecipheriv, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { HsmfleetError, type Secret } from '@hsmfleet/contract';
import { DEFAULT_LABEL, type Envelope } from './envelope.ts';

/*
 * Ansible Vault's one cipher: PBKDF2-HMAC-SHA256 makes 80 bytes of password and salt (key, key of the HMAC, counter),
 * AES-256-CTR encrypts the text padded to whole blocks, HMAC-SHA256 watches over the ciphertext.
 */
const ITERATIONS = 10_000;
const SALT_BYTES = 32;
const BLOCK = 16;

const derive = promisify(pbkdf2);

interface Keys {
  key: Buffer;
  hmacKey: Buffer;
  counter: Buffer;
}

async function deriveKeys(password: Secret, salt: Buffer): Promise<Keys> {
  const bytes = await derive(password.reveal(), salt, ITERATIONS, 80, 'sha256');
  return { key: bytes.subarray(0, 32), hmacKey: bytes.subarray(32, 64), counter: bytes.subarray(64) };
}

/** Encrypts under a new salt: the same text never looks the same twice. The label `default` makes format 1.1, as with Ansible. */
export async function seal(plaintext: Buffer, password: Secret, label: string): Promise<Envelope> {
  const salt = randomBytes(SALT_BYTES);
  const { key, hmacKey, counter } = await deriveKeys(password, salt);
  const padding = BLOCK - (plaintext.length % BLOCK);
  const cipher = createCipheriv('aes-256-ctr', key, counter);
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.update(Buffer.alloc(padding, padding)), cipher.final()]);
  const hmac = createHmac('sha256', hmacKey).update(ciphertext).digest();
  return { version: label === DEFAULT_LABEL ? '1.1' : '1.2', label, salt, hmac, ciphertext };
}

/**
 * Decrypts; undefined when the password is another one, or the ciphertext was changed: the checksum cannot tell which.
 * @throws HsmfleetError VAULT_INVALID when the checksum holds, and what was encrypted is not padded
 */
export async function unseal({ salt, hmac, ciphertext }: Envelope, password: Secret): Promise<Buffer | undefined> {
  const { key, hmacKey, counter } = await deriveKeys(password, salt);
  if (!timingSafeEqual(createHmac('sha256', hmacKey).update(ciphertext).digest(), hmac)) return undefined;
  const decipher = createDecipheriv('aes-256-ctr', key, counter);
  const padded = Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  const padding = padded.at(-1) ?? 0;
  if (padding < 1 || padding > BLOCK || padded.subarray(-padding).some((byte) => byte !== padding)) {
    throw new HsmfleetError('VAULT_INVALID', 'what Ansible Vault encrypted cannot be read: its padding is wrong', { hint: 'another program wrote it; encrypt it anew' });
  }
  return padded.subarray(0, padded.length - padding);
}
