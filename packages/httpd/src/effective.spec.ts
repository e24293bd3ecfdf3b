import { describe, expect, test } from 'vitest';
import { judgeNssCiphers, nssProtocols } from './mod-nss/effective.ts';
import { ASSUMED_MOD_NSS } from './mod-nss/module.ts';
import { judgeOpensslCiphers, opensslCipherString, sslProtocols } from './mod-ssl/effective.ts';

describe('what mod_nss makes of NSSProtocol', () => {
  test.each([
    ['TLSv1.2', 'TLSv1.2'],
    ['TLSv1.0,TLSv1.2', 'TLSv1 TLSv1.1 TLSv1.2'],
    ['tlsv1', 'TLSv1'],
    ['TLSv1.1, TLSv1.2', 'TLSv1.1'],
    // the trap: a name it does not know turns everything on
    ['TLSv1.3', 'SSLv3 TLSv1 TLSv1.1 TLSv1.2'],
    ['TLSv1.2,TLSv1.3', 'TLSv1.2'],
    ['+TLSv1.2', 'SSLv3 TLSv1 TLSv1.1 TLSv1.2'],
    ['all', 'SSLv3 TLSv1 TLSv1.1 TLSv1.2'],
    [undefined, 'TLSv1 TLSv1.1 TLSv1.2'],
  ])('%s', (value, expected) => {
    expect(nssProtocols(value, ASSUMED_MOD_NSS).join(' ')).toBe(expected);
  });

  test('TLSv1.3 where the module has it', () => {
    expect(nssProtocols('TLSv1.2,TLSv1.3', { ...ASSUMED_MOD_NSS, tls13: true })).toEqual(['TLSv1.2', 'TLSv1.3']);
  });
});

test.each([
  ['-all +TLSv1.2 +TLSv1.3', 'TLSv1.2 TLSv1.3'],
  ['all -SSLv3', 'TLSv1 TLSv1.1 TLSv1.2 TLSv1.3'],
  ['all -TLSv1 -TLSv1.1', 'TLSv1.2 TLSv1.3'],
  ['tlsv1.2', 'TLSv1.2'],
  ['-all', ''],
  ['+SSLv3', 'SSLv3'],
])('what mod_ssl makes of SSLProtocol %s', (value, expected) => {
  expect(sslProtocols(value.split(' ')).join(' ')).toBe(expected);
});

test('mod_ssl without SSLProtocol serves all', () => {
  expect(sslProtocols(undefined)).toEqual(['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']);
});

test('ciphers in the style of mod_nss: broken ones, those without forward secrecy, and unknown names', () => {
  expect(judgeNssCiphers('+ecdhe_ecdsa_aes_128_gcm_sha_256,+rsa_aes_128_sha,+RSA_3DES_SHA,-rsa_rc4_128_md5,+rsa_rc4_128_sha,+made_up')).toEqual({
    weak: ['rsa_rc4_128_sha', 'rsa_3des_sha'],
    plainKeyExchange: ['rsa_rc4_128_sha', 'rsa_3des_sha', 'rsa_aes_128_sha'],
    unknown: ['made_up'],
  });
  expect(judgeNssCiphers('+rsa_rc4_128_sha,-rsa_rc4_128_sha,+ecdhe_rsa_aes_128_sha')).toEqual({ weak: [], plainKeyExchange: [], unknown: [] });
  for (const value of [undefined, 'HIGH:!aNULL', 'AES128-SHA']) expect(judgeNssCiphers(value)).toBeUndefined();
});

test('ciphers as OpenSSL lists them', () => {
  const printed = `TLS_AES_256_GCM_SHA384         TLSv1.3 Kx=any      Au=any   Enc=AESGCM(256)            Mac=AEAD
ECDHE-ECDSA-AES256-GCM-SHA384  TLSv1.2 Kx=ECDH     Au=ECDSA Enc=AESGCM(256)            Mac=AEAD
AES128-SHA                     SSLv3   Kx=RSA      Au=RSA   Enc=AES(128)               Mac=SHA1
DES-CBC3-SHA                   SSLv3   Kx=RSA      Au=RSA   Enc=3DES(168)              Mac=SHA1
ADH-AES128-SHA                 SSLv3   Kx=DH       Au=None  Enc=AES(128)               Mac=SHA1
`;
  expect(judgeOpensslCiphers(printed)).toEqual({ weak: ['DES-CBC3-SHA', 'ADH-AES128-SHA'], plainKeyExchange: ['AES128-SHA', 'DES-CBC3-SHA'], unknown: [] });
  expect(judgeOpensslCiphers('Error in cipher list\n')).toBeUndefined();
  expect([opensslCipherString(undefined), opensslCipherString('HIGH')]).toEqual(['DEFAULT', '!aNULL:!eNULL:!EXP:HIGH']);
});
