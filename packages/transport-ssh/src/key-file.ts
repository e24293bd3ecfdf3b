/** What a private key file is, told from its bytes without any passphrase. */
export interface KeyFileFacts {
  kind: 'openssh' | 'pem' | 'pkcs8' | 'putty' | 'none';
  encrypted: boolean;
  /** The public key's SSH blob, where the file shows it in clear. */
  publicBlob?: Buffer;
}

const MAGIC = Buffer.from('openssh-key-v1\0', 'latin1');

/** Looks at a private key file: OpenSSH's format, traditional PEM, PKCS#8, PuTTY. */
export function inspectKeyFile(bytes: Buffer): KeyFileFacts {
  const text = bytes.toString('latin1');
  if (text.startsWith('PuTTY-User-Key-File')) return { kind: 'putty', encrypted: !/^Encryption: none/m.test(text) };
  const begin = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1];
  if (begin === 'OPENSSH PRIVATE KEY') return inspectOpenSsh(text);
  if (begin === 'PRIVATE KEY' || begin === 'ENCRYPTED PRIVATE KEY') return { kind: 'pkcs8', encrypted: begin !== 'PRIVATE KEY' };
  if (begin?.endsWith(' PRIVATE KEY') === true) return { kind: 'pem', encrypted: /^Proc-Type: 4,ENCRYPTED/m.test(text) };
  return { kind: 'none', encrypted: false };
}

/** openssh-key-v1: magic, cipher name, kdf name, kdf options, number of keys, public key, private part. */
function inspectOpenSsh(text: string): KeyFileFacts {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]*)-----END/.exec(text)?.[1] ?? '';
  const data = Buffer.from(body, 'base64');
  if (!data.subarray(0, MAGIC.length).equals(MAGIC)) return { kind: 'none', encrypted: false };
  let at = MAGIC.length;
  const next = (): Buffer => {
    const length = at + 4 <= data.length ? data.readUInt32BE(at) : 0;
    const field = data.subarray(at + 4, at + 4 + length);
    at += 4 + length;
    return field;
  };
  const cipher = next().toString('latin1');
  next();
  next();
  at += 4;
  const publicBlob = next();
  return { kind: 'openssh', encrypted: cipher !== 'none', ...(publicBlob.length > 0 ? { publicBlob } : {}) };
}
