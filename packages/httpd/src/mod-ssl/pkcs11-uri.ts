/** What identifies a key in a PKCS#11 URI (RFC 7512) of ours. */
export interface KeyUri {
  /** Token label. */
  token: string;
  /** CKA_ID, hex. */
  id?: string;
  /** CKA_LABEL; used when there is no id. */
  object?: string;
  /** File that holds the bare PIN. The PIN itself never goes into a URI: mod_ssl logs URIs. */
  pinFile?: string;
}

/** Renders the URI of a private key, for `SSLCertificateKeyFile`. */
export function renderKeyUri(key: KeyUri): string {
  const path = [`token=${encodeText(key.token)}`];
  if (key.id !== undefined) path.push(`id=${encodeHex(key.id)}`);
  else if (key.object !== undefined) path.push(`object=${encodeText(key.object)}`);
  path.push('type=private');
  const query = key.pinFile === undefined ? '' : `?pin-source=file:${key.pinFile.split('/').map(encodeText).join('/')}`;
  return `pkcs11:${path.join(';')}${query}`;
}

export interface ParsedKeyUri {
  /** Attributes of the path, percent-decoded (`id` as lower-case hex). */
  path: Record<string, string>;
  /** Path of `pin-source=file:…` or a bare path. */
  pinFile: string | undefined;
  /** The URI without its query, fit to be shown. */
  shown: string;
}

/** Reads a PKCS#11 URI; undefined for anything else. Whatever holds a PIN is left out of the answer. */
export function parseKeyUri(text: string): ParsedKeyUri | undefined {
  if (!/^pkcs11:/i.test(text)) return undefined;
  const [pathText = '', query = ''] = splitOnce(text.slice('pkcs11:'.length), '?');
  const path: Record<string, string> = {};
  // a PIN in the path is against the RFC, but libp11 took it there once: drop it from what is shown
  const parts = pathText.split(';').filter((part) => part !== '' && !/^pin-/i.test(part));
  for (const part of parts) {
    const [name = '', value = ''] = splitOnce(part, '=');
    const bytes = decode(value);
    path[name] = name === 'id' ? bytes.toString('hex') : bytes.toString();
  }
  const source = query.split('&').find((part) => part.startsWith('pin-source='))?.slice('pin-source='.length);
  const file = source === undefined ? undefined : decode(source).toString().replace(/^file:(\/\/(?=\/))?/, '');
  return { path, pinFile: file?.startsWith('/') === true ? file : undefined, shown: `pkcs11:${parts.join(';')}` };
}

/** Unreserved characters of RFC 3986 stay, all else is encoded: more than needed, and right everywhere. */
function encodeText(text: string): string {
  return [...Buffer.from(text)].map((byte) => (/[A-Za-z0-9._~-]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : percent(byte))).join('');
}

function encodeHex(hex: string): string {
  return [...Buffer.from(hex, 'hex')].map(percent).join('');
}

function percent(byte: number): string {
  return `%${byte.toString(16).padStart(2, '0').toUpperCase()}`;
}

function decode(text: string): Buffer {
  const bytes: number[] = [];
  const source = Buffer.from(text);
  for (let at = 0; at < source.length; at += 1) {
    const hex = source.subarray(at + 1, at + 3).toString('latin1');
    if (source[at] === 0x25 && /^[0-9a-fA-F]{2}$/.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      at += 2;
    } else {
      bytes.push(source[at] ?? 0);
    }
  }
  return Buffer.from(bytes);
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}
