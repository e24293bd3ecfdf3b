import { constants, createHash, generateKeyPairSync, privateEncrypt, sign, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { CKM } from './mechanisms.ts';
import { chooseMechanism, encodeEcdsa, isGoodSignature, padPss } from './signing.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'secp521r1' });
const spkiOf = (key: typeof rsa.publicKey): Buffer => key.export({ type: 'spki', format: 'der' });
const data = Buffer.from('to be signed');

describe('the mechanism', () => {
  test('is the raw one where there is one, so that the token need not hash', () => {
    const all = new Set<number>(Object.values(CKM));
    expect(chooseMechanism(spkiOf(rsa.publicKey), 'rsa-pkcs1-sha256', all, data)).toMatchObject({ mechanism: CKM.RSA_PKCS });
    expect(chooseMechanism(spkiOf(rsa.publicKey), 'rsa-pss-sha384', all, data)).toMatchObject({ mechanism: CKM.RSA_PKCS_PSS, pss: { hash: CKM.SHA384, mgf: 3, salt: 48 } });
    expect(chooseMechanism(spkiOf(ec.publicKey), 'ecdsa-sha384', all, data)).toEqual({ mechanism: CKM.ECDSA, data: createHash('sha384').update(data).digest() });
  });

  test('is one that hashes where there is no raw one', () => {
    expect(chooseMechanism(spkiOf(rsa.publicKey), 'rsa-pss-sha256', new Set([CKM.SHA256_RSA_PKCS_PSS]), data)).toMatchObject({ mechanism: CKM.SHA256_RSA_PKCS_PSS, data });
    expect(chooseMechanism(spkiOf(ec.publicKey), 'ecdsa-sha256', new Set([CKM.ECDSA_SHA256]), data)).toEqual({ mechanism: CKM.ECDSA_SHA256, data });
    expect(() => chooseMechanism(spkiOf(ec.publicKey), 'ecdsa-sha256', new Set([CKM.RSA_PKCS]), data)).toThrow('the token has no mechanism for ecdsa-sha256');
    expect(() => chooseMechanism(spkiOf(ec.publicKey), 'rsa-pss-sha256', new Set([CKM.RSA_PKCS_PSS]), data)).toThrow('a key of type ec cannot sign with rsa-pss-sha256');
  });

  test.each([['rsa-pkcs1-sha256', 2048], ['rsa-pkcs1-sha384', 1024], ['rsa-pss-sha256', 1024], ['rsa-pss-sha384', 2048], ['rsa-pss-sha256', 1031]] as const)('pads outside for tokens with nothing but the bare RSA operation: %s, %d bits', (algorithm, bits) => {
    const key = generateKeyPairSync('rsa', { modulusLength: bits });
    const request = chooseMechanism(spkiOf(key.publicKey), algorithm, new Set([CKM.RSA_X_509]), data);
    expect(request.mechanism).toBe(CKM.RSA_X_509);
    const signature = privateEncrypt({ key: key.privateKey, padding: constants.RSA_NO_PADDING }, request.data);
    expect(isGoodSignature(spkiOf(key.publicKey), algorithm, data, signature)).toBe(true);
    expect(isGoodSignature(spkiOf(key.publicKey), algorithm, Buffer.from('other'), signature)).toBe(false);
  });

  test('refuses PSS with a key that is too short for its salt', () => {
    expect(() => padPss(Buffer.alloc(48), 'sha384', 512)).toThrow('too short for PSS');
  });
});

test('ECDSA of a token becomes what X.509 wants, leading zeros and long halves included', () => {
  for (let round = 0; round < 50; round += 1) {
    const raw = sign('sha256', data, { key: ec.privateKey, dsaEncoding: 'ieee-p1363' });
    expect(verify('sha256', data, ec.publicKey, encodeEcdsa(raw))).toBe(true);
  }
  const small = Buffer.alloc(64);
  small[31] = 1;
  small[32] = 0x80;
  expect(encodeEcdsa(small).toString('hex')).toBe(`3026020101022100${small.subarray(32).toString('hex')}`);
});
