import { createHash } from 'node:crypto';
import type { CertificateRow, KeyRow, ModuleRow, TokenRow } from '@hsmfleet/contract';
import { describeSpki, parseCertificate, spkiFromEc, spkiFromRsa, type Certificate, type PublicKeyFacts } from '@hsmfleet/x509';
import { CKF, flagNames, isBlankToken, keyTypeName } from './cryptoki.ts';
import type { RawCertificate, RawKey, RawModule, RawToken } from './protocol.ts';
import { judgeReadOnly, pinStateOf } from './token-state.ts';

/** The part of a {@link ModuleRow} that the module itself answered. */
export type ObservedModule = Omit<ModuleRow, 'path' | 'realPath' | 'sha256' | 'error'>;

/** Puts a module's raw answers into rows: sizes, curves and fingerprints come from key material and certificates. */
export function interpretModule(raw: RawModule, at: string): ObservedModule {
  const asked = raw.tokens.filter((token) => !isBlankToken(token));
  return {
    manufacturer: raw.manufacturer,
    description: raw.description,
    version: raw.version,
    cryptokiVersion: raw.cryptokiVersion,
    readOnly: judgeReadOnly(asked.map(({ label, flags, evidence }) => ({ token: label, flags, evidence })), at),
    // modules list slots and objects in whatever order: sorted, two reports of the same token are the same
    tokens: raw.tokens.map(interpretToken).sort(by((token) => [token.label === '' ? '1' : '0', token.label, token.serial])),
  };
}

function by<T>(keysOf: (row: T) => string[]): (a: T, b: T) => number {
  return (a, b) => {
    const [left, right] = [keysOf(a), keysOf(b)];
    const at = left.findIndex((key, index) => key !== right[index]);
    return at === -1 ? 0 : (left[at] as string) < (right[at] as string) ? -1 : 1;
  };
}

/**
 * Names a token: hex SHA-256 over label, serial and the sorted fingerprints of its public keys, since some modules give
 * every token the same label and no serial (field notes 0.12).
 */
export function tokenIdentity(label: string, serial: string, fingerprints: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify([label, serial, [...new Set(fingerprints)].sort()])).digest('hex');
}

function interpretToken(raw: RawToken): TokenRow {
  const certificates = raw.certificates.flatMap((certificate) => readCertificate(certificate) ?? []);
  const keys = readKeys(raw, certificates);
  const rows = keys.map(({ row }) => row);
  // a key whose facts were taken from a certificate would match that certificate by definition: only own numbers count
  const proven = new Map(keys.filter((key) => key.own).map((key) => [key.row.id, key.row.fingerprint]));
  const fingerprints = [...rows.map((row) => row.fingerprint), ...certificates.map(({ parsed }) => parsed.keyFingerprint)];
  return {
    slotId: raw.slotId,
    slotIndex: raw.slotIndex,
    slotDescription: raw.slotDescription,
    label: raw.label,
    serial: raw.serial,
    manufacturer: raw.manufacturer,
    model: raw.model,
    flags: flagNames(raw.flags),
    pinState: pinStateOf(raw.flags),
    loginRequired: (raw.flags & CKF.LOGIN_REQUIRED) !== 0,
    identity: tokenIdentity(raw.label, raw.serial, fingerprints.filter((fingerprint) => fingerprint !== null)),
    keys: rows.sort(by((key) => [key.id, key.label, key.class])),
    certificates: certificates.map(({ id, label, parsed }) => certificateRow(id, label, parsed, proven.get(id)))
      .sort(by((certificate) => [certificate.id, certificate.label, certificate.sha256])),
  };
}

interface ReadCertificate {
  id: string;
  label: string;
  parsed: Certificate;
}

function readCertificate(raw: RawCertificate): ReadCertificate | undefined {
  if (raw.value === null || raw.value === '') return undefined;
  try {
    return { id: raw.id ?? '', label: raw.label ?? '', parsed: parseCertificate(Buffer.from(raw.value, 'hex')) };
  } catch {
    // an attribute certificate, or bytes that are none: not a certificate that a site could serve
    return undefined;
  }
}

function certificateRow(id: string, label: string, parsed: Certificate, keyOnToken: string | null | undefined): CertificateRow {
  const { subject, issuer, serial, notBefore, notAfter, sha256, keyFingerprint } = parsed;
  const matchesKey = keyOnToken === undefined || keyOnToken === null ? null : keyOnToken === keyFingerprint;
  return { id, label, subject, issuer, serial, notBefore, notAfter, sha256, keyFingerprint, matchesKey, der: parsed.der.toString('base64') };
}

interface ReadKey {
  row: KeyRow;
  /** The fingerprint comes from the key's own numbers. */
  own: boolean;
}

/** One row for each key: public and private halves with the same ID are a pair. */
function readKeys(raw: RawToken, certificates: readonly ReadCertificate[]): ReadKey[] {
  const keys: ReadKey[] = raw.publicKeys.map((key) => {
    const spki = spkiOf(key);
    const facts = spki === undefined ? undefined : describeSpki(spki);
    return { row: keyRow(key, 'public', facts ?? factsFromCertificate(key, certificates)), own: facts !== undefined };
  });
  for (const key of raw.privateKeys) {
    const { sensitive, extractable, alwaysSensitive, neverExtractable } = key;
    const half = keys.find(({ row }) => row.id === (key.id ?? '') && row.class === 'public');
    if (half !== undefined) Object.assign(half.row, { class: 'pair', sensitive, extractable, alwaysSensitive, neverExtractable });
    else keys.push({ row: keyRow(key, 'private', factsFromCertificate(key, certificates)), own: false });
  }
  for (const { id, label, parsed } of certificates) {
    if (keys.some(({ row }) => row.id === id || row.fingerprint === parsed.keyFingerprint)) continue;
    keys.push({ row: { id, label, class: 'certificate', ...parsed.key, sensitive: null, extractable: null, alwaysSensitive: null, neverExtractable: null }, own: false });
  }
  return keys;
}

function spkiOf({ modulus, publicExponent, ecParams, ecPoint }: RawKey): Buffer | undefined {
  const bytes = (hex: string) => Buffer.from(hex, 'hex');
  if (modulus !== null && publicExponent !== null) return spkiFromRsa(bytes(modulus), bytes(publicExponent));
  if (ecParams !== null && ecPoint !== null) return spkiFromEc(bytes(ecParams), bytes(ecPoint));
  return undefined;
}

/** What a key is when the module does not show its numbers: the certificate with its ID knows. */
function factsFromCertificate(key: RawKey, certificates: readonly ReadCertificate[]): PublicKeyFacts | undefined {
  return key.id === null || key.id === '' ? undefined : certificates.find(({ id }) => id === key.id)?.parsed.key;
}

function keyRow(key: RawKey, keyClass: KeyRow['class'], facts: PublicKeyFacts | undefined): KeyRow {
  return {
    id: key.id ?? '',
    label: key.label ?? '',
    class: keyClass,
    type: facts?.type ?? keyTypeName(key.keyType),
    bits: facts?.bits ?? null,
    curve: facts?.curve ?? null,
    fingerprint: facts?.fingerprint ?? null,
    sensitive: key.sensitive,
    extractable: key.extractable,
    alwaysSensitive: key.alwaysSensitive,
    neverExtractable: key.neverExtractable,
  };
}
