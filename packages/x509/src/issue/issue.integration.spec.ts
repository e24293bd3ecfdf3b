import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { parseCertificate } from '../certificate.ts';
import type { Signer } from '../signer.ts';
import { formatAlternativeName, parseAlternativeNames, type AlternativeName } from './alternative-names.ts';
import { identityOf, readCertificate } from './certificate-parts.ts';
import { KEY_USAGES } from './extensions.ts';
import { signerFromKey } from './file-signer.ts';
import { createAuthority, createSelfSigned, issueCertificate } from './issue.ts';
import type { Name } from './name.ts';
import { parseSubject } from './parse-subject.ts';
import { encodePem } from './pem.ts';
import { createRequest, readRequest, type Identity } from './request.ts';

const folder = mkdtempSync(join(tmpdir(), 'x509-issue-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

const run = (program: string, ...args: string[]): string => execFileSync(program, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const openssl = (...args: string[]): string => run('openssl', ...args);
/** OpenSSL says "verify OK" on standard error. */
const opensslQuietly = (...args: string[]): void => { execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' }); };

function save(name: string, label: 'CERTIFICATE' | 'CERTIFICATE REQUEST', der: Buffer): string {
  writeFileSync(join(folder, `${name}.der`), der);
  writeFileSync(join(folder, name), encodePem(label, der));
  return name;
}

const KEYS: Record<string, () => KeyObject> = {
  'rsa:1024': () => generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey,
  'rsa:2048': () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  'EC:prime256v1': () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey,
  'EC:secp384r1': () => generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey,
  'EC:secp521r1': () => generateKeyPairSync('ec', { namedCurve: 'secp521r1' }).privateKey,
  'EC:brainpoolP256r1': () => generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' }).privateKey,
};
const IDENTITY: Identity = {
  subject: parseSubject('/C=DE/O=Grüße \\/ Söhne/OU=x+CN=www.example.org'),
  alternativeNames: parseAlternativeNames(['DNS:www.example.org', '*.bücher.example', 'IP:192.0.2.1', 'IP:2001:db8::1', 'email:root@example.org', 'URI:https://example.org/']),
  keyUsage: ['digitalSignature'],
  extendedKeyUsage: ['serverAuth', 'clientAuth', '1.3.6.1.4.1.99999.1'],
};
const SAN_TEXT = 'DNS:www.example.org, DNS:*.xn--bcher-kva.example, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1, email:root@example.org, URI:https://example.org/';

const ca = signerFromKey(generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey);
const authority = { certificate: readCertificate(await createAuthority(parseSubject('/O=Laboratory/CN=Root'), { days: 3650 }, ca)), signer: ca };
save('root.pem', 'CERTIFICATE', authority.certificate.der);

const CASES = Object.keys(KEYS).flatMap((type) => (['sha256', 'sha384'] as const).flatMap((hash) => (type.startsWith('rsa') ? [false, true] : [false]).map((isPss) => ({ type, hash, isPss }))));

describe.each(CASES)('$type $hash PSS: $isPss', ({ type, hash, isPss }) => {
  const signer = signerFromKey((KEYS[type] as () => KeyObject)());
  const algorithm = isPss ? 'rsassaPss' : `${type.startsWith('rsa') ? hash : 'ecdsa-with-'}${type.startsWith('rsa') ? 'WithRSAEncryption' : hash.toUpperCase()}`;

  test('OpenSSL verifies the request and reads what was asked for', async () => {
    const file = save('leaf.csr', 'CERTIFICATE REQUEST', await createRequest(IDENTITY, signer, { hash, isPss }));
    opensslQuietly('req', '-verify', '-noout', '-in', file);
    opensslQuietly('asn1parse', '-in', file);
    const text = openssl('req', '-in', file, '-noout', '-text', '-nameopt', 'RFC2253,-esc_msb,utf8');
    expect(text).toContain('Subject: CN=www.example.org+OU=x,O=Grüße / Söhne,C=DE\n');
    expect(text).toContain(SAN_TEXT);
    expect(text).toContain(`Signature Algorithm: ${algorithm}`);
    expect(text).toContain('TLS Web Server Authentication, TLS Web Client Authentication, 1.3.6.1.4.1.99999.1');
  });

  test('OpenSSL verifies the self-signed certificate', async () => {
    const der = await createSelfSigned({ ...IDENTITY, days: 30, hash, isPss }, signer);
    const file = save('self.pem', 'CERTIFICATE', der);
    expect(openssl('verify', '-check_ss_sig', '-x509_strict', '-purpose', 'sslserver', '-CAfile', file, file)).toContain('OK');
    const text = openssl('x509', '-in', file, '-noout', '-text');
    expect(text).toContain(`Signature Algorithm: ${algorithm}`);
    expect(text).toContain('X509v3 Basic Constraints: critical\n                CA:FALSE');
    expect(text).toContain(SAN_TEXT);
    expect(parseCertificate(der)).toMatchObject({ subject: 'CN=www.example.org+OU=x,O=Grüße / Söhne,C=DE', spki: signer.spki });
    expect(identityOf(readCertificate(der))).toEqual(IDENTITY);
  });

  test('OpenSSL verifies the certificate that the authority issues', async () => {
    const request = readRequest(await createRequest(IDENTITY, signer, { hash, isPss }));
    const file = save('leaf.pem', 'CERTIFICATE', await issueCertificate(request, authority, { days: 90, hash }));
    expect(openssl('verify', '-x509_strict', '-purpose', 'sslserver', '-verify_hostname', 'a.xn--bcher-kva.example', '-CAfile', 'root.pem', file)).toContain('OK');
    const text = openssl('x509', '-in', file, '-noout', '-text');
    expect(text).toContain(type.startsWith('rsa') ? 'Digital Signature, Key Encipherment' : 'Digital Signature\n');
    expect(text).toContain('Issuer: O = Laboratory, CN = Root');
  });
});

test('what OpenSSL asks for is read and issued', async () => {
  openssl('req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'o.key', '-out', 'o.csr', '-subj', '/CN=o.example/O=Ä', '-utf8', '-addext', 'subjectAltName=DNS:o.example,IP:::1', '-addext', 'basicConstraints=CA:TRUE', '-sigopt', 'rsa_padding_mode:pss');
  const request = readRequest(Buffer.from(openssl('req', '-in', 'o.csr')));
  expect(request.alternativeNames.map(formatAlternativeName)).toEqual(['DNS:o.example', 'IP:::1']);
  const file = save('o.pem', 'CERTIFICATE', await issueCertificate(request, authority, { days: 1 }));
  expect(openssl('verify', '-CAfile', 'root.pem', file)).toContain('OK');
  // the wish to be an authority is not granted
  expect(openssl('x509', '-in', file, '-noout', '-ext', 'basicConstraints')).toContain('CA:FALSE');
});

test.skipIf(!existsSync('/usr/bin/certutil'))('NSS takes the certificates and trusts what the authority issued', async () => {
  const request = readRequest(await createRequest(IDENTITY, signerFromKey((KEYS['EC:prime256v1'] as () => KeyObject)())));
  const der = await issueCertificate(request, authority, { days: 90 });
  save('nss.pem', 'CERTIFICATE', der);
  run('certutil', '-N', '--empty-password', '-d', 'sql:.');
  run('certutil', '-A', '-d', 'sql:.', '-n', 'root', '-t', 'C,,', '-i', 'root.pem.der');
  run('certutil', '-A', '-d', 'sql:.', '-n', 'leaf', '-t', ',,', '-a', '-i', 'nss.pem');
  expect(run('certutil', '-V', '-d', 'sql:.', '-n', 'leaf', '-u', 'V')).toContain('certificate is valid');
});

test('every key usage is read by OpenSSL under its name', async () => {
  const signer = signerFromKey((KEYS['EC:prime256v1'] as () => KeyObject)());
  for (const [index, usage] of KEY_USAGES.entries()) {
    const der = await createRequest({ ...IDENTITY, keyUsage: [usage] }, signer);
    const text = openssl('req', '-in', save('usage.csr', 'CERTIFICATE REQUEST', der), '-noout', '-text');
    const names = ['Digital Signature', 'Non Repudiation', 'Key Encipherment', 'Data Encipherment', 'Key Agreement', 'Certificate Sign', 'CRL Sign', 'Encipher Only', 'Decipher Only'];
    expect(text).toContain(`X509v3 Key Usage: critical\n                    ${names[index] ?? ''}\n`);
  }
});

test('times change their form in 2050, and the certificate is valid on both sides', async () => {
  const signer = signerFromKey((KEYS['EC:prime256v1'] as () => KeyObject)());
  const file = save('time.pem', 'CERTIFICATE', await createSelfSigned({ ...IDENTITY, days: 2, notBefore: new Date('2049-12-31T12:00:00.999Z') }, signer));
  expect(openssl('asn1parse', '-in', file)).toMatch(/UTCTIME +:491231120000Z\n.*GENERALIZEDTIME +:20500102120000Z/);
});

const character = fc.oneof({ weight: 5, arbitrary: fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 1 }) }, fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }), fc.constantFrom(',', '+', '"', '\\', '/', '=', '#', ' ', 'ü', '証', '🔑'));
const text = fc.array(character, { minLength: 1, maxLength: 20 }).map((parts) => parts.join('')).filter((value) => !/\p{Cc}/u.test(value) && [...value].length <= 64);
const value = fc.oneof({ weight: 4, arbitrary: text }, fc.constant('x'.repeat(64)), fc.constant('ß'.repeat(64)));
const part = fc.record({ oid: fc.constantFrom('2.5.4.3', '2.5.4.10', '2.5.4.11', '2.5.4.7', '2.5.4.8'), value });
const subjects: fc.Arbitrary<Name> = fc.array(fc.uniqueArray(part, { minLength: 1, maxLength: 2, selector: ({ oid }) => oid }), { maxLength: 4 });
const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/).filter((name) => !name.startsWith('xn--'));
const host = fc.tuple(fc.boolean(), fc.array(fc.oneof(label, fc.constantFrom('bücher', '例え', 'x'.repeat(63))), { minLength: 1, maxLength: 3 })).map(([isWildcard, labels]) => `DNS:${isWildcard ? '*.' : ''}${labels.join('.')}`);
const alternatives = fc.array(fc.oneof(host, fc.ipV4().map((ip) => `IP:${ip}`), fc.ipV6().map((ip) => `IP:${ip}`)), { maxLength: 5 }).map((names) => parseAlternativeNames(names));

/** As OpenSSL prints it. */
function printed({ kind, value: name }: AlternativeName): string {
  if (kind !== 'IP') return `${kind}:${name}`;
  if (!name.includes(':')) return `IP Address:${name}`;
  const [head = '', tail] = name.split('::');
  const before = head.split(':').filter((group) => group !== '');
  const after = (tail ?? '').split(':').filter((group) => group !== '');
  const groups = tail === undefined ? before : [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
  return `IP Address:${groups.join(':').toUpperCase()}`;
}

test('OpenSSL reads every subject and alternative name as it was meant', { timeout: 60_000 }, async () => {
  const signer: Signer = signerFromKey((KEYS['EC:prime256v1'] as () => KeyObject)());
  await fc.assert(fc.asyncProperty(subjects, alternatives, async (subject, alternativeNames) => {
    fc.pre(subject.length > 0 || alternativeNames.length > 0);
    const request = await createRequest({ ...IDENTITY, subject, alternativeNames }, signer);
    const der = await issueCertificate(readRequest(request), authority, { days: 1 });
    const file = save('p.pem', 'CERTIFICATE', der);
    const output = openssl('x509', '-in', file, '-noout', '-subject', '-nameopt', 'utf8,sep_multiline,sname', '-ext', 'subjectAltName');
    // one attribute a line and nothing escaped: no reading of ours is in between
    const sname: Record<string, string> = { '2.5.4.3': 'CN', '2.5.4.10': 'O', '2.5.4.11': 'OU', '2.5.4.7': 'L', '2.5.4.8': 'ST' };
    const lines = output.split('\n').filter((line) => /^ {4}\S+=/.test(line)).flatMap((line) => line.slice(4).split(/ \+ (?=(?:CN|O|OU|L|ST)=)/));
    expect(lines.sort()).toEqual(subject.flat().map(({ oid, value: meant }) => `${sname[oid] ?? ''}=${String(meant)}`).sort());
    if (alternativeNames.length > 0) {
      expect(output).toContain(`X509v3 Subject Alternative Name: ${subject.length === 0 ? 'critical' : ''}\n    ${alternativeNames.map(printed).join(', ')}`);
    }
    expect(openssl('verify', '-x509_strict', '-CAfile', 'root.pem', file)).toContain('OK');
    expect(createPublicKey(encodePem('CERTIFICATE', der)).export({ type: 'spki', format: 'der' })).toEqual(signer.spki);
  }), { numRuns: 40 });
});
