import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '@hsmfleet/contract';
import { parseKeyType, type ObjectFilter, type TokenSession } from '@hsmfleet/station';
import { loadCertificates, requestCertificate, requestRenewal, selfSign } from '@hsmfleet/station/certificates';
import { createAuthority, encodePem, issueCertificate, parseSubject, readCertificate, readRequest, signerFromKey } from '@hsmfleet/x509/issue';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeSoftToken, whyNoTokens, type SoftToken } from '../testkit.ts';
import { openStation } from './open-station.ts';

const missing = whyNoTokens();
if (missing !== undefined) process.stderr.write(`certificates on tokens are not tested: ${missing}\n`);

const TYPES = ['rsa:1024', 'rsa:2048', 'EC:prime256v1', 'EC:secp384r1', 'EC:brainpoolP256r1'];
const SUBJECT = '/C=DE/O=Grüße \\/ Söhne/CN=www.example.org';
const NAMES = ['DNS:www.example.org', 'DNS:*.bücher.example', 'IP:2001:db8::1'];

describe.skipIf(missing !== undefined)('certificates on a token', () => {
  const folder = mkdtempSync(join(tmpdir(), 'station-certificates-'));
  const caKey = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
  const middleKey = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
  const ca = signerFromKey(caKey);
  let token: SoftToken;
  let session: TokenSession;
  let root: Buffer;
  const ids = new Map<string, string>();

  const openssl = (...args: string[]): string => execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const save = (name: string, label: 'CERTIFICATE' | 'CERTIFICATE REQUEST', der: Buffer): string => {
    writeFileSync(join(folder, name), encodePem(label, der));
    return name;
  };
  const issue = (request: Buffer, days = 90, notBefore?: Date): Promise<Buffer> =>
    issueCertificate(readRequest(request), { certificate: readCertificate(root), signer: ca }, { days, notBefore });
  const load = (bytes: Buffer, id: string, more: { replace?: boolean; withRoot?: boolean } = {}): ReturnType<typeof loadCertificates> =>
    loadCertificates(session, { bytes, file: 'leaf.pem', id, replace: false, withRoot: false, ...more });
  const seen = async (filter: ObjectFilter): Promise<string[]> => (await session.objects(filter)).map((object) => `${object.class} ${object.id} ${object.label}`).sort();

  beforeAll(async () => {
    token = makeSoftToken('Certificates');
    session = await openStation({ stateDir: join(folder, 'state') }).open({ module: token.target, token: { label: token.label } });
    await session.login(new Secret(token.pin, 'PIN'));
    root = await createAuthority(parseSubject('/CN=Lab Root'), { days: 1000 }, ca);
    save('root.pem', 'CERTIFICATE', root);
    for (const [index, type] of TYPES.entries()) {
      const id = `0${index + 1}`;
      ids.set(type, id);
      await session.generateKeyPair({ type: parseKeyType(type), id, label: `key ${type}` });
    }
  }, 120_000);

  afterAll(async () => {
    await session.close();
    token.remove();
    rmSync(folder, { recursive: true });
  });

  const wishes = TYPES.flatMap((type) => (type.startsWith('rsa') ? [{ type, isPss: false }, { type, isPss: true }] : [{ type, isPss: false }]))
    .flatMap((wish) => (['sha256', 'sha384'] as const).map((hash) => ({ ...wish, hash })));

  test.each(wishes)('$type $hash PSS: $isPss: OpenSSL verifies what the token signed', async ({ type, isPss, hash }) => {
    const id = ids.get(type) ?? '';
    const request = await requestCertificate(session, id, { subject: SUBJECT, alternativeNames: NAMES, hash, isPss });
    execFileSync('openssl', ['req', '-verify', '-noout', '-in', save('leaf.csr', 'CERTIFICATE REQUEST', request.der)], { cwd: folder, stdio: 'ignore' });
    expect(request.warnings.length).toBe(type === 'rsa:1024' ? 1 : 0);
    const own = await selfSign(session, id, { subject: SUBJECT, alternativeNames: NAMES, days: 10, hash, isPss });
    const file = save('self.pem', 'CERTIFICATE', own.der);
    expect(openssl('verify', '-check_ss_sig', '-x509_strict', '-CAfile', file, file)).toContain('OK');
    expect(openssl('verify', '-x509_strict', '-CAfile', 'root.pem', save('leaf.pem', 'CERTIFICATE', await issue(request.der)))).toContain('OK');
  });

  test.each(TYPES)('%s: self-signed, then issued, then renewed', async (type) => {
    const id = ids.get(type) ?? '';
    const label = `key ${type}`;
    const own = await selfSign(session, id, { subject: SUBJECT, alternativeNames: NAMES, days: 10 });
    expect(await load(own.der, id)).toMatchObject({ leaf: { outcome: 'written', label, id }, issuers: [], replaced: [], warnings: [] });
    expect(await load(own.der, id)).toMatchObject({ leaf: { outcome: 'already there' } });
    expect(await seen({ id })).toEqual([`certificate ${id} ${label}`, `private ${id} ${label}`, `public ${id} ${label}`]);

    const renewal = await requestRenewal(session, id, {});
    const request = readRequest(renewal.der);
    expect(request.subjectDer).toEqual(readCertificate(own.der).subjectDer);
    expect(request.alternativeNames).toEqual(own.identity.alternativeNames);
    const leaf = await issue(renewal.der);
    await expect(load(leaf, id)).rejects.toMatchObject({ code: 'OBJECT_EXISTS', hint: expect.stringContaining('--replace') as string });
    const bundle = Buffer.from(encodePem('CERTIFICATE', root) + encodePem('CERTIFICATE', leaf));
    expect(await load(bundle, id, { replace: true })).toMatchObject({ leaf: { outcome: 'written' }, issuers: [{ subject: 'CN=Lab Root', outcome: 'left out' }], replaced: [readCertificate(own.der).subject] });
    expect((await session.objects({ id, class: 'certificate' })).map(({ value }) => value)).toEqual([leaf]);
  });

  test('OpenSC reads the attributes that other programs find certificates by', async () => {
    const id = ids.get('EC:prime256v1') ?? '';
    const args = ['--module', token.target.path, '--token-label', token.label, '--read-object', '--type', 'cert', '--id', id];
    const der = execFileSync('pkcs11-tool', args, { env: { ...process.env, ...token.target.env }, stdio: ['ignore', 'pipe', 'ignore'] });
    expect(new X509Certificate(der).issuer).toBe('CN=Lab Root');
    const list = execFileSync('pkcs11-tool', ['--module', token.target.path, '--token-label', token.label, '--list-objects', '--type', 'cert'], { env: { ...process.env, ...token.target.env }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    expect(list).toContain('subject:    DN: C=DE, O=');
    expect(list).toMatch(/serial: +[0-9A-F]{40}\n/);
  });

  test('a chain is loaded with its issuers under their own labels', async () => {
    const id = ids.get('rsa:2048') ?? '';
    // the laboratory's own authority issues no others: OpenSSL makes this one
    writeFileSync(join(folder, 'root.key'), caKey.export({ type: 'pkcs8', format: 'pem' }));
    writeFileSync(join(folder, 'middle.key'), middleKey.export({ type: 'pkcs8', format: 'pem' }));
    openssl('req', '-x509', '-CA', 'root.pem', '-CAkey', 'root.key', '-key', 'middle.key', '-subj', '/CN=Lab Middle', '-days', '9', '-addext', 'basicConstraints=critical,CA:TRUE', '-outform', 'DER', '-out', 'middle.der');
    const middleDer = readFileSync(join(folder, 'middle.der'));
    const leaf = await issueCertificate(readRequest((await requestRenewal(session, id, {})).der), { certificate: readCertificate(middleDer), signer: signerFromKey(middleKey) }, { days: 5 });
    const stray = await selfSign(session, ids.get('rsa:1024') ?? '', { subject: '/CN=Stray', days: 1 });
    const bundle = Buffer.from([root, middleDer, leaf, stray.der, leaf].map((der) => encodePem('CERTIFICATE', der)).join('between\n'));
    const loaded = await load(bundle, id, { replace: true });
    expect(loaded.issuers).toMatchObject([{ label: 'Lab Middle', outcome: 'written' }, { subject: 'CN=Lab Root', outcome: 'left out' }]);
    expect(loaded.warnings).toEqual(['CN=Stray is not in the chain of the certificate and was left out']);
    expect(await seen({ label: 'Lab Middle' })).toEqual([`certificate ${loaded.issuers[0]?.id ?? ''} Lab Middle`]);
    expect((await load(bundle, id, { withRoot: true })).issuers).toMatchObject([{ outcome: 'already there' }, { outcome: 'written', label: 'Lab Root' }]);
  });

  test('a new key beside the old, and nothing of it when its request cannot be made', async () => {
    const id = ids.get('EC:prime256v1') ?? '';
    const before = await seen({});
    await expect(requestRenewal(session, id, { newKey: { id, label: 'x' } })).rejects.toMatchObject({ code: 'OBJECT_EXISTS' });
    await expect(requestRenewal(session, id, { newKey: { id: '77' }, isPss: true })).rejects.toMatchObject({ code: 'USAGE' });
    expect(await seen({})).toEqual(before);
    const renewal = await requestRenewal(session, id, { newKey: { id: '77', type: { type: 'rsa', bits: 2048 } } });
    expect(renewal.key).toMatchObject({ id: '77', label: 'key EC:prime256v1-77', bits: 2048 });
    expect(renewal.identity.keyUsage).toContain('keyEncipherment');
    const leaf = await issue(renewal.der);
    await expect(load(leaf, id)).rejects.toMatchObject({ code: 'KEY_MISMATCH', hint: 'it is for the key with ID 77' });
    expect(await load(leaf, '77')).toMatchObject({ leaf: { outcome: 'written', label: 'key EC:prime256v1-77' } });
    expect(await seen({ id })).toHaveLength(3);
  });

  test.each([
    ['malformed DER', () => Buffer.from('3003020100ff', 'hex'), 'CERTIFICATE_INVALID', 'leaf.pem is malformed'],
    ['a cut certificate', () => root.subarray(0, 100), 'CERTIFICATE_INVALID', 'leaf.pem is malformed'],
    ['no certificate', () => Buffer.from('hello'), 'CERTIFICATE_INVALID', 'neither PEM nor DER'],
    ['the certificate of another key', () => root, 'KEY_MISMATCH', 'is not for the key with ID 01'],
  ])('%s is refused, and nothing is written', async (_name, bytes, code, message) => {
    const before = await seen({});
    await expect(load(bytes(), '01', { replace: true })).rejects.toMatchObject({ code, message: expect.stringContaining(message) as string });
    expect(await seen({})).toEqual(before);
  });

  test('what fails halfway is taken back, and the old certificate stays', async () => {
    const id = ids.get('rsa:2048') ?? '';
    const before = await seen({});
    const target = token.distorted('full', `
      static CK_RV create(CK_SESSION_HANDLE s, CK_ATTRIBUTE_PTR t, CK_ULONG n, CK_OBJECT_HANDLE_PTR o) {
        static int calls;
        return ++calls > 1 ? CKR_DEVICE_MEMORY : real->C_CreateObject(s, t, n, o);
      }`, { C_CreateObject: 'create' });
    const full = await openStation({ stateDir: join(folder, 'state') }).open({ module: target, token: { label: token.label } });
    try {
      await full.login(new Secret(token.pin, 'PIN'));
      const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
      const issuer = await createAuthority(parseSubject('/CN=Other Root'), { days: 9 }, signerFromKey(other));
      const leaf = await issueCertificate(readRequest((await requestRenewal(full, id, {})).der), { certificate: readCertificate(issuer), signer: signerFromKey(other) }, { days: 5 });
      const bytes = Buffer.from([leaf, issuer].map((der) => encodePem('CERTIFICATE', der)).join(''));
      await expect(loadCertificates(full, { bytes, file: 'leaf.pem', id, replace: true, withRoot: true })).rejects.toMatchObject({ code: 'PKCS11', message: expect.stringContaining('CKR_DEVICE_MEMORY') as string });
    } finally {
      await full.close();
    }
    expect(await seen({})).toEqual(before);
  });

  test('a card that keeps one certificate for each ID ends with the new one', async () => {
    const id = ids.get('EC:secp384r1') ?? '';
    // what is written takes the place of what has the same ID, and deleting the old one deletes its place
    const target = token.distorted('single', `
      static CK_RV create(CK_SESSION_HANDLE s, CK_ATTRIBUTE_PTR t, CK_ULONG n, CK_OBJECT_HANDLE_PTR o) {
        CK_OBJECT_CLASS class = CKO_CERTIFICATE;
        CK_ATTRIBUTE wanted[2] = { { CKA_CLASS, &class, sizeof class } };
        for (CK_ULONG i = 0; i < n; i++) if (t[i].type == CKA_ID) wanted[1] = t[i];
        CK_OBJECT_HANDLE old[8]; CK_ULONG count = 0;
        real->C_FindObjectsInit(s, wanted, 2); real->C_FindObjects(s, old, 8, &count); real->C_FindObjectsFinal(s);
        for (CK_ULONG i = 0; i < count; i++) real->C_DestroyObject(s, old[i]);
        return real->C_CreateObject(s, t, n, o);
      }`, { C_CreateObject: 'create' });
    const card = await openStation({ stateDir: join(folder, 'state') }).open({ module: target, token: { label: token.label } });
    try {
      await card.login(new Secret(token.pin, 'PIN'));
      const leaf = await issue((await requestRenewal(card, id, {})).der);
      expect((await loadCertificates(card, { bytes: leaf, file: 'leaf.der', id, replace: true, withRoot: false })).replaced).toHaveLength(1);
      expect((await card.objects({ id, class: 'certificate' })).map(({ value }) => value)).toEqual([leaf]);
    } finally {
      await card.close();
    }
  });

  test('an ID without a key, and an expired certificate', async () => {
    await expect(load(root, '99')).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND', hint: expect.stringContaining('01, 02') as string });
    const { der } = await requestCertificate(session, '01', { subject: '/CN=old' });
    const expired = await selfSign(session, '01', { subject: '/CN=old', days: 1, notBefore: new Date('2020-01-01') });
    expect((await load(expired.der, '01', { replace: true })).warnings[0]).toContain('CN=old expired at 2020-01-02');
    await load(await issue(der), '01', { replace: true });
  });
});
