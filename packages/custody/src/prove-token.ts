import type { CertificateRow, CustodyProof, KeyRow, PreparedToken, TokenRow } from '@hsmfleet/contract';

/** What of a token is compared. */
export type ComparedToken = Pick<TokenRow, 'label' | 'serial' | 'identity' | 'keys' | 'certificates'>;

/**
 * Is this token one of those that were prepared? Compares what every module shows without a login: the set of public keys,
 * the certificates, and the serial number where both sides know one. Labels are no evidence: the same card has another one
 * through another module.
 * @param module path of the library that shows the token
 * @param at ISO 8601
 */
export function proveToken(prepared: readonly PreparedToken[], module: string, token: ComparedToken, at: string): CustodyProof {
  const found = { at, module, token: token.label, serial: clean(token.serial), identity: token.identity };
  const candidate = mostAlike(prepared, token);
  if (candidate === undefined) {
    return { ...found, verdict: 'unknown', manifest: null, file: null, preparedBy: null, preparedAt: null, differences: [sayUnknown(prepared, token)], notes: [] };
  }
  const { manifest, file, preparedBy, preparedAt } = candidate;
  const { differences, notes } = compare(candidate, token);
  return { ...found, verdict: differences.length === 0 ? 'proven' : 'differs', manifest, file, preparedBy, preparedAt, differences, notes };
}

/** The first characters of a fingerprint, enough to compare by eye. */
export function shortHash(hex: string): string {
  return `${hex.slice(0, 16)}…`;
}

/** Some modules fill serial numbers with blanks or NULs. */
function clean(text: string): string {
  return text.replaceAll('\0', '').trim();
}

function fingerprintsOf(token: ComparedToken): Set<string> {
  const all = [...token.keys.map(({ fingerprint }) => fingerprint), ...token.certificates.map(({ keyFingerprint }) => keyFingerprint)];
  return new Set(all.filter((fingerprint) => fingerprint !== null));
}

function mostAlike(prepared: readonly PreparedToken[], token: ComparedToken): PreparedToken | undefined {
  const fingerprints = fingerprintsOf(token);
  const serial = clean(token.serial);
  let best: { one: PreparedToken; score: number } | undefined;
  for (const one of prepared) {
    const shared = one.keys.filter(({ fingerprint }) => fingerprints.has(fingerprint)).length;
    const exact = one.certificates.filter(({ sha256 }) => token.certificates.some((certificate) => certificate.sha256 === sha256)).length;
    const sameSerial = serial !== '' && clean(one.serial) === serial ? 1 : 0;
    // keys first; of two manifests with the same keys the one whose serial number and certificates fit (a renewal's, a copy's)
    const score = shared * 10_000 + sameSerial * 1_000 + exact;
    if (shared + sameSerial > 0 && (best === undefined || score > best.score)) best = { one, score };
  }
  return best?.one;
}

function sayUnknown(prepared: readonly PreparedToken[], token: ComparedToken): string {
  const fingerprints = [...fingerprintsOf(token)];
  const serial = clean(token.serial);
  if (fingerprints.length === 0 && serial === '') return 'the token shows neither a serial number nor a public key: nothing tells it from others';
  const seen = [serial === '' ? undefined : `serial ${serial}`, `keys ${fingerprints.length === 0 ? 'none' : fingerprints.map(shortHash).join(', ')}`];
  const wanted = prepared.map((one) => `${one.file}: serial ${clean(one.serial) || 'not known'}, keys ${one.keys.map(({ fingerprint }) => shortHash(fingerprint)).join(', ') || 'none'}`);
  const more = wanted.length > 3 ? `, and ${String(wanted.length - 3)} more` : '';
  return `it has ${seen.filter(Boolean).join(', ')}; prepared were ${wanted.slice(0, 3).join('; ')}${more}`;
}

interface Comparison {
  differences: string[];
  notes: string[];
}

function compare(prepared: PreparedToken, token: ComparedToken): Comparison {
  const result: Comparison = { differences: [], notes: [] };
  const [serial, wanted] = [clean(token.serial), clean(prepared.serial)];
  if (serial !== '' && wanted !== '' && serial !== wanted) {
    result.differences.push(`serial number: "${serial}" instead of "${wanted}" (another device, with a copy of its keys or certificates)`);
  } else if (serial === '' && wanted !== '') {
    result.notes.push(`the module shows no serial number: token "${token.label}" is known by its keys`);
  }
  if (token.label !== prepared.label) result.notes.push(`label "${token.label}", on the station "${prepared.label}"`);
  compareKeys(prepared, token, result);
  compareCertificates(prepared, token, result);
  return result;
}

function compareKeys(prepared: PreparedToken, token: ComparedToken, { differences, notes }: Comparison): void {
  const fingerprints = fingerprintsOf(token);
  for (const { id, fingerprint } of prepared.keys) {
    const shown = token.keys.find((key) => key.fingerprint === fingerprint);
    if (shown !== undefined && shown.id !== id) notes.push(`key ${id} has the ID ${shown.id} here`);
    if (fingerprints.has(fingerprint)) continue;
    const certificate = prepared.certificates.find(({ keyFingerprint }) => keyFingerprint === fingerprint);
    const name = `key ${id} (${shortHash(fingerprint)}${certificate === undefined ? '' : `, ${certificate.subject}`})`;
    // modules that list keys by their certificates do not show a key without one
    if (certificate === undefined) notes.push(`${name} has no certificate and is not shown: not compared`);
    else differences.push(`${name} is missing`);
  }
  const known = new Set(prepared.keys.map(({ fingerprint }) => fingerprint));
  for (const key of token.keys.filter((row) => row.class !== 'certificate')) {
    if (key.fingerprint !== null && !known.has(key.fingerprint)) differences.push(`${sayKey(key)} is on the token, but not in the manifest`);
    if (key.fingerprint !== null) continue;
    if (prepared.keys.some(({ id }) => id === key.id)) notes.push(`${sayKey(key)} shows no public half: not compared`);
    else differences.push(`${sayKey(key)} is on the token, but not in the manifest`);
  }
}

function sayKey(key: KeyRow): string {
  const size = key.curve ?? (key.bits === null ? '' : String(key.bits));
  return `key ${key.id} "${key.label}" (${[key.type, size].filter(Boolean).join(' ')}${key.fingerprint === null ? '' : `, ${shortHash(key.fingerprint)}`})`;
}

function compareCertificates(prepared: PreparedToken, token: ComparedToken, { differences, notes }: Comparison): void {
  const found = new Set(token.certificates.map(({ sha256 }) => sha256));
  const known = new Set(prepared.certificates.map(({ sha256 }) => sha256));
  const ownKeys = new Set(prepared.keys.map(({ fingerprint }) => fingerprint));
  for (const certificate of token.certificates.filter(({ sha256 }) => !known.has(sha256))) {
    const expected = prepared.certificates.find(({ keyFingerprint }) => keyFingerprint === certificate.keyFingerprint);
    differences.push(
      expected === undefined
        ? `${sayCertificate(certificate)} is on the token, but not in the manifest`
        : `certificate of key ${expected.id}: ${shortHash(certificate.sha256)} (${certificate.subject}, until ${certificate.notAfter}) instead of ${shortHash(expected.sha256)} (${expected.subject})`,
    );
  }
  const fingerprints = fingerprintsOf(token);
  for (const { id, subject, sha256, keyFingerprint } of prepared.certificates.filter((certificate) => !found.has(certificate.sha256))) {
    const name = `certificate ${shortHash(sha256)} (ID ${id}, ${subject})`;
    const sameKey = token.certificates.filter((certificate) => certificate.keyFingerprint === keyFingerprint);
    // a missing key and another certificate in its place are told already
    if (ownKeys.has(keyFingerprint) && !fingerprints.has(keyFingerprint)) continue;
    if (ownKeys.has(keyFingerprint) && sameKey.length === 0) differences.push(`${name} is missing`);
    else if (sameKey.every((certificate) => known.has(certificate.sha256))) notes.push(`${name} is not shown by the module: not compared`);
  }
}

function sayCertificate({ id, label, subject, sha256 }: CertificateRow): string {
  return `certificate ${shortHash(sha256)} (ID ${id || 'none'}, "${label}", ${subject})`;
}
