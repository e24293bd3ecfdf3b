import { generateKeyPairSync } from 'node:crypto';
import { HsmfleetError } from '@hsmfleet/contract';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCertificate, readCertificates } from './certificate-parts.ts';
import { signerFromKey } from './file-signer.ts';
import { createAuthority, createSelfSigned, issueCertificate } from './issue.ts';
import { parseSubject } from './parse-subject.ts';
import { encodePem } from './pem.ts';
import { createRequest, readRequest, type Identity } from './request.ts';
import { signCertificate } from './sign.ts';

const signer = signerFromKey(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey);
const other = signerFromKey(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey);
const identity: Identity = { subject: parseSubject('/CN=x'), alternativeNames: [{ kind: 'DNS', value: 'x.example' }], keyUsage: ['digitalSignature'], extendedKeyUsage: ['serverAuth'] };
const request = await createRequest(identity, signer);
const certificate = await createSelfSigned({ ...identity, days: 1 }, signer);

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (thrown) {
    return thrown;
  }
  return undefined;
}

/** A file changed as transfers and attackers change it. */
function damaged(whole: Buffer): fc.Arbitrary<Buffer> {
  const place = fc.nat({ max: whole.length - 1 });
  return fc.oneof(
    fc.tuple(place, fc.nat({ max: 255 })).map(([at, octet]) => { const copy = Buffer.from(whole); copy[at] = octet; return copy; }),
    place.map((length) => whole.subarray(0, length)),
    fc.tuple(place, fc.uint8Array({ maxLength: 8 })).map(([at, more]) => Buffer.concat([whole.subarray(0, at), more, whole.subarray(at)])),
    fc.uint8Array({ maxLength: 200 }).map((octets) => Buffer.from(octets)),
  );
}

describe.each([
  ['request', request, 'CERTIFICATE REQUEST', (bytes: Buffer): unknown => readRequest(bytes)],
  ['certificate', certificate, 'CERTIFICATE', (bytes: Buffer): unknown => readCertificates(bytes, 'the file')],
] as const)('%s', (_name, whole, label, read) => {
  test('a damaged file is refused with a clear message, never otherwise', () => {
    const forms = fc.oneof(damaged(whole), damaged(whole).map((der) => Buffer.from(encodePem(label, der))), damaged(Buffer.from(encodePem(label, whole))));
    fc.assert(fc.property(forms, (bytes) => {
      const thrown = thrownBy(() => read(bytes));
      if (thrown !== undefined) expect(thrown).toBeInstanceOf(HsmfleetError);
    }), { numRuns: 1500 });
  });

  test('DER nested without end does not exhaust the reader', () => {
    let deep = Buffer.from('0500', 'hex');
    for (let depth = 0; depth < 30_000; depth += 1) {
      const length = deep.length < 0x80 ? Buffer.from([deep.length]) : Buffer.from([0x83, deep.length >> 16, (deep.length >> 8) & 0xff, deep.length & 0xff]);
      deep = Buffer.concat([Buffer.from([0x30]), length, deep]);
      if (deep.length > 100_000) break;
    }
    expect(thrownBy(() => read(deep))).toMatchObject({ code: 'CERTIFICATE_INVALID' });
  });
});

test.each([
  ['', 'it is empty'],
  ['hello', 'neither PEM nor DER'],
  ['-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n', 'no CERTIFICATE block, but PRIVATE KEY'],
  ['-----BEGIN CERTIFICATE-----\nAAAA\n', 'does not end'],
  ['-----BEGIN CERTIFICATE-----\nA!AA\n-----END CERTIFICATE-----\n', 'not base64'],
  ['-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n', 'a part is missing'],
])('%j is refused', (text, message) => {
  expect(() => readCertificates(Buffer.from(text), 'leaf.pem')).toThrowError(message);
  expect(() => readCertificates(Buffer.from(text), 'leaf.pem')).toThrowError('leaf.pem is malformed');
});

test('a request that was changed after it was signed is refused', () => {
  const changed = Buffer.from(request);
  changed[changed.indexOf('x.example')] = 0x79;
  expect(() => readRequest(changed)).toThrowError('the signature of the signing request does not verify');
});

test('a key that signs wrongly gives no certificate', async () => {
  const faulty = { spki: signer.spki, sign: other.sign };
  await expect(createSelfSigned({ ...identity, days: 1 }, faulty)).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID', message: expect.stringContaining('nothing was written') as string });
  await expect(createRequest(identity, faulty)).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' });
});

describe('the authority', () => {
  test('issues nothing with the certificate of an end entity, another key, or after its end', async () => {
    const asked = readRequest(request);
    const own = readCertificate(certificate);
    await expect(issueCertificate(asked, { certificate: own, signer }, { days: 1 })).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID', message: expect.stringContaining('no authority') as string });
    const root = readCertificate(await createAuthority(parseSubject('/CN=Root'), { days: 2 }, signer));
    await expect(issueCertificate(asked, { certificate: root, signer: other }, { days: 1 })).rejects.toMatchObject({ code: 'KEY_MISMATCH' });
    const old = readCertificate(await createAuthority(parseSubject('/CN=Root'), { days: 2, notBefore: new Date('2020-01-01') }, signer));
    await expect(issueCertificate(asked, { certificate: old, signer }, { days: 1 })).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID', message: expect.stringContaining('not now') as string });
  });

  test('issues nothing that outlives it, and nothing to nobody', async () => {
    const root = readCertificate(await createAuthority(parseSubject('/CN=Root'), { days: 2 }, signer));
    const leaf = readCertificate(await issueCertificate(readRequest(request), { certificate: root, signer }, { days: 400 }));
    expect(leaf.notAfter).toBe(root.notAfter);
    const nobody = readRequest(await createRequest({ ...identity, subject: [], alternativeNames: [] }, other));
    await expect(issueCertificate(nobody, { certificate: root, signer }, { days: 1 })).rejects.toThrowError('names nobody');
  });
});

test('serial numbers are positive, of 20 octets, and never the same', async () => {
  const { subjectDer, spki } = readCertificate(certificate);
  const serials = await Promise.all(Array.from({ length: 20 }, async () => {
    const der = await signCertificate({ subject: subjectDer, issuer: subjectDer, spki, notBefore: new Date(), notAfter: new Date(Date.now() + 1000), extensions: [] }, signer, 'ecdsa-sha256');
    return readCertificate(der).serialDer;
  }));
  expect(new Set(serials.map((serial) => serial.toString('hex'))).size).toBe(20);
  for (const serial of serials) expect([...serial.subarray(0, 2), (serial[2] ?? 0) >> 7]).toEqual([2, 20, 0]);
});

test('an empty subject makes no self-signed certificate, and days must be whole', async () => {
  await expect(createSelfSigned({ ...identity, subject: [], days: 1 }, signer)).rejects.toMatchObject({ code: 'NAME_INVALID' });
  await expect(createSelfSigned({ ...identity, days: 0.5 }, signer)).rejects.toMatchObject({ code: 'USAGE' });
  await expect(createSelfSigned({ ...identity, days: 4_000_000 }, signer)).rejects.toMatchObject({ code: 'USAGE' });
});
