import { domainToASCII } from 'node:url';
import { HsmfleetError } from '@hsmfleet/contract';
import { isTagged, malformed, octetsOf, partsOf, readDer, sequence, taggedPrimitive, TYPE, type Asn1 } from './asn1.ts';

/** A name that a certificate is for. DNS names hold A-labels (`xn--…`), addresses their usual text. */
export interface AlternativeName {
  kind: 'DNS' | 'IP' | 'email' | 'URI';
  value: string;
}

const TAGS: Readonly<Record<AlternativeName['kind'], number>> = { email: 1, DNS: 2, URI: 6, IP: 7 };
const KINDS = new Map<string, AlternativeName['kind']>([['dns', 'DNS'], ['ip', 'IP'], ['email', 'email'], ['uri', 'URI']]);
/** RFC 1035: octets of a whole name and of a label. */
const MAX_DNS = 253;
const MAX_LABEL = 63;

/**
 * Reads names as people and OpenSSL write them: `DNS:www.example.org`, `DNS:*.example.org`, `IP:192.0.2.1`,
 * `IP:2001:db8::1`, `email:root@example.org`, `URI:https://example.org/`, also several joined by commas. Without a
 * word in front the kind is guessed. International domain names become A-labels. Repeated names are kept once.
 * @throws HsmfleetError NAME_INVALID
 */
export function parseAlternativeNames(texts: readonly string[]): AlternativeName[] {
  const names = texts.flatMap((text) => text.split(/,(?=\s*(?:dns|ip|email|uri):)/i)).map((text) => parseOne(text.trim()));
  return names.filter((name, index) => names.findIndex(({ kind, value }) => kind === name.kind && value === name.value) === index);
}

function parseOne(text: string): AlternativeName {
  const prefix = /^([a-z]+):(.*)$/is.exec(text);
  const kind = KINDS.get((prefix?.[1] ?? '').toLowerCase());
  if (kind !== undefined) return readName(kind, (prefix?.[2] ?? '').trim());
  if (isIPv4(text) || isIPv6(text)) return readName('IP', text);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return readName('URI', text);
  if (text.includes('@')) return readName('email', text);
  if (prefix !== null) throw refused(text, `"${prefix[1] ?? ''}" is no kind of name`);
  return readName('DNS', text);
}

function readName(kind: AlternativeName['kind'], value: string): AlternativeName {
  if (value === '') throw refused(`${kind}:`, 'it is empty');
  if (kind === 'DNS') return { kind, value: readDns(value) };
  if (kind === 'IP') return { kind, value: formatAddress(readAddress(value)) };
  if (kind === 'email') return { kind, value: readEmail(value) };
  return { kind, value: readUri(value) };
}

function readDns(text: string): string {
  const isWildcard = text.startsWith('*.');
  const plain = isWildcard ? text.slice(2) : text;
  if (plain.includes('*')) throw refused(text, 'a * may only be the whole first label, as in *.example.org');
  const ascii = toAscii(plain, text);
  const name = isWildcard ? `*.${ascii}` : ascii;
  if (name.length > MAX_DNS) throw refused(text, `it has ${name.length} characters, but a DNS name may have at most ${MAX_DNS}`);
  return name;
}

/** Checks a host name and turns international labels into A-labels. */
function toAscii(host: string, text: string): string {
  // Node would leave tabs and line breaks out without a word
  if (/[\u0000-\u0020\u007f/:?#@%\\[\]]/.test(host)) throw refused(text, 'it holds a space or a character that no domain name has');
  // only where needed: the URL rules that Node applies also read 1.2 as an address
  const ascii = /[^\u0020-\u007e]/.test(host) ? domainToASCII(host) : host;
  if (ascii === '' && host !== '') throw refused(text, 'it is no domain name that IDNA allows');
  const labels = ascii.split('.');
  for (const label of labels) {
    if (label === '') throw refused(text, 'a label is empty; leave out a dot at the end');
    if (label.length > MAX_LABEL) throw refused(text, `the label "${label}" has ${label.length} characters, but may have at most ${MAX_LABEL}`);
    if (!/^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/i.test(label)) throw refused(text, `the label "${label}" may hold only letters, digits and hyphens, no hyphen at its ends`);
  }
  if (/^\d+$/.test(labels.at(-1) ?? '')) throw refused(text, 'it ends in a number like an address', 'write IP: before an address');
  return ascii;
}

function readEmail(text: string): string {
  const at = text.lastIndexOf('@');
  const local = text.slice(0, at);
  if (at < 1 || !/^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}$/.test(local)) {
    throw refused(text, 'it is no mail address with plain ASCII characters before its @');
  }
  return `${local}@${toAscii(text.slice(at + 1), text)}`;
}

function readUri(text: string): string {
  if (!/^[a-z][a-z0-9+.-]*:[\u0021-\u007e]+$/i.test(text) || !URL.canParse(text)) {
    throw refused(text, 'it is no absolute URI in ASCII', 'write it as in https://example.org/, other characters percent-encoded');
  }
  return text;
}

/** The octets of an address: 4 or 16. */
function readAddress(text: string): Buffer {
  if (isIPv4(text)) return Buffer.from(text.split('.').map(Number));
  if (!isIPv6(text)) throw refused(text, 'it is no IPv4 or IPv6 address');
  // the URL rules print every form of an address, mixed ones too, as groups with one ::
  const [head = '', tail] = new URL(`http://[${text}]/`).hostname.slice(1, -1).split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const groups = tail === undefined ? [...head] : [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function isIPv4(text: string): boolean {
  return /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(text);
}

/** Without a zone, which means something on one machine only. */
function isIPv6(text: string): boolean {
  return /^[0-9a-f:.]+$/i.test(text) && text.includes(':') && URL.canParse(`http://[${text}]/`);
}

function formatAddress(octets: Buffer): string {
  if (octets.length === 4) return octets.join('.');
  return new URL(`http://[${(octets.toString('hex').match(/.{4}/g) ?? []).join(':')}]/`).hostname.slice(1, -1);
}

/** GeneralNames (RFC 5280, 4.2.1.6). */
export function encodeAlternativeNames(names: readonly AlternativeName[]): Asn1 {
  return sequence(...names.map(({ kind, value }) => taggedPrimitive(TAGS[kind], kind === 'IP' ? readAddress(value) : Buffer.from(value, 'latin1'))));
}

/**
 * Reads the value of a subjectAltName extension.
 * @throws HsmfleetError CERTIFICATE_INVALID when it is malformed; NAME_INVALID when it holds a name that could not be
 *   written by {@link parseAlternativeNames}, of another kind for instance
 */
export function decodeAlternativeNames(der: Buffer, what: string): AlternativeName[] {
  const parts = partsOf(readDer(der, what), what, TYPE.sequence);
  if (parts.length === 0) throw malformed(what, 'its list of alternative names is empty');
  return parts.map((part) => {
    const kind = (Object.keys(TAGS) as AlternativeName['kind'][]).find((key) => isTagged(part, TAGS[key]));
    if (kind === undefined) throw new HsmfleetError('NAME_INVALID', `${what} names an alternative name that is neither DNS, IP, email nor URI`);
    const octets = octetsOf(part, what);
    if (kind !== 'IP') return readName(kind, octets.toString('latin1'));
    if (octets.length !== 4 && octets.length !== 16) throw malformed(what, `an address has ${octets.length} octets`);
    return { kind, value: formatAddress(octets) };
  });
}

/** `DNS:www.example.org`, as OpenSSL and {@link parseAlternativeNames} know it. */
export function formatAlternativeName({ kind, value }: AlternativeName): string {
  return `${kind}:${value}`;
}

function refused(text: string, why: string, hint = 'write DNS:www.example.org, IP:192.0.2.1, email:root@example.org or URI:https://example.org/'): HsmfleetError {
  return new HsmfleetError('NAME_INVALID', `the alternative name "${text}" cannot be used: ${why}`, { hint });
}
