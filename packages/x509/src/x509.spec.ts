import { execFileSync } from 'node:child_process';
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeDer, unwrapOctetString } from './der.ts';
import { describeSpki, isSameKey, parseCertificate, spkiFromEc, spkiFromRsa } from './index.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'x509-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** openssl is the second opinion: a certificate, and what openssl prints of it. */
function openssl(...argv: string[]): string {
  return execFileSync('openssl', argv, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}

function makeCertificate(name: string, key: string[], subject: string, ...more: string[]): string {
  openssl('req', '-x509', '-newkey', ...key, '-nodes', '-keyout', `${name}.key`, '-out', `${name}.pem`, '-subj', subject, '-days', '30', ...more);
  return readFileSync(join(folder, `${name}.pem`), 'utf8');
}

describe('certificates', () => {
  const cases = [
    ['rsa', ['rsa:1024'], '/C=DE/O=Fleet, Inc./CN=www.example.org', { type: 'rsa', bits: 1024, curve: null }],
    ['p256', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], '/O=A+OU=B/CN=eins', { type: 'ec', bits: 256, curve: 'prime256v1' }],
    ['brainpool', ['ec', '-pkeyopt', 'ec_paramgen_curve:brainpoolP384r1'], '/CN=Stra\u00dfe #1', { type: 'ec', bits: 384, curve: 'brainpoolP384r1' }],
  ] as const;
  test.each(cases)('%s: reads what openssl prints', (name, key, subject, facts) => {
    const pem = makeCertificate(name, [...key], subject, '-utf8', '-multivalue-rdn');
    const read = parseCertificate(pem);
    const nameOption = ['-nameopt', 'RFC2253,-esc_msb,utf8'];
    expect(`subject=${read.subject}`).toBe(openssl('x509', '-in', `${name}.pem`, '-noout', '-subject', ...nameOption));
    expect(`issuer=${read.issuer}`).toBe(openssl('x509', '-in', `${name}.pem`, '-noout', '-issuer', ...nameOption));
    expect(`serial=${read.serial.toUpperCase()}`).toBe(openssl('x509', '-in', `${name}.pem`, '-noout', '-serial'));
    const printed = openssl('x509', '-in', `${name}.pem`, '-noout', '-fingerprint', '-sha256').split('=')[1]?.replaceAll(':', '');
    expect(read.sha256.toUpperCase()).toBe(printed);
    const spki = createPublicKey(pem).export({ type: 'spki', format: 'der' });
    expect(read.keyFingerprint).toBe(createHash('sha256').update(spki).digest('hex'));
    expect(read.key).toEqual({ ...facts, fingerprint: read.keyFingerprint });
    expect(Date.parse(read.notAfter) - Date.parse(read.notBefore)).toBe(30 * 86_400_000);
    expect(parseCertificate(read.der)).toEqual(read);
  });

  test('says what is no certificate', () => {
    expect(() => parseCertificate(Buffer.from('nonsense'))).toThrow();
  });
});

describe('public keys from PKCS#11 attributes', () => {
  const spkiOf = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });

  test('RSA, with and without leading zeros', () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const { n, e } = publicKey.export({ format: 'jwk' });
    const modulus = Buffer.from(n ?? '', 'base64url');
    const exponent = Buffer.from(e ?? '', 'base64url');
    expect(spkiFromRsa(modulus, exponent)).toEqual(spkiOf(publicKey));
    const padded = spkiFromRsa(Buffer.concat([Buffer.alloc(2), modulus]), Buffer.concat([Buffer.alloc(1), exponent]));
    expect(padded).toEqual(spkiOf(publicKey));
    expect(describeSpki(spkiOf(publicKey))).toMatchObject({ type: 'rsa', bits: 1024, curve: null });
  });

  test.each(['prime256v1', 'secp384r1', 'secp521r1', 'secp256k1', 'brainpoolP256r1'])('%s, the point raw and in an OCTET STRING', (curve) => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: curve });
    const spki = spkiOf(publicKey);
    const { parameters, point } = takeApart(spki);
    expect(spkiFromEc(parameters, point)).toEqual(spki);
    expect(spkiFromEc(parameters, encodeDer(0x04, point))).toEqual(spki);
    expect(describeSpki(spki)).toMatchObject({ type: 'ec', curve, bits: Number(/\d{3}/.exec(curve)?.[0]) });
  });

  test('a raw point that looks like an OCTET STRING is still a point', () => {
    // 04 3f …: the second byte of a raw P-256 point may equal the number of bytes that follow
    for (let tries = 0; tries < 20_000; tries += 1) {
      const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
      const spki = spkiOf(publicKey);
      const { parameters, point } = takeApart(spki);
      if (point[1] !== 0x3f) continue;
      expect(unwrapOctetString(point)).toHaveLength(0x3f);
      expect(spkiFromEc(parameters, point)).toEqual(spki);
      return;
    }
    throw new Error('no such point in 20000 keys');
  });

  test('nonsense is no key', () => {
    expect(spkiFromEc(Buffer.from('06082a8648ce3d030107', 'hex'), Buffer.alloc(65, 4))).toBeUndefined();
    expect(spkiFromEc(Buffer.alloc(0), Buffer.alloc(0))).toBeUndefined();
    expect(spkiFromRsa(Buffer.alloc(0), Buffer.from([3]))).toBeUndefined();
    expect(describeSpki(Buffer.from('3000', 'hex'))).toBeUndefined();
  });

  test('keys are the same or not', () => {
    const one = spkiOf(generateKeyPairSync('ed25519').publicKey);
    const two = spkiOf(generateKeyPairSync('ed25519').publicKey);
    expect([isSameKey(one, Buffer.from(one)), isSameKey(one, two)]).toEqual([true, false]);
    expect(describeSpki(one)).toMatchObject({ type: 'ed25519', bits: null, curve: null });
  });
});

/** SEQUENCE { SEQUENCE { OID ecPublicKey (9 bytes), parameters }, BIT STRING { 00, point } } */
function takeApart(spki: Buffer): { parameters: Buffer; point: Buffer } {
  const outer = (spki[1] ?? 0) < 0x80 ? 2 : 2 + ((spki[1] ?? 0) & 0x7f);
  const algorithmLength = spki[outer + 1] ?? 0;
  const parameters = spki.subarray(outer + 2 + 9, outer + 2 + algorithmLength);
  const bits = spki.subarray(outer + 2 + algorithmLength);
  const header = (bits[1] ?? 0) < 0x80 ? 2 : 2 + ((bits[1] ?? 0) & 0x7f);
  return { parameters, point: bits.subarray(header + 1) };
}
