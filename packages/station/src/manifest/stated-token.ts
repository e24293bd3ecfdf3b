import type { CertificateRow, KeyRow } from '@hsmfleet/contract';
import type { StatedToken } from '@hsmfleet/custody';
import { parseCertificate } from '@hsmfleet/x509';
import type { SlotToken, TokenObject } from '../port.ts';

/**
 * What a session sees of a token, put as inventories put it, so that a manifest can be held against a webserver's view.
 * @param identityOf names a token by label, serial and public-key fingerprints, as inventories do
 */
export function statedToken(
  token: SlotToken, objects: readonly TokenObject[], identityOf: (label: string, serial: string, fingerprints: readonly string[]) => string,
): StatedToken {
  const certificates = objects.flatMap((object) => readCertificate(object) ?? []);
  const keys = readKeys(objects, certificates);
  const fingerprints = [...keys.map(({ fingerprint }) => fingerprint), ...certificates.map(({ keyFingerprint }) => keyFingerprint)];
  const { label, serial, manufacturer, model } = token;
  return {
    label, serial, manufacturer, model,
    identity: identityOf(label, serial, fingerprints.filter((fingerprint) => fingerprint !== null)),
    keys: keys.sort(by(({ id, label: name }) => `${id} ${name}`)),
    certificates: certificates.sort(by(({ id, sha256 }) => `${id} ${sha256}`)),
  };
}

function by<T>(keyOf: (row: T) => string): (a: T, b: T) => number {
  return (a, b) => (keyOf(a) < keyOf(b) ? -1 : 1);
}

function readCertificate({ class: kind, value, id, label }: TokenObject): CertificateRow | undefined {
  if (kind !== 'certificate' || value === null) return undefined;
  try {
    const { subject, issuer, serial, notBefore, notAfter, sha256, keyFingerprint, der } = parseCertificate(value);
    return { id, label, subject, issuer, serial, notBefore, notAfter, sha256, keyFingerprint, matchesKey: null, der: der.toString('base64') };
  } catch {
    // an attribute certificate, or bytes that are none
    return undefined;
  }
}

/** One row for each key pair: halves belong together by their ID. */
function readKeys(objects: readonly TokenObject[], certificates: readonly CertificateRow[]): KeyRow[] {
  const keys: KeyRow[] = [];
  for (const object of objects) {
    if (object.class !== 'public' && object.class !== 'private') continue;
    const access = object.class === 'private'
      ? { sensitive: saysOne(object, ['sensitive', 'always sensitive'], 'NOT SENSITIVE'), extractable: saysOne(object, ['EXTRACTABLE'], 'not extractable', 'never extractable') }
      : { sensitive: null, extractable: null };
    const half = keys.find((row) => row.id === object.id && row.class !== object.class && row.class !== 'pair');
    if (half === undefined) {
      keys.push({ id: object.id, label: object.label, class: object.class, ...factsOf(object, certificates), ...access });
    } else {
      const facts = half.fingerprint === null ? factsOf(object, certificates) : {};
      Object.assign(half, facts, { class: 'pair' }, object.class === 'private' ? access : {});
    }
  }
  return keys;
}

/** What the words about an object's access say; null when they say nothing of it. */
function saysOne({ access }: TokenObject, yes: readonly string[], ...no: string[]): boolean | null {
  if (yes.some((word) => access.includes(word))) return true;
  return no.some((word) => access.includes(word)) ? false : null;
}

function factsOf(object: TokenObject, certificates: readonly CertificateRow[]): Pick<KeyRow, 'type' | 'bits' | 'curve' | 'fingerprint'> {
  const fingerprint = object.fingerprint ?? certificates.find(({ id }) => id !== '' && id === object.id)?.keyFingerprint ?? null;
  return { type: object.keyType ?? 'unknown', bits: object.bits, curve: object.curve, fingerprint };
}
