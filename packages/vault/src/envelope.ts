import { HsmfleetError } from '@hsmfleet/contract';

const MAGIC = '$ANSIBLE_VAULT';
const CIPHER = 'AES256';
/** Letters per line, as ansible-vault writes them. */
const LINE = 80;
/** Label of what carries none: format 1.1 has no place for it. */
export const DEFAULT_LABEL = 'default';

/** What a vaulted file or value holds, still encrypted. */
export interface Envelope {
  version: '1.1' | '1.2';
  /** Vault id: says which password to try first, no more; nothing proves it. */
  label: string;
  salt: Buffer;
  /** HMAC-SHA256 of the ciphertext, 32 bytes. */
  hmac: Buffer;
  ciphertext: Buffer;
}

/**
 * Reads the format: a header `$ANSIBLE_VAULT;1.2;AES256;label`, then lines of hex. What they spell is once more hex, in
 * three lines: salt, HMAC, ciphertext.
 * @throws HsmfleetError VAULT_INVALID that says which part is not as it should be
 */
export function parseEnvelope(text: string): Envelope {
  const [header = '', ...lines] = text.trim().split(/\r?\n/).map((line) => line.trim());
  const [magic, version, cipher, label = DEFAULT_LABEL, ...more] = header.split(';').map((part) => part.trim());
  if (magic !== MAGIC) throw invalid(`it does not begin with ${MAGIC}`);
  if (version !== '1.1' && version !== '1.2') throw invalid(`its format is "${version ?? ''}"`, 'formats 1.1 and 1.2 are read: encrypt it anew with hsmfleet vault or ansible-vault');
  if (cipher !== CIPHER) throw invalid(`its cipher is "${cipher ?? ''}"`, `${CIPHER} is the one that is read`);
  if (more.length > 0 || label === '') throw invalid('its header has a wrong number of parts');
  const parts = hexToBytes(lines.join(''), 'the body').toString('latin1').split('\n');
  if (parts.length !== 3) throw invalid('its body does not have three parts', TRUNCATED);
  const [salt, hmac, ciphertext] = parts.map((part, index) => hexToBytes(part, `the ${['salt', 'checksum', 'ciphertext'][index] ?? ''}`)) as [Buffer, Buffer, Buffer];
  if (salt.length === 0) throw invalid('its salt is empty');
  if (hmac.length !== 32) throw invalid(`its checksum has ${String(hmac.length)} bytes, not 32`, TRUNCATED);
  // its checksum still has to hold; this only tells a cut file from a wrong password
  if (ciphertext.length === 0 || ciphertext.length % 16 !== 0) throw invalid('its ciphertext is not made of whole blocks', TRUNCATED);
  return { version, label, salt, hmac, ciphertext };
}

/** The text of an envelope, with a line break at its end, byte for byte as ansible-vault writes it. */
export function formatEnvelope({ version, label, salt, hmac, ciphertext }: Envelope): string {
  const header = [MAGIC, version, CIPHER, ...(version === '1.2' ? [label] : [])].join(';');
  const body = Buffer.from([salt, hmac, ciphertext].map((part) => part.toString('hex')).join('\n'), 'latin1').toString('hex');
  return [header, ...(body.match(new RegExp(`.{1,${String(LINE)}}`, 'g')) ?? []), ''].join('\n');
}

/** A label that the header can hold. @throws HsmfleetError USAGE */
export function checkLabel(label: string): void {
  if (/^[^;@\s\p{Cc}]+$/u.test(label)) return;
  throw new HsmfleetError('USAGE', `"${label}" is no vault id`, { hint: 'a vault id is one word without ";" and "@"' });
}

const TRUNCATED = 'was the file or value cut off, or copied in part?';

function hexToBytes(text: string, what: string): Buffer {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) throw invalid(`${what} is no hexadecimal text`, TRUNCATED);
  return Buffer.from(text, 'hex');
}

function invalid(why: string, hint?: string): HsmfleetError {
  return new HsmfleetError('VAULT_INVALID', `what Ansible Vault encrypted cannot be read: ${why}`, { hint });
}
