import { generateKeyPairSync, sign } from 'node:crypto';
import { HsmfleetError, type TokenManifest } from '@hsmfleet/contract';
import { describe, expect, test } from 'vitest';
import { createManifest } from './create-manifest.ts';
import { createOperatorKey, keyIdOf, openManifest, operatorSigner, preAuthEncoding, readTrustedKeys, sealManifest } from './envelope.ts';
import { keyRow, MODULE, tokenRow } from './testkit/samples.ts';

const operator = createOperatorKey();
const stranger = createOperatorKey();
const trusted = readTrustedKeys(operator.publicKey, 'op.pub');
const preparation = { by: 'op', at: '2026-03-01T10:00:00.000Z', host: 'station', program: 'hsmfleet 0' };

/** A token whose key 01 is really at hand, to sign with. */
const held = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const heldId = keyIdOf(held.publicKey);
const manifest = (): TokenManifest =>
  createManifest(MODULE, tokenRow({ keys: [keyRow('01', 'one', { fingerprint: heldId })], certificates: [] }), {
    ...preparation, spkis: new Map([[heldId, held.publicKey.export({ type: 'spki', format: 'der' })]]),
  });
const token = { keyId: heldId, sign: (bytes: Buffer) => Promise.resolve(sign('sha256', bytes, held.privateKey)) };
const seal = (signers = [operatorSigner(operator.privateKey, 'op.key'), token]) => sealManifest(manifest(), signers);

function edited(text: string, edit: (manifest: TokenManifest) => void): string {
  const envelope = JSON.parse(text) as { payload: string };
  const inner = JSON.parse(Buffer.from(envelope.payload, 'base64').toString()) as TokenManifest;
  edit(inner);
  return JSON.stringify({ ...envelope, payload: Buffer.from(JSON.stringify(inner)).toString('base64') });
}

function problemOf(act: () => unknown): HsmfleetError {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof HsmfleetError) return thrown;
  }
  throw new Error('nothing was thrown');
}

describe('a signed manifest', () => {
  test('opens with the key of who signed it, and tells that the token signed too', async () => {
    const text = await seal();
    expect(openManifest(text, 'm.json', trusted)).toMatchObject({ manifest: manifest(), signedBy: [operator.keyId], possession: [heldId] });
    expect(await seal([operatorSigner(operator.privateKey, 'op.key')])).toBe(await seal([operatorSigner(operator.privateKey, 'op.key')]));
  });

  test('is encoded for signing as DSSE 1.0 has it in its example', () => {
    expect(preAuthEncoding(Buffer.from('hello world'), 'http://example.com/HelloWorld').toString()).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world');
  });

  test('is refused when a stranger signed it, when only the token did, and when it was changed', async () => {
    const strangers = await seal([operatorSigner(stranger.privateKey, 'x.key')]);
    expect(problemOf(() => openManifest(strangers, 'm.json', trusted)).message).toMatch(/not signed by a trusted key \(signed by [0-9a-f]{16}…; trusted: /);
    const own = await seal([token]);
    expect(problemOf(() => openManifest(own, 'm.json', trusted)).message).toContain('signed by no operator');
    const changed = edited(await seal(), (inner) => { inner.token.serial = 'DENK99'; });
    expect(problemOf(() => openManifest(changed, 'm.json', trusted))).toMatchObject({ code: 'MANIFEST_INVALID', message: expect.stringContaining('was changed after it was signed') as string });
  });

  test('is refused when the signature that claims the token\'s own key is not that key\'s', async () => {
    const forged = await seal([operatorSigner(operator.privateKey, 'op.key'), { keyId: heldId, sign: (bytes) => Promise.resolve(sign('sha256', bytes, generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey)) }]);
    expect(problemOf(() => openManifest(forged, 'm.json', trusted)).message).toContain("the token's own key");
  });

  test('says which field is wrong', async () => {
    const missing = edited(await seal(), (inner) => { delete (inner.keys[0] as Partial<TokenManifest['keys'][number]>).fingerprint; });
    expect(problemOf(() => openManifest(missing, 'm.json', undefined)).message).toBe("m.json, payload is not a manifest: keys.0 must have required property 'fingerprint'");
    expect(problemOf(() => openManifest('{"payload":""}', 'm.json', undefined)).message).toContain("must have required property 'payloadType'");
    expect(problemOf(() => openManifest('nonsense', 'm.json', undefined)).message).toContain('it is no JSON');
  });
});

test('keys are what they have to be', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  expect(problemOf(() => operatorSigner('nothing', 'f'))).toMatchObject({ message: 'f holds no private Ed25519 key' });
  expect(problemOf(() => operatorSigner(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, 'f')).code).toBe('MANIFEST_INVALID');
  expect(problemOf(() => readTrustedKeys(operator.privateKey, 'f')).message).toContain('private key');
  expect(problemOf(() => readTrustedKeys(rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string, 'f')).message).toContain('no public Ed25519 key (rsa)');
  expect(readTrustedKeys(operator.publicKey + stranger.publicKey, 'f').map(keyIdOf)).toEqual([operator.keyId, stranger.keyId]);
});
